package solver

import (
	"slices"
	"time"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
)

// An instant is an operand that is a time: a place's text or the clock, or a constant.
type instant struct {
	place *place
	at    time.Time
}

// instants compares two times, or the time since one with a constant duration.
func instants(a *analysis, l *leaf) bool {
	name, operands := called(l.expr)
	if !slices.Contains(orders, name) && name != operators.Equals && name != operators.NotEquals {
		return false
	}
	var terms []instant
	for i, x := range operands {
		if t, ok := a.instant(x, l.request); ok {
			terms = append(terms, t)
		} else if t, ok := a.since(x, operands[1-i], l.request); ok {
			return a.comparesInstants(l, t...)
		}
	}
	return len(terms) == 2 && a.comparesInstants(l, terms...)
}

func (a *analysis) comparesInstants(l *leaf, terms ...instant) bool {
	var places []*place
	var points []time.Time
	for _, t := range terms {
		switch {
		case t.place == nil:
			points = append(points, t.at)
		case t.place.calendar != "":
			return false
		default:
			places = append(places, t.place)
		}
	}
	for _, p := range places {
		p.times, p.instants = true, append(p.instants, points...)
		a.unite(p, places[0], true)
	}
	l.shallow = true
	return l.covered("string", "")
}

// since is place.timeSince() beside a constant duration: a comparison with the time so long
// before now.
func (a *analysis) since(e, other ast.Expr, request int) ([]instant, bool) {
	name, operands := called(e)
	if name != "timeSince" || len(operands) != 1 || a.in.Now == nil {
		return nil, false
	}
	t, ok := a.instant(operands[0], request)
	d, known := a.duration(other, request)
	return []instant{t, {at: a.in.Now.Add(-d)}}, ok && known && withinYears(a.in.Now.Add(-d))
}

// instant returns the time that an expression is.
func (a *analysis) instant(e ast.Expr, request int) (instant, bool) {
	name, operands := called(e)
	switch {
	case name == "now" && len(operands) == 0:
		if a.in.Now == nil {
			return instant{place: a.root("now", isClock, 0)}, true
		}
		return instant{at: *a.in.Now}, true
	case name == "timestamp" && len(operands) == 1:
		if p, ok := a.placeOf(operands[0], request); ok {
			return instant{place: p}, true
		}
		if text, ok := a.text(operands[0], request); ok {
			at, err := time.Parse(time.RFC3339, text)
			return instant{at: at}, err == nil && withinYears(at)
		}
	case (name == operators.Add || name == operators.Subtract) && len(operands) == 2:
		t, ok := a.instant(operands[0], request)
		d, known := a.duration(operands[1], request)
		if name == operators.Subtract {
			d = -d
		}
		at := t.at.Add(d)
		return instant{at: at}, ok && known && t.place == nil && withinYears(at)
	}
	return instant{}, false
}

func (a *analysis) duration(e ast.Expr, request int) (time.Duration, bool) {
	name, operands := called(e)
	if name != "duration" || len(operands) != 1 {
		return 0, false
	}
	text, ok := a.text(operands[0], request)
	d, err := time.ParseDuration(text)
	return d, ok && err == nil && d != -1<<63
}

// The times that texts can be.
var (
	firstInstant = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	lastInstant  = time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC)
)

func withinYears(t time.Time) bool { return !t.Before(firstInstant) && !t.After(lastInstant) }

// instantsOf returns every point, and k times in each gap between points, before and after
// them, or all of them.
func instantsOf(points []time.Time, k int) []time.Time {
	points = slices.Clone(points)
	for i := range points {
		points[i] = points[i].UTC()
	}
	slices.SortFunc(points, time.Time.Compare)
	points = slices.CompactFunc(points, time.Time.Equal)
	edges := slices.Concat([]time.Time{firstInstant.Add(-1)}, points, []time.Time{lastInstant.Add(1)})
	list := slices.Clone(points)
	for i := 0; i+1 < len(edges); i++ {
		list = append(list, instantsBetween(edges[i], edges[i+1], k)...)
	}
	slices.SortFunc(list, time.Time.Compare)
	return list
}

func instantsBetween(low, high time.Time, k int) []time.Time {
	if low.Before(firstInstant) && high.After(lastInstant) {
		low = defaultNow.Add(-1)
	}
	for _, step := range []time.Duration{time.Hour, time.Second, time.Nanosecond} {
		var list []time.Time
		from, by := low, step
		if low.Before(firstInstant) {
			from, by = high, -step
		}
		for t := from.Add(by); len(list) < k && t.After(low) && t.Before(high); t = t.Add(by) {
			list = append(list, t)
		}
		if len(list) == k || step == time.Nanosecond {
			return list
		}
	}
	return nil
}

// timeTexts returns times as texts, and a text that is no time.
func timeTexts(list []time.Time) []string {
	texts := []string{"no time"}
	for _, t := range list {
		texts = append(texts, t.Format(time.RFC3339Nano))
	}
	return texts
}

// fillClock makes the times at which something may be asked.
func (a *analysis) fillClock(p *place) {
	if p.calendar != "" {
		p.set(anys(p.calendarTimes()))
		return
	}
	g := p.groupOf()
	g.make(a)
	p.set(anys(g.times))
}
