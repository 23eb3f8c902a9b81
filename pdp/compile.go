package pdp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"
	sourcev1 "github.com/cerbos/cerbos/api/genpb/cerbos/source/v1"
	"github.com/cerbos/cerbos/private/compile"
	rtcompile "github.com/cerbos/cerbos/private/ruletable/compile"

	"github.com/mcpolicy/mcpolicy/source"
)

// ErrNoPolicies is returned for a directory without a single policy.
var ErrNoPolicies = errors.New("no policies")

// compileTable compiles the policies below fsys. Every mistake is reported,
// joined, with its position.
func compileTable(ctx context.Context, fsys fs.FS, prefix string) (table *runtimev1.RuleTable, err error) {
	defer recoverAs(&err, "compile the policies")
	table, err = rtcompile.Compile(ctx, fsys)
	if err != nil {
		return nil, allErrors(ctx, fsys, prefix, err)
	}
	if len(table.Rules) == 0 && len(table.Meta) == 0 {
		return nil, source.Errorf(source.Pos{File: prefix}, "%w: no file below it holds a Cerbos policy", ErrNoPolicies)
	}
	return table, nil
}

// allErrors compiles once more, unit by unit, because a table's compilation
// ends at its first mistake.
func allErrors(ctx context.Context, fsys fs.FS, prefix string, first error) error {
	resolver := func(l compile.SchemaLoader) compile.SchemaResolver {
		return func(ctx context.Context, path string) (io.ReadCloser, error) {
			return l.LoadSchema(ctx, path)
		}
	}
	_, artefacts, err := compile.Files(ctx, fsys, resolver)
	if err != nil {
		return positioned(prefix, err)
	}
	var errs []error
	for a := range artefacts {
		if a.Error != nil {
			errs = append(errs, positioned(prefix, a.Error))
		}
	}
	if len(errs) == 0 {
		return positioned(prefix, first)
	}
	return errors.Join(errs...)
}

// positioned turns the errors of Cerbos's compiler into positioned ones.
func positioned(prefix string, err error) error {
	at := func(file string, p *sourcev1.Position) source.Pos {
		return source.Pos{File: path.Join(prefix, file), Line: int(p.GetLine()), Col: int(p.GetColumn())}
	}
	var set *compile.Errors
	if !errors.As(err, &set) {
		return source.Errorf(source.Pos{File: prefix}, "%w", err)
	}
	var errs []error
	for _, e := range set.GetCompileErrors().GetErrors() {
		msg := e.GetError()
		if d := e.GetDescription(); d != "" {
			msg = d
		}
		errs = append(errs, source.Errorf(at(e.GetFile(), e.GetPosition()), "%s", oneLine(msg)))
	}
	build := set.GetIndexBuildErrors()
	for _, e := range build.GetLoadFailures() {
		if d := e.GetErrorDetails(); d != nil {
			errs = append(errs, source.Errorf(at(e.GetFile(), d.GetPosition()), "%s", oneLine(d.GetMessage())))
			continue
		}
		errs = append(errs, source.Errorf(at(e.GetFile(), nil), "%s", oneLine(e.GetError()))) //nolint:staticcheck // where there are no details
	}
	for _, e := range build.GetDuplicateDefs() {
		errs = append(errs, source.Errorf(at(e.GetFile(), e.GetPosition()), "%s is defined in %s too", e.GetPolicy(), path.Join(prefix, e.GetOtherFile())))
	}
	for _, e := range build.GetMissingImports() {
		errs = append(errs, source.Errorf(at(e.GetImportingFile(), e.GetPosition()), "%s", oneLine(e.GetDesc())))
	}
	for _, e := range build.GetMissingScopeDetails() {
		errs = append(errs, source.Errorf(source.Pos{File: prefix}, "scope %q is missing, which %s need", e.GetMissingPolicy(), strings.Join(e.GetDescendants(), ", ")))
	}
	for _, e := range build.GetScopePermissionsConflicts() {
		errs = append(errs, source.Errorf(source.Pos{File: prefix}, "the policies of scope %q disagree on scopePermissions", e.GetScope()))
	}
	if len(errs) == 0 {
		errs = append(errs, source.Errorf(source.Pos{File: prefix}, "%s", oneLine(err.Error())))
	}
	return errors.Join(errs...)
}

// recoverAs turns a panic of the engine, which hostile policies can cause, into
// an error.
func recoverAs(err *error, doing string) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("%s: the engine panicked: %v", doing, r)
	}
}

func oneLine(s string) string {
	return strings.TrimSuffix(strings.Join(strings.Fields(s), " "), ".")
}
