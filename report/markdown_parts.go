package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A part is text that stays as it is, in brief, or not at all.
type part struct {
	text    string
	brief   string // in place of text where that is too much; "" if there is nothing shorter
	rank    rank
	noun    string // what it is, if it may be left out
	section int    // 0, or the section whose frame goes when the last of its contents does
}

// A rank says how long a part stays: the lower, the longer. The matrix, and what a change
// opens, which is the matrix of what differs, stay longest.
type rank uint8

const (
	always   rank = iota
	gainRank      // what a change opens
	matrixRank
	caseRank
	errorRank
	changeRank // what else a change does
	warningRank
	backgroundRank // the matrix, where it is about a change
	noteRank
)

// matrixRank is that of the matrix.
func (m *markdown) matrixRank() rank {
	if m.d.Diff != nil {
		return backgroundRank
	}
	return matrixRank
}

// A form is what is shown of a part.
type form uint8

const (
	gone form = iota
	inBrief
	whole
)

func (p *part) as(f form) string {
	switch {
	case f == gone && p.rank != always:
		return ""
	case f == inBrief && p.brief != "":
		return p.brief
	}
	return p.text
}

// frame adds text that always stays, or as long as anything of its section.
func (m *markdown) frame(text string) {
	m.parts = append(m.parts, part{text: text, section: m.section})
}

// add adds text that may be left out, and what may stand in its place, or "".
func (m *markdown) add(r rank, noun, text, brief string) {
	m.parts = append(m.parts, part{text, brief, r, noun, m.section})
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
	restSection
	knownSection
	waivedSection
	caseSection
	skippedSection
	probeSection
	diffSection
	narrowedSection
	lockSection
	coverageSection
	uncoveredSection
)

// The shares of the limit that the lowest ranks may fill before the others have had
// theirs, in percent: a matrix that is too large for its share is shown in numbers.
const (
	gainShare   = 50
	matrixShare = 75
)

// fit puts the parts together so that they keep within the limit. What is too much is told
// in brief, and what is too much even then is left out, from the highest rank on, so that
// details go first and the matrix last. Where even what always stays is too much, it
// leaves the verdict.
func (m *markdown) fit(limit int) string {
	all := make([]form, len(m.parts))
	for i := range all {
		all[i] = whole
	}
	if text := m.join(all); len(text) <= limit {
		return text
	}
	for room := limit; ; {
		forms, ok := m.formsFor(room)
		if !ok {
			return m.parts[0].text + m.parts[1].text + fmt.Sprintf("**Left out, for size:** all of the report. See %s.\n", mdText(m.elsewhere()))
		}
		text := m.join(forms)
		if len(text) <= limit {
			return text
		}
		room -= len(text) - limit // what the footer takes
	}
}

// formsFor chooses the forms of the parts, unless there is no room for what always stays.
func (m *markdown) formsFor(room int) ([]form, bool) {
	f := &fitting{m: m, forms: make([]form, len(m.parts)), frames: map[int]int{}, alive: map[int]bool{0: true}}
	for i := range m.parts {
		if p := &m.parts[i]; p.rank == always {
			f.frames[p.section] += len(p.text)
		}
	}
	f.room = room - f.frames[0]
	if f.room < 0 {
		return nil, false
	}
	order := m.byRank()
	total := f.room
	for _, i := range order {
		share := map[rank]int{gainRank: gainShare, matrixRank: matrixShare}[m.parts[i].rank]
		least := total - total*share/100
		if share > 0 && !f.take(i, whole, least) {
			f.take(i, inBrief, least)
		}
	}
	for _, to := range []form{inBrief, whole} {
		for _, i := range order {
			if f.forms[i] < to {
				f.take(i, to, 0)
			}
		}
	}
	return f.forms, true
}

// A fitting is how much of a report is taken so far.
type fitting struct {
	m      *markdown
	forms  []form
	frames map[int]int  // the sizes of what stays with a section
	alive  map[int]bool // the sections that something was taken of
	room   int
}

// take takes a part in a form, if as much room is left then as there has to be.
func (f *fitting) take(i int, as form, least int) bool {
	p := &f.m.parts[i]
	cost := len(p.as(as)) - len(p.as(f.forms[i]))
	if !f.alive[p.section] {
		cost += f.frames[p.section]
	}
	if f.room-cost < least {
		return false
	}
	f.room -= cost
	f.forms[i], f.alive[p.section] = as, true
	if p.brief == "" {
		f.forms[i] = whole
	}
	return true
}

// elsewhere says where to find what is left out.
func (m *markdown) elsewhere() string {
	return firstOf(m.o.Elsewhere, "the output of mcpolicy itself")
}

// byRank returns the parts that may be left out: the lowest rank first, and of one rank
// what comes first.
func (m *markdown) byRank() []int {
	var order []int
	for i, p := range m.parts {
		if p.rank != always {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(m.parts[a].rank, m.parts[b].rank) })
	return order
}

// join puts the parts together in their forms.
func (m *markdown) join(forms []form) string {
	lives := map[int]bool{0: true}
	for i, p := range m.parts {
		if p.rank != always && forms[i] != gone {
			lives[p.section] = true
		}
	}
	var b strings.Builder
	for i := range m.parts {
		if p := &m.parts[i]; lives[p.section] {
			b.WriteString(p.as(forms[i]))
		}
	}
	b.WriteString(m.footer(forms))
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// footer says what is left out and where to find it.
func (m *markdown) footer(forms []form) string {
	left, short, all := map[string]int{}, map[string]int{}, map[string]int{}
	var nouns []string
	for i, p := range m.parts {
		if p.noun == "" {
			continue
		}
		if all[p.noun] == 0 {
			nouns = append(nouns, p.noun)
		}
		all[p.noun]++
		switch forms[i] {
		case gone:
			left[p.noun]++
		case inBrief:
			short[p.noun]++
		case whole:
		}
	}
	var words []string
	of := func(n int, noun string) string {
		if n == all[noun] {
			return count(n, noun)
		}
		return fmt.Sprintf("%d of %s", n, count(all[noun], noun))
	}
	for _, noun := range nouns {
		if n := left[noun]; n > 0 {
			words = append(words, of(n, noun))
		}
	}
	for _, noun := range nouns {
		if n := short[noun]; n > 0 {
			words = append(words, "details of "+of(n, noun))
		}
	}
	if len(words) == 0 {
		return ""
	}
	return fmt.Sprintf("\n**Left out, for size:** %s. See %s.\n", list(words), mdText(m.elsewhere()))
}
