package testrunner_test

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

func quickstart(t testing.TB) *testrunner.Input {
	t.Helper()
	in, err := load(t.Context(), os.DirFS(filepath.Join("..", "fixtures", "quickstart")))
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func TestFilter(t *testing.T) {
	in := quickstart(t)
	tests := map[string]struct {
		filter testrunner.Filter
		want   string // the cases left, or the error
	}{
		"all of them": {
			testrunner.Filter{Suites: []string{"What*do"}, Tests: []string{"*region*"}, Principals: []string{"s*"}, Items: []string{"create_*"}},
			"What each of us may do: sally create_quote; sally create_quote; sally create_quote; sally create_quote",
		},
		"file":           {testrunner.Filter{Suites: []string{"tests/prompts*"}, Principals: []string{"harry"}, Items: []string{"account_review"}}, "Prompts and resources: harry account_review; harry account_review"},
		"group":          {testrunner.Filter{Tests: []string{"the desk reports on its own region", "agents change nothing*"}, Principals: []string{"@desk"}, Items: []string{"get_p*", "export_customers"}}, "Guardrails: scout export_customers\nWhat each of us may do: sally get_pipeline_report; scout get_pipeline_report; sally get_pipeline_report; scout get_pipeline_report; sally get_pipeline_report; scout get_pipeline_report; sally get_pipeline_report; scout get_pipeline_report; sally get_pipeline_report; scout get_pipeline_report"},
		"no such suite":  {testrunner.Filter{Suites: []string{"Guardrail"}}, `no case is selected: no suite "Guardrail" (did you mean Guardrails?)`},
		"no such tests":  {testrunner.Filter{Tests: []string{"x*"}}, `no case is selected: no test matches "x*"`},
		"no such people": {testrunner.Filter{Principals: []string{"salli", "@dsk"}}, "no case is selected: no principal \"salli\" (did you mean sally?)\nno group \"dsk\" (did you mean desk?)"},
		"no such item":   {testrunner.Filter{Items: []string{"get_customr"}}, `no case is selected: no tool, prompt or resource "get_customr" (did you mean get_customer?)`},
		"bad pattern":    {testrunner.Filter{Items: []string{"[a-"}}, `no case is selected: invalid pattern "[a-": a [ is not closed`},
		"text":           {testrunner.Filter{Texts: []string{"GUARDRAILS > agents"}, Items: []string{"export_*"}}, "Guardrails: scout export_customers"},
		"text of a file": {testrunner.Filter{Texts: []string{"sts/guardrails.yaml"}, Items: []string{"export_*"}}, "Guardrails: scout export_customers"},
		"text of a case": {testrunner.Filter{Texts: []string{"harry gets acc", "harry lists account_review"}}, "Prompts and resources: harry account_review; harry account_review"},
		"text as a glob": {testrunner.Filter{Texts: []string{"Prompts* > HR cannot > harry gets *"}}, "Prompts and resources: harry account_review"},
		"one of several": {testrunner.Filter{Texts: []string{"sally gets account_review"}}, "Prompts and resources: sally account_review"},
		"misspelt text":  {testrunner.Filter{Texts: []string{"harry", "sallly", "x*y"}}, "no case is selected: no case \"sallly\" (did you mean sally?)\nno case matches \"x*y\""},
		"text and tests": {testrunner.Filter{Texts: []string{"export_customers"}, Tests: []string{"HR cannot"}}, `no case is selected: no case is about "export_customers", of those that are not filtered out otherwise`},
		"empty text":     {testrunner.Filter{Texts: []string{" "}}, "no case is selected: a text to look for cannot be empty"},
		"text, bad glob": {testrunner.Filter{Texts: []string{"[a-"}}, `no case is selected: invalid pattern "[a-": a [ is not closed`},
		"shard of none":  {testrunner.Filter{Shard: testrunner.Shard{Index: 999, Count: 1000}}, "no case is selected: shard 999/1000 has no test: all tests together are 27, so ask for 27 shards at most"},
		"shard, no case": {testrunner.Filter{Shard: testrunner.Shard{Index: 1, Count: 27}, Principals: []string{"harry"}, Items: []string{"export_*"}}, "no case is selected: of the tests in shard 1/27 the filter leaves no case: ask for fewer shards"},
		"nothing left":   {testrunner.Filter{Tests: []string{"HR cannot"}, Principals: []string{"ian"}}, `no case is selected`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			filtered := *in
			filtered.Filter = tt.filter
			r, err := testrunner.Run(t.Context(), &filtered)
			var got []string
			if err != nil {
				if !errors.Is(err, testrunner.ErrNothingSelected) || r != nil {
					t.Errorf("result %v, error %v", r, err)
				}
				got = append(got, err.Error())
			} else {
				for _, s := range r.Suites {
					var cases []string
					for _, c := range s.Cases {
						cases = append(cases, c.Principals[0].Key+" "+c.Item.Name)
					}
					got = append(got, s.Name+": "+strings.Join(cases, "; "))
				}
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, "\n")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestNoSuites(t *testing.T) {
	in := quickstart(t)
	in.Suites = nil
	r, err := testrunner.Run(t.Context(), in)
	if err != nil || len(r.Suites) != 0 {
		t.Errorf("result %v, error %v", r, err)
	}
}

// TestGroups holds that the groups are those of the input, or else those that
// the principals name.
func TestGroups(t *testing.T) {
	in := quickstart(t)
	in.Filter.Principals = []string{"@desk"}
	for _, groups := range []map[string][]string{nil, in.Groups} {
		in.Groups = groups
		if _, err := testrunner.Run(t.Context(), in); err != nil {
			t.Error(err)
		}
	}
	in.Groups = map[string][]string{"desk": {"gone"}}
	_, err := testrunner.Run(t.Context(), in)
	if want := `no case is selected: no principal is in group "desk"`; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestProgress(t *testing.T) {
	in := quickstart(t)
	var done, total int
	in.Progress = func(d, n int) {
		if d <= done || d > n {
			t.Errorf("%d of %d after %d", d, n, done)
		}
		done, total = d, n
	}
	r, err := testrunner.Run(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	cases := 0
	for _, s := range r.Suites {
		cases += len(s.Cases)
	}
	if done != total || total != cases {
		t.Errorf("%d of %d reported, %d cases", done, total, cases)
	}
}

// broken is a decider that cannot decide.
type broken struct{}

func (broken) Decide(context.Context, []authz.Request) ([]authz.Decision, error) {
	return nil, errors.New("the engine is gone")
}

// TestDecisionsThatCannotBeMade holds that they end the run and are neither a
// denial nor a pass.
func TestDecisionsThatCannotBeMade(t *testing.T) {
	const text = "name: n\noptions: {now: 2026-01-01}\ntests: [{name: t, principals: [harry], call: {%s}}]\n"
	for name, tt := range map[string]struct {
		call   string
		reopen func(time.Time, map[string]any) (pdp.Decider, error)
		want   string
	}{
		"no engine to set":     {"deny: [delete_customer]", nil, `t.yaml:2:10: suite "n": this engine takes no options`},
		"engine not opened":    {"deny: [delete_customer]", func(time.Time, map[string]any) (pdp.Decider, error) { return nil, errors.New("nope") }, `t.yaml:2:10: suite "n": set the engine: nope`},
		"cells":                {"deny: [delete_customer]", func(time.Time, map[string]any) (pdp.Decider, error) { return broken{}, nil }, `t.yaml:2:10: suite "n": the engine is gone`},
		"cases with arguments": {"cases: [{tool: delete_customer, arguments: {}, expect: deny}]", func(time.Time, map[string]any) (pdp.Decider, error) { return broken{}, nil }, `t.yaml:2:10: suite "n": the engine is gone`},
	} {
		t.Run(name, func(t *testing.T) {
			in := quickstart(t)
			in.Reopen = tt.reopen
			suites, err := testrunner.Parse("t.yaml", []byte(strings.ReplaceAll(text, "%s", tt.call)))
			if err != nil {
				t.Fatal(err)
			}
			in.Suites = suites
			r, err := testrunner.Run(t.Context(), in)
			if r != nil || err == nil || err.Error() != tt.want {
				t.Errorf("result %v, error %v, want %s", r, err, tt.want)
			}
		})
	}
	t.Run("arguments that are no JSON", func(t *testing.T) { // which no file has
		in := quickstart(t)
		suites, err := testrunner.Parse("t.yaml", []byte("name: n\ntests: [{name: t, principals: [harry], call: {cases: [{tool: delete_customer, arguments: {}, expect: deny}]}}]\n"))
		if err != nil {
			t.Fatal(err)
		}
		suites[0].Tests[0].Operations[0].Cases[0].Arguments["id"] = math.Inf(1)
		in.Suites = suites
		r, err := testrunner.Run(t.Context(), in)
		if want := "decide cases: t.yaml:2:55: arguments: json: unsupported value: +Inf"; r != nil || err == nil || err.Error() != want {
			t.Errorf("result %v, error %v, want %s", r, err, want)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		in := quickstart(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if r, err := testrunner.Run(ctx, in); r != nil || !errors.Is(err, context.Canceled) {
			t.Errorf("result %v, error %v", r, err)
		}
	})
}

// TestReopen holds that each clock and each set of globals is opened once, and
// none for suites that are skipped or filtered out.
func TestReopen(t *testing.T) {
	in := quickstart(t)
	const tests = "tests: [{name: t, principals: [harry], call: {deny: [delete_customer]}}]\n"
	suites, err := testrunner.Parse("t.yaml", []byte(strings.Join([]string{
		"name: a\noptions: {now: 2026-01-01}\n" + tests,
		"name: b\noptions: {now: 2026-01-01T00:00:00Z, auxData: {jwt: {a: 1}}}\n" + tests,
		"name: c\noptions: {globals: {}}\n" + tests,
		"name: d\noptions: {globals: {x: 1}}\n" + tests,
		"name: e\noptions: {auxData: {jwt: {}}}\n" + tests,
		"name: f\noptions: {now: 2027-01-01}\nskip: later\n" + tests,
		"name: g\noptions: {}\n" + tests,
	}, "---\n")))
	if err != nil {
		t.Fatal(err)
	}
	in.Suites = suites
	reopen := in.Reopen
	var got []string
	in.Reopen = func(now time.Time, globals map[string]any) (pdp.Decider, error) {
		clock := "as it is"
		if !now.IsZero() {
			clock = now.Format(time.DateOnly)
		}
		switch {
		case globals == nil:
			clock += ", nil"
		case len(globals) == 0:
			clock += ", none"
		}
		got = append(got, clock)
		return reopen(now, globals)
	}
	r, err := testrunner.Run(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"2026-01-01, nil", "as it is, none", "as it is", "as it is, nil"}, got); diff != "" {
		t.Errorf("opened (-want +got):\n%s", diff)
	}
	if n := r.Counts(); n != (testrunner.Counts{Passed: 6, Skipped: 1}) {
		t.Errorf("%+v", n)
	}
}

func TestEmptyWorld(t *testing.T) {
	in, err := load(t.Context(), fstest.MapFS{
		"manifest.json":   {Data: []byte(`{"tools": [{"name": "a"}], "prompts": []}`)},
		"principals.yaml": {Data: []byte("principals: {p: {id: p, roles: [r]}}\n")},
		"policies/p.yaml": {Data: []byte("apiVersion: api.cerbos.dev/v1\nresourcePolicy: {resource: x, version: default, rules: []}\n")},
		"tests/a.yaml":    {Data: []byte("name: n\ntests: [{name: t, principals: [p], list: {exactly: []}, call: {exactly: []}}]\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	r, err := testrunner.Run(t.Context(), in)
	if err != nil || r.Counts() != (testrunner.Counts{Passed: 2}) {
		t.Errorf("result %+v, error %v", r, err)
	}
}

// TestHostileNames holds that the name of a tool, a stranger's text, reaches
// no message as it is.
func TestHostileNames(t *testing.T) {
	in, err := load(t.Context(), fstest.MapFS{
		"manifest.json":   {Data: []byte(`{"tools": [{"name": "get_\u001b[31m\n"}]}`)},
		"principals.yaml": {Data: []byte("principals: {p: {id: p, roles: [r]}}\n")},
		"policies/p.yaml": {Data: []byte("apiVersion: api.cerbos.dev/v1\nresourcePolicy: {resource: x, version: default, rules: []}\n")},
		"tests/a.yaml":    {Data: []byte("name: n\ntests: [{name: t, principals: [p], list: {allow: [get_31m]}}]\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = testrunner.Run(t.Context(), in)
	if want := `tests/a.yaml:2:51: no tool "get_31m" on crm (did you mean "get_\x1b[31m\n"?)`; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}
