package cerbosbin_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/internal/cerbosbin"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/source"
)

// broken are policy folders that do not compile.
func broken() map[string]map[string]string {
	const head = "apiVersion: api.cerbos.dev/v1\n"
	rule := func(kind, scope, more string) string {
		return fmt.Sprintf("%sresourcePolicy:\n  resource: %s\n  version: default\n  scope: %q\n  rules:\n    - actions: [lend]\n      effect: EFFECT_ALLOW\n      roles: [clerk]\n%s",
			head, kind, scope, more)
	}
	const badExpr = "      condition: {match: {expr: \"R.attr.due >\"}}\n"
	const script = "      condition:\n        script: |-\n          due > 1\n"
	roles := head + "derivedRoles:\n  name: staff\n  definitions:\n    - name: senior\n      parentRoles: [clerk]\n"
	worlds := map[string]map[string]string{
		"expressions in two files": {"a.yaml": rule("book", "", badExpr), "b.yaml": rule("map", "", badExpr)},
		"scripts":                  {"a.yaml": rule("book", "", script), "b.yaml": roles + script},
		"script of a principal": {"a.yaml": head + "principalPolicy:\n  principal: ann\n  version: default\n  rules:\n    - resource: book\n      actions:\n" +
			"        - action: lend\n          effect: EFFECT_DENY\n          condition: {script: \"x\"}\n"},
		"script of a role":                 {"a.yaml": head + "rolePolicy:\n  role: clerk\n  rules:\n    - resource: book\n      allowActions: [lend]\n      condition: {script: \"x\"}\n"},
		"three of one policy":              {"a.yaml": rule("book", "", ""), "b.yaml": rule("book", "", ""), "c.yaml": rule("book", "", "")},
		"a duplicate beside an expression": {"a.yaml": rule("book", "", badExpr), "b.yaml": rule("book", "", "")},
		"two derived roles of a name":      {"a.yaml": roles + "    - name: senior\n      parentRoles: [clerk]\n"},
		"disabled base":                    {"a.yaml": "disabled: true\n" + rule("book", "", ""), "b.yaml": rule("book", "north", "")},
		"disabled in between": {
			"a.yaml": rule("book", "", ""), "b.yaml": "---\n" + rule("book", "north", "") + "disabled: true\n", "c.yaml": rule("book", "north.hall", ""),
		},
		"no roles":       {"a.yaml": strings.Replace(rule("book", "", ""), "      roles: [clerk]\n", "", 1)},
		"no such import": {"a.yaml": strings.Replace(rule("book", "", ""), "  rules:", "  importDerivedRoles: [staff]\n  rules:", 1)},
		"disabled import": {
			"a.yaml": strings.Replace(rule("book", "", ""), "  rules:", "  importDerivedRoles: [staff]\n  rules:", 1), "b.yaml": "disabled: true\n" + roles,
		},
	}
	for ref, schema := range map[string]string{
		"cerbos:///s.json": `{"type": "object"}`, "cerbos:///s.json#/$defs/a": `{"$defs": {"a": {}}}`, "cerbos:///a%20b/c.json": "{}",
		"cerbos:///none.json": "", "cerbos:///broken.json": "{", "cerbos:///odd.json": `{"type": "thing"}`, "s.json": "{}",
	} {
		for name, more := range map[string]string{
			"expression": badExpr, "variable": "      condition: {match: {expr: V.due}}\n", "script": script, "derived role": "      derivedRoles: [senior]\n",
		} {
			text := strings.Replace(rule("book", "", more), "  rules:", fmt.Sprintf("  schemas:\n    resourceSchema:\n      ref: %q\n  rules:", ref), 1)
			files := map[string]string{"p.yaml": text}
			if schema != "" {
				file, _, _ := strings.Cut(strings.ReplaceAll(strings.TrimPrefix(ref, "cerbos:///"), "%20", " "), "#")
				files["_schemas/"+file] = schema
			}
			worlds[name+" beside "+ref] = files
		}
	}
	return worlds
}

// TestMistakes has the official compiler refuse folders of broken policies, and
// compares the places that it names.
func TestMistakes(t *testing.T) {
	binary := cerbosbin.Path(t)
	worlds := broken()
	for _, name := range slices.Sorted(maps.Keys(worlds)) {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range worlds[name] {
				write(t, filepath.Join(dir, file), text)
			}
			official := refused(t, binary, dir)
			if len(official) == 0 {
				t.Fatal("the official compiler refuses nothing")
			}
			_, err := embedded.Open(t.Context(), os.DirFS(dir), pdp.Options{})
			var embedded []string
			for _, m := range source.Mistakes(err) {
				var at *source.Error
				if !errors.As(m, &at) {
					t.Fatalf("no position: %v", m)
				}
				embedded = append(embedded, fmt.Sprintf("%s:%d:%d", at.Pos.File, at.Pos.Line, at.Pos.Col))
			}
			slices.Sort(embedded)
			if diff := cmp.Diff(official, embedded); diff != "" {
				t.Errorf("places (-official +embedded):\n%s\n%v", diff, err)
			}
		})
	}
}

// refused returns the places of the errors that `cerbos compile` prints, in an
// order that does not matter to it.
func refused(t *testing.T, binary, dir string) []string {
	t.Helper()
	out, _ := exec.CommandContext(t.Context(), binary, "compile", "--output=json", "--skip-tests", dir).Output() //nolint:gosec // the status says that there are errors
	type position struct{ Line, Column int }
	type mistake struct {
		File          string
		ImportingFile string `json:"importing_file"`
		Position      position
		ErrorDetails  struct{ Position position } `json:"error_details"`
	}
	var reply struct {
		CompileErrors struct{ Errors []mistake }
		LintErrors    struct {
			LoadFailures   []mistake `json:"load_failures"`
			DuplicateDefs  []mistake `json:"duplicate_defs"`
			MissingImports []mistake `json:"missing_imports"`
			DisabledDefs   []mistake `json:"disabled_defs"`
		}
	}
	if err := json.Unmarshal(out, &reply); err != nil {
		t.Fatalf("%v in %q", err, out)
	}
	var places []string
	lint := reply.LintErrors
	for _, m := range slices.Concat(reply.CompileErrors.Errors, lint.LoadFailures, lint.DuplicateDefs, lint.MissingImports, lint.DisabledDefs) {
		p := m.Position
		if p == (position{}) {
			p = m.ErrorDetails.Position
		}
		places = append(places, fmt.Sprintf("%s:%d:%d", m.File+m.ImportingFile, p.Line, p.Column))
	}
	slices.Sort(places)
	return places
}
