package pdp

import (
	"context"
	"errors"
	"io/fs"
	"time"

	enginev1 "github.com/cerbos/cerbos/api/genpb/cerbos/engine/v1"
	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"
)

// Bounds are for whoever runs an engine over policies that are not trusted. The
// engine itself bounds nothing, and cannot be stopped. The zero value is no bounds.
type Bounds struct {
	// Pulse, if set, is told what is being done.
	Pulse *Pulse
	// Admit, if set, is asked before conditions are evaluated: its error is why that
	// is not to be done for a request.
	Admit func(Request) error
}

// ErrUnbounded is wrapped by errors about policies that take too much. No decision
// follows from it.
var ErrUnbounded = errors.New("the policies take too much")

// The engine is asked about some requests at a time, and about each alone where
// they take long, so that who watches can tell a long list from a slow condition.
const (
	atOnce = 64
	slow   = 20 * time.Millisecond
)

// bounded returns a check that asks whether it may, and says what it is at.
func (b Bounds) bounded(check checkFunc, phase Phase, globals map[string]any) checkFunc {
	if b.Pulse == nil && b.Admit == nil {
		return check
	}
	known := extentOf(globals)
	return func(ctx context.Context, in []*enginev1.CheckInput) ([]*enginev1.CheckOutput, error) {
		if b.Admit != nil && phase == Evaluating {
			for _, i := range in {
				if err := b.Admit(newRequest(i, known)); err != nil {
					return nil, err
				}
			}
		}
		outputs := make([]*enginev1.CheckOutput, 0, len(in))
		for n := atOnce; len(in) > 0; {
			some := in[:min(n, len(in))]
			in = in[len(some):]
			start := time.Now()
			out, err := b.pulsing(ctx, check, phase, some)
			if err != nil {
				return nil, err
			}
			outputs = append(outputs, out...)
			if time.Since(start) > slow {
				n = 1
			}
		}
		return outputs, nil
	}
}

func (b Bounds) pulsing(ctx context.Context, check checkFunc, phase Phase, in []*enginev1.CheckInput) ([]*enginev1.CheckOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	defer b.Pulse.begin(phase, len(in) == 1 && len(in[0].Actions) == 1)()
	return check(ctx, in)
}

// compile is compileTable, and says so: the engine evaluates what is constant when
// it compiles.
func (b Bounds) compile(ctx context.Context, fsys fs.FS, prefix string) (*runtimev1.RuleTable, error) {
	defer b.Pulse.begin(Compiling, false)()
	return compileTable(ctx, fsys, prefix)
}
