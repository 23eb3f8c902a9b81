package testrunner_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// randomSelector draws a selector, some of whose parts stand for nothing.
func randomSelector(t *rapid.T, parts ...string) string {
	return "{\n      %s\n      " + strings.Join(rapid.SliceOfNDistinct(rapid.SampledFrom(parts), 0, 3, func(p string) string {
		key, _, _ := strings.Cut(p, ":")
		return key
	}).Draw(t, "selector"), ", ") + "}"
}

// guard draws a test, with %s on a line of its own wherever allowEmpty may stand.
func guard(t *rapid.T) string {
	people := randomSelector(t, "roles: [A]", "roles: [A, Z]", "roles: [Nobody]", "kind: agent", "kind: [human]", "keys: [p0]", "keys: ['none*']", "not: {roles: [B]}", "not: {roles: ['No*']}", "groups: [staff]")
	tools := randomSelector(t, "names: ['get*']", "names: ['nothing*', drop]", "names: [unheard-of]", "destructive: true", "readOnly: true", "readOnly: false", "tags: [x]", "not: {names: ['*']}", "not: {names: ['zz*']}")
	if rapid.Bool().Draw(t, "cases") {
		return fmt.Sprintf("{\n      %%s\n      name: t, principals: %s, call: {deny: [get, 'zz*'], cases: [{tool: put, expect: deny}, {tool: unheard-of, expect: allow}]}}", people)
	}
	return fmt.Sprintf("{\n      %%s\n      name: t, never: {\n      %%s\n      principals: %s, call: {tools: %s}}}", people, tools)
}

// TestAllowEmpty holds what allowEmpty does to what a run without it does: the
// cases that there are stay what they are, each mistake stays one or is a case
// that is skipped, at its place, and nothing passes that did not exist.
func TestAllowEmpty(t *testing.T) {
	excused, kept := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		in, err := load(t.Context(), randomWorld(t))
		if err != nil {
			t.Fatal(err)
		}
		text := guard(t)
		run := func(at int) (*testrunner.Result, map[string]string, error) {
			said, parts := "", strings.Split(text, "%s")
			for i, part := range parts {
				said += part
				if i == at {
					said += "allowEmpty: true,"
				}
			}
			in.Suites, err = testrunner.Parse("t.yaml", []byte("name: s\ntests:\n  - "+said+"\n"))
			if err != nil {
				t.Fatalf("%v\n%s", err, said)
			}
			r, err := testrunner.Run(t.Context(), in)
			mistakes := map[string]string{}
			for _, m := range source.Mistakes(err) {
				var e *source.Error
				if !errors.As(m, &e) {
					t.Fatal(err)
				}
				mistakes[fmt.Sprint(e.Pos, e.Err.Error())] = m.Error()
			}
			return r, mistakes, err
		}
		strict, mistakes, strictErr := run(-1)
		lenient, left, lenientErr := run(rapid.IntRange(0, strings.Count(text, "%s")-1).Draw(t, "at"))
		for m := range left {
			if mistakes[m] == "" {
				t.Fatalf("%q is a mistake with allowEmpty alone: %s", m, text)
			}
		}
		kept += len(left)
		if lenientErr != nil {
			return
		}
		var empty []string
		for _, c := range lenient.Suites {
			for _, c := range c.Cases {
				if !c.Empty {
					continue
				}
				excused++
				empty = append(empty, fmt.Sprint(c.Pos, c.Message))
				if c.Outcome != testrunner.Skipped || c.Item != nil || len(c.About()) != 1 || c.About()[0] != nil {
					t.Fatalf("%+v", c)
				}
			}
		}
		if strictErr == nil {
			if got, want := describe(lenient), describe(strict); got != want {
				t.Fatalf("%s\nwant\n%s\nof %s", got, want, text)
			}
			return
		}
		if len(empty) == 0 {
			t.Fatalf("%v is excused, and nothing says so: %s", strictErr, text)
		}
		for m := range mistakes {
			if !slices.Contains(empty, m) {
				t.Fatalf("%q is excused and not said, of %s", m, text)
			}
		}
	})
	if excused == 0 || kept == 0 {
		t.Errorf("%d excused, %d kept", excused, kept)
	}
}
