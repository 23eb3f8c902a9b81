package policy

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/source"
)

// ErrNoPolicies is the error of a directory without any policy that takes
// part in decisions. The engine would deny everything, which is hardly meant.
var ErrNoPolicies = errors.New("no Cerbos policies")

// Load reads every policy and schema below fsys. It chooses files as Cerbos
// does: *.yaml, *.yml and *.json, but neither tests (*_test.yaml) nor what is
// hidden or below a folder testdata; *.json below _schemas are schemas. The
// prefix is put in front of file names.
//
// All mistakes are reported, joined; without policies the error is
// [ErrNoPolicies]. A schema that a policy uses and that leads out of _schemas is
// a mistake.
func Load(fsys fs.FS, prefix string) (*Set, error) {
	l := loader{fsys: fsys, prefix: prefix, set: &Set{Schemas: map[string]*Schema{}}}
	l.fail(".", fs.WalkDir(fsys, ".", l.visit))
	if len(l.errs) > 0 {
		return nil, errors.Join(l.errs...)
	}
	if err := l.set.index(); err != nil {
		return nil, source.Errorf(source.Pos{File: prefix}, "%w", err)
	}
	if err := l.set.checkSchemas(); err != nil {
		return nil, err
	}
	return l.set, nil
}

type loader struct {
	fsys   fs.FS
	prefix string
	set    *Set
	errs   []error
}

const (
	schemaFolder = "_schemas"
	testFolder   = "testdata"
)

func (l *loader) file(name string) string { return path.Join(l.prefix, name) }

// fail records the mistakes of a file.
func (l *loader) fail(name string, err error) {
	var inFile *fs.PathError
	switch {
	case err == nil:
	case errors.As(err, &inFile):
		l.errs = append(l.errs, source.Errorf(source.Pos{File: l.file(name)}, "%w", inFile.Err))
	default:
		l.errs = append(l.errs, err)
	}
}

func (l *loader) visit(name string, d fs.DirEntry, err error) error {
	base := path.Base(name)
	switch {
	case err != nil:
		l.fail(name, err)
		if d != nil && d.IsDir() {
			return fs.SkipDir
		}
	case name == ".":
	case d.IsDir():
		return l.visitFolder(name, base)
	case isPolicyFile(base):
		l.fail(name, l.policy(name))
	}
	return nil
}

func (l *loader) visitFolder(name, base string) error {
	switch {
	case base == testFolder, isHidden(base):
		return fs.SkipDir
	case name == schemaFolder:
		l.fail(name, fs.WalkDir(l.fsys, name, l.visitSchema))
		return fs.SkipDir
	case base == schemaFolder:
		l.fail(name, source.Errorf(source.Pos{File: l.file(name)}, "schemas are read from %s only", l.file(schemaFolder)))
		return fs.SkipDir
	}
	return nil
}

func (l *loader) visitSchema(name string, d fs.DirEntry, err error) error {
	base := path.Base(name)
	switch {
	case err != nil:
		l.fail(name, err)
	case d.IsDir() && isHidden(base):
		return fs.SkipDir
	case !d.IsDir() && !isHidden(base) && extension(base) == ".json":
		data, err := l.read(name)
		l.fail(name, err)
		below := strings.TrimPrefix(name, schemaFolder+"/")
		l.set.Schemas[below] = &Schema{Path: below, File: l.file(name), Data: data}
	}
	return nil
}

func isHidden(base string) bool { return strings.HasPrefix(base, ".") }

func extension(base string) string { return strings.ToLower(path.Ext(base)) }

func isPolicyFile(base string) bool {
	ext := extension(base)
	return slices.Contains([]string{".yaml", ".yml", ".json"}, ext) &&
		!isHidden(base) &&
		!strings.HasSuffix(strings.ToLower(base), "_test"+ext)
}

func (l *loader) read(name string) ([]byte, error) {
	f, err := l.fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // nothing was written
	if info, err := f.Stat(); err == nil {
		if err := source.CheckSize(l.file(name), info.Size()); err != nil {
			return nil, err
		}
	}
	// One byte more than the limit, so that the parser sees the excess.
	return io.ReadAll(io.LimitReader(f, source.MaxBytes+1))
}

// policy adds the policy of a file to the set, unless the file is empty.
func (l *loader) policy(name string) error {
	data, err := l.read(name)
	if err != nil {
		return err
	}
	file := l.file(name)
	root, err := parseFile(file, data)
	if root == nil || err != nil {
		return err
	}
	p, err := parsePolicy(file, root)
	if err != nil {
		return err
	}
	if p.Waivers, err = readWaivers(p, data); err != nil {
		return err
	}
	l.set.Policies = append(l.set.Policies, p)
	return nil
}
