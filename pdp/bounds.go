package pdp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime/metrics"
	"slices"
	"sync/atomic"
	"time"

	enginev1 "github.com/cerbos/cerbos/api/genpb/cerbos/engine/v1"
	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"
)

// Bounds are how much the engine may take for what policies say. It has no
// bounds of its own, and cannot be stopped: what has gone too far is left to
// itself, and the process had better end. The zero value is the default.
type Bounds struct {
	// Condition is the time for a few requests at most, conditions and all; what
	// is usual is a thousandth of it.
	Condition time.Duration
	// Memory is by how many bytes the process may grow meanwhile.
	Memory uint64

	compiling bool // what takes long, and leaves much to collect, for good reasons
}

// The defaults. Compiling may take twice as long as conditions do, and longer where
// policies are large.
const (
	DefaultCondition = 5 * time.Second
	DefaultMemory    = 512 << 20

	sample     = 10 * time.Millisecond // how often the memory is looked at
	atOnce     = 64                    // requests
	suspicious = 200                   // the part of a limit after which memory is minded
)

// ErrUnbounded is wrapped by errors about policies that take more than [Bounds]
// allow. No decision follows from it.
var ErrUnbounded = errors.New("the policies take too much")

// bounded returns a check within the bounds, each of a few requests. Below watch it
// only says how far it is: that costs next to nothing.
func (b Bounds) bounded(check checkFunc) checkFunc {
	return func(ctx context.Context, in []*enginev1.CheckInput) ([]*enginev1.CheckOutput, error) {
		if p, ok := ctx.Value(pulse{}).(*atomic.Int64); ok {
			return beating(ctx, check, in, p)
		}
		return watch(ctx, b, cmp.Or(b.Condition, DefaultCondition), "evaluate conditions", func(ctx context.Context) ([]*enginev1.CheckOutput, error) {
			return beating(ctx, check, in, ctx.Value(pulse{}).(*atomic.Int64)) //nolint:errcheck // watch sets it
		})
	}
}

func beating(ctx context.Context, check checkFunc, in []*enginev1.CheckInput, p *atomic.Int64) ([]*enginev1.CheckOutput, error) {
	if len(in) <= atOnce {
		defer p.Add(1)
		return check(ctx, in)
	}
	outputs := make([]*enginev1.CheckOutput, 0, len(in))
	for some := range slices.Chunk(in, atOnce) {
		out, err := check(ctx, some)
		if err != nil {
			return nil, err
		}
		outputs = append(outputs, out...)
		p.Add(1)
	}
	return outputs, nil
}

// compile is compileTable within the bounds: the engine evaluates what is
// constant when it compiles.
func (b Bounds) compile(ctx context.Context, fsys fs.FS, prefix string) (*runtimev1.RuleTable, error) {
	limit := 2 * cmp.Or(b.Condition, DefaultCondition)
	err := fs.WalkDir(fsys, ".", func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil //nolint:nilerr // the compiler says what cannot be read
		}
		if info, err := d.Info(); err == nil {
			limit += time.Duration(info.Size()) * perByte
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	b.compiling = true
	return watch(ctx, b, limit, "compile the policies", func(ctx context.Context) (*runtimev1.RuleTable, error) {
		return compileTable(ctx, fsys, prefix)
	})
}

// perByte is what compiling may take for a byte of a policy, more than it does on
// a machine that has much else to do.
const perByte = 100 * time.Microsecond

// pulse is the key of a context's counter of what watched work has done.
type pulse struct{}

// watch returns what f does, or an error once the context has ended, f has done
// nothing for as long as the limit, or the process has grown too large. f then
// goes on alone, and memory is not collected any more, so that it cannot hold up
// the end of the process.
func watch[T any](ctx context.Context, b Bounds, limit time.Duration, doing string, f func(context.Context) (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	var none T
	var beats atomic.Int64
	done := make(chan result, 1)
	go func() {
		var r result
		defer func() { done <- r }()
		defer recoverAs(&r.err, doing)
		r.value, r.err = f(context.WithValue(ctx, pulse{}, &beats))
	}()
	tick := time.NewTicker(sample)
	defer tick.Stop()
	var collecting collector
	before, last, since := uint64(0), int64(0), time.Now()
	for {
		select {
		case r := <-done:
			collecting.resume()
			return r.value, r.err
		case <-ctx.Done():
			return none, fmt.Errorf("%s: %w", doing, context.Cause(ctx))
		case <-tick.C:
		}
		now := footprint()
		if n := beats.Load(); n != last || before == 0 {
			before, last, since = now, n, time.Now()
			collecting.resume()
		} else if !b.compiling && time.Since(since) > limit/suspicious {
			collecting.pause()
		}
		before = min(before, now)
		if most := cmp.Or(b.Memory, DefaultMemory); now-before > most {
			return none, fmt.Errorf("%s: %w: more than %d MiB of memory", doing, ErrUnbounded, most>>20)
		}
		if time.Since(since) > limit {
			return none, fmt.Errorf("%s: %w: more than %s of time", doing, ErrUnbounded, limit.Round(time.Millisecond))
		}
	}
}

// footprint returns how many bytes of memory the process holds.
func footprint() uint64 {
	held := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(held)
	return held[0].Value.Uint64() - held[1].Value.Uint64()
}
