package probe_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/live"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/probe"
)

// lines say what drifts are about.
func lines(drifts []probe.Drift) []string {
	var list []string
	for _, d := range drifts {
		task := ""
		if d.Task {
			task = " task"
		}
		list = append(list, strings.Join(strings.Fields(fmt.Sprintf("%s %s %s %s%s", d.Kind, d.Principal, d.Operation, d.Name, task)), " "))
	}
	return list
}

func replaced(t *testing.T, old, with string) string {
	t.Helper()
	if !strings.Contains(policies, old) {
		t.Fatalf("no %q in the policies", old)
	}
	return strings.Replace(policies, old, with, 1)
}

// TestDrift probes servers whose policies, or whose ways, are others than those
// of the checkout.
func TestDrift(t *testing.T) {
	const reports = `{name: reports, actions: ["tools/list::report"], effect: EFFECT_ALLOW, roles: [SALES]}`
	for name, test := range map[string]struct {
		deployed string
		desk     *desk
		change   func(*probe.Input)
		want     []string
		runs     map[string]int
	}{
		"the same": {deployed: policies, desk: &desk{}},
		"shown": {
			deployed: replaced(t, reports, strings.Replace(reports, "[SALES]", "[SALES, ADMIN]", 1)), desk: &desk{},
			want: []string{"shown-but-denied ian list report"},
		},
		"hidden from one": {
			deployed: replaced(t, `"tools/*::purge", `, `"tools/call::purge", `), desk: &desk{},
			want: []string{"hidden-but-allowed ian list purge"},
		},
		"hidden from some": {
			deployed: replaced(t, `["tools/*::greet"], effect: EFFECT_ALLOW, roles: [ADMIN, SALES]`, `["tools/*::greet"], effect: EFFECT_ALLOW, roles: [ADMIN]`), desk: &desk{},
			want: []string{"hidden-but-allowed otto list greet", "hidden-but-allowed sally list greet", "call-refused otto call greet", "call-refused sally call greet"},
		},
		"admitted": {
			deployed: replaced(t, `"tools/*::export", `, ``) + `    - {name: all, actions: ["tools/call::export"], effect: EFFECT_ALLOW, roles: [ADMIN, SALES]}` + "\n", desk: &desk{},
			want: []string{
				"hidden-but-allowed ian list export", "call-admitted otto call export task", "call-admitted otto call export",
				"call-admitted sally call export task", "call-admitted sally call export",
			},
		},
		"a condition that is gone": {
			deployed: replaced(t, "\n      condition: {match: {expr: R.attr.arguments.region == P.attr.region}}", ""), desk: &desk{},
			want: []string{"call-admitted otto call report", "call-admitted sally call report"},
		},
		"a condition that is never met": {
			deployed: replaced(t, "== P.attr.region", `== "NOWHERE"`), desk: &desk{},
			want: []string{"call-refused otto call report", "call-refused sally call report"},
		},
		"another condition": {
			deployed: replaced(t, "== P.attr.region", `== "EMEA"`), desk: &desk{},
			want: []string{"call-refused otto call report"},
		},
		"a denied call without arguments to forbid is made, if it destroys nothing": {
			deployed: policies + `    - {name: all, actions: ["tools/call::note", "tools/call::wipe"], effect: EFFECT_ALLOW, roles: [ADMIN, SALES]}` + "\n", desk: &desk{},
			want: []string{"call-admitted otto call note", "call-admitted sally call note"}, runs: map[string]int{"note": 2},
		},
		"a destructive one, if it is named": {
			deployed: policies + `    - {name: all, actions: ["tools/call::wipe"], effect: EFFECT_ALLOW, roles: [SALES]}` + "\n", desk: &desk{},
			change: func(in *probe.Input) { in.Destructive = []string{"wipe"} },
			want:   []string{"call-admitted otto call wipe", "call-admitted sally call wipe"}, runs: map[string]int{"wipe": 2},
		},
		"unknown and gone": {
			deployed: policies, desk: &desk{extra: map[string]string{"greet": "", "backdoor": ""}},
			want: []string{"unknown-item list backdoor", "item-gone list greet"},
		},
		"renamed for all": {
			deployed: policies, desk: &desk{extra: map[string]string{"report": "reports"}},
			want: []string{"unknown-item list reports", "item-gone list report"},
		},
		"some things only": {
			deployed: replaced(t, reports, strings.Replace(reports, "[SALES]", "[ADMIN]", 1)), desk: &desk{extra: map[string]string{"backdoor": ""}},
			change: func(in *probe.Input) { in.Items = func(name string) bool { return name == "greet" } },
		},
		"lists only": {
			deployed: replaced(t, "\n      condition: {match: {expr: R.attr.arguments.region == P.attr.region}}", ""), desk: &desk{},
			change: func(in *probe.Input) { in.Calls = false },
		},
		"without a token": {
			deployed: policies, desk: &desk{anyone: true},
			change: func(in *probe.Input) { in.Calls, in.Reads = false, false },
			want: []string{
				"unauthenticated-sees list", "unauthenticated-sees list", "unauthenticated-sees list",
				"wrong-token-sees list", "wrong-token-sees list", "wrong-token-sees list",
			},
		},
		"without a token, as far as calls and reads": {
			deployed: policies, desk: &desk{anyone: true},
			change: func(in *probe.Input) {
				in.Items = func(name string) bool { return name == "greet" || name == "desk://plan" }
				in.Clients = slices.DeleteFunc(in.Clients, func(c probe.Client) bool { return c.WrongToken })
			},
			want: []string{
				"unauthenticated-sees list", "unauthenticated-sees list", "unauthenticated-sees list",
				"unauthenticated-sees read desk://plan", "unauthenticated-sees call greet",
			},
			runs: map[string]int{"desk://plan": 4},
		},
		"a refusal that nobody knows": {
			deployed: policies, desk: &desk{refusal: failed("computer says no")},
			want: []string{
				"inconclusive ian call report", "inconclusive otto call export", "inconclusive otto call export task", "inconclusive otto call note", "inconclusive otto call purge", "inconclusive otto call report",
				"inconclusive sally call export", "inconclusive sally call export task", "inconclusive sally call note", "inconclusive sally call purge", "inconclusive sally call report",
			},
		},
		"another error with the refusal's text": {
			deployed: policies, desk: &desk{refusal: failed("Unauthorized by the database")},
			change: func(in *probe.Input) { in.Items = func(name string) bool { return name == "purge" } },
			want:   []string{"inconclusive otto call purge", "inconclusive sally call purge"},
		},
		"a complaint that nobody knows is no admission": {
			deployed: policies, desk: &desk{failure: failed("oops")},
			change: func(in *probe.Input) { in.Items = func(name string) bool { return name == "greet" } },
			want:   []string{"inconclusive ian call greet", "inconclusive otto call greet", "inconclusive sally call greet"},
		},
		"tasks past the enforcement point": {
			deployed: policies, desk: &desk{tasks: true},
			change: func(in *probe.Input) { in.Items = func(name string) bool { return name == "export" } },
			want:   []string{"call-admitted otto call export task", "call-admitted sally call export task"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.desk.deployed = newWorld(t, test.deployed, nil)
			result, err := probed(t, newWorld(t, policies, nil), test.desk, test.change)
			if err != nil {
				t.Fatal(err)
			}
			got := lines(result.Drifts)
			slices.Sort(got)
			slices.Sort(test.want)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("drifts (-want +got):\n%s", diff)
			}
			for _, d := range result.Drifts {
				if d.Message == "" || d.Expected == "" || d.Answered == "" || d.Pos.File == "" || strings.Contains(d.Answered, "secret figures") {
					t.Errorf("it does not say all, or too much: %+v", d)
				}
				if d.Operation == authz.Call && d.Arguments == nil {
					t.Errorf("the arguments are missing: %+v", d)
				}
			}
			runs := maps.Clone(test.desk.runs)
			delete(runs, "brief") // prompts and resources are meant to be had
			if test.runs["desk://plan"] == 0 {
				delete(runs, "desk://plan")
			}
			if len(runs)+len(test.runs) > 0 {
				if diff := cmp.Diff(test.runs, runs); diff != "" {
					t.Errorf("what ran (-want +got):\n%s", diff)
				}
			}
			if result.Admitted == 0 || result.Answers == 0 {
				t.Errorf("%d answers, %d admitted", result.Answers, result.Admitted)
			}
		})
	}
}

// TestNothingRuns holds a probe of a server with the right policies to having
// called every tool, on both sides of each condition, without any running.
func TestNothingRuns(t *testing.T) {
	d := &desk{deployed: newWorld(t, policies, nil)}
	result, err := probed(t, newWorld(t, policies, nil), d, nil)
	if err != nil || len(result.Drifts) > 0 {
		t.Fatalf("%v, %v", err, result)
	}
	delete(d.runs, "brief")
	delete(d.runs, "desk://plan")
	if len(d.runs) > 0 {
		t.Errorf("these ran: %v", d.runs)
	}
	tried := strings.Join(d.said, "\n")
	for _, want := range []string{
		"ian greet map[mcpolicy_probe:forbidden]", "ian purge map[mcpolicy_probe:forbidden]", "otto note map[]",
		"sally report map[region:EMEA]", "otto report map[region:APAC]", "otto purge map[mcpolicy_probe:forbidden]",
	} {
		if !strings.Contains(tried, want) {
			t.Errorf("not tried: %s\n%s", want, tried)
		}
	}
	for _, never := range []string{"otto wipe", "sally wipe", "ian wipe", "ian note"} {
		if strings.Contains(tried, never) {
			t.Errorf("tried: %s", never)
		}
	}
	skipped := strings.Join(result.Skipped, "\n")
	for _, want := range []string{"note, wipe: not called where the matrix says allowed", "wipe: not called where the matrix says denied", "--allow-destructive"} {
		if !strings.Contains(skipped, want) {
			t.Errorf("does not say %q:\n%s", want, skipped)
		}
	}
}

// TestRanInSpite holds probes to leave a tool alone once it has run, and the
// destructive ones of its server with it.
func TestRanInSpite(t *testing.T) {
	d := &desk{deployed: newWorld(t, policies, nil), lax: map[string]bool{"greet": true, "purge": true}}
	result, err := probed(t, newWorld(t, policies, nil), d, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Drifts) != 1 || result.Drifts[0].Kind != probe.RanBadArguments || result.Drifts[0].Name != "greet" {
		t.Errorf("drifts: %v", lines(result.Drifts))
	}
	if d.runs["greet"] != 1 || d.runs["purge"] != 0 {
		t.Errorf("ran: %v", d.runs)
	}
	if text := strings.Join(result.Skipped, "\n"); !strings.Contains(text, "greet: not called again") || !strings.Contains(text, "purge: not called: destructive") {
		t.Errorf("skipped:\n%s", text)
	}
	// A denied call that ran is both.
	d = &desk{deployed: newWorld(t, strings.Replace(policies, `roles: [ADMIN]}`, `roles: [ADMIN, SALES]}`, 1), nil), lax: map[string]bool{"purge": true}}
	result, err = probed(t, newWorld(t, policies, nil), d, func(in *probe.Input) {
		in.Clients = slices.DeleteFunc(in.Clients, func(c probe.Client) bool { return c.Principal == nil || c.Principal.Key == "ian" })
		in.Items = func(name string) bool { return name == "purge" || name == "greet" }
	})
	if err != nil {
		t.Fatal(err)
	}
	got := lines(result.Drifts)
	if d.runs["purge"] != 1 || !slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, "ran-in-spite-of-bad-arguments") }) ||
		!slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, "call-admitted") }) {
		t.Errorf("%v, ran: %v", got, d.runs)
	}
}

// TestBroken holds probes to say nothing of servers that admit nothing.
func TestBroken(t *testing.T) {
	for name, test := range map[string]struct {
		trouble func(who, method, name string) any
		want    string
	}{
		"all is refused, as without a PDP": {func(_, method, _ string) any {
			switch method {
			case "tools/list":
				return map[string]any{"tools": []any{}}
			case "prompts/list":
				return map[string]any{"prompts": []any{}}
			case "resources/list":
				return map[string]any{"resources": []any{}}
			case "tools/call":
				return failed("Unauthorized")
			}
			return nil
		}, "the server admits none"},
		"all fails": {func(string, string, string) any { return errors.New("out of order") }, "no principal could be probed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result, err := probed(t, newWorld(t, policies, nil), &desk{deployed: newWorld(t, policies, nil), trouble: test.trouble}, nil)
			var broken *probe.BrokenError
			if result != nil || !errors.As(err, &broken) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("have %v, %v", result, err)
			}
		})
	}
	// Nobody who may do anything, or nobody at all.
	for _, clients := range [][]probe.Client{{}, {{}, {WrongToken: true}}} {
		_, err := probed(t, newWorld(t, policies, nil), &desk{deployed: newWorld(t, policies, nil)}, func(in *probe.Input) { in.Clients = clients })
		var broken *probe.BrokenError
		if !errors.As(err, &broken) {
			t.Errorf("have %v", err)
		}
	}
}

// TestFailures holds one client's failure to be no answer, and not to keep the
// others from being probed.
func TestFailures(t *testing.T) {
	for name, test := range map[string]struct {
		trouble func(who, method, name string) any
		want    string
	}{
		"a list that is none":     {func(string, string, string) any { return map[string]any{"tools": 7} }, "tools: want a list, have a number"},
		"a list that fails":       {func(string, string, string) any { return errors.New("no luck with " + tokenOf + "sally") }, `"no luck with [redacted]"`},
		"a list that never comes": {nil, "tools/list: no answer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			over := make(chan struct{})
			defer close(over) // the server, which is closed later, waits for its answers
			d := &desk{deployed: newWorld(t, policies, nil)}
			d.trouble = func(who, method, item string) any {
				if who != "sally" || method != "tools/list" {
					return nil
				}
				if test.trouble == nil {
					<-over
					return nil
				}
				return test.trouble(who, method, item)
			}
			result, err := probed(t, newWorld(t, policies, nil), d, func(in *probe.Input) {
				dial := in.Dial
				in.Dial = func(ctx context.Context, c probe.Client) (probe.Session, error) {
					s, err := dial(ctx, c)
					if err == nil && test.trouble == nil && c.Principal != nil && c.Principal.Key == "sally" {
						s = hasty{s}
					}
					return s, err
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			if len(result.Drifts) != 1 || result.Drifts[0].Kind != probe.NotProbed || !strings.Contains(result.Drifts[0].Message, test.want) {
				t.Errorf("drifts: %+v", result.Drifts)
			}
			if strings.Contains(fmt.Sprint(result.Drifts), tokenOf) {
				t.Errorf("the token shows: %v", result.Drifts)
			}
			if tried := strings.Join(d.said, "\n"); strings.Contains(tried, "sally") || !strings.Contains(tried, "otto report") {
				t.Errorf("tried:\n%s", tried)
			}
		})
	}
}

// A hasty session does not wait for lists.
type hasty struct{ probe.Session }

func (h hasty) List(ctx context.Context, t authz.ItemType) (*live.List, error) {
	ctx, done := context.WithTimeout(ctx, 200*time.Millisecond)
	defer done()
	return h.Session.List(ctx, t)
}

// TestReads gets and reads behind an enforcement point that guards resources
// and says how it refuses.
func TestReads(t *testing.T) {
	profile := func(answers ...pep.Answer) *pep.Profile {
		request := func(action string) []pep.RequestSpec {
			return []pep.RequestSpec{{Kind: "mcp_server", ID: "{name}", Action: action}}
		}
		p, err := pep.Custom("gateway", "desk", []pep.Spec{
			{Endpoint: "tools/list", Filter: authz.FilterOwn, Requests: request("tools/list::{name}")},
			{Endpoint: "tools/call", Requests: request("tools/call::{name}")},
			{Endpoint: "resources/read", Requests: request("read")},
		})
		if err == nil {
			err = p.SetAnswers(answers, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	const may = `    - {name: reading, actions: [read], effect: EFFECT_ALLOW, roles: [ADMIN]}` + "\n"
	known := []pep.Answer{{Code: -32000, Text: "not for you"}, {IsError: true, Text: "Unauthorized"}}
	for name, test := range map[string]struct {
		deployed string
		answers  []pep.Answer
		want     []string
	}{
		"the same":                   {policies + may, known, nil},
		"read by all":                {policies + strings.Replace(may, "ADMIN", "ADMIN, SALES", 1), known, []string{"read-admitted otto read desk://plan", "read-admitted sally read desk://plan"}},
		"refused in words unknown":   {policies + may, known[1:], []string{"inconclusive otto read desk://plan", "inconclusive sally read desk://plan"}},
		"refused with another error": {policies + may, []pep.Answer{{Code: -32000, Text: "not for them"}, known[1]}, []string{"inconclusive otto read desk://plan", "inconclusive sally read desk://plan"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := &desk{deployed: newWorld(t, test.deployed, profile(test.answers...))}
			result, err := probed(t, newWorld(t, policies+may, profile(test.answers...)), d, func(in *probe.Input) { in.Calls = false })
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, lines(result.Drifts)); diff != "" {
				t.Errorf("drifts (-want +got):\n%s", diff)
			}
			if d.runs["brief"] != 3 { // unguarded, so it is had by everybody
				t.Errorf("ran: %v", d.runs)
			}
		})
	}
	// What the matrix takes for unguarded is guarded all the same.
	d := &desk{deployed: newWorld(t, policies, profile(known...))}
	result, err := probed(t, newWorld(t, policies, nil), d, func(in *probe.Input) { in.Calls = false })
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(lines(result.Drifts), "inconclusive ian read desk://plan") {
		t.Errorf("drifts: %v", lines(result.Drifts))
	}
}

// TestTaskOnly probes a server on FastMCP 2.14, where the matrix knows that
// tasks are not guarded, and other calls of the same tool are.
func TestTaskOnly(t *testing.T) {
	profile := func() *pep.Profile {
		p, err := pep.New("cerbos-fastmcp", "desk", pep.With{FastMCP: "2.14.7"}, "")
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	only := func(in *probe.Input) { in.Items = func(name string) bool { return name == "export" } }
	d := &desk{deployed: newWorld(t, policies, nil), tasks: true}
	result, err := probed(t, newWorld(t, policies, profile()), d, only)
	if err != nil || len(result.Drifts) > 0 || result.Calls != 6 || d.runs["export"] > 0 {
		t.Errorf("%v, %+v, ran %v", err, result, d.runs)
	}
	d = &desk{deployed: newWorld(t, policies, nil)} // where tasks are guarded after all
	result, err = probed(t, newWorld(t, policies, profile()), d, only)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"call-refused otto call export task", "call-refused sally call export task"}, lines(result.Drifts)); diff != "" {
		t.Errorf("drifts (-want +got):\n%s", diff)
	}
	if got := result.Drifts[0].Expected; got != matrix.Unguarded.String() {
		t.Errorf("expected %s", got)
	}
}

// TestManyAtOnce probes as several principals at the same time, no more than it
// is told, with the same result.
func TestManyAtOnce(t *testing.T) {
	deployed := replaced(t, "== P.attr.region", `== "EMEA"`)
	var first []string
	for _, n := range []int{1, 2, 16} {
		d := &desk{deployed: newWorld(t, deployed, nil)}
		counted := &counter{handler: d}
		result, err := probed(t, newWorld(t, policies, nil), counted, func(in *probe.Input) { in.Concurrency = n })
		if err != nil {
			t.Fatal(err)
		}
		if got := lines(result.Drifts); first == nil {
			first = got
		} else if diff := cmp.Diff(first, got); diff != "" {
			t.Errorf("with %d at once (-before +after):\n%s", n, diff)
		}
		if counted.most > n {
			t.Errorf("%d requests at the same time, want at most %d", counted.most, n)
		}
	}
}

// TestKinds holds every kind to be explained.
func TestKinds(t *testing.T) {
	seen := map[probe.Kind]bool{}
	for _, d := range probe.Kinds() {
		if d.Summary == "" || d.Rationale == "" || d.Fix == "" || seen[d.Kind] || d.Kind.Explain() != d {
			t.Errorf("%+v", d)
		}
		seen[d.Kind] = true
	}
}
