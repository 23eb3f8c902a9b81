package pdp

import (
	"slices"
	"sync"
)

// A Phase is what an engine can be busy with for long.
type Phase uint8

// The phases. Only Evaluating is up to conditions alone.
const (
	Compiling  Phase = iota // and evaluating what is constant
	Loading                 // what was compiled
	Evaluating              // conditions
	Matching                // rules, by roles and actions
)

// String says what is done in the phase.
func (p Phase) String() string {
	return [...]string{"compile the policies", "load the policies", "evaluate conditions", "match rules"}[p]
}

// A Pulse tells others what engines are at. It costs an engine next to nothing,
// and may be looked at and told from several goroutines.
type Pulse struct {
	mu   sync.Mutex
	last int64
	now  []Work
}

// Work is one thing that an engine was asked to do and has not done yet.
type Work struct {
	Number int64 // no other work of the pulse has it
	Phase  Phase
	Single bool // one request about one action
}

// Running lists what is being done.
func (p *Pulse) Running() []Work {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.now)
}

// Begin notes work until the function that it returns is called. It may be called
// on nil.
func (p *Pulse) Begin(phase Phase, single bool) (done func()) {
	if p == nil {
		return func() {}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last++
	number := p.last
	p.now = append(p.now, Work{Number: number, Phase: phase, Single: single})
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.now = slices.DeleteFunc(p.now, func(w Work) bool { return w.Number == number })
	}
}
