package mutate_test

import (
	"fmt"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/mutate"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/source"
)

func Example() {
	const text = `apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: library
  version: default
  rules:
    - name: lend
      actions: ["tools/call::lend"]
      effect: EFFECT_ALLOW
      roles: [CLERK]
      condition:
        match:
          expr: R.attr.arguments.days <= 28
`
	set, err := policy.Load(fstest.MapFS{"library.yaml": {Data: []byte(text)}}, ".")
	if err != nil {
		panic(err)
	}
	files, err := source.ParseYAML("library.yaml", []byte(text))
	if err != nil {
		panic(err)
	}
	for _, m := range mutate.Of(set, func(string) *source.Node { return files[0] }) {
		fmt.Printf("%d %s %q\n", m.Pos.Line, m.Operator, m.After)
	}
	// Output:
	// 6 rule-removed ""
	// 7 action-widened "tools/call::*"
	// 8 effect-flipped "effect: EFFECT_DENY"
	// 9 role-widened "roles: [\"*\"]"
	// 10 condition-removed ""
	// 12 condition-negated "!(R.attr.arguments.days <= 28)"
	// 12 comparison-moved "R.attr.arguments.days < 28"
	// 12 constant-moved "R.attr.arguments.days <= 29"
	// 12 constant-moved "R.attr.arguments.days <= 27"
}
