package testcoverage

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mcpolicy/mcpolicy/source"
)

// Thresholds are how many percent of each kind have to be covered.
type Thresholds map[Kind]float64

// A Miss is a threshold that is not met.
type Miss struct {
	Count
	Least float64
}

// String says what is missing.
func (m Miss) String() string {
	if percent, ok := m.Percent(); ok {
		return fmt.Sprintf("%s: %s%% covered (%d of %d), want %s%%", m.Kind, number(percent), m.Covered, m.Total, number(m.Least))
	}
	return fmt.Sprintf("%s: there is nothing to cover, so that %s%% of it cannot be; leave this threshold out", m.Kind, number(m.Least))
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// KindNames lists the kinds as texts.
func KindNames() []string {
	var names []string
	for _, k := range Kinds() {
		names = append(names, string(k))
	}
	return names
}

// ParseThresholds reads thresholds as rule=90,mcdc=80. All mistakes are reported.
func ParseThresholds(texts []string) (Thresholds, error) {
	t := Thresholds{}
	var errs []error
	for _, text := range texts {
		for _, one := range strings.Split(text, ",") {
			errs = append(errs, t.add(one))
		}
	}
	return t, errors.Join(errs...)
}

func (t Thresholds) add(text string) error {
	name, least, ok := strings.Cut(text, "=")
	name, least = strings.TrimSpace(name), strings.TrimSpace(least)
	if !ok || name == "" || least == "" {
		return fmt.Errorf("want KIND=PERCENT, have %q; the kinds are %s", text, strings.Join(KindNames(), ", "))
	}
	if !slices.Contains(KindNames(), name) {
		return fmt.Errorf("unknown kind %q%s; the kinds are %s", name, source.DidYouMean(name, KindNames()), strings.Join(KindNames(), ", "))
	}
	if _, twice := t[Kind(name)]; twice {
		return fmt.Errorf("%s is said twice", name)
	}
	if strings.Trim(least, "0123456789.") != "" {
		return fmt.Errorf("%s: want a number from 0 to 100, have %q", name, least)
	}
	percent, err := strconv.ParseFloat(least, 64)
	if err != nil || percent > 100 {
		return fmt.Errorf("%s: want a number from 0 to 100, have %q", name, least)
	}
	t[Kind(name)] = percent
	return nil
}

// Hold notes the thresholds that are not met. A threshold over a kind of which there is
// nothing to cover is not: 0 of 0 is no percentage, and says nothing good of suites. Of what
// changed since a revision there may well be nothing: then it is met.
func (c *Coverage) Hold(t Thresholds) {
	c.Thresholds, c.Missed = t, nil
	for _, n := range c.Counts() {
		least, asked := t[n.Kind]
		if !asked {
			continue
		}
		met := float64(n.Covered)*100 >= least*float64(n.Total)
		if n.Total == 0 {
			met = c.Since != ""
		}
		if !met {
			c.Missed = append(c.Missed, Miss{n, least})
		}
	}
}
