package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/explain"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// WhoCanText writes who may do each of several things, for a terminal.
func WhoCanText(w io.Writer, answers []explain.Answer, o Options) error {
	p := newPrinter(w, o)
	if o.Summary {
		p.whoCanSummary(answers)
		return p.w.Flush()
	}
	hidden := false
	for i := range answers {
		if i > 0 {
			p.blank()
		}
		a := &answers[i]
		if len(answers) > 1 {
			p.line().add(strong, fmt.Sprintf("%s %s", a.Column.Operation, a.Column.Item.Name)).add(faint, "  "+a.Column.Server.Name).end()
		}
		hidden = p.whoCan(a, o) || hidden
	}
	if hidden {
		p.blank()
		p.paragraph(faint, "--all names everybody, --summary counts them")
	}
	return p.w.Flush()
}

// whoCan writes one answer, and reports whether it does not name everybody.
func (p *printer) whoCan(a *explain.Answer, o Options) (hidden bool) {
	declared, hidden := declaredHolders(a, o.All)
	byRole := roleHolders(a)
	width := 0
	for _, h := range slices.Concat(declared, byRole) {
		width = max(width, widthOf(p.text(strings.Join(h.names, ", "))))
	}
	width = min(width, p.width*2/5)
	for i, h := range declared {
		p.holder(i == 0, "declared", &h, width)
	}
	for i, h := range byRole {
		p.holder(i == 0, "by role", &h, width)
	}
	for _, aside := range asides(a) {
		for i, text := range wrap(p.text(aside.text), p.width-11) {
			l := p.line()
			if i == 0 {
				l.add(faint, aside.label)
			}
			l.to(11).sign(plain, text).end()
		}
	}
	switch {
	case a.Everybody():
		p.line().add(faint, "that is everybody").end()
	case len(a.Declared)+len(a.ByRole)+len(a.Exceptions)+len(a.Unanswered) == 0:
		p.line().add(faint, "nobody").end()
	default:
		p.line().add(faint, "nobody else").end()
	}
	return hidden
}

// A holder is declared principals or roles with the same access.
type holder struct {
	names     []string
	access    matrix.Access
	condition authz.Condition
	note      string
}

const (
	manyDeclared = 100 // more holders of one thing are not all named, but for Options.All
	fewDeclared  = 5   // of one access are named all the same
)

// declaredHolders returns the declared principals that may, and whether some are not
// named.
func declaredHolders(a *explain.Answer, all bool) (list []holder, hidden bool) {
	people := 0
	for _, h := range a.Declared {
		people += len(h.Principals)
	}
	for _, h := range a.Declared {
		names := make([]string, len(h.Principals))
		for i, p := range h.Principals {
			names[i] = p.Key
			if p.Kind != authz.Human {
				names[i] += " (" + p.Kind.String() + ")"
			}
		}
		if n := len(names); people > manyDeclared && n > fewDeclared && !all {
			names, hidden = append(names[:fewDeclared-1], fmt.Sprintf("and %d more", n-fewDeclared+1)), true
		}
		list = append(list, holder{names: names, access: h.Access, condition: h.Condition})
	}
	return list, hidden
}

// roleHolders returns the roles that may, those of the same access together.
func roleHolders(a *explain.Answer) []holder {
	var list []holder
	for _, h := range a.ByRole {
		note := roleNote(&h)
		i := slices.IndexFunc(list, func(o holder) bool {
			return o.access == h.Access && o.note == note && o.condition.Equal(h.Condition)
		})
		if i < 0 {
			i = len(list)
			list = append(list, holder{access: h.Access, condition: h.Condition, note: note})
		}
		list[i].names = append(list[i].names, h.Role)
	}
	return list
}

// An aside says whom an answer by role is not about.
type aside struct{ label, text string }

func asides(a *explain.Answer) []aside {
	var list []aside
	others := slices.ContainsFunc(a.ByRole, func(h explain.RoleHolder) bool { return h.Role == "*" })
	if others && len(a.DeniedRoles) > 0 {
		list = append(list, aside{"but not", strings.Join(a.DeniedRoles, ", ")})
	}
	if len(a.Exceptions) > 0 {
		list = append(list, aside{"except", strings.Join(a.Exceptions, ", ") + ": principal policies decide first"})
	}
	if len(a.Unanswered) > 0 {
		list = append(list, aside{"unknown", strings.Join(a.Unanswered, ", ") + ": no role is known that matches"})
	}
	return list
}

func roleNote(h *explain.RoleHolder) string {
	switch {
	case h.Role == "*":
		return "any other role"
	case h.Wildcard:
		return "only by a rule for everyone"
	case !h.Held:
		return "nobody declared has it"
	}
	return ""
}

// holder writes names on the left and beside them on what condition they may.
func (p *printer) holder(first bool, label string, h *holder, width int) {
	when := whenText(h.access, h.condition)
	if h.note != "" {
		when += "  (" + h.note + ")"
	}
	names := p.join(h.names, width)
	at := 11 + width + 3
	text := wrap(p.text(when), max(p.width-at, minWidth))
	for i := 0; len(names)+len(text) > 0; i++ {
		l := p.line()
		if first && i == 0 {
			l.add(faint, label)
		}
		if len(names) > 0 {
			l.to(11).sign(plain, names[0])
			names = names[1:]
		}
		if len(text) > 0 && l.width <= 11+width { // a name that is longer has a line of its own
			l.to(at).sign(accessStyle(h.access), text[0])
			text = text[1:]
		}
		l.end()
	}
}

func whenText(access matrix.Access, condition authz.Condition) string {
	switch access {
	case matrix.Allowed:
		return "always"
	case matrix.Unguarded:
		return "always: no policy is asked"
	case matrix.Denied, matrix.Conditional, matrix.Refused:
	}
	return condition.When()
}

// someOf joins names, at most a few unless all are wanted.
func someOf(names []string, all bool) string {
	const most = 4
	if all || len(names) <= most+1 {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
}

type whoCanDocument struct {
	Version int          `json:"version"`
	Answers []answerJSON `json:"answers"`
}

type answerJSON struct {
	Server    string         `json:"server"`
	Type      string         `json:"type"`
	Name      string         `json:"name"`
	Operation string         `json:"operation"`
	Declared  []declaredJSON `json:"declared"`
	ByRole    []roleJSON     `json:"byRole"`
	Denied    int            `json:"denied"`

	DeniedRoles []string `json:"deniedRoles,omitempty"`
	Exceptions  []string `json:"principalPolicies,omitempty"` // ids for which they decide first
	Unanswered  []string `json:"unansweredRoles,omitempty"`
}

type declaredJSON struct {
	Principal string `json:"principal"`
	Access    string `json:"access"`
	Condition string `json:"condition,omitempty"`
}

type roleJSON struct {
	Role         string `json:"role"`
	Access       string `json:"access"`
	Condition    string `json:"condition,omitempty"`
	Reason       string `json:"reason,omitempty"` // of a condition that everybody meets
	WildcardOnly bool   `json:"wildcardOnly,omitempty"`
	Held         bool   `json:"held"`
}

// WhoCanJSON writes who may do each of several things as JSON.
func WhoCanJSON(w io.Writer, answers []explain.Answer, o Options) error {
	if o.Summary {
		return indented(w, jsonHolding(answers))
	}
	doc := whoCanDocument{Version: 1, Answers: []answerJSON{}}
	for i := range answers {
		a := &answers[i]
		out := answerJSON{
			Server: a.Column.Server.Name, Type: a.Column.Item.Type.String(), Name: a.Column.Item.Name,
			Operation: a.Column.Operation.String(), Declared: []declaredJSON{}, ByRole: []roleJSON{}, Denied: a.Denied,
			DeniedRoles: a.DeniedRoles, Exceptions: a.Exceptions, Unanswered: a.Unanswered,
		}
		for _, h := range a.Declared {
			for _, p := range h.Principals {
				out.Declared = append(out.Declared, declaredJSON{p.Key, h.Access.String(), h.Condition.String()})
			}
		}
		for _, h := range a.ByRole {
			out.ByRole = append(out.ByRole, roleJSON{h.Role, h.Access.String(), h.Condition.String(), h.Reason(), h.Wildcard, h.Held})
		}
		doc.Answers = append(doc.Answers, out)
	}
	return indented(w, doc)
}
