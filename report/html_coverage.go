package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/report/page"
	"github.com/mcpolicy/mcpolicy/testcoverage"
)

// mostOnPage is how many of a kind that are not covered a page lists.
const mostOnPage = 200

// coverage returns what suites cover as the page has it, nil if that was not measured.
func (b *pageBuilder) coverage() *page.Coverage {
	c := b.d.Coverage
	if c == nil {
		return nil
	}
	j := &page.Coverage{About: fmt.Sprintf("metric %d", testcoverage.Metric), Asserted: assertedWords(c), Points: []page.CoveragePoint{}}
	if c.Since != "" {
		j.About += ", on lines changed since " + c.Since
	}
	missed := map[testcoverage.Kind]string{}
	for _, m := range c.Missed {
		missed[m.Kind] = m.String()
	}
	for _, n := range c.Counts() {
		if c.Since != "" && n.Kind == testcoverage.Cell {
			continue
		}
		one := page.CoverageCount{Kind: string(n.Kind), Covered: n.Covered, Of: n.Total, Note: strings.TrimPrefix(otherCounts(n), "; "), Missed: missed[n.Kind]}
		if percent, ok := n.Percent(); ok {
			one.Percent = strconv.FormatFloat(percent, 'f', 1, 64)
		}
		for i := range c.Points {
			p := &c.Points[i]
			switch {
			case p.Kind != n.Kind || p.State != testcoverage.Uncovered:
			case one.Listed < mostOnPage:
				one.Listed++
				j.Points = append(j.Points, b.uncovered(p))
			default:
				one.More++
			}
		}
		j.Counts = append(j.Counts, one)
	}
	return j
}

// uncovered returns something that is not covered, with the tests that would cover it. One
// for a person is told in words where names are left out.
func (b *pageBuilder) uncovered(p *testcoverage.Point) page.CoveragePoint {
	j := page.CoveragePoint{Kind: string(p.Kind), Title: b.text(p.Title()), At: b.at(p.Pos)}
	for _, s := range pointWords(p) {
		j.Words = append(j.Words, b.text(s))
	}
	for i := range p.Want {
		want := &p.Want[i]
		if b.o.Nameless && want.Principal.Kind == authz.Human {
			j.Words = append(j.Words, b.text(want.String()))
		} else {
			j.Tests = append(j.Tests, b.text("- "+want.Test(p.TestName(i))))
		}
	}
	return j
}
