package embedded

import (
	"context"
	"reflect"
	"time"

	auditv1 "github.com/cerbos/cerbos/api/genpb/cerbos/audit/v1"
	enginev1 "github.com/cerbos/cerbos/api/genpb/cerbos/engine/v1"
)

// pinClock returns check with now() as the clock says. The option that does so has a
// type internal to Cerbos, so it is inferred from the method and made by
// reflection; TestNow holds that this works.
func pinClock[O any](
	check func(context.Context, []*enginev1.CheckInput, ...O) ([]*enginev1.CheckOutput, *auditv1.AuditTrail, error),
	clock func() time.Time,
) func(context.Context, []*enginev1.CheckInput) ([]*enginev1.CheckOutput, error) {
	now := reflect.ValueOf(clock)
	option := reflect.MakeFunc(reflect.TypeFor[O](), func(args []reflect.Value) []reflect.Value {
		field := args[0].Elem().FieldByName("EvalParams").FieldByName("NowFunc")
		field.Set(now.Convert(field.Type()))
		return nil
	}).Interface().(O) //nolint:errcheck // made from O
	return func(ctx context.Context, in []*enginev1.CheckInput) ([]*enginev1.CheckOutput, error) {
		out, _, err := check(ctx, in, option)
		return out, err
	}
}
