package config_test

import (
	"testing"

	"github.com/mcpolicy/mcpolicy/config"
)

// A change is held to the stricter of what two configs say, whichever comes first.
func TestStricter(t *testing.T) {
	t.Parallel()
	none, five := 0, 5
	budget := func(destructive, principals *int) *config.Budget {
		return &config.Budget{Destructive: destructive, Principals: principals}
	}
	for _, test := range []struct {
		a, b                    config.Diff
		failOn                  config.DiffFailOn
		budgeted                bool
		destructive, principals *int
	}{
		{config.Diff{FailOn: config.FailNever}, config.Diff{FailOn: config.FailWidened}, config.FailWidened, false, nil, nil},
		{config.Diff{FailOn: config.FailWidened, Budget: budget(&five, nil)}, config.Diff{FailOn: config.FailWidened}, config.FailWidened, false, nil, nil},
		{config.Diff{FailOn: config.FailWidened, Budget: budget(&five, nil)}, config.Diff{FailOn: config.FailWidened, Budget: budget(&none, &five)}, config.FailWidened, true, &none, &five},
		{config.Diff{Budget: budget(&five, nil)}, config.Diff{}, config.FailBudget, true, &five, nil},
		{config.Diff{Budget: budget(&five, &none)}, config.Diff{FailOn: config.FailAny, Budget: budget(&none, nil)}, config.FailAny, true, &none, &none},
		{config.Diff{FailOn: config.FailNever}, config.Diff{}, config.FailBudget, false, nil, nil},
	} {
		for _, got := range []config.Diff{test.a.Stricter(test.b), test.b.Stricter(test.a)} {
			if got.FailOn != test.failOn || (got.Budget != nil) != test.budgeted {
				t.Errorf("%+v and %+v: %+v", test.a, test.b, got)
				continue
			}
			if b := got.Budget; b != nil && (!same(b.Destructive, test.destructive) || !same(b.Principals, test.principals)) {
				t.Errorf("%+v and %+v: %+v", test.a, test.b, *b)
			}
		}
	}
}

func same(a, b *int) bool { return a == nil && b == nil || a != nil && b != nil && *a == *b }
