package embedded

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"
	"time"

	enginev1 "github.com/cerbos/cerbos/api/genpb/cerbos/engine/v1"

	"github.com/mcpolicy/mcpolicy/pdp"
)

// TestBounded answers every request once and in order, however long some take.
func TestBounded(t *testing.T) {
	var inputs []*enginev1.CheckInput
	for i := range 3*atOnce + 5 {
		inputs = append(inputs, &enginev1.CheckInput{RequestId: strconv.Itoa(i), Principal: &enginev1.Principal{}, Resource: &enginev1.Resource{}, Actions: []string{"a"}})
	}
	var pulse pdp.Pulse
	for _, late := range []string{"", "3", "70", "196"} {
		var sizes []int
		check := func(_ context.Context, in []*enginev1.CheckInput) ([]*enginev1.CheckOutput, error) {
			running := pulse.Running()
			if len(running) != 1 || running[0].Phase != pdp.Evaluating || running[0].Single != (len(in) == 1) {
				t.Errorf("while %d are checked, the pulse says %v", len(in), running)
			}
			sizes = append(sizes, len(in))
			var out []*enginev1.CheckOutput
			for _, i := range in {
				if i.RequestId == late {
					time.Sleep(2 * slow)
				}
				out = append(out, &enginev1.CheckOutput{RequestId: i.RequestId})
			}
			return out, nil
		}
		outputs, err := bounded(pdp.Bounds{Pulse: &pulse}, check, pdp.Evaluating, nil)(t.Context(), inputs)
		if err != nil || len(outputs) != len(inputs) {
			t.Fatalf("%d of %d outputs, %v", len(outputs), len(inputs), err)
		}
		for i, o := range outputs {
			if o.RequestId != inputs[i].RequestId {
				t.Fatalf("output %d is that of %s", i, o.RequestId)
			}
		}
		if slices.Max(sizes) > atOnce || late == "3" && sizes[1] != 1 {
			t.Errorf("requests were checked %v at a time", sizes)
		}
	}
	if left := pulse.Running(); len(left) > 0 {
		t.Errorf("%v goes on", left)
	}
}

// TestAdmit evaluates no condition for a request that is not admitted.
func TestAdmit(t *testing.T) {
	never := func(context.Context, []*enginev1.CheckInput) ([]*enginev1.CheckOutput, error) {
		t.Error("the engine was asked")
		return nil, nil
	}
	refused := errors.New("too large")
	b := pdp.Bounds{Admit: func(r pdp.Request) error {
		if got := r.At([]string{"P", "id"}); got.Text != 3 || r.Total().Text != 5 {
			t.Errorf("the id has %v, all of it %v", got, r.Total())
		}
		return refused
	}}
	in := []*enginev1.CheckInput{{Principal: &enginev1.Principal{Id: "ian"}, Resource: &enginev1.Resource{}}}
	if _, err := bounded(b, never, pdp.Evaluating, map[string]any{"x": "abcde"})(t.Context(), in); !errors.Is(err, refused) {
		t.Errorf("got %v", err)
	}
}
