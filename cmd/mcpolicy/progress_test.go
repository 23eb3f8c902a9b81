package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// shownBy returns what was drawn on a screen since it was last looked at.
func shownBy(s *screen) string {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.w.(*bytes.Buffer)
	text := b.String()
	b.Reset()
	return text
}

// TestProgress holds that work which takes long is shown all the time, what it is and how
// far it is, and that nothing of it stays.
func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &screen{w: &bytes.Buffer{}}
		long := s.begin("deciding")
		time.Sleep(patience / 2)
		if got := shownBy(s); got != "" {
			t.Errorf("shown at once: %q", got)
		}
		for i := range 20 { // how far it is need not be known
			time.Sleep(time.Second)
			if got := shownBy(s); !strings.Contains(got, "deciding") {
				t.Fatalf("after %d seconds nothing is shown: %q", i+1, got)
			}
		}
		long.report(30, 120)
		time.Sleep(time.Second)
		if got := shownBy(s); !strings.Contains(got, "deciding") || !strings.Contains(got, "30/120") {
			t.Errorf("how far it is is not shown: %q", got)
		}
		long.report(120, 120)
		time.Sleep(2 * time.Second)
		if got := shownBy(s); !strings.Contains(got, "deciding") {
			t.Errorf("what is not done yet is not shown: %q", got)
		}

		inner := s.begin("running the suites")
		time.Sleep(redrawn)
		if got := shownBy(s); strings.Contains(got, "suites") {
			t.Errorf("what is short is shown: %q", got)
		}
		time.Sleep(time.Second)
		if got := shownBy(s); !strings.Contains(got, "running the suites") {
			t.Errorf("what began last is not shown: %q", got)
		}
		inner.done()
		time.Sleep(time.Second)
		if got := shownBy(s); !strings.Contains(got, "deciding") {
			t.Errorf("what goes on is not shown again: %q", got)
		}
		long.done()
		if got := shownBy(s); !strings.HasSuffix(got, "\x1b[2K\r") {
			t.Errorf("something stays: %q", got)
		}
		time.Sleep(time.Second)
		if got := shownBy(s); got != "" {
			t.Errorf("shown when all is done: %q", got)
		}
		s.begin("linting")
		time.Sleep(time.Second)
		s.end() // before it is done
		if got := shownBy(s); !strings.HasSuffix(got, "\x1b[2K\r") {
			t.Errorf("something stays of what was ended: %q", got)
		}
	})
}

// TestProgressOfShortWorks holds that a run which takes long is shown although each of its
// works is short, and that short runs which follow each other at their leisure are not.
func TestProgressOfShortWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &screen{w: &bytes.Buffer{}}
		for i := range 12 {
			whole := s.begin("making the project")
			time.Sleep(patience / 4)
			part := s.begin("linting")
			time.Sleep(patience / 2)
			if got := shownBy(s); strings.Contains(got, "linting") || strings.Contains(got, "making") != (i > 0) {
				t.Fatalf("in work %d: %q", i, got)
			}
			part.done()
			whole.done()
		}
		for range 3 {
			time.Sleep(2 * patience)
			shownBy(s)
			short := s.begin("running check")
			time.Sleep(patience - redrawn/2)
			short.done()
			if got := shownBy(s); got != "" {
				t.Errorf("a short run is shown: %q", got)
			}
		}
	})
}

// TestProgressIsForTerminals holds that nothing is drawn where nobody looks, and that a
// report is not disturbed which goes to the terminal itself.
func TestProgressIsForTerminals(t *testing.T) {
	var pipe bytes.Buffer
	if s := newScreen(lines{&pipe}); s.w != nil {
		t.Error("a pipe is taken for a terminal")
	}
	synctest.Test(t, func(t *testing.T) {
		for _, mute := range []bool{false, true} {
			c := &course{screen: &screen{w: &bytes.Buffer{}}, mute: mute}
			done := begin(context.WithValue(t.Context(), courseKey{}, c), "writing the report")
			time.Sleep(time.Second)
			if got := shownBy(c.screen); strings.Contains(got, "writing") == mute {
				t.Errorf("mute: %t: %q", mute, got)
			}
			if got := c.unfinished(); !strings.Contains(got, "writing the report") {
				t.Errorf("mute: %t: it is not noted: %q", mute, got)
			}
			done()
		}
	})
}
