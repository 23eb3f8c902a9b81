package lint_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/mcpolicy/mcpolicy/fix"
	"github.com/mcpolicy/mcpolicy/lint"
)

// TestFixes makes a slip in random policies. The edits of the findings give
// back the policies without the slip, byte by byte, and the findings are gone.
func TestFixes(t *testing.T) {
	tools := []string{"log_activity", "get_customer", "refund", "greet", "export-report"}
	roles := []string{"ADMIN", "SALES"}
	rapid.Check(t, func(r *rapid.T) {
		var rules []string
		var names []string // in the order of the text
		for i := range rapid.IntRange(1, 4).Draw(r, "rules") {
			actions := rapid.SliceOfNDistinct(rapid.SampledFrom(tools), 1, 3, rapid.ID[string]).Draw(r, "actions")
			held := rapid.SliceOfNDistinct(rapid.SampledFrom(roles), 1, 2, rapid.ID[string]).Draw(r, "roles")
			for k, a := range actions {
				actions[k] = "tools/call::" + a
			}
			names = append(append(names, actions...), held...)
			rules = append(rules, fmt.Sprintf("    - name: r%d # one of them\n      actions: %s\n      effect: EFFECT_ALLOW\n      roles: %s\n", i, yamlList(r, actions), yamlList(r, held)))
		}
		right := "apiVersion: api.cerbos.dev/v1 # é\nresourcePolicy:\n  resource: mcp_server\n  version: default\n  rules:\n" + strings.Join(rules, "\n")
		name := rapid.SampledFrom(names).Draw(r, "slipped")
		wrong := strings.Replace(right, name, slip(r, name), 1)

		findings := findingsOf(r, wrong)
		var edits []fix.Edit
		for _, f := range findings {
			edits = append(edits, f.Edits...)
		}
		if len(edits) != 1 {
			r.Fatalf("edits %+v of %s in\n%s", edits, print(findings), wrong)
		}
		fixed, refused := fix.Apply([]byte(wrong), edits)
		if diff := cmp.Diff(right, string(fixed)); diff != "" || len(refused) > 0 {
			r.Fatalf("refused %+v (-want +got):\n%s", refused, diff)
		}
		if left := findingsOf(r, string(fixed)); len(left) > 0 {
			r.Fatalf("still\n%s", print(left))
		}
	})
}

// yamlList writes a list in one of the ways that people do.
func yamlList(r *rapid.T, words []string) string {
	items := make([]string, len(words))
	for i, w := range words {
		items[i] = rapid.SampledFrom([]string{w, `"` + w + `"`, "'" + w + "'"}).Draw(r, "quotes")
	}
	return rapid.SampledFrom([]string{
		"[" + strings.Join(items, ", ") + "]",
		"[ " + strings.Join(items, " , ") + " ] # so many",
		"\n        - " + strings.Join(items, " # this too\n        - "),
		"\n      # these\n      -   " + strings.Join(items, "\n      -   "),
	}).Draw(r, "list")
}

// slip leaves a letter out of the last word of a name, doubles it or puts
// another one in its place.
func slip(r *rapid.T, name string) string {
	i := len(name) - rapid.IntRange(1, 3).Draw(r, "letter")
	return name[:i] + rapid.SampledFrom([]string{"", name[i:i+1] + name[i:i+1], "q"}).Draw(r, "instead") + name[i+1:]
}

// findingsOf lints a policy of the server crm by the rules that have edits.
func findingsOf(r rapid.TB, text string) []lint.Finding {
	list, err := findings(context.Background(), fstest.MapFS{
		"manifest.json": {Data: []byte(`{"tools": [
			{"name": "log_activity"}, {"name": "get_customer"}, {"name": "refund"}, {"name": "greet"}, {"name": "export-report"}]}`)},
		"policies/p.yaml": {Data: []byte(text)},
	}, "rule-matches-nothing", "role-not-held")
	if err != nil {
		r.Fatalf("%v in\n%s", err, text)
	}
	return list
}

// TestNoFixes holds what only a person can decide.
func TestNoFixes(t *testing.T) {
	for _, test := range []struct{ why, rule string }{
		{"it is a pattern", `{actions: ["tools/call:*"], effect: EFFECT_ALLOW, roles: [SALES]}`},
		{"nothing is near", `{actions: ["tools/call::gone"], effect: EFFECT_ALLOW, roles: [SALES]}`},
		{"a number is no slip", `{actions: ["tools/call::refund2"], effect: EFFECT_ALLOW, roles: [SALES]}`},
		{"two slips", `{actions: ["tools/call::gret_custmer"], effect: EFFECT_ALLOW, roles: [SALES]}`},
		{"the rule has the right one", `{actions: ["tools/call::refund", "tools/call::refnd"], effect: EFFECT_ALLOW, roles: [SALES]}`},
		{"the rule has the right role", `{actions: ["tools/call::refund"], effect: EFFECT_ALLOW, roles: [SALES, SALE]}`},
		{"short names are not alike", `{actions: ["tools/call::refund"], effect: EFFECT_ALLOW, roles: [HT]}`},
	} {
		list := findingsOf(t, "apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n  rules:\n    - "+test.rule+"\n")
		if len(list) == 0 || len(list[0].Edits) > 0 {
			t.Errorf("%s: %s", test.why, print(list))
		}
	}
}
