package main

import (
	"io"
	"slices"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/mcpolicy/mcpolicy/source"
)

const (
	patience = 500 * time.Millisecond // how long work goes on before it is shown
	redrawn  = 200 * time.Millisecond // how often what is shown is drawn
)

// A screen shows on a terminal what a run is doing while that takes long, one work at a
// time: the one that began last of those that take long, or, where the run takes long and
// none of its works does, the one that the others are part of. It says how far it is where
// that is known, and for how long it goes on anyway, so that nothing long is silent.
type screen struct {
	w io.Writer // the terminal; nil if there is nobody to show anything to

	mu    sync.Mutex
	works []*progress // begun and not done, in this order
	since time.Time   // when the first of works began that follow each other at once
	rests time.Time   // when there was no work any more
	shown *progress
	bar   *progressbar.ProgressBar // of what is shown
	of    int                      // its total
	stop  chan struct{}            // closed when there is no work; nil then
}

// A progress is work under way.
type progress struct {
	screen      *screen
	what        string
	start       time.Time
	made, total int // 0 where it is not known
}

func newScreen(stderr io.Writer) *screen {
	if f := terminal(stderr); f != nil {
		return &screen{w: f}
	}
	return &screen{}
}

// begin begins some work.
func (s *screen) begin(what string) *progress {
	p := &progress{screen: s, what: shorten(source.Inert(what)), start: time.Now()}
	if s.w == nil {
		return p
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.works = append(s.works, p); len(s.works) == 1 {
		if p.start.Sub(s.rests) >= patience {
			s.since = p.start
		}
		s.stop = make(chan struct{})
		go s.watch(s.stop)
	}
	return p
}

// report says how far the work is.
func (p *progress) report(made, total int) {
	p.screen.mu.Lock()
	defer p.screen.mu.Unlock()
	p.made, p.total = made, total
}

// done takes the work away.
func (p *progress) done() {
	s := p.screen
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.works, p); i >= 0 {
		s.works = slices.Delete(s.works, i, i+1)
		s.rest()
	}
	if s.shown == p {
		s.clear()
	}
}

// end takes everything away.
func (s *screen) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.works = nil
	s.rest()
	s.clear()
}

// rest stops drawing where there is no work.
func (s *screen) rest() {
	if len(s.works) == 0 && s.stop != nil {
		close(s.stop)
		s.stop, s.rests = nil, time.Now()
	}
}

// watch draws what is being done, until stop is closed.
func (s *screen) watch(stop chan struct{}) {
	tick := time.NewTicker(redrawn)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			s.draw()
		}
	}
}

// draw shows what is being done, if that takes long.
func (s *screen) draw() {
	s.mu.Lock()
	defer s.mu.Unlock()
	var p *progress
	for _, work := range s.works {
		if time.Since(work.start) >= patience {
			p = work
		}
	}
	if p == nil && len(s.works) > 0 && time.Since(s.since) >= patience {
		p = s.works[0]
	}
	if p != s.shown || p != nil && p.total != s.of {
		s.clear()
	}
	if p == nil {
		return
	}
	if s.bar == nil {
		s.shown, s.of = p, p.total
		s.bar = newBar(s.w, p)
	}
	if p.total > 0 {
		_ = s.bar.Set(min(p.made, p.total-1)) // a bar that is full is taken away, and the work is not done yet
	}
	_ = s.bar.RenderBlank() // what cannot be drawn is no reason to stop
}

// clear takes away what is shown.
func (s *screen) clear() {
	if s.bar != nil {
		_ = s.bar.Clear()
	}
	s.shown, s.bar, s.of = nil, nil, 0
}

func newBar(w io.Writer, p *progress) *progressbar.ProgressBar {
	options := []progressbar.Option{
		progressbar.OptionSetWriter(w), progressbar.OptionSetDescription(p.what), progressbar.OptionUseANSICodes(true),
		progressbar.OptionSetSpinnerChangeInterval(0),
	}
	if p.total <= 0 {
		return progressbar.NewOptions(-1, append(options, progressbar.OptionSpinnerType(9))...)
	}
	return progressbar.NewOptions(p.total, append(options, progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true))...)
}
