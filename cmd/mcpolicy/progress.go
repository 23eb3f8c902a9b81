package main

import (
	"io"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/mcpolicy/mcpolicy/source"
)

// patience is how long work goes on before a bar appears.
const patience = 500 * time.Millisecond

// progress shows a bar on standard error while work is long, if that is a
// terminal.
type progress struct {
	w     io.Writer // nil if there is nobody to show it to
	what  string
	start time.Time
	bar   *progressbar.ProgressBar
}

func newProgress(stderr io.Writer, what string) *progress {
	p := &progress{what: shorten(source.Inert(what)), start: time.Now()}
	if f := terminal(stderr); f != nil {
		p.w = f
	}
	return p
}

// report says how far the work is.
func (p *progress) report(done, total int) {
	if p.w == nil || p.bar == nil && time.Since(p.start) < patience {
		return
	}
	if p.bar == nil {
		p.bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(p.w), progressbar.OptionSetDescription(p.what),
			progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond))
	}
	_ = p.bar.Set(done) // a bar that cannot be drawn is no reason to stop
}

// done takes the bar away.
func (p *progress) done() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}
