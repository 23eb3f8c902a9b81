package testrunner_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

func at(line, col int) source.Pos { return source.Pos{File: "t.yaml", Line: line, Col: col} }

func name(text string, line, col int) testrunner.Name {
	return testrunner.Name{Text: text, Pos: at(line, col)}
}

// full is everything that a suite can say.
func full(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "full.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestParse(t *testing.T) {
	got, err := testrunner.Parse("t.yaml", full(t))
	if err != nil {
		t.Fatal(err)
	}
	yes, no := true, false
	tools, prompts := manifest.Types(authz.ToolItem), manifest.Types(authz.PromptItem)
	resources := manifest.Types(authz.ResourceItem, authz.TemplateItem)
	want := []*testrunner.Suite{
		{
			Name: "CRM access", Pos: at(2, 1), Server: name("crm", 4, 9),
			Options: testrunner.Options{
				Pos: at(6, 3), Now: time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC),
				Globals: map[string]any{"open": true, "list": []any{1.0, nil}},
				AuxData: &authz.AuxData{JWT: map[string]any{"aud": []any{"crm"}}},
			},
			Tests: []testrunner.Test{
				{
					Name: "tools", Pos: at(10, 5),
					Principals: &testrunner.Principals{Pos: at(11, 17), Names: testrunner.Names{name("sally", 11, 18), name("@desk", 11, 25), name("1001", 11, 34)}},
					Operations: []*testrunner.Operation{
						{
							Pos: at(12, 5), Types: tools, Operation: authz.List,
							Exactly: &testrunner.Exactly{Pos: at(12, 12), Names: testrunner.Names{}},
							Cases:   []testrunner.Sample{{Pos: at(12, 33), Item: name("greet", 12, 40), Expect: authz.Deny}},
						},
						{
							Pos: at(13, 5), Types: tools, Operation: authz.Call,
							Exactly:     &testrunner.Exactly{Pos: at(14, 7), Names: testrunner.Names{name("get_*", 14, 17)}},
							Allow:       testrunner.Names{name("greet", 15, 15)},
							Deny:        testrunner.Names{name("*_hr_*", 16, 14), name("true", 16, 24)},
							Conditional: testrunner.Names{name("get_sales_data", 17, 21)},
							When:        []testrunner.When{{Pos: at(17, 37), Item: name("get_*", 17, 44), Condition: name("arguments.n < principal.n", 17, 57)}},
							Cases: []testrunner.Sample{
								{Pos: at(19, 11), Item: name("get_sales_data", 19, 18), Arguments: map[string]any{"region": "EMEA", "n": 1.5, "at": "2026-01-01"}, Expect: authz.Allow},
								{Pos: at(20, 11), Item: name("greet", 20, 18), Arguments: map[string]any{}, Expect: authz.Deny, Skip: "known bug"},
							},
						},
					},
				},
				{
					Name: "others", Pos: at(21, 5), Skip: "not yet",
					Principals: &testrunner.Principals{Pos: at(24, 17), Selector: &testrunner.PrincipalSelector{
						Pos: at(24, 17), Keys: testrunner.Names{name("a*", 24, 25)}, Roles: testrunner.Names{name("SALES", 24, 38)},
						Groups: testrunner.Names{name("desk", 24, 55)}, Kinds: []authz.Kind{authz.Agent, authz.Workload},
						Not: &testrunner.PrincipalSelector{Pos: at(25, 12), Kinds: []authz.Kind{authz.Human}},
					}},
					Operations: []*testrunner.Operation{
						{Pos: at(27, 7), Types: prompts, Operation: authz.List, Allow: testrunner.Names{name("review", 27, 22)}},
						{
							Pos: at(28, 7), Types: prompts, Operation: authz.Get,
							Cases: []testrunner.Sample{{Pos: at(28, 21), Item: name("review", 28, 30), Arguments: map[string]any{"a": "b"}, Expect: authz.Allow}},
							When:  []testrunner.When{{Pos: at(28, 88), Item: name("review", 28, 97), Condition: name(`R.attr.arguments.a == "b"`, 28, 111)}},
						},
						{Pos: at(30, 7), Types: resources, Operation: authz.List, Deny: testrunner.Names{name("crm://c/{id}", 30, 21)}},
						{
							Pos: at(31, 7), Types: resources, Operation: authz.Read,
							Cases: []testrunner.Sample{{Pos: at(31, 22), Item: name("crm://playbook", 31, 33), Expect: authz.Allow}},
						},
					},
				},
				{
					Name: "properties", Pos: at(32, 5),
					Never: &testrunner.Property{
						Pos:        at(33, 5),
						Principals: &testrunner.Principals{Pos: at(34, 19), Selector: &testrunner.PrincipalSelector{Pos: at(34, 19)}},
						Operations: []testrunner.Selection{
							{Pos: at(36, 9), Operation: authz.List, Types: tools, Items: &testrunner.ItemSelector{Pos: at(36, 16), Destructive: &yes, ReadOnly: &no}},
							{Pos: at(37, 9), Operation: authz.List, Types: prompts, Items: &testrunner.ItemSelector{Pos: at(37, 18)}},
							{Pos: at(38, 9), Operation: authz.List, Types: resources, Items: &testrunner.ItemSelector{
								Pos: at(38, 20), Names: testrunner.Names{name("crm://*", 38, 29)},
								Not: &testrunner.ItemSelector{Pos: at(38, 46), Tags: testrunner.Names{name("open", 38, 54)}},
							}},
							{Pos: at(39, 14), Operation: authz.Call, Types: tools, Items: &testrunner.ItemSelector{Pos: at(39, 21)}},
						},
					},
					Always: &testrunner.Property{
						Pos:        at(40, 5),
						Principals: &testrunner.Principals{Pos: at(41, 19), Names: testrunner.Names{name("ian", 41, 20)}},
						Operations: []testrunner.Selection{
							{Pos: at(42, 13), Operation: authz.Get, Types: prompts, Items: &testrunner.ItemSelector{Pos: at(42, 22)}},
							{Pos: at(43, 14), Operation: authz.Read, Types: resources, Items: &testrunner.ItemSelector{Pos: at(43, 25), Tags: testrunner.Names{name("x", 43, 33)}}},
						},
					},
				},
			},
		},
		{
			Name: "Skipped", Pos: at(45, 1), Skip: "moved",
			Tests: []testrunner.Test{{
				Name: "t", Pos: at(49, 5), Never: &testrunner.Property{
					Pos: at(49, 15), Principals: &testrunner.Principals{Pos: at(49, 35), Names: testrunner.Names{name("a", 49, 36)}},
					Operations: []testrunner.Selection{{Pos: at(49, 47), Operation: authz.Call, Types: tools, Items: &testrunner.ItemSelector{Pos: at(49, 54)}}},
				},
			}},
		},
		{
			Name: "Before the first tool", Pos: at(51, 1),
			Tests: []testrunner.Test{{
				Name: "nothing to delete yet", Pos: at(53, 5), AllowEmpty: true, Never: &testrunner.Property{
					Pos: at(55, 5), AllowEmpty: true, Principals: &testrunner.Principals{Pos: at(57, 19), Selector: &testrunner.PrincipalSelector{
						Pos: at(57, 19), Kinds: []authz.Kind{authz.Agent}, AllowEmpty: true,
						Not: &testrunner.PrincipalSelector{Pos: at(57, 56), Roles: testrunner.Names{name("ADMIN", 57, 65)}},
					}},
					Operations: []testrunner.Selection{
						{Pos: at(58, 14), Operation: authz.Call, Types: tools, Items: &testrunner.ItemSelector{
							Pos: at(58, 21), Names: testrunner.Names{name("delete_*", 58, 30)}, AllowEmpty: true,
						}},
						{Pos: at(59, 14), Operation: authz.Read, Types: resources, Items: &testrunner.ItemSelector{Pos: at(59, 25), AllowEmpty: true}},
					},
				},
			}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("suites (-want +got):\n%s", diff)
	}
}

// FuzzParse holds that every mistake has a position and that a suite is whole
// or not there at all.
func FuzzParse(f *testing.F) {
	f.Add(full(f))
	for _, tt := range slices.Concat(badSuites, badTables) {
		f.Add([]byte(tt.text))
	}
	files, err := filepath.Glob(filepath.Join("..", "fixtures", "*", "tests", "*.yaml"))
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, text := range []string{"groups: {a: [b, '@a']}", "include: [t.yaml]\ngroups: {a: {roles: [b]}}", "include: x.yaml"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		suites, err := testrunner.Parse("t.yaml", data)
		if (len(suites) == 0) == (err == nil) {
			t.Fatalf("%d suites, error %v", len(suites), err)
		}
		checkPlaces(t, err)
		for _, s := range suites {
			checkWhole(t, s)
		}
		included := &testrunner.Suite{Name: "s", Include: testrunner.Names{name("t.yaml", 1, 1)}}
		err = testrunner.Include([]*testrunner.Suite{included}, func(string, source.Pos) ([]byte, error) { return data, nil })
		checkPlaces(t, err)
		if len(included.Groups) == 0 && err == nil && !strings.Contains(string(data), "include") {
			t.Error("neither groups nor a mistake")
		}
	})
}

func checkPlaces(t *testing.T, err error) {
	t.Helper()
	for _, mistake := range source.Mistakes(err) {
		var e *source.Error
		if !errors.As(mistake, &e) || e.Pos.File == "" {
			t.Errorf("a mistake without a position: %v", mistake)
		}
		if strings.Contains(mistake.Error(), "\n") {
			t.Errorf("a mistake of several lines: %q", mistake)
		}
	}
}

func checkWhole(t *testing.T, s *testrunner.Suite) {
	t.Helper()
	if s.Name == "" || s.Pos.Line == 0 || len(s.Tests) == 0 {
		t.Errorf("half a suite: %+v", s)
	}
	for i := range s.Tests {
		test := &s.Tests[i]
		if test.Name == "" || test.Pos.Line == 0 {
			t.Errorf("half a test: %+v", test)
		}
		if len(test.Operations) == 0 && test.Never == nil && test.Always == nil && len(test.Prove) == 0 {
			t.Errorf("a test without an expectation: %+v", test)
		}
		if (len(test.Operations) > 0) != (test.Principals != nil) {
			t.Errorf("a test with principals and without operations, or the other way around: %+v", test)
		}
		for _, o := range test.Operations {
			if o.Exactly == nil && len(o.Allow)+len(o.Deny)+len(o.Conditional)+len(o.Cases) == 0 {
				t.Errorf("an operation of which nothing is expected: %+v", o)
			}
		}
		for _, p := range []*testrunner.Property{test.Never, test.Always} {
			if p != nil && (p.Principals == nil || len(p.Operations) == 0) {
				t.Errorf("half a property: %+v", p)
			}
		}
	}
}
