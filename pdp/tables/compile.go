package tables

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"path"
	"regexp"
	"strings"

	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"
	sourcev1 "github.com/cerbos/cerbos/api/genpb/cerbos/source/v1"
	"github.com/cerbos/cerbos/private/compile"
	rtcompile "github.com/cerbos/cerbos/private/ruletable/compile"

	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/source"
)

// Compile compiles the policies below fsys. Every mistake is reported,
// joined, with its position.
func Compile(ctx context.Context, fsys fs.FS, prefix string) (table *runtimev1.RuleTable, err error) {
	defer RecoverAs(&err, "compile the policies")
	if table = CompileShared(ctx, fsys); table != nil {
		return table, nil
	}
	table, err = rtcompile.Compile(ctx, fsys)
	if err != nil {
		return nil, allErrors(ctx, fsys, prefix, err)
	}
	if len(table.Rules) == 0 && len(table.Meta) == 0 {
		return nil, source.Errorf(source.Pos{File: prefix}, "%w: no file below it holds a Cerbos policy", pdp.ErrNoPolicies)
	}
	return table, nil
}

// allErrors compiles once more, unit by unit, because a table's compilation
// ends at its first mistake.
func allErrors(ctx context.Context, fsys fs.FS, prefix string, first error) error {
	_, artefacts, err := compile.Files(ctx, fsys, schemaFiles)
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

// schemaFiles resolves the URLs of schemas as the table's compilation does: those
// of Cerbos name files below _schemas, and no others are followed.
func schemaFiles(files compile.SchemaLoader) compile.SchemaResolver {
	return func(ctx context.Context, ref string) (io.ReadCloser, error) {
		u, err := url.Parse(ref)
		if err != nil {
			return nil, err
		}
		if u.Scheme != "cerbos" {
			return nil, errors.New("schemas are files below _schemas, named cerbos:///FILE; no others are read")
		}
		name := strings.TrimPrefix(u.Path, "/")
		file, err := files.LoadSchema(ctx, name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("there is no %s", path.Join(schemasFolder, name))
		}
		return file, err
	}
}

// schemasFolder is where Cerbos keeps the schemas, below the policies.
const schemasFolder = "_schemas"

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
		errs = append(errs, source.Errorf(at(e.GetFile(), e.GetPosition()), "%s", oneLine(message(e))))
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
	disabled := map[string]bool{}
	for _, e := range build.GetDisabledDefs() {
		disabled[e.GetPolicy()] = true
		errs = append(errs, source.Errorf(at(e.GetFile(), e.GetPosition()), "%s is disabled, and %s", e.GetPolicy(), needed(build, e.GetPolicy())))
	}
	for _, e := range build.GetMissingScopeDetails() {
		if disabled[e.GetMissingPolicy()] {
			continue
		}
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

// message says what a compile error is about.
func message(e *runtimev1.CompileErrors_Err) string {
	switch {
	case e.GetError() == scripts:
		return scripts + "; write it as match"
	case e.GetDescription() != "":
		return schemaFailure.ReplaceAllString(e.GetDescription(), "$1: $2")
	default:
		return e.GetError()
	}
}

// schemaFailure matches what is said of a schema that does not load, with the
// place where the library looked for it, which can be a path of this machine.
var schemaFailure = regexp.MustCompile(`^(Failed to load (?:principal|resource) schema "[^"]*"): jsonschema \S* compilation failed: (.*)$`)

// scripts is Cerbos's error whose description says less than it does.
const scripts = "scripts in conditions are no longer supported"

// needed says which policies cannot do without one that is disabled.
func needed(build *runtimev1.IndexBuildErrors, policy string) string {
	for _, e := range build.GetMissingScopeDetails() {
		if e.GetMissingPolicy() != policy {
			continue
		}
		if list := e.GetDescendants(); len(list) > 1 {
			return strings.Join(list, ", ") + " need it"
		}
		return strings.Join(e.GetDescendants(), "") + " needs it"
	}
	return "another policy needs it"
}

// RecoverAs turns a panic of the engine, which hostile policies can cause, into
// an error.
func RecoverAs(err *error, doing string) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("%s: the engine panicked: %v", doing, r)
	}
}

func oneLine(s string) string {
	return strings.TrimSuffix(strings.Join(strings.Fields(s), " "), ".")
}
