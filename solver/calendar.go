package solver

import (
	"maps"
	"math"
	"slices"
	"time"

	"github.com/google/cel-go/common/operators"
)

// calendars are the functions that read a calendar, by what they read.
var calendars = map[string]func(time.Time) int{
	"getFullYear": time.Time.Year, "getMonth": func(t time.Time) int { return int(t.Month()) - 1 },
	"getDate": time.Time.Day, "getDayOfMonth": func(t time.Time) int { return t.Day() - 1 }, "getDayOfWeek": func(t time.Time) int { return int(t.Weekday()) },
	"getHours": time.Time.Hour, "getMinutes": time.Time.Minute, "getSeconds": time.Time.Second,
}

// calendar is what a time is in the calendar of one zone, compared with constants, where
// nothing else is asked of the time.
func calendar(a *analysis, l *leaf) bool {
	name, operands := called(l.expr)
	if len(operands) != 2 || !slices.Contains(orders, name) && name != operators.Equals && name != operators.NotEquals && name != operators.In {
		return false
	}
	for i, x := range operands {
		f, of := called(x)
		if calendars[f] == nil || len(of) == 0 {
			continue
		}
		t, ok := a.instant(of[0], l.request)
		c, known := a.constant(operands[1-i], l.request)
		zone := "UTC"
		if len(of) == 2 {
			var isText bool
			if zone, isText = a.text(of[1], l.request); !isText {
				return false
			}
		}
		if !ok || !known || t.place == nil || t.place.times || t.place.calendar != "" && t.place.calendar != zone || !t.place.readsCalendar(f, zone, c) {
			return false
		}
		l.shallow = true
		return l.covered("string", "")
	}
	return false
}

// readsCalendar notes that a field of a calendar is compared with a constant. It is not ok
// where which fields occur together is not known.
func (p *place) readsCalendar(field, zone string, c any) bool {
	fields := maps.Clone(p.fields)
	if fields == nil {
		fields = map[string][]float64{}
	}
	constants := fields[field]
	for _, v := range append([]any{c}, membersOf(c)...) {
		if n, isNumber := v.(float64); isNumber {
			constants = append(constants, n)
		}
	}
	fields[field] = constants
	years, days, hours := fields["getFullYear"] != nil, fields["getDate"] != nil || fields["getDayOfMonth"] != nil, fields["getHours"] != nil
	if !wholeHours(zone) || years && days || zone != "UTC" && (years || days && hours) {
		return false // an hour that clocks leave out on a day may not have been left out in another year
	}
	p.calendar, p.fields = zone, fields
	return true
}

// wholeHours reports whether a zone's clocks differ by whole hours from others, in the years
// that times are taken of.
func wholeHours(zone string) bool {
	at, err := time.LoadLocation(zone)
	if err != nil || zone == "Local" || zone == "" {
		return false
	}
	for t := firstDay; t.Before(lastDay); t = t.AddDate(0, 0, 7) {
		if _, offset := t.In(at).Zone(); offset%3600 != 0 {
			return false
		}
	}
	return true
}

// In 28 years each day of each month is each day of the week.
var (
	firstDay = time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	lastDay  = time.Date(2029, 1, 1, 0, 0, 0, 0, time.UTC)
)

// calendarTimes returns a time for each combination of what the fields are told apart by.
func (p *place) calendarTimes() []time.Time {
	at, err := time.LoadLocation(p.calendar)
	if err != nil {
		return nil
	}
	from, to, step := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC), 24*time.Hour
	if p.fields["getDate"] != nil || p.fields["getDayOfMonth"] != nil {
		from, to = firstDay, lastDay
	}
	isUTC := p.calendar == "UTC"
	if !isUTC && p.fields["getHours"] != nil { // clocks leave some out
		step = time.Hour
	} else if !isUTC {
		from = from.Add(12 * time.Hour)
	}
	names := slices.Sorted(maps.Keys(p.fields))
	seen := map[[8]int]bool{}
	var list []time.Time
	for t := from; t.Before(to); t = t.Add(step) {
		local := t.In(at)
		var key [8]int
		for i, name := range names {
			key[i] = classOf(calendars[name](local), p.fields[name])
		}
		if !seen[key] {
			seen[key] = true
			list = append(list, t)
		}
	}
	if isUTC {
		list = p.withField(list, "getHours", 23, func(t time.Time, n int) time.Time { return t.Add(time.Duration(n) * time.Hour) })
	}
	list = p.withField(list, "getMinutes", 59, func(t time.Time, n int) time.Time { return t.Add(time.Duration(n) * time.Minute) })
	list = p.withField(list, "getSeconds", 59, func(t time.Time, n int) time.Time { return t.Add(time.Duration(n) * time.Second) })
	return p.withField(list, "getFullYear", 9999, sameInYear)
}

// withField returns times with each value of a field that is told apart.
func (p *place) withField(list []time.Time, field string, last int, set func(time.Time, int) time.Time) []time.Time {
	constants := p.fields[field]
	if constants == nil {
		return list
	}
	var all []time.Time
	for _, n := range representatives(constants, last) {
		for _, t := range list {
			all = append(all, set(t, n))
		}
	}
	return all
}

// representatives returns a whole number up to another of each class that constants make.
func representatives(constants []float64, last int) []int {
	seen := map[int]bool{}
	var list []int
	try := func(n int) {
		if c := classOf(n, constants); n >= 0 && n <= last && !seen[c] {
			seen[c] = true
			list = append(list, n)
		}
	}
	for _, c := range append([]float64{0}, constants...) {
		for _, x := range []float64{c, c - 1, c + 1} {
			if math.Abs(x) <= float64(last) {
				try(int(math.Floor(x)))
				try(int(math.Ceil(x)))
			}
		}
	}
	try(last)
	return list
}

// classOf numbers the ways in which a number compares with constants.
func classOf(n int, constants []float64) int {
	class := 0
	for _, c := range constants {
		if class *= 3; float64(n) > c {
			class++
		} else if float64(n) == c {
			class += 2
		}
	}
	return class
}

// sameInYear returns a time of a year that is the same month, day of the week and time of day
// as another.
func sameInYear(t time.Time, year int) time.Time {
	year = max(year, 1)
	for day := 8; day < 15; day++ { // no edge of a month
		of := time.Date(year, t.Month(), day, t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
		if of.Weekday() == t.Weekday() {
			return of
		}
	}
	return t
}
