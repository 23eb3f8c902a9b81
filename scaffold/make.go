package scaffold

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"golang.org/x/tools/txtar"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/docs/schema"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/testcoverage"
	"github.com/mcpolicy/mcpolicy/testgen"
	"github.com/mcpolicy/mcpolicy/testrunner"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// Options say what a project is made for.
type Options struct {
	Servers     []Server
	Enforcement string // one of Points
	Roles       Roles
	// Version is that of mcpolicy, by which files name their schemas.
	Version string
	// Workspace says how what was made is opened: its bounds, and who is told of its progress.
	Workspace workspace.Options
}

// A File is one of a project. Its name is slash-separated, from the project's folder on.
type File struct {
	Name string
	Data []byte
}

// A Project is what was made.
type Project struct {
	Files []File // in the order in which they are read best
	// Notes are what a person should know: what was accepted, and what was inferred.
	Notes []string
	Tools int // of all servers
	// Reading, Changing and Destroying are how many of them are taken to do what.
	Reading, Changing, Destroying int
	// Inferred is how many tools are marked for review, because hints do not say what they do.
	Inferred   int
	Tests      int // of the suites
	Cases      int
	Invariants int // that are proved
}

// rounds is how often what was written is changed by what is found in it.
const rounds = 6

// Make makes a project. What is wrong with the inventories is an error with its place; so is a
// project that would not pass, of which nothing is returned then.
func Make(ctx context.Context, o Options) (*Project, error) {
	p, err := newPlan(o)
	if err != nil {
		return nil, err
	}
	if err := p.settle(ctx); err != nil {
		return nil, err
	}
	return p.finish(ctx)
}

// inventories are the files of the inventories, each once.
func (p *plan) inventories() []File {
	var files []File
	for _, s := range p.servers {
		if !slices.ContainsFunc(files, func(f File) bool { return f.Name == s.File }) {
			files = append(files, File{s.File, s.Data})
		}
	}
	return files
}

// files are all but the suites.
func (p *plan) files(covered []string, tested bool) []File {
	files := []File{p.config(covered, tested)}
	for _, s := range p.servers {
		files = append(files, p.policies(s)...)
	}
	return append(append(files, p.principals()), p.inventories()...)
}

// open opens a project that is not written yet.
func (p *plan) open(ctx context.Context, files []File) (*workspace.Workspace, error) {
	fsys, err := folder(files)
	if err != nil {
		return nil, err
	}
	w, err := workspace.Open(ctx, fsys, p.Workspace)
	if err != nil {
		return nil, fmt.Errorf("the project that was made does not load: %w", err)
	}
	return w, nil
}

func folder(files []File) (fs.FS, error) {
	var archive txtar.Archive
	for _, f := range files {
		archive.Files = append(archive.Files, txtar.File{Name: f.Name, Data: f.Data})
	}
	return txtar.FS(&archive)
}

// settle changes the plan until nothing is found in it that counts.
func (p *plan) settle(ctx context.Context) error {
	var left []lint.Finding
	for range rounds {
		w, err := p.open(ctx, p.files(nil, false))
		if err != nil {
			return err
		}
		d, err := w.Check(ctx, workspace.Checks{Lint: &workspace.Rules{}})
		w.Close()
		if err != nil {
			return err
		}
		if d.Doubt != nil {
			return d.Doubt
		}
		changed := false
		for i := range d.Findings {
			f := &d.Findings[i]
			if !f.Waived && (f.Severity > authz.SeverityNote || f.Rule == withoutAccess) {
				changed = p.answer(f) || changed
			}
		}
		if left = counting(d); !changed {
			break
		}
	}
	if len(left) == 0 {
		return nil
	}
	return unsettled(left)
}

// counting returns the findings above a note that are not waived.
func counting(d *report.Document) []lint.Finding {
	return slices.DeleteFunc(slices.Clone(d.Findings), func(f lint.Finding) bool { return f.Waived || f.Severity <= authz.SeverityNote })
}

func unsettled(left []lint.Finding) error {
	var errs []error
	for i := range left {
		errs = append(errs, fmt.Errorf("%s: %s", left[i].Rule, left[i].Message))
	}
	return fmt.Errorf("the project that was made is not clean, so nothing is written: %w", errors.Join(errs...))
}

// finish writes the suites, and checks all of it.
func (p *plan) finish(ctx context.Context) (*Project, error) {
	made := &Project{}
	w, err := p.open(ctx, p.files(nil, false))
	if err != nil {
		return nil, err
	}
	in, err := w.Generation(ctx)
	if err != nil {
		return nil, err
	}
	in.Intent = p.describe
	suites, err := testgen.Generate(ctx, in)
	w.Close()
	if err != nil {
		return nil, err
	}
	made.Tests, made.Cases = suites.Tests, suites.Cases
	made.Notes = append(made.Notes, suites.Unnoticed...)
	invariants, n := p.invariants()
	made.Invariants = n
	tests := []File{{"tests/access.yaml", p.suite(suites.Text)}, invariants}
	covered, more, err := p.cover(ctx, append(p.files(nil, true), tests...))
	if err != nil {
		return nil, err
	}
	if more != nil {
		tests = append(tests, *more)
		if covered, more, err = p.cover(ctx, append(p.files(nil, true), tests...)); err == nil && more != nil {
			err = errors.New("the suites that were made cover too little, so nothing is written")
		}
		if err != nil {
			return nil, err
		}
	}
	made.Files = append(p.files(covered, true), tests...)
	lock, err := p.verify(ctx, made.Files)
	if err != nil {
		return nil, err
	}
	made.Files = append(made.Files, *lock)
	p.count(made)
	return made, nil
}

// suite names the schema of suites above some.
func (p *plan) suite(text []byte) []byte {
	var w writer
	w.schema(schema.URL("suite.json", p.Version))
	return append([]byte(w.String()), text...)
}

// cover returns of which kinds of coverage there is something, all of which is covered, or else
// suites of what is not.
func (p *plan) cover(ctx context.Context, files []File) (covered []string, more *File, err error) {
	w, err := p.open(ctx, files)
	if err != nil {
		return nil, nil, err
	}
	defer w.Close()
	d, err := w.Check(ctx, workspace.Checks{Tests: &testrunner.Filter{}, Coverage: &workspace.Coverage{}})
	if err != nil {
		return nil, nil, err
	}
	if err := failed(d.Tests); err != nil {
		return nil, nil, err
	}
	whole := true
	for _, kind := range []testcoverage.Kind{testcoverage.Rule, testcoverage.MCDC} {
		c := d.Coverage.Count(kind)
		if c.Total > 0 {
			covered = append(covered, string(kind))
		}
		whole = whole && c.Covered == c.Total
	}
	if whole {
		return covered, nil, nil
	}
	suites, err := w.GenerateMissing(ctx, workspace.Missing{Uncovered: true})
	if err != nil {
		return nil, nil, fmt.Errorf("cover the policies that were made: %w", err)
	}
	return nil, &File{"tests/more.yaml", p.suite(suites.Text)}, nil
}

// failed returns an error if a case has not passed.
func failed(r *testrunner.Result) error {
	var errs []error
	for _, s := range r.Suites {
		for _, c := range s.Cases {
			if c.Outcome != testrunner.Passed {
				errs = append(errs, fmt.Errorf("%v: %s: %s", c.Pos, c.Test, c.Message))
			}
		}
	}
	if len(errs) > 0 {
		return fmt.Errorf("the suites that were made do not pass, so nothing is written: %w", errors.Join(errs...))
	}
	return nil
}

// verify checks the project, and returns its lock.
func (p *plan) verify(ctx context.Context, files []File) (*File, error) {
	w, err := p.open(ctx, files)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	if _, err := clean(ctx, w); err != nil {
		return nil, err
	}
	lock, err := w.Lock(ctx, nil)
	if err != nil {
		return nil, err
	}
	return &File{workspace.LockName("mcpolicy.yaml"), lock.Text()}, nil
}

// clean checks a project, and returns an error unless nothing above a note is found and all
// cases pass.
func clean(ctx context.Context, w *workspace.Workspace) (*report.Document, error) {
	d, err := w.Check(ctx, workspace.Everything())
	if err != nil {
		return nil, err
	}
	if d.Doubt != nil {
		return nil, d.Doubt
	}
	if err := failed(d.Tests); err != nil {
		return nil, err
	}
	if left := counting(d); len(left) > 0 {
		return nil, unsettled(left)
	}
	return d, nil
}

// count says in numbers what was made.
func (p *plan) count(made *Project) {
	for _, s := range p.servers {
		made.Tools += len(s.tools) + len(s.closed)
		made.Notes = append(made.Notes, p.unseen(s)...)
		for _, t := range s.tools {
			if t.Why != "" {
				made.Inferred++
			}
			switch t.Tier {
			case Reads:
				made.Reading++
			case Changes:
				made.Changing++
			case Destroys:
				made.Destroying++
			}
		}
		for _, g := range s.inventory.Gaps {
			made.Notes = append(made.Notes, fmt.Sprintf("the inventory of %s may be incomplete: %s; what it lacks is denied", s.Name, g.Message))
		}
	}
	rules := map[string]int{}
	var order []waiver
	for _, x := range p.waivers {
		if rules[x.rule]++; rules[x.rule] == 1 {
			order = append(order, x)
		}
	}
	for _, x := range order {
		if x.rule == withoutAccess {
			continue
		}
		made.Notes = append(made.Notes, fmt.Sprintf("%s: accepted %s, with a waiver to review in mcpolicy.yaml: %s", x.rule, times(rules[x.rule]), x.reason))
	}
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// unseen says what policies cannot see about a server.
func (p *plan) unseen(s *guarded) []string {
	if s.arguments {
		return nil
	}
	list := []string{p.blind(s)}
	n := 0
	for _, t := range s.tools {
		n += truth(len(t.unseen) > 0)
	}
	switch {
	case n > 0 && s.ids:
		list = append(list, fmt.Sprintf("whose data a call is about does not show of %d tools: whoever may call them may for any; the policy has a mapping for the server to declare", n))
	case n > 0:
		list = append(list, fmt.Sprintf("whose data a call is about does not show of %d tools: whoever may call them may for any", n))
	}
	if len(s.closed) > 0 {
		list = append(list, fmt.Sprintf("nobody may call %s: what their mappings ask about is for you to write a policy for", strings.Join(namesOf(s.closed), ", ")))
	}
	return list
}
