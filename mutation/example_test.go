package mutation_test

import (
	"context"
	"fmt"

	"github.com/mcpolicy/mcpolicy/mutation"
)

func Example() {
	w, err := openWorld(context.Background(), world{
		rules: `
    - {name: look, actions: ["tools/list", "tools/list::refund"], effect: EFFECT_ALLOW, roles: [clerk]}
    - {name: small, actions: ["tools/call::refund"], effect: EFFECT_ALLOW, roles: [clerk], condition: {match: {expr: R.attr.arguments.amount <= 500}}}
`,
		suite: `
name: refunds
tests:
  - name: small ones
    principals: [ada]
    call: {cases: [{tool: refund, arguments: {amount: 1}, expect: allow}, {tool: refund, arguments: {amount: 501}, expect: deny}]}
`,
	})
	if err != nil {
		panic(err)
	}
	r, err := w.run(context.Background(), false)
	if err != nil {
		panic(err)
	}
	for i := range r.Outcomes {
		if o := &r.Outcomes[i]; o.Status == mutation.Survived {
			fmt.Println(o.Operator, o.After, o.Difference.Principal.Key, o.Difference.Column.Item.Name, o.Difference.Arguments)
		}
	}
	// Output:
	// rule-removed  ada refund map[]
	// action-removed  ada refund map[]
	// action-widened tools/list::* ada close map[]
	// action-removed  ada refund map[]
	// effect-flipped effect: EFFECT_DENY ada refund map[]
	// role-widened roles: ["*"] eve refund map[]
	// action-widened tools/call::* ada close map[amount:499]
	// role-widened roles: ["*"] eve refund map[amount:499]
	// comparison-moved R.attr.arguments.amount < 500 ada refund map[amount:500]
	// constant-moved R.attr.arguments.amount <= 499 ada refund map[amount:500]
}
