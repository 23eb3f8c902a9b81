package workspace

import (
	"errors"
	"testing"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/source"
)

// conditioned returns policies of which one rule has a condition.
func conditioned(t *testing.T, condition string) *policy.Set {
	t.Helper()
	set, err := policy.Load(fstest.MapFS{"desk.yaml": {Data: []byte(`apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: desk
  version: default
  variables:
    local:
      a: P.attr.note + P.attr.note
      b: V.a + V.a + V.a + V.a
      c: V.b + V.b + V.b + V.b
  rules:
    - actions: ["sit"]
      effect: EFFECT_ALLOW
      roles: ["guest"]
      condition:
        match:
          expr: ` + condition + "\n")}}, "policies")
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// A sized request is one in which every text may be so long.
type sized float64

func (s sized) Total() pdp.Extent           { return pdp.Extent{Text: float64(s), All: float64(s), Values: 10} }
func (s sized) At(path []string) pdp.Extent { return s.Total() }

// TestAdmission holds that requests are looked at where an expression can make more than
// it reads, and that one for which it would make too much is refused with its place.
func TestAdmission(t *testing.T) {
	if admit, err := Admission(conditioned(t, "P.id == R.id")); err != nil {
		t.Error(err)
	} else if admit != nil {
		if err := admit(sized(10)); err != nil {
			t.Error(err)
		}
	}
	admit, err := Admission(conditioned(t, "V.c == R.attr.note"))
	if err != nil || admit == nil {
		t.Fatalf("want requests to be looked at: %v", err)
	}
	if err := admit(sized(100)); err != nil {
		t.Error(err)
	}
	err = admit(sized(4 << 20))
	var at *source.Error
	if !errors.Is(err, pdp.ErrUnbounded) || !errors.As(err, &at) || at.Pos.File != "policies/desk.yaml" {
		t.Errorf("have %v", err)
	}
}

// TestCostliest holds that of several expressions the one with the loops is named.
func TestCostliest(t *testing.T) {
	const loops = "R.attr.list.all(x, R.attr.list.all(y, R.attr.list.all(z, x + y + z > 0)))"
	if got := Costliest(conditioned(t, loops)).Value; got != loops {
		t.Errorf("have %q", got)
	}
	if got := Costliest(&policy.Set{}).Value; got != "" {
		t.Errorf("have %q of no policies", got)
	}
}
