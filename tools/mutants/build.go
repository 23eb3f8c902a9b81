package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// variable is what tells a test binary which mutant it is; without it, it is none.
const variable = "MUTANT"

// A pkg is a package whose tests are tried.
type pkg struct {
	name, dir, path string // below the root, on the disk, and as it is imported
	files           []*sourceFile
	exports         map[string]string // what each package that it needs was compiled to
	rapid           bool              // its tests know the flags of pgregory.net/rapid
}

func load(ctx context.Context, root, name string) (*pkg, error) {
	out, err := command(ctx, root, "list", "-json=Dir,ImportPath,GoFiles", "./"+name)
	if err != nil {
		return nil, err
	}
	var listed struct {
		Dir, ImportPath string
		GoFiles         []string
	}
	if err := json.Unmarshal(out, &listed); err != nil {
		return nil, err
	}
	p := &pkg{name: name, dir: listed.Dir, path: listed.ImportPath, exports: map[string]string{}}
	fset := token.NewFileSet()
	for _, f := range listed.GoFiles {
		s, err := parseSource(fset, filepath.Join(p.dir, f), filepath.Join(name, f))
		if err != nil {
			return nil, err
		}
		p.files = append(p.files, s)
	}
	out, err = command(ctx, root, "list", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}", "os", "strconv", "./"+name)
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "\t")
		p.exports[path] = file
	}
	out, err = command(ctx, root, "list", "-f", "{{.TestImports}} {{.XTestImports}}", "./"+name)
	p.rapid = strings.Contains(string(out), "pgregory.net/rapid")
	return p, err
}

// mutants are those that compile.
func (p *pkg) mutants() ([]*mutant, error) {
	var all []*mutant
	for _, f := range p.files {
		all = append(all, f.mutants()...)
	}
	bad, err := p.check(all)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(m *mutant) bool { return bad[m] })
	// What is left has to compile, or else it is not known what is wrong.
	if bad, err = p.check(all); err == nil && len(bad) > 0 {
		err = fmt.Errorf("%s: %d mutants compile with others and not without", p.name, len(bad))
	}
	return all, err
}

// written is the package's files with the mutants in them, by their path. A function that
// has mutants begins with a choice between them, and each is a function of its own
// behind everything else, so that no line moves.
func (p *pkg) written(mutants []*mutant) (map[string]string, map[string][]span) {
	files, spans := map[string]string{}, map[string][]span{}
	for _, f := range p.files {
		var edits []edit
		var behind strings.Builder
		var own []span
		of := map[*ast.FuncDecl]string{}
		for i, m := range mutants {
			if m.source != f {
				continue
			}
			from := behind.Len()
			behind.WriteString("\n" + m.function(i+1) + "\n")
			own = append(own, span{from, behind.Len(), m})
			of[m.decl] += m.call(i + 1)
		}
		if len(own) == 0 {
			continue
		}
		for decl, calls := range of {
			edits = append(edits, names(f, decl)...)
			brace := f.offset(decl.Body.Lbrace) + 1
			edits = append(edits, edit{brace, brace, " switch mutantNumber {" + calls + "};"})
		}
		text := applied(f.text, 0, len(f.text), edits)
		for i := range own {
			own[i].from += len(text)
			own[i].to += len(text)
		}
		files[f.path], spans[f.path] = text+behind.String(), own
	}
	files[filepath.Join(p.dir, "zz_mutant_number.go")] = "package " + p.files[0].ast.Name.Name + `

import (
	mutantOS "os"
	mutantConv "strconv"
)

var mutantNumber, _ = mutantConv.Atoi(mutantOS.Getenv("` + variable + `"))
`
	return files, spans
}

// A span is where the function of a mutant stands.
type span struct {
	from, to int
	mutant   *mutant
}

// function is the text of the function that a mutant is.
func (m *mutant) function(number int) string {
	f, d := m.source, m.decl
	edits := append(slices.Clone(m.edits), edit{f.offset(d.Name.Pos()), f.offset(d.Name.End()), mutantName(d, number)})
	return applied(f.text, f.offset(d.Pos()), f.offset(d.End()), edits)
}

func mutantName(d *ast.FuncDecl, number int) string {
	return fmt.Sprintf("%s_mutant%d", d.Name.Name, number)
}

// call is the case of the choice that calls a mutant.
func (m *mutant) call(number int) string {
	d := m.decl
	var args []string
	each(d.Type.Params, "mutantArg", func(name string, field *ast.Field) {
		if _, ok := field.Type.(*ast.Ellipsis); ok {
			name += "..."
		}
		args = append(args, name)
	})
	callee := mutantName(d, number)
	var of []string
	each(d.Type.TypeParams, "", func(name string, _ *ast.Field) { of = append(of, name) })
	if len(of) > 0 {
		callee += "[" + strings.Join(of, ", ") + "]"
	}
	each(d.Recv, "mutantRecv", func(name string, _ *ast.Field) { callee = name + "." + callee })
	callee += "(" + strings.Join(args, ", ") + ")"
	if d.Type.Results != nil {
		return fmt.Sprintf(" case %d: return %s;", number, callee)
	}
	return fmt.Sprintf(" case %d: %s; return;", number, callee)
}

// names gives a name to each parameter that has none, so that it can be handed on.
func names(f *sourceFile, d *ast.FuncDecl) []edit {
	var edits []edit
	for prefix, list := range map[string]*ast.FieldList{"mutantRecv": d.Recv, "mutantArg": d.Type.Params} {
		each(list, prefix, func(name string, field *ast.Field) {
			if len(field.Names) == 0 {
				at := f.offset(field.Type.Pos())
				edits = append(edits, edit{at, at, name + " "})
			}
			for _, n := range field.Names {
				if n.Name == "_" && name == fmt.Sprintf("%s%d", prefix, n.Pos()) {
					edits = append(edits, edit{f.offset(n.Pos()), f.offset(n.End()), name})
				}
			}
		})
	}
	return edits
}

// each calls do with the name of each parameter of a list, one that is made of its place if it has none.
func each(list *ast.FieldList, prefix string, do func(string, *ast.Field)) {
	if list == nil {
		return
	}
	for _, field := range list.List {
		if len(field.Names) == 0 {
			do(fmt.Sprintf("%s%d", prefix, field.Pos()), field)
		}
		for _, n := range field.Names {
			if n.Name == "_" {
				do(fmt.Sprintf("%s%d", prefix, n.Pos()), field)
			} else {
				do(n.Name, field)
			}
		}
	}
}

// check says which mutants do not compile. That something else does not is an error.
func (p *pkg) check(mutants []*mutant) (map[*mutant]bool, error) {
	files, spans := p.written(mutants)
	fset := token.NewFileSet()
	bad := map[*mutant]bool{}
	var errs []error
	var parsed []*ast.File
	for _, f := range p.files {
		if _, ok := files[f.path]; !ok {
			files[f.path] = string(f.text)
		}
	}
	for path, text := range files {
		f, err := parser.ParseFile(fset, path, text, parser.SkipObjectResolution)
		if err != nil {
			return nil, fmt.Errorf("the mutants of %s: %w", p.name, err)
		}
		parsed = append(parsed, f)
	}
	open := func(path string) (io.ReadCloser, error) {
		if p.exports[path] == "" {
			return nil, fmt.Errorf("%s is not compiled", path)
		}
		return os.Open(p.exports[path])
	}
	config := types.Config{Importer: importer.ForCompiler(fset, "gc", open), Error: func(err error) {
		var e types.Error
		if errors.As(err, &e) {
			at := fset.Position(e.Pos)
			for _, s := range spans[at.Filename] {
				if s.from <= at.Offset && at.Offset < s.to {
					bad[s.mutant] = true
					return
				}
			}
		}
		errs = append(errs, err)
	}}
	_, _ = config.Check(p.path, fset, parsed, nil) // what is wrong went to Error
	return bad, errors.Join(errs...)
}

// build makes one test binary that is each of the mutants, by its number, counted from 1.
// It is compiled with an overlay: no file of the project is touched.
func (p *pkg) build(ctx context.Context, root, work string, mutants []*mutant) (string, error) {
	files, _ := p.written(mutants)
	replaced := map[string]string{}
	for path, text := range files {
		to := filepath.Join(work, filepath.Base(path))
		if err := os.WriteFile(to, []byte(text), 0o600); err != nil {
			return "", err
		}
		replaced[path] = to
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replaced})
	if err != nil {
		return "", err
	}
	to := filepath.Join(work, "overlay.json")
	if err := os.WriteFile(to, overlay, 0o600); err != nil {
		return "", err
	}
	binary := filepath.Join(work, "mutants.test")
	_, err = command(ctx, root, "test", "-c", "-vet=off", "-overlay", to, "-ldflags=-s -w", "-o", binary, "./"+p.name)
	return binary, err
}

// command runs go, and gives what it writes.
func command(ctx context.Context, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...) //nolint:gosec // these are the tool's own
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s%s", args[0], err, out, stderr.Bytes())
	}
	return out, nil
}
