package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/mcpolicy/mcpolicy/testcoverage"
)

// coverageWords says in short how much is covered.
func coverageWords(c *testcoverage.Coverage) string {
	var parts []string
	for _, n := range c.Counts() {
		if percent, ok := n.Percent(); ok {
			parts = append(parts, string(n.Kind)+" "+strconv.FormatFloat(percent, 'f', 1, 64)+"%")
		}
	}
	if len(parts) == 0 {
		parts = []string{"nothing to cover"}
	}
	text := strings.Join(parts, ", ")
	if c.Since != "" {
		text += " of lines changed since " + c.Since
	}
	return text
}

// coverage writes the thresholds that are not met, and what is not covered, folded. Cells
// are counted alone.
func (m *markdown) coverage() {
	c := m.d.Coverage
	if c == nil {
		return
	}
	if len(c.Missed) > 0 {
		m.begin(coverageSection, "### Coverage below its threshold\n\n")
		for _, miss := range c.Missed {
			m.add(caseRank, "threshold", item([]string{mdText(miss.String())}), "")
		}
		m.end("\n")
	}
	var points []*testcoverage.Point
	cells := 0
	for i := range c.Points {
		p := &c.Points[i]
		switch {
		case p.State != testcoverage.Uncovered:
		case p.Kind == testcoverage.Cell && !m.o.All:
			cells++
		default:
			points = append(points, p)
		}
	}
	if len(points)+cells == 0 {
		return
	}
	head := fmt.Sprintf("%d not covered by tests", len(points))
	if cells > 0 {
		head += ", and " + count(cells, "side") + " of cells"
	}
	m.begin(uncoveredSection, "<details><summary>"+head+"</summary>\n\n")
	for _, p := range points {
		m.uncovered(p)
	}
	m.end("\n</details>\n\n")
}

// uncovered writes one thing that is not covered, and the cases that would cover it.
func (m *markdown) uncovered(p *testcoverage.Point) {
	lines := []string{mdText(p.Title()), m.place(p.Pos)}
	brief := item(lines)
	for _, s := range pointWords(p) {
		lines = append(lines, mdText(s))
	}
	for i := range p.Want {
		lines = append(lines, mdCode("- "+p.Want[i].Test(p.TestName(i))))
	}
	m.add(noteRank, "point", item(lines), brief)
}
