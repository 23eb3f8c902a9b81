package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"reflect"
	"slices"
	"strings"

	auditv1 "github.com/cerbos/cerbos/api/genpb/cerbos/audit/v1"
	enginev1 "github.com/cerbos/cerbos/api/genpb/cerbos/engine/v1"
	"github.com/cerbos/cerbos/private/ruletable"
	"github.com/cerbos/cerbos/private/verify"
	epdpv2 "github.com/cerbos/cloud-api/genpb/cerbos/cloud/epdp/v2"

	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/tables"
)

// IsSuite reports whether Cerbos takes a file for a test suite, by its name.
func IsSuite(file string) bool {
	lower := strings.ToLower(file)
	ext := path.Ext(lower)
	return slices.Contains(extensions, ext) && strings.HasSuffix(strings.TrimSuffix(lower, ext), "_test")
}

// extensions are those of files that Cerbos reads.
var extensions = []string{".yaml", ".yml", ".json"}

// testdata is the folder beside suites that has what they share.
const testdata = "testdata"

// SuiteFiles lists the files below a folder that Cerbos takes for test suites, and the
// folders of what they share.
func SuiteFiles(fsys fs.FS) (suites []string, shared map[string]bool, err error) {
	shared = map[string]bool{}
	err = fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == testdata:
			shared[name] = true
			return fs.SkipDir
		case !d.IsDir() && IsSuite(name):
			suites = append(suites, name)
		}
		return nil
	})
	slices.Sort(suites)
	return suites, shared, err
}

// Files returns a folder of files that are in memory, by their names, for [Engine.Verify].
func Files(files map[string][]byte) fs.FS { return tables.Memory(files) }

// Verify runs the suites of Cerbos's own below fsys, by Cerbos's own runner, and returns
// them in the order of their files. None of the engine's options has a say. A suite that
// cannot be run says why, and the others run; what would make the runner panic, which no
// caller could stop, is found before. An error is that of a run that could not be completed.
func (e *Engine) Verify(ctx context.Context, fsys fs.FS, o pdp.VerifyOptions) ([]*pdp.Suite, error) {
	files, shared, err := SuiteFiles(fsys)
	if err != nil {
		return nil, fmt.Errorf("look for suites: %w", err)
	}
	of := &suiteReader{fsys: fsys, prefix: o.Prefix, shared: shared, fixtures: map[string]*fixtures{}, data: map[string][]byte{}}
	all := make([]*suiteFile, 0, len(files))
	runnable := map[string]*suiteFile{}
	for _, name := range files {
		if o.Leave != nil && o.Leave(name) {
			continue
		}
		f := of.read(name)
		all = append(all, f)
		if f.err == nil {
			runnable[name] = f
		}
	}
	if len(runnable) > 0 {
		if err := e.verify(ctx, suitesFS{fsys, of.data, runnable}, runnable, o); err != nil {
			return nil, err
		}
	}
	suites := make([]*pdp.Suite, len(all))
	for i, f := range all {
		suites[i] = f.told(o)
	}
	return suites, nil
}

// verify has Cerbos run suites, and gives each its results.
func (e *Engine) verify(ctx context.Context, fsys fs.FS, of map[string]*suiteFile, o pdp.VerifyOptions) error {
	c := &suiteChecker{engine: e, strict: o.StrictEvaluation}
	enforcement := epdpv2.Config_Schema_ENFORCEMENT_REJECT
	if o.IgnoreSchemas {
		enforcement = epdpv2.Config_Schema_ENFORCEMENT_NONE
	}
	if err := c.load(ctx, enforcement); err != nil {
		return fmt.Errorf("load policies for suites: %w", err)
	}
	results, err := verify.WithCustomChecker(ctx, fsys, c)
	if err != nil {
		return err
	}
	for _, s := range results.GetSuites() {
		f := of[s.GetFile()]
		if f == nil {
			return fmt.Errorf("%s: a suite that was not to be run", s.GetFile())
		}
		f.results = s
	}
	for name, f := range of {
		if f.results == nil {
			return fmt.Errorf("%s: the suite did not run", name)
		}
	}
	return ctx.Err()
}

// A suiteChecker answers what Cerbos's runner asks.
type suiteChecker struct {
	engine *Engine
	strict bool
	check  func(ctx context.Context, in []*enginev1.CheckInput, given verify.CheckOptions, strict bool) ([]*enginev1.CheckOutput, error)
}

func (c *suiteChecker) load(ctx context.Context, enforcement epdpv2.Config_Schema_Enforcement) (err error) {
	defer tables.RecoverAs(&err, "load policies")
	e := c.engine
	if e.source == nil {
		return errors.New("suites are run over policies as they are at hand, and these are changed ones")
	}
	// The tables that are loaded put marks in place of what rules output.
	table, err := compilePulsing(ctx, e.options.Bounds.Pulse, e.source, e.options.Prefix)
	if err != nil {
		return err
	}
	defer e.options.Bounds.Pulse.Begin(pdp.Loading, false)()
	ev, err := ruletable.NewRuleTableFromProto(table, &epdpv2.Config{
		Schema: &epdpv2.Config_Schema{Enforcement: enforcement}, Evaluator: &epdpv2.Config_Evaluator{},
	})
	if err != nil {
		return err
	}
	c.check = withOptions(ev.Check)
	return nil
}

// Check asks as the options of a suite say.
func (c *suiteChecker) Check(ctx context.Context, in []*enginev1.CheckInput, given verify.CheckOptions) (_ []*enginev1.CheckOutput, err error) {
	defer tables.RecoverAs(&err, "decide")
	ask := func(ctx context.Context, in []*enginev1.CheckInput) ([]*enginev1.CheckOutput, error) {
		c.engine.checks.Add(int64(len(in)))
		return c.check(ctx, in, given, c.strict)
	}
	return bounded(c.engine.options.Bounds, ask, pdp.Evaluating, given.Globals())(ctx, in)
}

// withOptions returns check with options that Cerbos's runner has made. Their type is
// internal to Cerbos, so that the option which hands them on is made by reflection, as
// pinClock does.
func withOptions[O any](
	check func(context.Context, []*enginev1.CheckInput, ...O) ([]*enginev1.CheckOutput, *auditv1.AuditTrail, error),
) func(context.Context, []*enginev1.CheckInput, verify.CheckOptions, bool) ([]*enginev1.CheckOutput, error) {
	return func(ctx context.Context, in []*enginev1.CheckInput, given verify.CheckOptions, strict bool) ([]*enginev1.CheckOutput, error) {
		option := reflect.MakeFunc(reflect.TypeFor[O](), func(args []reflect.Value) []reflect.Value {
			options := args[0].Elem()
			options.Set(reflect.ValueOf(given).Elem())
			if strict {
				options.FieldByName("EvalParams").FieldByName("StrictEvaluation").SetBool(true)
			}
			return nil
		}).Interface().(O) //nolint:errcheck // made from O
		out, _, err := check(ctx, in, option)
		return out, err
	}
}

// A suitesFS is a folder in which there are no suites but some, which are in memory as
// everything that they share.
type suitesFS struct {
	fs.FS
	data map[string][]byte
	only map[string]*suiteFile
}

// Open opens what was read before as it was then.
func (s suitesFS) Open(name string) (fs.File, error) {
	if data, ok := s.data[name]; ok {
		return tables.Memory{name: data}.Open(name)
	}
	return s.FS.Open(name)
}

// ReadDir lists a folder.
func (s suitesFS) ReadDir(name string) ([]fs.DirEntry, error) {
	list, err := fs.ReadDir(s.FS, name)
	return slices.DeleteFunc(list, func(d fs.DirEntry) bool {
		file := path.Join(name, d.Name())
		return !d.IsDir() && IsSuite(file) && s.only[file] == nil && path.Base(name) != testdata
	}), err
}
