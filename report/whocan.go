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
	for i := range answers {
		if i > 0 {
			p.blank()
		}
		a := &answers[i]
		if len(answers) > 1 {
			p.line().add(strong, fmt.Sprintf("%s %s", a.Column.Operation, a.Column.Item.Name)).add(faint, "  "+a.Column.Server.Name).end()
		}
		p.whoCan(a, o)
	}
	return p.w.Flush()
}

func (p *printer) whoCan(a *explain.Answer, o Options) {
	width := 0
	for _, h := range a.Declared {
		width = max(width, widthOf(p.text(keysOf(h.Principals, o.All))))
	}
	for _, h := range a.ByRole {
		width = max(width, widthOf(p.text(h.Role)))
	}
	width = min(width, p.width/2)
	for i, h := range a.Declared {
		p.holder(i == 0, "declared", keysOf(h.Principals, o.All), h.Access, h.Condition, "", width)
	}
	for i, h := range a.ByRole {
		p.holder(i == 0, "by role", h.Role, h.Access, h.Condition, roleNote(&h), width)
	}
	for _, aside := range asides(a, o.All) {
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
}

// An aside says whom an answer by role is not about.
type aside struct{ label, text string }

func asides(a *explain.Answer, all bool) []aside {
	var list []aside
	others := slices.ContainsFunc(a.ByRole, func(h explain.RoleHolder) bool { return h.Role == "*" })
	if others && len(a.DeniedRoles) > 0 {
		list = append(list, aside{"but not", someOf(a.DeniedRoles, all)})
	}
	if len(a.Exceptions) > 0 {
		list = append(list, aside{"except", someOf(a.Exceptions, all) + ": principal policies decide first"})
	}
	if len(a.Unanswered) > 0 {
		list = append(list, aside{"unknown", someOf(a.Unanswered, all) + ": no role is known that matches"})
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

func (p *printer) holder(first bool, label, who string, access matrix.Access, condition authz.Condition, note string, width int) {
	l := p.line()
	if first {
		l.add(faint, label)
	}
	l.to(11).add(plain, who)
	if l.width > 11+width {
		l.end()
		l = p.line()
	}
	l.to(11+width+3).add(accessStyle(access), whenText(access, condition))
	if note != "" {
		l.add(faint, "  ("+note+")")
	}
	l.end()
}

func whenText(access matrix.Access, condition authz.Condition) string {
	switch access {
	case matrix.Allowed:
		return "always"
	case matrix.Unguarded:
		return "always: no policy is asked"
	case matrix.Denied, matrix.Conditional:
	}
	return condition.When()
}

// keysOf names principals, at most a few unless all are wanted.
func keysOf(list []*authz.Principal, all bool) string {
	keys := make([]string, len(list))
	for i, p := range list {
		keys[i] = p.Key
	}
	return someOf(keys, all)
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
func WhoCanJSON(w io.Writer, answers []explain.Answer, _ Options) error {
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
