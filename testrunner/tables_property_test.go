package testrunner_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/mcpolicy/mcpolicy/testrunner"
)

// A sample is a case, to be written in one form or another. An argument that has no value
// is left out.
type sample struct {
	arguments map[string]any
	rest      map[string]any // expect, by, because
}

// someCases draws cases of one tool of a random world, each different.
func someCases(t *rapid.T) []sample {
	values := rapid.SampledFrom([]any{nil, 0, 1, 2.5, "a", "null", "$${few}", "a $ b", true, []any{1, nil}, map[string]any{"k": "v"}})
	seen := map[string]bool{}
	var list []sample
	for range rapid.IntRange(1, 6).Draw(t, "cases") {
		s := sample{map[string]any{}, map[string]any{"expect": rapid.SampledFrom([]string{"allow", "deny"}).Draw(t, "expect")}}
		for _, name := range []string{"x", "expect", "a.b"} {
			if rapid.Bool().Draw(t, "given") {
				s.arguments[name] = values.Draw(t, "value")
			}
		}
		if rapid.Bool().Draw(t, "nested") {
			s.arguments["z"] = map[string]any{"k": values.Draw(t, "value")}
		}
		deny := s.rest["expect"] == "deny"
		switch rapid.IntRange(0, 3).Draw(t, "basis") {
		case 0:
			s.rest["by"] = "rule-001"
		case 1:
			if deny {
				s.rest["by"] = testrunner.ByDefault
			}
		case 2:
			if deny {
				s.rest["because"] = rapid.SampledFrom(testrunner.Reasons()).Draw(t, "because")
			}
		}
		if key := inJSON(s.arguments); !seen[key] {
			seen[key] = true
			list = append(list, s)
		}
	}
	return list
}

func inJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// suiteOf writes a suite of one test. Above are more keys of the suite.
func suiteOf(above string, operation string) string {
	return "name: s\n" + above + "tests:\n  - name: t\n    principals: {}\n    call:\n      " + operation + "\n"
}

// asCases writes samples as cases.
func asCases(tool string, list []sample) string {
	lines := make([]string, len(list))
	for i, s := range list {
		c := map[string]any{"tool": tool, "arguments": s.arguments}
		for k, v := range s.rest {
			c[k] = v
		}
		lines[i] = inJSON(c)
	}
	return "cases: [" + strings.Join(lines, ",\n        ") + "]"
}

// asTable writes samples as a table, in which some of the values are those of variables.
func asTable(t *rapid.T, tool string, list []sample) (variables, operation string) {
	named := map[string]any{}
	value := func(v any) any {
		if v == nil || !rapid.Bool().Draw(t, "variable") {
			return v
		}
		name := fmt.Sprintf("v%d", len(named))
		named[name] = v
		return "${" + name + "}"
	}
	columns := rapid.Permutation([]any{"x", []string{"expect"}, "a.b", []string{"z", "k"}, "expect", "by", "because"}).Draw(t, "columns")
	rows := make([][]any, len(list))
	for i, s := range list {
		for _, c := range columns {
			cell := any(nil)
			path, isPath := c.([]string)
			switch name := fmt.Sprint(c); {
			case isPath && len(path) == 2:
				cell = "${absent}"
				if z, ok := s.arguments["z"].(map[string]any); ok {
					cell = value(z["k"])
				}
			case isPath:
				cell = argument(s, path[0], value)
			case slices.Contains([]string{"expect", "by", "because"}, name):
				cell = s.rest[name]
			default:
				cell = argument(s, name, value)
			}
			rows[i] = append(rows[i], cell)
		}
	}
	if len(named) > 0 {
		variables = "variables: " + inJSON(named) + "\n"
	}
	return variables, "table: " + inJSON(map[string]any{"tool": tool, "columns": columns, "rows": rows})
}

func argument(s sample, name string, value func(any) any) any {
	v, given := s.arguments[name]
	if !given {
		return "${absent}"
	}
	return value(v)
}

// outcomes runs a suite and describes its cases, without places.
func outcomes(t *rapid.T, in *testrunner.Input, text string) []string {
	suites, err := testrunner.Parse("t.yaml", []byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	in.Suites = suites
	r, err := testrunner.Run(t.Context(), in)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	var list []string
	for _, c := range r.Suites[0].Cases {
		if (len(c.By) > 0 || c.Because != testrunner.NoReason) && c.Outcome == testrunner.Passed && c.Decided == nil {
			t.Fatalf("%v passed, and nobody looked at what decides it\n%s", c.Pos, text)
		}
		list = append(list, fmt.Sprint(c.Principals[0].Key, " ", c.Item.Name, " ", inJSON(c.Arguments), c.Want, c.By, c.Because, ": ", c.Outcome, " ", c.Got, " ", c.Message, c.Values))
	}
	return list
}

// TestTables holds that a table, with variables or without, says what the same cases say,
// and that the order of cases has no say.
func TestTables(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	passed := 0
	rapid.Check(t, func(t *rapid.T) {
		in, err := load(t.Context(), randomWorld(t))
		if err != nil {
			t.Fatal(err)
		}
		list := someCases(t)
		want := outcomes(t, in, suiteOf("", asCases("get", list)))
		variables, table := asTable(t, "get", list)
		if got := outcomes(t, in, suiteOf(variables, table)); !slices.Equal(got, want) {
			t.Fatalf("as a table\n%s\nwant\n%s\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"), variables+table)
		}
		shuffled := outcomes(t, in, suiteOf("", asCases("get", rapid.Permutation(list).Draw(t, "order"))))
		slices.Sort(shuffled)
		slices.Sort(want)
		if !slices.Equal(shuffled, want) {
			t.Fatalf("in another order\n%s\nwant\n%s", strings.Join(shuffled, "\n"), strings.Join(want, "\n"))
		}
		for _, line := range want {
			if strings.Contains(line, ": passed") && strings.Contains(line, "rule-001") {
				passed++
			}
		}
	})
	if passed == 0 {
		t.Error("no case passed by a rule")
	}
}
