package mutate_test

import (
	"encoding/json"
	"testing"

	"github.com/mcpolicy/mcpolicy/mutate"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/source"
)

// Whatever a file holds that is read as a policy, its mutants are files, each another one.
func FuzzOf(f *testing.F) {
	for _, tt := range whole {
		f.Add(tt.policy)
	}
	for _, tt := range inExpressions {
		f.Add(on(tt.of))
	}
	f.Add(rule("{actions: [[x], null, 3], roles: {a: b}, effect: [], condition: {match: {all: {of: [{}, null, {expr: 3}, {any: []}]}}}}", "  constants: {local: [1]}\n  variables: {local: {a: null, b: {c: d}}}\n"))
	f.Add(rule("&a {actions: [x], roles: [y], effect: EFFECT_ALLOW}\n    - *a\n    - <<: *a\n      roles: []", ""))
	f.Add(rule("{actions: [x], roles: [.inf, -.Inf, .nan, 1e999, -0, 0o17, +5, 1_000], effect: EFFECT_ALLOW}", "  constants: {local: {a: .inf, b: 0.1}}\n"))
	f.Fuzz(func(t *testing.T, text string) {
		docs, err := source.ParseYAML("p.yaml", []byte(text))
		if err != nil || len(docs) != 1 {
			return
		}
		set, err := policy.Load(folder(map[string]string{"p.yaml": text}), ".")
		if err != nil {
			return
		}
		seen := map[string]bool{}
		ids := map[string]bool{}
		for _, m := range mutate.Of(set, func(string) *source.Node { return docs[0] }) {
			got := content(t, m)
			if !json.Valid([]byte(got)) || seen[got] || ids[m.ID] || m.Pos.IsZero() {
				t.Fatalf("%v: %s: %s", m.Pos, m.Operator, got)
			}
			seen[got], ids[m.ID] = true, true
		}
	})
}
