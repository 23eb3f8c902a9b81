package policy

import (
	"bytes"
	"cmp"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"

	"github.com/mcpolicy/mcpolicy/source"
)

// A Waiver is a comment that accepts findings about the rule, or the derived
// role, right below it:
//
//	# mcpolicy:waive wildcard-role until 2027-01-31: everybody may greet
type Waiver struct {
	Pos     source.Pos // of the comment
	Rule    string     // the ID of the lint rule; whether there is one is not looked into
	Reason  string
	Expires time.Time // the last day, at its beginning in UTC; zero for never

	// From and To are where the rule starts, and where its last value does.
	From, To source.Pos
}

// waiverForm is what a waiver looks like, for messages.
const waiverForm = "# mcpolicy:waive RULE until 2027-01-31: reason (the date may be left out)"

// directive is how a comment begins that means to be a waiver, spelt however.
var directive = regexp.MustCompile(`(?i)^mcpolicy(:\S|\s*:\s*waiv|[_.-]+waiv)`)

// readWaivers reads the waivers of a policy's file. What looks like one and is
// none is a mistake: it would accept nothing, and nobody would notice.
func readWaivers(p *Policy, data []byte) ([]Waiver, error) {
	if !bytes.Contains(bytes.ToLower(data), []byte("mcpolicy")) {
		return nil, nil
	}
	// The lexer counts a carriage return as a line of its own.
	text := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.TrimPrefix(string(data), source.BOM))
	lines, spans := strings.Split(text, "\n"), spansOf(p)
	var list []Waiver
	var errs []error
	for _, t := range lexer.Tokenize(text) {
		comment := strings.TrimSpace(strings.TrimLeft(t.Value, "#"))
		if t.Type != token.CommentType || !directive.MatchString(comment) {
			continue
		}
		w := Waiver{Pos: source.Pos{File: p.File, Line: t.Position.Line, Col: t.Position.Column}}
		if err := w.parse(comment); err != nil {
			errs = append(errs, err)
			continue
		}
		if err := w.attach(spans, lines); err != nil {
			errs = append(errs, err)
		}
		list = append(list, w)
	}
	return list, errors.Join(errs...)
}

func (w *Waiver) parse(comment string) error {
	rest, ok := strings.CutPrefix(comment, "mcpolicy:waive")
	if !ok || rest != "" && !strings.ContainsAny(rest[:1], " \t:") {
		word, _, _ := strings.Cut(comment, " ")
		return source.Errorf(w.Pos, "unknown comment %q; a waiver is written %s", word, waiverForm)
	}
	head, reason, hasReason := strings.Cut(rest, ":")
	w.Reason = strings.TrimSpace(reason)
	fields := strings.Fields(head)
	switch {
	case len(fields) == 0:
		return source.Errorf(w.Pos, "a waiver without a rule: write %s", waiverForm)
	case len(fields) != 1 && (len(fields) != 3 || fields[1] != "until"):
		return source.Errorf(w.Pos, "not a waiver: write %s", waiverForm)
	case !hasReason, w.Reason == "":
		return source.Errorf(w.Pos, "a waiver without a reason: write %s", waiverForm)
	}
	w.Rule = fields[0]
	if len(fields) == 3 {
		day, err := time.Parse(time.DateOnly, fields[2])
		if err != nil {
			return source.Errorf(w.Pos, "waiver: want a date like 2027-01-31, have %q", fields[2])
		}
		w.Expires = day
	}
	return nil
}

// A span is where a rule or a derived role starts, and where its last value
// does.
type span struct{ from, to source.Pos }

// spansOf returns those of a policy, by position.
func spansOf(p *Policy) []span {
	var list []span
	for _, r := range p.Rules {
		list = append(list, span{r.Pos, r.End})
	}
	for _, d := range p.DerivedRoles {
		list = append(list, span{d.Pos, d.End})
	}
	slices.SortFunc(list, func(a, b span) int { return a.from.Compare(b.from) })
	return list
}

// attach finds the rule that the comment stands above. Between them there may
// be other comments and empty lines.
func (w *Waiver) attach(spans []span, lines []string) error {
	i, _ := slices.BinarySearchFunc(spans, w.Pos.Line+1, func(s span, line int) int { return cmp.Compare(s.from.Line, line) })
	if i < len(spans) && spans[i].from.Line <= len(lines) {
		w.From, w.To = spans[i].from, spans[i].to
	}
	if w.From.IsZero() || !w.isRightAbove(lines) {
		return source.Errorf(w.Pos, "a waiver stands on a line of its own right above a rule: below this one there is none")
	}
	return nil
}

func (w *Waiver) isRightAbove(lines []string) bool {
	own := strings.TrimSpace(lines[w.Pos.Line-1])
	if !strings.HasPrefix(own, "#") {
		return false
	}
	for _, line := range lines[w.Pos.Line : w.From.Line-1] {
		line = strings.Trim(line, " \t-")
		if line != "" && !strings.HasPrefix(line, "#") {
			return false
		}
	}
	before := lines[w.From.Line-1]
	before = before[:min(w.From.Col-1, len(before))]
	return strings.Trim(before, " \t-") == ""
}

// last returns where the last value below a node starts.
func last(n *source.Node) source.Pos {
	end := n.Pos
	later := func(pos source.Pos) {
		if pos.Compare(end) > 0 {
			end = pos
		}
	}
	for _, item := range n.Items {
		later(last(item))
	}
	for _, f := range n.Fields {
		later(f.Pos)
		later(last(f.Value))
	}
	return end
}
