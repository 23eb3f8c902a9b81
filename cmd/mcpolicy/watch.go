package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/mcpolicy/mcpolicy/pdp"
)

// limits are what a run may take. They are the process's, so whoever only calls
// run has none but the one of the run's time.
type limits struct {
	run       time.Duration // 0 for none
	condition time.Duration
	memory    int // in MiB
}

const (
	defaultCondition = 5 * time.Second
	defaultMemory    = 1024
	leastMemory      = 64
	mostMemory       = 1 << 20

	sample = 5 * time.Millisecond

	// Compiling and loading may take twice what a condition may, and more where
	// policies are large, up to a limit.
	perByte  = 10 * time.Microsecond
	mostMore = 12 // times what a condition may take

	// Requests that take so long are added up: they may take twice what one may.
	slow = 100 * time.Millisecond
)

type processKey struct{}

// owningProcess returns the context of a run that has the process to itself.
func owningProcess(ctx context.Context) context.Context {
	return context.WithValue(ctx, processKey{}, true)
}

func ownsProcess(ctx context.Context) bool { return ctx.Value(processKey{}) != nil }

// setMemoryLimit tells from how much memory on it counts more than time, unless
// the environment does.
func setMemoryLimit(bytes int64) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(bytes)
	}
}

// A watch sees from outside what the engine takes, which cannot be interrupted.
type watch struct {
	course *course
	seen   map[int64]*watched // by the number of the work
	slow   time.Duration      // taken by single requests that took long
}

// watched is since when work has been seen: by the clock, and by what the process
// had taken of its processors. A busy machine lets the clock run on.
type watched struct {
	work     pdp.Work
	since    time.Time
	cpu      time.Duration
	took     time.Duration // the lesser of both, when it was last seen
	finished bool
}

// watch ends the run when it takes more than it may.
func (c *course) watch() {
	w := &watch{course: c, seen: map[int64]*watched{}}
	for range time.Tick(sample) {
		err := w.memory()
		if err == nil {
			err = w.time(time.Now(), processorTime())
		}
		if err != nil {
			c.cancel(err)
			return
		}
	}
}

// errExceeded is wrapped by errors that say that a run takes more than it may.
var errExceeded = errors.New("more than it may take")

// An excess is an error of that kind.
type excess struct{ error }

func (e excess) Is(target error) bool { return target == errExceeded }
func (e excess) Unwrap() error        { return e.error }

// memory ends the run a little before the limit: what is noticed has gone on for a
// while.
func (w *watch) memory() error {
	limit := uint64(w.course.limits.memory) << 20 //nolint:gosec // a positive number
	switch used := footprint(); {
	case used > limit/8*7:
		what := fmt.Sprintf("more than the %d MiB of --memory", w.course.limits.memory)
		running := w.course.pulse.Running()
		if len(running) == 0 {
			return excess{fmt.Errorf("the run takes %s%s", what, w.course.unfinished())}
		}
		return w.course.blame(running[0].Phase, what, 10*sample)
	case used > limit/2:
		w.course.suspect()
	}
	return nil
}

// footprint returns how many bytes of memory the process holds. Memory that was
// asked for and not used yet counts: large texts are seen before they are there.
func footprint() uint64 {
	held := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(held)
	return held[0].Value.Uint64() - held[1].Value.Uint64()
}

func (w *watch) time(now time.Time, cpu time.Duration) error {
	running := w.course.pulse.Running()
	for _, s := range w.seen {
		s.finished = true
	}
	for _, work := range running {
		s := w.seen[work.Number]
		if s == nil {
			s = &watched{work: work, since: now, cpu: cpu}
			w.seen[work.Number] = s
		}
		s.finished, s.took = false, min(now.Sub(s.since), cpu-s.cpu)
		limit := w.course.limits.condition
		if s.took > limit/4 {
			w.course.suspect()
		}
		if s.took > limit && work.Phase != pdp.Evaluating {
			limit = w.course.allowance()
		}
		if s.took > limit {
			return w.course.blame(work.Phase, fmt.Sprintf("more than %s", limit), grace/2)
		}
	}
	for number, s := range w.seen {
		if !s.finished {
			continue
		}
		delete(w.seen, number)
		if s.work.Single && s.work.Phase == pdp.Evaluating && s.took > slow {
			w.slow += s.took
		}
	}
	if limit := 2 * w.course.limits.condition; w.slow > limit {
		return w.course.blame(pdp.Evaluating, fmt.Sprintf("more than %s for those that take longer than %s", limit, slow), grace/2)
	}
	return nil
}

// allowance is how long compiling and loading may take.
func (c *course) allowance() time.Duration {
	c.mu.Lock()
	fsys := c.policyFS
	c.mu.Unlock()
	more := time.Duration(0)
	if fsys != nil {
		_ = fs.WalkDir(fsys, ".", func(_ string, d fs.DirEntry, err error) error { // what cannot be read is the compiler's
			if err == nil && !d.IsDir() {
				if info, err := d.Info(); err == nil {
					more += time.Duration(info.Size()) * perByte
				}
			}
			return nil
		})
	}
	return 2*c.limits.condition + min(more, mostMore*c.limits.condition)
}
