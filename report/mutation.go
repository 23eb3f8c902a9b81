package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/mutation"
	"github.com/mcpolicy/mcpolicy/solver"
	"github.com/mcpolicy/mcpolicy/testcoverage"
)

// A Mutation is what suites say to mutants of the policies.
type Mutation struct {
	*mutation.Result
	Made  int    // how many mutants there are; Result has those that were taken
	Seed  uint64 // of the sample, if not all were taken
	Since string // the revision that lines had to be changed since, "" for all
	// Min is the score to reach, in percent; negative for none.
	Min float64
}

// MutationFormats lists the ways to write what suites say to mutants.
func MutationFormats() []Writer[*Mutation] {
	return []Writer[*Mutation]{{"text", MutationText}, {"json", MutationJSON}, {"markdown", MutationMarkdown}}
}

// Fails reports whether the score is below the one to reach. A score of nothing is.
func (m *Mutation) Fails() bool {
	score, ok := m.Counts().Score()
	return m.Min >= 0 && (!ok && m.Since == "" || ok && score < m.Min)
}

// MutationText writes what suites say to mutants, for a terminal: those that survive, each
// with the case that would kill it, and the score.
func MutationText(w io.Writer, m *Mutation, o Options) error {
	p := newPrinter(w, o)
	hidden := 0
	for i := range m.Outcomes {
		x := &m.Outcomes[i]
		switch {
		case x.Status == mutation.Survived || x.Status == mutation.Unknown || o.All && x.Status != mutation.Killed:
			p.writeMutant(x)
		case x.Status != mutation.Killed:
			hidden++
		}
	}
	if p.short {
		p.blank()
	}
	for _, s := range m.words() {
		p.paragraph(plain, s)
	}
	if hidden > 0 {
		p.paragraph(faint, "--all lists those that do not count, with why")
	}
	switch {
	case m.Fails():
		p.paragraph(bad, fmt.Sprintf("below the score to reach: %s", percent(m.Min)))
	case m.Min >= 0:
		p.paragraph(good, fmt.Sprintf("the score to reach: %s", percent(m.Min)))
	}
	return p.w.Flush()
}

// writeMutant writes one mutant.
func (p *printer) writeMutant(x *mutation.Outcome) {
	st := map[mutation.Status]style{mutation.Survived: bad, mutation.Unknown: partly}[x.Status]
	e := p.entry(st, x.Status.String())
	e.indent = 2
	e.lines[0].to(len("equivalent")+2).add(faint, p.place(x.Pos)).add(plain, "  "+mutantTitle(x))
	if p.short {
		for _, l := range e.lines {
			l.end()
		}
		return
	}
	if x.Before != "" {
		e.lines = append(e.lines, p.line().to(e.indent).add(faint, "- "+oneLine(x.Before)))
	}
	if x.After != "" {
		e.lines = append(e.lines, p.line().to(e.indent).add(plain, "+ "+oneLine(x.After)))
	}
	for _, s := range mutantWords(x) {
		for _, part := range wrap(p.text(s), p.prose-e.indent) {
			e.lines = append(e.lines, p.line().to(e.indent).sign(plain, part))
		}
	}
	if test := killing(x); test != "" {
		e.lines = append(e.lines, p.line().to(e.indent).add(plain, "- "+test))
	}
	e.end()
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// mutantTitle says what is changed in which rule.
func mutantTitle(x *mutation.Outcome) string {
	of := x.Of
	if x.Rule != nil {
		of = x.Rule.Label()
	}
	return of + ": " + string(x.Operator)
}

// killing returns a test of a suite that kills a mutant that survives, or "".
func killing(x *mutation.Outcome) string {
	d := &x.Difference
	if x.Status != mutation.Survived || d.A == nil {
		return ""
	}
	expect := "deny"
	if d.A.Access == matrix.Allowed {
		expect = "allow"
	}
	c := testcoverage.Case{Principal: d.Principal, Column: d.Column, Arguments: d.Arguments, Expect: expect}
	return c.Test("kills " + mutantTitle(x) + " " + x.ID)
}

// mutantWords says why a mutant is what it is.
func mutantWords(x *mutation.Outcome) []string {
	d := &x.Difference
	switch x.Status {
	case mutation.Survived, mutation.Outside:
		did := "opens "
		if !d.B.Access.Possible() {
			did = "closes "
		}
		c := testcoverage.Case{Principal: d.Principal, Column: d.Column, Arguments: d.Arguments}
		call := did + strings.TrimSuffix(c.String(), ": ")
		if x.Status == mutation.Outside {
			call = did + fmt.Sprintf("somebody with the roles %s %s %s", strings.Join(d.Principal.Roles, ", "), d.Column.Operation, d.Column.Item.Name)
			return []string{call, "nobody and nothing that is declared tells it apart, so it does not count"}
		}
		list := []string{call}
		if d.Refused {
			list = append(list, "with arguments that the inputSchema refuses, and the enforcement point sends")
		}
		return list
	case mutation.Unknown:
		return []string{"whether a call of somebody declared tells it apart is not known: " + strings.Join(d.Open, "; ")}
	case mutation.Equivalent:
		list := []string{"no call of a declared principal is decided otherwise, whatever the arguments"}
		if d.Verdict == solver.Unknown {
			list = append(list, "whether anybody or anything else tells it apart was not looked through: "+strings.Join(d.Open, "; "))
		}
		return list
	case mutation.Bare:
		return []string{fmt.Sprintf("only a request that no enforcement point sends tells it apart: %s on %s", d.Raw.Action, d.Raw.Resource.Kind)}
	case mutation.Invalid:
		return []string{"the policies do not load: " + oneLine(x.Err.Error())}
	case mutation.Killed:
	}
	return nil
}

// words says how many mutants there are of each status, and the score.
func (m *Mutation) words() []string {
	n := m.Counts()
	of := fmt.Sprintf("%d mutants", len(m.Outcomes))
	if len(m.Outcomes) < m.Made {
		of += fmt.Sprintf(" of %d", m.Made)
		if m.Since != "" {
			of += " on lines changed since " + m.Since
		}
	}
	var parts []string
	for s, count := range n {
		if count > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count, mutation.Status(s))) //nolint:gosec // seven statuses
		}
	}
	list := []string{of + ": " + strings.Join(parts, ", ")}
	if score, ok := n.Score(); ok {
		text := fmt.Sprintf("score %s: %d of %d that count are killed", percent(score), n[mutation.Killed], n.Of())
		if by := m.byChecks(); by > 0 {
			text += fmt.Sprintf(", %d of them by Cerbos suites only", by)
		}
		list = append(list, text)
	} else {
		list = append(list, "no mutant counts, so there is no score")
	}
	return list
}

// byChecks counts the mutants that only suites of Cerbos's own kill.
func (m *Mutation) byChecks() int {
	n := 0
	for i := range m.Outcomes {
		if by := m.Outcomes[i].By; len(by) > 0 && by[0].Check != nil {
			n++
		}
	}
	return n
}

// percent writes a share, rounded down to a tenth: 100% is all.
func percent(p float64) string { return fmt.Sprintf("%g%%", float64(int(p*10))/10) }

// MutationMarkdown writes what suites say to mutants for a comment.
func MutationMarkdown(w io.Writer, m *Mutation, o Options) error {
	words := m.words()
	score, ok := m.Counts().Score()
	verdict := "no score"
	if ok {
		verdict = percent(score)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "### Mutation score: %s\n\n", verdict)
	for _, s := range words {
		b.WriteString(mdText(s) + "  \n")
	}
	if m.Fails() {
		b.WriteString("**below the score to reach: " + percent(m.Min) + "**\n")
	}
	var survivors bytes.Buffer
	o.Color, o.Width, o.Here, o.All = false, proseWidth, nil, false
	p := newPrinter(&survivors, o)
	for i := range m.Outcomes {
		if s := m.Outcomes[i].Status; s == mutation.Survived || s == mutation.Unknown {
			p.writeMutant(&m.Outcomes[i])
		}
	}
	if err := p.w.Flush(); err != nil {
		return err
	}
	if survivors.Len() > 0 {
		b.WriteString("\n" + fenced(survivors.String()))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
