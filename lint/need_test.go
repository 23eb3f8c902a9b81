package lint_test

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
)

// Engines that offer all that rules need but one thing.
type (
	noSchemas struct {
		pdp.Decider
		pdp.Examiner
		pdp.Reader
		pdp.Clocked
		pdp.Divisible
		pdp.Confusable
		pdp.Evaluable
	}
	noConditions struct {
		pdp.Decider
		pdp.Validator
		pdp.Reader
		pdp.Clocked
		pdp.Divisible
		pdp.Confusable
		pdp.Evaluable
	}
	noReads struct {
		pdp.Decider
		pdp.Validator
		pdp.Examiner
		pdp.Clocked
		pdp.Divisible
		pdp.Confusable
		pdp.Evaluable
	}
	noTimes struct {
		pdp.Decider
		pdp.Validator
		pdp.Examiner
		pdp.Reader
		pdp.Divisible
		pdp.Confusable
		pdp.Evaluable
	}
	noDivision struct {
		pdp.Decider
		pdp.Validator
		pdp.Examiner
		pdp.Reader
		pdp.Clocked
		pdp.Confusable
		pdp.Evaluable
	}
	noConfusion struct {
		pdp.Decider
		pdp.Validator
		pdp.Examiner
		pdp.Reader
		pdp.Clocked
		pdp.Divisible
		pdp.Evaluable
	}
	noEvaluation struct {
		pdp.Decider
		pdp.Validator
		pdp.Examiner
		pdp.Reader
		pdp.Clocked
		pdp.Divisible
		pdp.Confusable
	}
	bare struct{ pdp.Decider }
)

// lesser are engines like one less what the name says.
func lesser(e *embedded.Engine) map[string]pdp.Decider {
	return map[string]pdp.Decider{
		"schemas": noSchemas{e, e, e, e, e, e, e}, "conditions": noConditions{e, e, e, e, e, e, e}, "reads": noReads{e, e, e, e, e, e, e},
		"times": noTimes{e, e, e, e, e, e, e}, "division": noDivision{e, e, e, e, e, e, e}, "confusion": noConfusion{e, e, e, e, e, e, e}, "evaluation": noEvaluation{e, e, e, e, e, e, e},
	}
}

// brokenSchemas offers schemas only, and fails to look at them.
type brokenSchemas struct {
	pdp.Decider
	err error
}

func (b brokenSchemas) Validate(context.Context, []authz.Request) ([][]authz.ValidationError, error) {
	return nil, b.err
}

func (brokenSchemas) Rejects() bool { return false }

// lacking are the rules that could not look.
func lacking(o *lint.Options, e pdp.Decider) []string {
	var ids []string
	for _, l := range o.Lacking(e) {
		ids = append(ids, l.Rule)
	}
	return ids
}

// TestNeeds holds, over the worlds of all rules, that a rule that says otherwise
// with an engine that offers less says so; and that each thing that an engine may not
// offer makes a difference to every rule that names it.
func TestNeeds(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	differs := map[string]bool{}
	named := map[string]bool{}
	t.Run("worlds", func(t *testing.T) {
		for _, rule := range lint.Rules() {
			files, err := filepath.Glob(filepath.Join("testdata", rule.ID, "*.txtar"))
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range files {
				t.Run(rule.ID+"/"+filepath.Base(file), func(t *testing.T) {
					t.Parallel()
					needed, told := needs(t, file, rule.ID)
					mu.Lock()
					defer mu.Unlock()
					for _, what := range needed {
						differs[rule.ID+" "+what] = true
					}
					for _, what := range told {
						named[rule.ID+" "+what] = true
					}
				})
			}
		}
	})
	delete(named, "rule-shadowed division") // a random world shows it; these are without any rule that only looks shadowed
	for what := range named {
		if !differs[what] {
			t.Errorf("%s: no world shows that it is needed", what)
		}
	}
	if len(differs) < 10 {
		t.Errorf("only these make a difference: %v", differs)
	}
}

// needs returns what makes a difference to a rule's findings, and what the rule says
// that it lacks.
func needs(t *testing.T, file, rule string) (needed, told []string) {
	t.Helper()
	ar, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	w, err := load(t.Context(), archiveFS(t, ar))
	if err != nil {
		t.Fatal(err)
	}
	in, err := w.input(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	o := w.options(t, rule)
	with := func(e pdp.Decider) string {
		t.Helper()
		of := *in
		of.Engine = e
		list, err := lint.Run(t.Context(), &of, o)
		if err != nil {
			t.Fatal(err)
		}
		return string(print(list))
	}
	whole := with(w.engine)
	if list := lacking(&o, w.engine); len(list) > 0 {
		t.Errorf("with all that there is, %v could not look", list)
	}
	same := with(bare{w.engine}) == whole
	for what, e := range lesser(w.engine) {
		says := slices.Contains(lacking(&o, e), rule)
		if says {
			told = append(told, what)
		}
		if same || with(e) == whole {
			continue
		}
		needed = append(needed, what)
		if !says && rule != "waiver-stale" { // which follows what the others say
			t.Errorf("%s says something else without %s, and does not say so", rule, what)
		}
	}
	return needed, told
}

// TestLacking holds what is said of rules that cannot look, that those that are turned
// off say nothing, and that nothing follows from the silence of the others.
func TestLacking(t *testing.T) {
	t.Parallel()
	o := lint.Options{Severity: map[string]authz.Severity{"condition-never-true": authz.SeverityOff}, Skip: []string{"argument-optional"}}
	list := lacking(&o, nil)
	for id, want := range map[string]bool{"condition-always-true": true, "condition-never-true": false, "argument-optional": false, "wildcard-role": false} {
		if slices.Contains(list, id) != want {
			t.Errorf("%s among %v: want %v", id, list, want)
		}
	}
	const want = "could not look into all that it is about: the engine does not say what conditions read, nor decide at other times"
	o.Only = []string{"decision-depends-on-time"}
	if got := o.Lacking(nil); len(got) != 1 || got[0].Message != want {
		t.Errorf("%+v, want %q", got, want)
	}

	in, err := insecure(t).input(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	o = lint.Options{Now: now, Only: []string{"waiver-stale"}, Waivers: []lint.Waiver{
		{Rule: "condition-never-true", Item: "nothing", Reason: "it is being rewritten"}, {Rule: "tool-unreachable", Server: "*", Item: "nothing", Reason: "gone soon"},
	}}
	for _, e := range []pdp.Decider{in.Engine, nil} {
		of := *in
		of.Engine = e
		list, err := lint.Run(t.Context(), &of, o)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range o.Waivers {
			stale := strings.Contains(string(print(list)), "the waiver of "+o.Rule+" matches no finding")
			if want := e != nil || o.Rule == "tool-unreachable"; stale != want {
				t.Errorf("the waiver of %s with %T: stale %v, want %v", o.Rule, e, stale, want)
			}
		}
	}
}
