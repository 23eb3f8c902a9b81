package report

import (
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/source"
)

// An EnforcementPoint is one as servers have it.
type EnforcementPoint struct {
	Servers []string // that it stands in front of, or none
	Profile *pep.Profile
	Strict  bool // the engine denies what errs
}

// Like reports whether another is the same, whatever the servers.
func (x *EnforcementPoint) Like(other *EnforcementPoint) bool {
	a, b := x.Profile, other.Profile
	return a.Name == b.Name && a.FastMCP == b.FastMCP && a.FastMCPKnown == b.FastMCPKnown && reflect.DeepEqual(a.Methods(), b.Methods())
}

// EnforcementPointFormats lists the ways to write what is known of enforcement points.
func EnforcementPointFormats() []Writer[[]EnforcementPoint] {
	return []Writer[[]EnforcementPoint]{{"text", EnforcementPointText}, {"json", EnforcementPointJSON}}
}

// A fact is one of [pep.Facts], and what it is about.
type fact struct {
	when, label string
	pep.Fact
}

// facts lists what happens where no policy decides. What an expression that errs comes to is
// the engine's doing, whatever asks it.
func (x *EnforcementPoint) facts() []fact {
	f := x.Profile.Facts()
	errs := pep.Fact{
		Ground: pep.Observed,
		Text:   "The rule does not apply: an ALLOW does not allow, and a DENY does not deny. This is Cerbos's doing, without strictEvaluation.",
	}
	if x.Strict {
		errs = pep.Fact{Outcome: authz.Refuse, Ground: pep.Observed, Text: "It denies. This is Cerbos's doing, with strictEvaluation."}
	}
	return []fact{
		{"noPolicy", "no policy", f.NoPolicy},
		{"expressionError", "an expression errs", errs},
		{"pdpError", "an error from the PDP", f.PDPError},
		{"pdpDown", "the PDP is down", f.PDPDown},
		{"unknownOperations", "other operations", f.UnknownOperations},
	}
}

// outcome says in a word what happens: a rule that errs is skipped, which is no word about
// the request.
func (f *fact) outcome() string {
	if f.Outcome == authz.NotKnown && f.Ground != pep.NoGround {
		return "skip"
	}
	return f.Outcome.String()
}

// notes are what there is to know besides, by what it is about.
func (x *EnforcementPoint) notes() [][2]string {
	f := x.Profile.Facts()
	notes := [][2]string{
		{"requests", "known: " + f.Requests.String()},
		{"from", strings.Join(f.Sources, "; ")},
		{"not sent", f.NotSent},
		{"not known", f.NotKnown},
		{"besides", f.Otherwise},
		{"but", x.Profile.Unsupported},
	}
	return slices.DeleteFunc(notes, func(n [2]string) bool { return n[1] == "" })
}

// askedOf says what is asked about a method, a line each.
func askedOf(m *pep.Method) []string {
	var lines []string
	switch {
	case m.Refusal != nil:
		return []string{fmt.Sprintf("refuses it with %d, and asks nothing", m.Refusal.Code)}
	case m.Filter == authz.FilterCall:
		return []string{"by the answer about use, without arguments"}
	case m.Filter == authz.FilterPossible:
		return []string{"by the answer about use, with arguments and what is looked up left open: shows what is allowed with some"}
	case m.Grant != nil:
		return grantedBy(m.Grant)
	case len(m.Requests) == 0 && m.List:
		return []string{"asks nothing: everything shows"}
	case len(m.Requests) == 0:
		return []string{"asks nothing: open to whoever connects"}
	case m.Filter == authz.FilterGate:
		lines = append(lines, "once for the list:")
	}
	for i := range m.Requests {
		r := &m.Requests[i]
		line := r.Action + " on " + r.Resource.Kind + " " + r.Resource.ID
		for _, part := range [][2]string{{"version", r.Resource.PolicyVersion}, {"scope", r.Resource.Scope}} {
			if part[1] != "" {
				line += ", " + part[0] + " " + part[1]
			}
		}
		if len(r.Resource.Attr) > 0 {
			line += ", with " + source.JSONText(r.Resource.Attr)
		}
		lines = append(lines, line)
	}
	return lines
}

// grantedBy says what a list shows that is filtered by a grant, and what becomes of it where the
// grant does not fit.
func grantedBy(g *pep.Grant) []string {
	missing := "without a grant: nothing shows"
	if g.Missing == authz.Pass {
		missing = "without a grant: everything shows"
	}
	return []string{
		"asks nothing: shows what " + g.String() + " names, whatever policies say",
		missing,
		"a grant that was not kept up: a name of no item shows nothing, an item shows whose use is denied, and one is hidden whose use is allowed",
	}
}

// EnforcementPointText writes what is known of enforcement points for a terminal.
func EnforcementPointText(w io.Writer, list []EnforcementPoint, o Options) error {
	p := newPrinter(w, o)
	for i := range list {
		x := &list[i]
		if i > 0 {
			p.blank()
		}
		head := ""
		if len(x.Servers) > 0 {
			head = "  in front of " + someOf(x.Servers, o.All)
		}
		if v := x.Profile.FastMCP; v != "" {
			head += ", FastMCP " + v
			if !x.Profile.FastMCPKnown {
				head += " unless the inventory says otherwise"
			}
		}
		p.line().add(strong, p.text(x.Profile.Name)).add(plain, p.text(head)).end()
		p.blank()
		for _, m := range x.Profile.Methods() {
			p.beside(26, m.Name, plain, askedOf(&m)...)
		}
		p.blank()
		for _, f := range x.facts() {
			text := map[string]string{"refuse": "refused", "pass": "passes", "skip": "skipped", "unknown": "not known"}[f.outcome()]
			if f.Ground != pep.NoGround {
				text += " (" + f.Ground.String() + ")"
			}
			if f.Text != "" {
				text += ": " + f.Text
			}
			st := plain
			if f.Outcome == authz.Pass {
				st = alarm
			}
			p.beside(26, f.label, st, text)
		}
		p.blank()
		for _, n := range x.notes() {
			p.beside(26, n[0], plain, n[1])
		}
	}
	return p.w.Flush()
}

// beside writes lines to the right of a label, wrapped.
func (p *printer) beside(at int, label string, st style, lines ...string) {
	first := true
	for _, text := range lines {
		for i, s := range wrap(p.text(text), max(p.width-at-2, minWidth)) {
			l := p.line()
			if first {
				l.add(faint, label)
			}
			if i > 0 {
				s = "  " + s
			}
			l.to(at).sign(st, s).end()
			first = false
		}
	}
}

type enforcementJSON struct {
	Name        string       `json:"name"`
	BuiltIn     bool         `json:"builtIn"`
	Servers     []string     `json:"servers"`
	FastMCP     string       `json:"fastmcp,omitempty"`
	Unsupported string       `json:"unsupported,omitempty"`
	Methods     []methodJSON `json:"methods"`
	Facts       []factJSON   `json:"facts"`
	Known       string       `json:"known"` // what the requests are known from
	Sources     []string     `json:"sources"`
	NotSent     string       `json:"notSent,omitempty"`
	NotKnown    string       `json:"notKnown,omitempty"`
	Besides     string       `json:"besides,omitempty"`
}

type methodJSON struct {
	Method   string      `json:"method"`
	Filter   string      `json:"filter,omitempty"`  // of a list
	Grant    string      `json:"grant,omitempty"`   // the file or attribute that has the names that a list shows
	Missing  string      `json:"missing,omitempty"` // what becomes of the list without a grant
	Requests []askedJSON `json:"requests"`
	Refused  int         `json:"refused,omitempty"` // the code of all answers; nothing is asked
}

type askedJSON struct {
	Kind    string         `json:"kind"`
	ID      string         `json:"id"`
	Action  string         `json:"action"`
	Version string         `json:"policyVersion,omitempty"`
	Scope   string         `json:"scope,omitempty"`
	Attr    map[string]any `json:"attr,omitempty"`
}

type factJSON struct {
	When    string `json:"when"`    // noPolicy, expressionError, pdpError, pdpDown or unknownOperations
	Outcome string `json:"outcome"` // refuse, pass, skip or unknown
	Known   string `json:"known"`
	Text    string `json:"text,omitempty"`
}

// EnforcementPointJSON writes what is known of enforcement points as JSON. SERVER, NAME, TAG,
// ARGUMENTS and VALUE stand in requests for what differs from one to the next.
func EnforcementPointJSON(w io.Writer, list []EnforcementPoint, _ Options) error {
	doc := struct {
		Version           int               `json:"version"`
		EnforcementPoints []enforcementJSON `json:"enforcementPoints"`
	}{Version: jsonVersion}
	for i := range list {
		x := &list[i]
		f := x.Profile.Facts()
		out := enforcementJSON{
			Name: x.Profile.Name, BuiltIn: slices.Contains(authz.BuiltIn(), x.Profile.Name), Servers: append([]string{}, x.Servers...),
			FastMCP: x.Profile.FastMCP, Unsupported: x.Profile.Unsupported,
			Known: f.Requests.String(), Sources: append([]string{}, f.Sources...), NotSent: f.NotSent, NotKnown: f.NotKnown, Besides: f.Otherwise,
		}
		for _, m := range x.Profile.Methods() {
			j := methodJSON{Method: m.Name, Requests: []askedJSON{}}
			if m.List {
				j.Filter = m.Filter.String()
			}
			if m.Refusal != nil {
				j.Refused = m.Refusal.Code
			}
			if m.Grant != nil {
				j.Grant, j.Missing = m.Grant.String(), m.Grant.Missing.String()
			}
			for _, r := range m.Requests {
				j.Requests = append(j.Requests, askedJSON{r.Resource.Kind, r.Resource.ID, r.Action, r.Resource.PolicyVersion, r.Resource.Scope, r.Resource.Attr})
			}
			out.Methods = append(out.Methods, j)
		}
		for _, f := range x.facts() {
			out.Facts = append(out.Facts, factJSON{f.when, f.outcome(), f.Ground.String(), f.Text})
		}
		doc.EnforcementPoints = append(doc.EnforcementPoints, out)
	}
	return indented(w, doc)
}
