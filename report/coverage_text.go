package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/mcpolicy/mcpolicy/testcoverage"
)

// mostUncovered is how many of a kind text shows; cells are many, and read quickly.
var mostUncovered = map[testcoverage.Kind]int{
	testcoverage.Rule: 20, testcoverage.Outcome: 20, testcoverage.MCDC: 20, testcoverage.DerivedRole: 20, testcoverage.Cell: 8,
}

// writeCoverage writes what is not covered, with the cases that would cover it, and how
// much is.
func (p *printer) writeCoverage(c *testcoverage.Coverage) {
	if c == nil {
		return
	}
	shown := map[testcoverage.Kind]int{}
	more := map[testcoverage.Kind]int{}
	for i := range c.Points {
		x := &c.Points[i]
		switch {
		case p.short, x.State == testcoverage.Covered, x.State == testcoverage.Impossible && !p.all:
		case !p.all && shown[x.Kind] == mostUncovered[x.Kind]:
			more[x.Kind]++
		default:
			shown[x.Kind]++
			p.writePoint(x)
		}
	}
	for _, k := range testcoverage.Kinds() {
		if more[k] > 0 {
			p.paragraph(faint, fmt.Sprintf("%d more of kind %s not covered; --all shows them", more[k], k))
		}
	}
	if len(more) > 0 {
		p.blank()
	}
	p.writeCounts(c)
	for _, m := range c.Missed {
		p.paragraph(bad, "below the threshold: "+m.String())
	}
	if len(c.Missed) > 0 {
		p.blank()
	}
}

// writePoint writes one thing that is not covered.
func (p *printer) writePoint(x *testcoverage.Point) {
	e := p.entry(partly, "cover")
	if x.State == testcoverage.Impossible {
		e = p.entry(faint, "none")
	}
	e.placed(p.place(x.Pos), x.Title())
	for _, s := range pointWords(x) {
		e.text(plain, s)
	}
	for i := range x.Want {
		e.lines = append(e.lines, p.line().to(e.indent).add(plain, "- "+x.Want[i].Test(x.TestName(i))))
	}
	e.end()
}

// pointWords says what there is to know of something that is not covered.
func pointWords(x *testcoverage.Point) []string {
	var list []string
	if x.State == testcoverage.Impossible {
		return []string{"no call of a declared principal rests on it; it is not counted"}
	}
	if s := x.Lacks(); s != "" {
		list = append(list, s)
	}
	if x.Redundant {
		list = append(list, "no call of a declared principal tells apart whether the rule is there")
	}
	if x.Unknown {
		list = append(list, "whether a call of a declared principal would cover it is not known")
	}
	for i := range x.Want {
		if x.Want[i].Refused {
			list = append(list, "only with arguments that the inputSchema refuses")
			break
		}
	}
	return list
}

// writeCounts writes a table of the kinds.
func (p *printer) writeCounts(c *testcoverage.Coverage) {
	head := fmt.Sprintf("coverage, metric %d", testcoverage.Metric)
	if c.Since != "" {
		head += ", on lines changed since " + c.Since
	}
	p.paragraph(plain, head)
	for _, n := range c.Counts() {
		if c.Since != "" && n.Kind == testcoverage.Cell {
			continue
		}
		l := p.line().add(plain, "  "+string(n.Kind)).to(15)
		percent, ok := n.Percent()
		if !ok {
			l.add(faint, " nothing to cover"+otherCounts(n)).end()
			continue
		}
		l.add(plain, fmt.Sprintf("%6s%%  %d of %d%s", strconv.FormatFloat(percent, 'f', 1, 64), n.Covered, n.Total, otherCounts(n))).end()
	}
	p.paragraph(plain, assertedWords(c))
	p.blank()
}

func otherCounts(n testcoverage.Count) string {
	var parts []string
	if n.Unknown > 0 {
		parts = append(parts, fmt.Sprintf("%d of them may be impossible", n.Unknown))
	}
	if n.Impossible > 0 {
		parts = append(parts, fmt.Sprintf("%d impossible, not counted", n.Impossible))
	}
	if len(parts) == 0 {
		return ""
	}
	return "; " + strings.Join(parts, "; ")
}

// assertedWords says what decided the cases that are asserted.
func assertedWords(c *testcoverage.Coverage) string {
	text := fmt.Sprintf("%s asserted: %d allowed, %d denied by a rule, %d denied by default", count(c.Allowed+c.ByRule+c.ByDefault+c.Conditional, "case"), c.Allowed, c.ByRule, c.ByDefault)
	if c.Conditional > 0 {
		text += fmt.Sprintf(", %d conditional", c.Conditional)
	}
	if c.Proved > 0 {
		text += fmt.Sprintf("; %d proved", c.Proved)
	}
	return text
}
