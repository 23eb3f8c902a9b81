package language

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode"
)

// A Language is a set of texts that is recognised from left to right, code point by
// code point.
type Language struct {
	start  string
	step   func(state string, r rune) string
	accept func(state string) bool
	// cuts are the code points at which it may begin to make a difference which letter
	// comes: between two of them all letters are alike.
	cuts []rune
}

// Has reports whether a text lies in the language.
func (l *Language) Has(text string) bool {
	state := l.start
	for _, r := range text {
		state = l.step(state, r)
	}
	return l.accept(state)
}

// Equal holds for one text, Prefix, Suffix and Contains for those that have it so.
func Equal(text string) *Language { return literal("^(?:" + regexp.QuoteMeta(text) + ")$") }

// Prefix holds for the texts that begin with another.
func Prefix(text string) *Language { return literal("^(?:" + regexp.QuoteMeta(text) + ")") }

// Suffix holds for the texts that end with another.
func Suffix(text string) *Language { return literal("(?:" + regexp.QuoteMeta(text) + ")$") }

// Contains holds for the texts that another is a part of.
func Contains(text string) *Language { return literal(regexp.QuoteMeta(text)) }

func literal(pattern string) *Language {
	l, err := Matches(pattern)
	if err != nil {
		panic("language: " + err.Error()) // the pattern is made here
	}
	return l
}

// Between holds for the texts that begin and end with others which do not overlap.
func Between(prefix, suffix string) *Language {
	return literal("^(?s:" + regexp.QuoteMeta(prefix) + ".*" + regexp.QuoteMeta(suffix) + ")$")
}

// Less holds for the texts that come before another in the order of code points.
func Less(text string) *Language {
	of := []rune(text)
	l := &Language{start: "0"}
	// A state is how many letters agree so far, or < or > once they do not.
	l.step = func(state string, r rune) string {
		n, err := strconv.Atoi(state)
		switch {
		case err != nil:
			return state
		case n == len(of) || r > of[n]:
			return ">"
		case r < of[n]:
			return "<"
		}
		return strconv.Itoa(n + 1)
	}
	l.accept = func(state string) bool {
		n, err := strconv.Atoi(state)
		return state == "<" || err == nil && n < len(of)
	}
	for _, r := range of {
		l.cuts = append(l.cuts, r, r+1)
	}
	return l
}

// AtMost holds for the texts of at most so many code points.
func AtMost(size int) *Language {
	l := &Language{start: "0"}
	l.step = func(state string, _ rune) string {
		n, _ := strconv.Atoi(state)
		return strconv.Itoa(min(n+1, size+1))
	}
	l.accept = func(state string) bool {
		n, _ := strconv.Atoi(state)
		return n <= size
	}
	return l
}

// Lowered holds for the texts that lie in a language after A to Z became a to z, and
// Raised the other way round. Other letters stay.
func Lowered(of *Language) *Language { return mapped(of, 'A', 'Z', 'a'-'A') }

// Raised holds for the texts that lie in a language after a to z became A to Z.
func Raised(of *Language) *Language { return mapped(of, 'a', 'z', 'A'-'a') }

func mapped(of *Language, from, to, by rune) *Language {
	l := &Language{start: of.start, accept: of.accept, cuts: []rune{from, to + 1}}
	l.step = func(state string, r rune) string {
		if r >= from && r <= to {
			r += by
		}
		return of.step(state, r)
	}
	for _, c := range of.cuts {
		l.cuts = append(l.cuts, c, c-by)
	}
	return l
}

// Matches holds for the texts in which a pattern of RE2's is found. Patterns that ask
// where words or lines begin are an error.
func Matches(pattern string) (*Language, error) {
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil, err
	}
	prog, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil, err
	}
	const most = 4000 // instructions
	if len(prog.Inst) > most {
		return nil, fmt.Errorf("a pattern of %d steps", len(prog.Inst))
	}
	m := &matcher{prog: prog}
	l := &Language{step: m.step, accept: m.accept}
	for i := range prog.Inst {
		in := &prog.Inst[i]
		switch in.Op {
		case syntax.InstEmptyWidth:
			if syntax.EmptyOp(in.Arg)&^(syntax.EmptyBeginText|syntax.EmptyEndText) != 0 { //nolint:gosec // six bits
				return nil, fmt.Errorf("a pattern that asks where words or lines begin: %s", pattern)
			}
		case syntax.InstRune, syntax.InstRune1:
			l.cuts = append(l.cuts, cutsOf(in)...)
		case syntax.InstRuneAnyNotNL:
			l.cuts = append(l.cuts, '\n', '\n'+1)
		case syntax.InstAlt, syntax.InstAltMatch, syntax.InstCapture, syntax.InstMatch, syntax.InstFail, syntax.InstNop, syntax.InstRuneAny:
		}
	}
	l.start = m.state(m.closure([]uint32{uint32(prog.Start)}, syntax.EmptyBeginText)) //nolint:gosec // an index
	if l.start != found {
		l.start = atStart + l.start
	}
	return l, nil
}

// cutsOf lists where the letters of an instruction begin and end.
func cutsOf(in *syntax.Inst) []rune {
	var cuts []rune
	runes := in.Rune
	if len(runes) == 1 {
		r := runes[0]
		cuts = append(cuts, r, r+1)
		if syntax.Flags(in.Arg)&syntax.FoldCase != 0 { //nolint:gosec // flags
			for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
				cuts = append(cuts, f, f+1)
			}
		}
		return cuts
	}
	for i := 0; i+1 < len(runes); i += 2 {
		cuts = append(cuts, runes[i], runes[i+1]+1)
	}
	return cuts
}

// A matcher runs all ways through a program at once. A state is where they are, or found
// once a match is certain.
type matcher struct{ prog *syntax.Prog }

const found = "found"

// atStart begins the state in which no letter has come yet.
const atStart = "^ "

func (m *matcher) step(state string, r rune) string {
	if state == found {
		return found
	}
	var next []uint32
	for _, pc := range places(state) {
		if in := &m.prog.Inst[pc]; isRune(in) && in.MatchRune(r) {
			next = append(next, in.Out)
		}
	}
	// A match may begin at each letter.
	next = append(next, uint32(m.prog.Start)) //nolint:gosec // an index
	return m.state(m.closure(next, 0))
}

func isRune(in *syntax.Inst) bool {
	switch in.Op {
	case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
		return true
	case syntax.InstAlt, syntax.InstAltMatch, syntax.InstCapture, syntax.InstEmptyWidth, syntax.InstMatch, syntax.InstFail, syntax.InstNop:
	}
	return false
}

// closure follows what needs no letter from some places on, where some conditions on
// the position hold. What asks for the end of the text stays where it is.
func (m *matcher) closure(from []uint32, holds syntax.EmptyOp) map[uint32]bool {
	seen := map[uint32]bool{}
	for len(from) > 0 {
		pc := from[len(from)-1]
		from = from[:len(from)-1]
		if seen[pc] {
			continue
		}
		seen[pc] = true
		switch in := &m.prog.Inst[pc]; in.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			from = append(from, in.Out, in.Arg)
		case syntax.InstCapture, syntax.InstNop:
			from = append(from, in.Out)
		case syntax.InstEmptyWidth:
			if syntax.EmptyOp(in.Arg)&^holds == 0 { //nolint:gosec // six bits
				from = append(from, in.Out)
			}
		case syntax.InstMatch, syntax.InstFail, syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
		}
	}
	return seen
}

// state writes down where the ways are: at a letter, at the end of the text, or done.
func (m *matcher) state(at map[uint32]bool) string {
	var b strings.Builder
	for pc := range uint32(len(m.prog.Inst)) { //nolint:gosec // bounded above
		if !at[pc] {
			continue
		}
		in := &m.prog.Inst[pc]
		if in.Op == syntax.InstMatch {
			return found
		}
		if isRune(in) || in.Op == syntax.InstEmptyWidth && syntax.EmptyOp(in.Arg)&syntax.EmptyEndText != 0 { //nolint:gosec // six bits
			b.WriteString(strconv.FormatUint(uint64(pc), 36))
			b.WriteByte(' ')
		}
	}
	return b.String()
}

func places(state string) []uint32 {
	var list []uint32
	for field := range strings.FieldsSeq(strings.TrimPrefix(state, atStart)) {
		if pc, err := strconv.ParseUint(field, 36, 32); err == nil {
			list = append(list, uint32(pc))
		}
	}
	return list
}

// accept reports whether there is a match if the text ends here.
func (m *matcher) accept(state string) bool {
	if state == found {
		return true
	}
	holds := syntax.EmptyEndText
	if strings.HasPrefix(state, atStart) {
		holds |= syntax.EmptyBeginText
	}
	for pc := range m.closure(places(state), holds) {
		if m.prog.Inst[pc].Op == syntax.InstMatch {
			return true
		}
	}
	return false
}
