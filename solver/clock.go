package solver

// fillClock makes the instants at which something may be asked.
func (a *analysis) fillClock(p *place) {
	p.set([]any{defaultNow})
}
