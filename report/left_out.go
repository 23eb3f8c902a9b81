package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/lint"
)

// A LeftOut counts the findings that a report was asked to leave out.
type LeftOut struct {
	Severity   authz.Severity   // less severe ones are left out
	Confidence authz.Confidence // less sure ones are left out

	Open          [authz.SeverityError + 1]int // by severity
	Known, Waived int
}

// LeaveOut leaves out the findings that are less severe or less sure. They do not fail the
// run, and every format says how many of them would count, but those that know nothing
// but problems.
func (d *Document) LeaveOut(below authz.Severity, unless authz.Confidence) {
	l := &LeftOut{Severity: below, Confidence: unless}
	d.Findings = slices.DeleteFunc(slices.Clone(d.Findings), func(f lint.Finding) bool {
		if f.Severity >= below && f.Confidence <= unless {
			return false
		}
		switch {
		case f.Waived:
			l.Waived++
		case f.Known:
			l.Known++
		default:
			l.Open[f.Severity]++
		}
		return true
	})
	d.LeftOut = l
}

// count returns how many findings that count were left out.
func (l *LeftOut) count() int {
	n := 0
	if l != nil {
		for _, k := range l.Open {
			n += k
		}
	}
	return n
}

// words says what was left out, or nothing: 2 warnings and 3 notes below high confidence not shown.
func (l *LeftOut) words() string {
	if l.count() == 0 {
		return ""
	}
	var counts, floors []string
	for s := authz.SeverityError; s > authz.SeverityOff; s-- {
		if l.Open[s] > 0 {
			counts = append(counts, count(l.Open[s], s.String()))
		}
	}
	if l.Severity > authz.SeverityNote {
		floors = append(floors, l.Severity.String())
	}
	if l.Confidence < authz.ConfidenceLow {
		floors = append(floors, l.Confidence.String()+" confidence")
	}
	if len(floors) == 0 {
		return list(counts) + " not shown"
	}
	return list(counts) + " below " + strings.Join(floors, " or ") + " not shown"
}

// noneWords says that there are no findings, of those that are not left out.
func (d *Document) noneWords(known bool) string {
	words := "no "
	if known {
		words = "no new "
	}
	if d.LeftOut.count() == 0 {
		return words + "findings"
	}
	words += [...]string{authz.SeverityOff: "findings", authz.SeverityNote: "findings", authz.SeverityWarning: "errors or warnings", authz.SeverityError: "errors"}[d.LeftOut.Severity]
	switch d.LeftOut.Confidence {
	case authz.ConfidenceHigh:
		words += " of high confidence"
	case authz.ConfidenceMedium:
		words += " of medium confidence or more"
	case authz.ConfidenceLow:
	}
	return words
}

// leftOutJSON says in JSON what was left out: how many findings that would count, by
// severity, and others.
type leftOutJSON struct {
	MinSeverity   string `json:"minSeverity"`
	MinConfidence string `json:"minConfidence"`
	Errors        int    `json:"errors"`
	Warnings      int    `json:"warnings"`
	Notes         int    `json:"notes"`
	Known         int    `json:"known"`
	Waived        int    `json:"waived"`
}

func jsonLeftOut(l *LeftOut) leftOutJSON {
	return leftOutJSON{
		l.Severity.String(), l.Confidence.String(),
		l.Open[authz.SeverityError], l.Open[authz.SeverityWarning], l.Open[authz.SeverityNote], l.Known, l.Waived,
	}
}

// leftOut returns what a report left out.
func (x *leftOutJSON) leftOut() (*LeftOut, error) {
	l := &LeftOut{Known: x.Known, Waived: x.Waived}
	var ok bool
	if l.Severity, ok = authz.ParseSeverity(x.MinSeverity); !ok {
		return nil, fmt.Errorf("minSeverity is %q, which this version does not know", x.MinSeverity)
	}
	if l.Confidence, ok = authz.ParseConfidence(x.MinConfidence); !ok {
		return nil, fmt.Errorf("minConfidence is %q, which this version does not know", x.MinConfidence)
	}
	l.Open[authz.SeverityError], l.Open[authz.SeverityWarning], l.Open[authz.SeverityNote] = x.Errors, x.Warnings, x.Notes
	return l, nil
}

// plus adds what another report left out.
func (l *LeftOut) plus(other *LeftOut) *LeftOut {
	if l == nil {
		return other
	}
	sum := &LeftOut{
		Severity: max(l.Severity, other.Severity), Confidence: min(l.Confidence, other.Confidence),
		Known: l.Known + other.Known, Waived: l.Waived + other.Waived,
	}
	for s := range sum.Open {
		sum.Open[s] = l.Open[s] + other.Open[s]
	}
	return sum
}
