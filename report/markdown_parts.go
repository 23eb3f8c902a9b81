package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A part is text that stays or goes as a whole.
type part struct {
	text    string
	rank    rank
	noun    string // what it is, if it may be left out
	section int    // 0, or the section whose frame goes when the last of its contents does
}

// A rank says how long a part stays: the lower, the longer.
type rank uint8

const (
	always   rank = iota
	gainRank      // what a change opens
	errorRank
	caseRank
	changeRank // what else a change does
	warningRank
	matrixRank
	noteRank
)

// frame adds text that always stays, or as long as anything of its section.
func (m *markdown) frame(text string) {
	m.parts = append(m.parts, part{text: text, section: m.section})
}

// add adds text that may be left out.
func (m *markdown) add(r rank, noun, text string) {
	m.parts = append(m.parts, part{text, r, noun, m.section})
}

// begin starts a section.
func (m *markdown) begin(number int, head string) {
	m.section = number
	m.frame(head)
}

// end ends it.
func (m *markdown) end(foot string) {
	m.frame(foot)
	m.section = 0
}

// The sections.
const (
	driftSection = iota + 1
	findingSection
	waivedSection
	caseSection
	probeSection
	diffSection
	narrowedSection
	lockSection
)

// fit puts the parts together, without those that are too much. Where even what always
// stays is, it leaves the verdict.
func (m *markdown) fit(limit int) string {
	gone := make([]bool, len(m.parts))
	size := len(m.join(gone))
	for _, i := range m.dispensable() {
		if size <= limit {
			if size = len(m.join(gone)); size <= limit { // with what the footer says
				break
			}
		}
		gone[i] = true
		size -= len(m.parts[i].text)
	}
	text := m.join(gone)
	if len(text) > limit {
		return m.parts[0].text + m.parts[1].text + fmt.Sprintf("**Left out, for size:** all of the report. See %s.\n", mdText(m.elsewhere()))
	}
	return text
}

// elsewhere says where to find what is left out.
func (m *markdown) elsewhere() string {
	return firstOf(m.o.Elsewhere, "the output of mcpolicy itself")
}

// dispensable returns the parts that may be left out: the lowest rank first,
// and of one rank what comes last.
func (m *markdown) dispensable() []int {
	var order []int
	for i, p := range m.parts {
		if p.rank != always {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(m.parts[b].rank, m.parts[a].rank), b-a)
	})
	return order
}

// join puts the parts together that are not gone.
func (m *markdown) join(gone []bool) string {
	lives := map[int]bool{0: true}
	for i, p := range m.parts {
		if p.rank != always && !gone[i] {
			lives[p.section] = true
		}
	}
	var b strings.Builder
	for i, p := range m.parts {
		if !gone[i] && lives[p.section] {
			b.WriteString(p.text)
		}
	}
	b.WriteString(m.footer(gone))
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// footer says what is left out and where to find it.
func (m *markdown) footer(gone []bool) string {
	left, all := map[string]int{}, map[string]int{}
	var nouns []string
	for i, p := range m.parts {
		if p.noun == "" {
			continue
		}
		if all[p.noun] == 0 {
			nouns = append(nouns, p.noun)
		}
		all[p.noun]++
		if gone[i] {
			left[p.noun]++
		}
	}
	var words []string
	for _, noun := range nouns {
		switch n := left[noun]; n {
		case 0:
		case all[noun]:
			words = append(words, count(n, noun))
		default:
			words = append(words, fmt.Sprintf("%d of %s", n, count(all[noun], noun)))
		}
	}
	if len(words) == 0 {
		return ""
	}
	return fmt.Sprintf("\n**Left out, for size:** %s. See %s.\n", list(words), mdText(m.elsewhere()))
}
