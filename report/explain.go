package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/explain"
	"github.com/mcpolicy/mcpolicy/pdp"
)

// maxOthers is how many rules that do not apply are shown.
const maxOthers = 6

// ExplainText writes an explanation for a terminal: the outcome, what was
// asked, the rules with what each part came to, and what would change it.
func ExplainText(w io.Writer, x *explain.Explanation, o Options) error {
	p := newPrinter(w, o)
	verdict, rest, _ := strings.Cut(x.Sentence, ":")
	l := p.line().add(accessStyle(x.Cell.Access), verdict)
	for i, text := range wrap(p.text(":"+rest), p.width-widthOf(verdict)) {
		if i > 0 {
			l.end()
			l = p.line().to(len(verdict) + 2)
		}
		l.sign(plain, text)
	}
	l.end()
	p.explainList(x)
	for i := range x.Requests {
		p.explainRequest(x, &x.Requests[i], o)
	}
	p.changes(x)
	return p.w.Flush()
}

// explainList says of a list which use shows an item, or which grant.
func (p *printer) explainList(x *explain.Explanation) {
	if x.Shown != nil {
		arguments, lookedUp := authz.SplitArguments(x.Shown)
		text := fmt.Sprintf("%s %s with %s", x.Column.Item.Type.Use(), x.Column.Item.Name, jsonText(arguments))
		if lookedUp != nil {
			text += ", where " + jsonText(lookedUp) + " is looked up"
		}
		p.blank()
		p.labelled("such as", text+" (the engine agrees)")
	}
	if g := x.Cell.Grant; g != nil && g.Whose != "" {
		p.blank()
		p.labelled("grant", fmt.Sprintf("%v to %s: %s", g.Pos, g.Whose, g.Name))
	}
}

func (p *printer) explainRequest(x *explain.Explanation, r *explain.Request, o Options) {
	p.blank()
	asked := fmt.Sprintf("%s on %s %s, as %s (%s)", r.Action, r.Resource.Kind, r.Resource.ID, x.Principal.Key, strings.Join(x.Principal.Roles, ", "))
	if len(x.Requests) > 1 {
		asked += ": " + r.Decision.Effect.String()
	}
	p.labelled("asked", asked)
	for _, v := range r.Validation {
		text := fmt.Sprintf("the %s schema refuses %s: %s", v.Source, v.Path, v.Message)
		if !r.Enforced {
			text += "; schemas are not enforced"
		}
		p.labelled("schema", text)
	}
	others := 0
	for i := range r.Rules {
		rule := &r.Rules[i]
		if rule.Via == "" && !o.All {
			if others++; others > maxOthers {
				continue
			}
		}
		p.explainRule(rule)
	}
	if others > maxOthers {
		p.blank()
		p.line().add(faint, fmt.Sprintf("%d more rules for other roles (--all shows them)", others-maxOthers)).end()
	}
	for _, d := range r.Derived {
		p.explainDerived(d)
	}
}

// labelled writes text behind a label, wrapped.
func (p *printer) labelled(label, text string) {
	for i, s := range wrap(p.text(text), p.width-9) {
		l := p.line()
		if i == 0 {
			l.add(faint, label)
		}
		l.to(9).sign(plain, s).end()
	}
}

func (p *printer) explainRule(r *explain.Rule) {
	p.blank()
	whom := "for " + strings.Join(ruleRoles(r), ", ") + ": not held"
	if r.Via != "" {
		whom = strings.Replace("by "+r.Via, "by everyone", "for everyone", 1) + ": " + r.Outcome()
	}
	l := p.line().add(faint, fmt.Sprintf("%s:%d", r.Pos.File, r.Pos.Line)).
		add(plain, "  rule ").add(strong, fmt.Sprintf("%q", r.Label()))
	what := strings.ToUpper(r.Effect.String()) + " " + whom
	if l.width+2+widthOf(p.text(what)) > p.width {
		l.add(plain, ",").end()
		p.indented(plain, what)
	} else {
		l.add(plain, ", "+what).end()
	}
	if r.Note != "" {
		p.indented(faint, r.Note)
	}
	for i := range r.Exprs {
		p.explainExpr(&r.Exprs[i])
	}
}

// indented writes text below a heading, wrapped.
func (p *printer) indented(st style, text string) {
	for _, s := range wrap(p.text(text), p.width-9) {
		p.line().to(9).sign(st, s).end()
	}
}

func ruleRoles(r *explain.Rule) []string {
	var names []string
	for _, t := range r.Roles {
		names = append(names, t.Value)
	}
	for _, t := range r.DerivedRoles {
		names = append(names, t.Value)
	}
	return names
}

// explainExpr writes an expression with the values of its parts below it.
func (p *printer) explainExpr(e *explain.Expr) {
	indent := 9
	result := valueText(e.Value)
	if e.Open {
		result = "depends"
	}
	text := p.text(strings.Join(strings.Fields(e.Text.Value), " "))
	l := p.line().sign(faint, fmt.Sprintf("%5d | ", e.Pos.Line)).to(indent).sign(plain, text)
	l.sign(plain, "   ").add(strong, result).end()
	if e.Inlined != e.Text.Value {
		text, indent = p.text(e.Inlined), indent+2
		p.line().to(indent-2).sign(faint, "= ").sign(plain, text).end()
	}
	if p.under(e, indent, text) {
		return
	}
	for _, part := range e.Parts {
		p.line().to(indent+2).add(plain, part.Text+" = ").add(faint, partText(&part)).end()
	}
}

// under writes the values under their parts, if there is room.
func (p *printer) under(e *explain.Expr, indent int, text string) bool {
	if text != e.Inlined || len(e.Parts) == 0 {
		return false
	}
	dash := "─"
	if p.ascii {
		dash = "^"
	}
	for i, part := range e.Parts {
		value := widthOf(p.text(partText(&part)))
		if part.Offset < 0 || indent+part.Offset+value > p.width {
			return false
		}
		if i+1 < len(e.Parts) && part.Offset+value+2 > e.Parts[i+1].Offset {
			return false
		}
	}
	marks, values := p.line(), p.line()
	for _, part := range e.Parts {
		marks.to(indent+part.Offset).sign(faint, strings.Repeat(dash, widthOf(part.Text)))
		values.to(indent+part.Offset).add(plain, partText(&part))
	}
	marks.end()
	values.end()
	return true
}

func partText(part *explain.Part) string {
	if part.Open {
		return "?"
	}
	return valueText(part.Value)
}

func valueText(v pdp.Value) string {
	if v.Error != "" {
		return v.Error
	}
	b, err := json.Marshal(v.V)
	if err != nil {
		return fmt.Sprint(v.V)
	}
	return string(b)
}

func (p *printer) explainDerived(d *explain.DerivedRole) {
	p.blank()
	state := "active"
	switch {
	case d.Depends:
		state = d.Why
	case !d.Active:
		state = "not active, " + d.Why
	}
	l := p.line().add(faint, fmt.Sprintf("%s:%d", d.Pos.File, d.Pos.Line)).add(plain, "  derived role ").
		add(strong, fmt.Sprintf("%q", d.Name))
	if l.width+2+widthOf(p.text(state)) > p.width {
		l.add(plain, ":").end()
		p.indented(plain, state)
	} else {
		l.add(plain, ": "+state).end()
	}
	for i := range d.Exprs {
		p.explainExpr(&d.Exprs[i])
	}
}

// explainDocument is an explanation as JSON reports spell it.
type explainDocument struct {
	Version   int            `json:"version"`
	Principal string         `json:"principal"`
	Server    string         `json:"server"`
	Type      string         `json:"type"`
	Name      string         `json:"name"`
	Operation string         `json:"operation"`
	Arguments map[string]any `json:"arguments,omitzero"`
	Access    string         `json:"access"`
	Condition string         `json:"condition,omitempty"`
	Sentence  string         `json:"sentence"`
	Possible  *possibleJSON  `json:"possible,omitempty"`
	Grant     *grantedJSON   `json:"grant,omitempty"`
	Requests  []requestJSON  `json:"requests"`
	Ways      []wayJSON      `json:"wouldBeAllowed"`
	Smallest  *smallestJSON  `json:"smallestChange,omitempty"`
}

// possibleJSON is a use that is allowed, of a list that shows what is possible.
type possibleJSON struct {
	Arguments map[string]any `json:"arguments"`
	LookedUp  map[string]any `json:"lookedUp,omitempty"`
}

type requestJSON struct {
	Kind       string        `json:"kind"`
	ID         string        `json:"id"`
	Action     string        `json:"action"`
	Effect     string        `json:"effect"`
	Validation []string      `json:"validationErrors,omitempty"`
	Roles      []roleSays    `json:"byRole,omitempty"`
	Rules      []ruleJSON    `json:"rules"`
	Derived    []derivedJSON `json:"derivedRoles,omitempty"`
}

// roleSays is what the rules for one role come to by themselves.
type roleSays struct {
	Role      string `json:"role"`
	Effect    string `json:"effect"`
	Condition string `json:"condition,omitempty"`
	Skipped   bool   `json:"notTried,omitempty"` // strict evaluation ends before it
}

type ruleJSON struct {
	ID     string     `json:"id"`
	Effect string     `json:"effect"`
	File   string     `json:"file"`
	Line   int        `json:"line"`
	Via    string     `json:"via,omitempty"`
	Result string     `json:"result"`
	On     []string   `json:"dependsOn,omitempty"`
	Note   string     `json:"note,omitempty"`
	Exprs  []exprJSON `json:"expressions,omitempty"`
}

type exprJSON struct {
	Expr  string     `json:"expr"`
	Means string     `json:"means,omitempty"` // with variables and constants replaced
	Line  int        `json:"line,omitempty"`
	Value any        `json:"value,omitempty"`
	Error string     `json:"error,omitempty"`
	Open  bool       `json:"dependsOnArguments,omitempty"`
	Parts []exprJSON `json:"parts,omitempty"`
}

type derivedJSON struct {
	Name   string     `json:"name"`
	File   string     `json:"file"`
	Line   int        `json:"line"`
	Active bool       `json:"active"`
	Open   bool       `json:"dependsOnArguments,omitempty"`
	Why    string     `json:"why,omitempty"`
	Exprs  []exprJSON `json:"expressions,omitempty"`
}

type wayJSON struct {
	With      string `json:"with"`
	Condition string `json:"condition,omitempty"`
}

// ExplainJSON writes an explanation as JSON.
func ExplainJSON(w io.Writer, x *explain.Explanation, _ Options) error {
	doc := explainDocument{
		Version: 1, Principal: x.Principal.Key, Server: x.Column.Server.Name, Type: x.Column.Item.Type.String(),
		Name: x.Column.Item.Name, Operation: x.Column.Operation.String(), Arguments: x.Arguments,
		Access: x.Cell.Access.String(), Condition: x.Cell.Condition.String(), Sentence: x.Sentence,
		Requests: []requestJSON{}, Ways: []wayJSON{},
	}
	if x.Shown != nil {
		arguments, lookedUp := authz.SplitArguments(x.Shown)
		doc.Possible = &possibleJSON{arguments, lookedUp}
	}
	doc.Grant = jsonGranted(&x.Cell)
	for i := range x.Requests {
		r := &x.Requests[i]
		out := requestJSON{Kind: r.Resource.Kind, ID: r.Resource.ID, Action: r.Action, Effect: r.Decision.Effect.String(), Rules: []ruleJSON{}}
		for _, v := range r.Validation {
			out.Validation = append(out.Validation, v.Path+": "+v.Message)
		}
		for j := range r.Rules {
			rule := &r.Rules[j]
			out.Rules = append(out.Rules, ruleJSON{
				ID: rule.ID, Effect: rule.Effect.String(), File: rule.Pos.File, Line: rule.Pos.Line,
				Via: rule.Via, Result: rule.Result.String(), On: rule.DependsOn, Note: rule.Note, Exprs: exprsJSON(rule.Exprs),
			})
		}
		for _, d := range r.Roles {
			out.Roles = append(out.Roles, roleSays{d.Role, d.Effect.String(), d.Condition.String(), d.Skipped})
		}
		for _, d := range r.Derived {
			out.Derived = append(out.Derived, derivedJSON{
				Name: d.Name, File: d.Pos.File, Line: d.Pos.Line, Active: d.Active, Open: d.Depends, Why: d.Why, Exprs: exprsJSON(d.Exprs),
			})
		}
		doc.Requests = append(doc.Requests, out)
	}
	for _, way := range x.Ways {
		doc.Ways = append(doc.Ways, wayJSON{With: way.Text, Condition: way.Condition.String()})
	}
	doc.Smallest = smallest(x)
	return indented(w, doc)
}

func exprsJSON(list []explain.Expr) []exprJSON {
	var out []exprJSON
	for i := range list {
		e := exprJSON{
			Expr: list[i].Text.Value, Means: meaning(&list[i]), Line: list[i].Pos.Line,
			Value: list[i].Value.V, Error: list[i].Value.Error, Open: list[i].Open,
		}
		for j := range list[i].Parts {
			part := &list[i].Parts[j]
			pj := exprJSON{Expr: part.Text, Open: part.Open}
			if !part.Open {
				pj.Value, pj.Error = part.Value.V, part.Value.Error
			}
			e.Parts = append(e.Parts, pj)
		}
		out = append(out, e)
	}
	return out
}

func meaning(e *explain.Expr) string {
	if e.Inlined == e.Text.Value {
		return ""
	}
	return e.Inlined
}

// indented writes a value as JSON for people too.
func indented(w io.Writer, v any) error {
	var b bytes.Buffer
	if err := json.Indent(&b, jsonOf(v), "", "  "); err != nil {
		return err
	}
	b.WriteByte('\n')
	_, err := w.Write(b.Bytes())
	return err
}
