package embedded

import (
	"context"
	"io/fs"
	"time"

	enginev1 "github.com/cerbos/cerbos/api/genpb/cerbos/engine/v1"
	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"

	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/cel"
	"github.com/mcpolicy/mcpolicy/pdp/tables"
)

// The engine is asked about some requests at a time, and about each alone where
// they take long, so that who watches can tell a long list from a slow condition.
const (
	atOnce = 64
	slow   = 20 * time.Millisecond
)

// bounded returns a check that asks whether it may, and says what it is at.
func bounded(b pdp.Bounds, check checkFunc, phase pdp.Phase, globals map[string]any) checkFunc {
	if b.Pulse == nil && b.Admit == nil {
		return check
	}
	known := cel.ExtentOf(globals)
	return func(ctx context.Context, in []*enginev1.CheckInput) ([]*enginev1.CheckOutput, error) {
		if b.Admit != nil && phase == pdp.Evaluating {
			for _, i := range in {
				if err := b.Admit(measure(i, known)); err != nil {
					return nil, err
				}
			}
		}
		outputs := make([]*enginev1.CheckOutput, 0, len(in))
		for n := atOnce; len(in) > 0; {
			some := in[:min(n, len(in))]
			in = in[len(some):]
			start := time.Now()
			out, err := pulsing(ctx, b.Pulse, check, phase, some)
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

func pulsing(ctx context.Context, p *pdp.Pulse, check checkFunc, phase pdp.Phase, in []*enginev1.CheckInput) ([]*enginev1.CheckOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	defer p.Begin(phase, len(in) == 1 && len(in[0].Actions) == 1)()
	return check(ctx, in)
}

// compilePulsing is Compile, and says so: the engine evaluates what is constant when
// it compiles.
func compilePulsing(ctx context.Context, p *pdp.Pulse, fsys fs.FS, prefix string) (*runtimev1.RuleTable, error) {
	defer p.Begin(pdp.Compiling, false)()
	return tables.Compile(ctx, fsys, prefix)
}
