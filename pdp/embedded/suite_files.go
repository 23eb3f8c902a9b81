package embedded

import (
	"errors"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	policyv1 "github.com/cerbos/cerbos/api/genpb/cerbos/policy/v1"
	"github.com/cerbos/cerbos/private/parser"
	"google.golang.org/protobuf/proto"

	"github.com/mcpolicy/mcpolicy/source"
)

// A suiteReader reads suites and what they share, as Cerbos does.
type suiteReader struct {
	fsys     fs.FS
	prefix   string
	shared   map[string]bool // the folders of fixtures
	fixtures map[string]*fixtures
	data     map[string][]byte // of all that was read
}

// A suiteFile is a suite as it was read, and what came of it.
type suiteFile struct {
	name     string
	pos      source.Pos
	root     *source.Node // nil if only Cerbos can read it
	suite    *policyv1.TestSuite
	fixtures *fixtures
	err      error
	results  *policyv1.TestResults_Suite
}

// fixtures are what the suites of a folder share.
type fixtures struct {
	principals *policyv1.TestFixture_Principals
	resources  *policyv1.TestFixture_Resources
	auxData    *policyv1.TestFixture_AuxData
	err        error
}

func (r *suiteReader) read(name string) *suiteFile {
	f := &suiteFile{name: name, pos: source.Pos{File: path.Join(r.prefix, name), Line: 1}, fixtures: &fixtures{}}
	data, err := source.ReadFile(r.fsys, name)
	if err != nil {
		f.err = source.Errorf(source.Pos{File: f.pos.File}, "%w", unnamed(err))
		return f
	}
	r.data[name] = data
	if f.suite, f.root, f.err = document[policyv1.TestSuite](f.pos.File, data); f.err != nil {
		return f
	}
	if dir := path.Join(path.Dir(name), testdata); r.shared[dir] {
		f.fixtures = r.fixturesOf(dir)
		f.err = f.fixtures.err
	}
	return f
}

// unnamed returns an error about a file without the name, which its place has.
func unnamed(err error) error {
	var placed *source.Error
	if errors.As(err, &placed) {
		return placed.Err
	}
	return err
}

// fixturesOf reads the fixtures of a folder once.
func (r *suiteReader) fixturesOf(dir string) *fixtures {
	if known := r.fixtures[dir]; known != nil {
		return known
	}
	f := &fixtures{}
	r.fixtures[dir] = f
	var errs [3]error
	f.principals, errs[0] = fixture[policyv1.TestFixture_Principals](r, dir, "principals")
	f.resources, errs[1] = fixture[policyv1.TestFixture_Resources](r, dir, "resources")
	f.auxData, errs[2] = fixture[policyv1.TestFixture_AuxData](r, dir, "auxdata", "auxData", "aux_data")
	f.err = errors.Join(errs[:]...)
	return f
}

// fixture reads the first file of some names that there is, with any extension. Without
// one the result is nil.
func fixture[T any, M message[T]](r *suiteReader, dir string, names ...string) (M, error) {
	for _, base := range names {
		list, err := fs.Glob(r.fsys, path.Join(dir, base)+".*")
		if err != nil {
			return nil, source.Errorf(source.Pos{File: path.Join(r.prefix, dir)}, "%w", err)
		}
		i := slices.IndexFunc(list, func(name string) bool { return slices.Contains(extensions, strings.ToLower(path.Ext(name))) })
		if i < 0 {
			continue
		}
		file := path.Join(r.prefix, list[i])
		data, err := source.ReadFile(r.fsys, list[i])
		if err != nil {
			return nil, source.Errorf(source.Pos{File: file}, "%w", unnamed(err))
		}
		r.data[list[i]] = data
		m, _, err := document[T, M](file, data)
		return m, err
	}
	return nil, nil
}

// A message is one of Cerbos's, of which T is the struct.
type message[T any] interface {
	*T
	proto.Message
}

// document reads the one document of a file, as Cerbos does and as everything else is
// read, which bounds what a file can cost.
func document[T any, M message[T]](file string, data []byte) (m M, root *source.Node, err error) {
	docs, err := source.ParseYAML(file, data)
	if err != nil {
		return nil, nil, err
	}
	if len(docs) == 0 || docs[0].Is(source.Null) {
		return nil, nil, source.Errorf(source.Pos{File: file, Line: 1}, "the file is empty, or begins with an empty document; write the keys that are wanted, or remove it")
	}
	list, err := unmarshal[T, M](data)
	switch {
	case len(list) > 1 || len(docs) > 1:
		return nil, nil, source.Errorf(docs[min(1, len(docs)-1)].Pos, "more than one YAML document; Cerbos takes one for each file")
	case err != nil:
		return nil, nil, placed(file, docs[0], err)
	case len(list) == 0:
		return nil, nil, source.Errorf(source.Pos{File: file, Line: 1}, "the file is empty")
	}
	return list[0], docs[0], nil
}

// unmarshal parses as Cerbos does, which panics on empty documents.
func unmarshal[T any, M message[T]](data []byte) (list []M, err error) {
	defer func() {
		if r := recover(); r != nil {
			list, err = nil, errors.New("this file cannot be read by Cerbos")
		}
	}()
	return parser.Unmarshal[T, M](data)
}

// atLine matches a mistake that Cerbos's parser found, with its place.
var atLine = regexp.MustCompile(`^(\d+):(\d+) (?:<[^>]*> )?(.*)$`)

// placed returns mistakes that Cerbos's parser found, each with its place.
func placed(file string, root *source.Node, err error) error {
	var errs []error
	for line := range strings.SplitSeq(err.Error(), "\n") {
		pos := source.Pos{File: file, Line: root.Pos.Line, Col: root.Pos.Col}
		if m := atLine.FindStringSubmatch(line); m != nil {
			pos.Line, _ = strconv.Atoi(m[1]) // it is digits
			pos.Col, _ = strconv.Atoi(m[2])
			line = m[3]
		}
		if line = strings.TrimSpace(line); line != "" {
			errs = append(errs, source.Errorf(pos, "%s", line))
		}
	}
	return errors.Join(errs...)
}
