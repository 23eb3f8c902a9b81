package embedded

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
	"github.com/mcpolicy/mcpolicy/source"
)

// A routing is requests of which some go to policies that depend on who asks, with those
// divided by where they go.
type routing struct {
	requests []pdp.SharedRequest
	from     [][]pair // by the number of a request, and then of its principals: what it was
	open     []openRoute
	refused  []refusedRoute
}

// A refusedRoute is a request that nobody decides.
type refusedRoute struct {
	pair
	refusal *authz.Refusal
}

// An openRoute is a request that goes to different policies by what is open.
type openRoute struct {
	pair
	on    string // what that depends on
	turns []turn // nil if they are not known
	none  bool   // whether it may be no request at all
}

// A turn is one way for a request to go.
type turn struct {
	when []string // in the words of reports, all of which hold
	at   int      // the request that goes there
	rest bool     // it is all that no policy names, some of which an engine may not take
}

// mostTurns bounds the ways for a request to go.
const mostTurns = 256

// destinations lists what the policies have in the place of something that decides where a
// request goes; whole says that everything else is the same to all of them.
type destinations func(at string) (list []string, whole bool)

// route returns nil if no request goes to other policies for one than for another.
func route(requests []pdp.SharedRequest, to destinations) *routing {
	if !slices.ContainsFunc(requests, func(r pdp.SharedRequest) bool { return routed(&r.Request) }) {
		return nil
	}
	var of routing
	for i := range requests {
		at := map[string]int{}
		for j, p := range requests[i].Of {
			r := requests[i].Request
			r.Principal = p
			sent, refusal := r.Sent()
			if refusal != nil {
				of.refused = append(of.refused, refusedRoute{pair{i, j}, refusal})
				continue
			}
			if k := slices.IndexFunc(sent.Made, routes); k >= 0 {
				of.open = append(of.open, openRoute{pair: pair{i, j}, on: sent.Made[k].On()})
				of.turn(&sent, &of.open[len(of.open)-1], to)
				continue
			}
			key := strings.Join([]string{sent.Resource.Kind, sent.Resource.PolicyVersion, sent.Resource.Scope, sent.Action}, "\x00")
			there := requests[i].Request
			if r.By != nil {
				key, there = source.JSONText([]any{sent.Resource, sent.Action, sent.MadeKey()}), sent
				there.Principal = nil
			}
			n, known := at[key]
			if !known {
				n = len(of.requests)
				at[key] = n
				there.Action, there.Resource.Kind, there.Resource.PolicyVersion, there.Resource.Scope = sent.Action, sent.Resource.Kind, sent.Resource.PolicyVersion, sent.Resource.Scope
				there.Made = slices.DeleteFunc(slices.Clone(there.Made), routes)
				of.requests, of.from = append(of.requests, pdp.SharedRequest{Request: there}), append(of.from, nil)
			}
			of.requests[n].Of = append(of.requests[n].Of, sent.Principal)
			of.from[n] = append(of.from[n], pair{i, j})
		}
	}
	return &of
}

func routes(m authz.Made) bool { return m.Routes() }

// routed reports whether who asks, or a part that is made, decides where a request goes.
func routed(r *authz.Request) bool { return r.By != nil || slices.ContainsFunc(r.Made, routes) }

// turn divides a request by where it goes, if each of what that hangs on is a text of one
// argument.
func (of *routing) turn(sent *authz.Request, x *openRoute, to destinations) {
	there := *sent
	there.Made, there.Principal = slices.DeleteFunc(slices.Clone(sent.Made), routes), nil
	type way struct {
		turn
		authz.Request
	}
	ways := []way{{Request: there}}
	for i := range sent.Made {
		m := &sent.Made[i]
		if !m.Routes() {
			continue
		}
		choices := choicesOf(sent, m, to)
		var more []way
		for _, w := range ways {
			for _, c := range choices {
				w := w
				w.when, w.rest = append(slices.Clone(w.when), c.when...), w.rest || c.rest
				w.Put(m.At[0], c.text)
				more = append(more, w)
			}
		}
		x.none = x.none || mayBeNothing(m)
		if ways = more; len(ways) == 0 || len(ways) > mostTurns {
			return
		}
	}
	for _, w := range ways {
		w.at = len(of.requests)
		x.turns = append(x.turns, w.turn)
		of.requests, of.from = append(of.requests, pdp.SharedRequest{Request: w.Request, Of: []*authz.Principal{sent.Principal}}), append(of.from, nil)
	}
}

// mayBeNothing reports whether a part may be empty that has to be something, which is no request.
func mayBeNothing(m *authz.Made) bool {
	return m.At[0] != "scope" && m.At[0] != "policyVersion" &&
		!slices.ContainsFunc(m.Text, func(p authz.Piece) bool { return p.Text != "" || p.Expr != "" })
}

// A choice is what a part comes to on a condition.
type choice struct {
	turn
	text string
}

// choicesOf lists what a part that decides where a request goes may come to, the rest last;
// none if that is not known.
func choicesOf(sent *authz.Request, m *authz.Made, to destinations) []choice {
	open := func(p authz.Piece) bool { return p.From != nil || p.Expr != "" }
	k := slices.IndexFunc(m.Text, open)
	making := &expr.Making{Parts: sent.Made, Arguments: sent.Arguments}
	said := func(when ast.Expr) []string { return []string{expr.Print(expr.Shorten(when, sent.Arguments))} }
	if k >= 0 && len(m.Text) == 1 {
		if texts, when, ok := making.Choices(m.Text[k]); ok {
			var choices []choice
			for i, text := range texts {
				choices = append(choices, choice{turn{when: said(when[i])}, text})
			}
			return choices
		}
	}
	list, whole := to(m.At[0])
	if k < 0 || !whole || slices.ContainsFunc(m.Text[k+1:], open) || m.Text[k].From.OfPrincipal() {
		return nil
	}
	written := func(pieces []authz.Piece) string {
		var b strings.Builder
		for _, p := range pieces {
			b.WriteString(p.Text)
		}
		return b.String()
	}
	before, after := written(m.Text[:k]), written(m.Text[k+1:])
	var patterns []prefixPattern
	if m.At[0] == "action" {
		var ok bool
		if list, patterns, ok = patternsOf(list); !ok {
			return nil
		}
	}
	var choices []choice
	var taken []string
	for _, value := range list {
		rest, ok := strings.CutPrefix(value, before)
		if !ok || !strings.HasSuffix(rest, after) {
			continue
		}
		middle := strings.TrimSuffix(rest, after)
		taken = append(taken, middle)
		if value != "" || m.At[0] == "scope" || m.At[0] == "policyVersion" { // others are no request
			choices = append(choices, choice{turn{when: said(making.Is(m.Text[k], middle))}, value})
		}
	}
	mayBeNone := m.At[0] == "scope" || m.At[0] == "policyVersion" // all other texts are requests
	if !mayBeNone && before+after == "" {
		taken = append(taken, "") // but this one
	}
	rest := said(making.IsNone(m.Text[k], taken))
	for _, c := range classesOf(patterns, before, after) {
		when := slices.Clone(rest)
		for i, p := range patterns {
			when = append(when, said(making.Matches(m.Text, p.expression(), c.matches[i]))...)
		}
		choices = append(choices, choice{turn{when: when, rest: mayBeNone}, c.text})
	}
	return choices
}

// A prefixPattern is a pattern of actions that ends with one asterisk, which stops at a colon.
type prefixPattern struct{ prefix string }

func (p prefixPattern) matches(text string) bool {
	rest, ok := strings.CutPrefix(text, p.prefix)
	return ok && !strings.Contains(rest, ":")
}

// expression returns the regular expression of what it matches.
func (p prefixPattern) expression() string { return "^" + regexp.QuoteMeta(p.prefix) + "[^:]*$" }

// patternsOf takes patterns out of a list of actions; it is not ok if there are others than
// those of a prefix, or many.
func patternsOf(list []string) (names []string, patterns []prefixPattern, ok bool) {
	const most = 4
	for _, name := range list {
		prefix, isPattern := strings.CutSuffix(name, "*")
		switch {
		case strings.ContainsAny(prefix, `*?[{\`):
			return nil, nil, false
		case isPattern:
			patterns = append(patterns, prefixPattern{prefix})
		default:
			names = append(names, name)
		}
	}
	return names, patterns, len(patterns) <= most
}

// A class is texts that the same patterns match, and one of them.
type class struct {
	matches []bool
	text    string
}

// classesOf lists the classes of all texts that begin and end in a way: they differ by the
// longest prefix and by whether a colon comes after it.
func classesOf(patterns []prefixPattern, before, after string) []class {
	heads := []string{before}
	for _, p := range patterns {
		if strings.HasPrefix(p.prefix, before) {
			heads = append(heads, p.prefix)
		}
	}
	var list []class
	for _, head := range heads {
		for _, tail := range []string{nowhere, nowhere + ":" + nowhere} {
			c := class{text: head + tail + after}
			for _, p := range patterns {
				c.matches = append(c.matches, p.matches(c.text))
			}
			if !slices.ContainsFunc(list, func(x class) bool { return slices.Equal(x.matches, c.matches) }) {
				list = append(list, c)
			}
		}
	}
	return list
}

// nowhere is where no policy is.
const nowhere = "mcpolicy-nowhere"

// answers puts the answers back where they belong.
func (of *routing) answers(requests []pdp.SharedRequest, found [][]*authz.Decision) [][]*authz.Decision {
	answers := make([][]*authz.Decision, len(requests))
	for i := range requests {
		answers[i] = make([]*authz.Decision, len(requests[i].Of))
	}
	for n, list := range of.from {
		for k, x := range list {
			answers[x.request][x.of] = found[n][k]
		}
	}
	for _, x := range of.refused {
		answers[x.request][x.of] = &authz.Decision{Refusal: x.refusal}
	}
	for i := range of.open {
		answers[of.open[i].request][of.open[i].of] = of.open[i].decision(found)
	}
	return answers
}

// decision joins the decisions on all ways to go.
func (x *openRoute) decision(found [][]*authz.Decision) *authz.Decision {
	unwritten := authz.Unwritten("(depends on " + x.on + ")")
	d := &authz.Decision{Effect: authz.Conditional, Condition: unwritten}
	if x.turns == nil {
		return d
	}
	var alternatives []authz.Alternative
	rules := map[string]authz.RuleRef{}
	denied, written := x.none, true
	for _, t := range x.turns {
		of := found[t.at][0]
		for _, ref := range of.Rules {
			if ref.Met == authz.Fired {
				ref.Met = authz.Depends
			}
			rules[ref.ID] = ref
		}
		denied = denied || of.Effect != authz.Allow
		switch {
		case of.Effect == authz.Deny:
		case t.rest || !of.Condition.Written():
			written = false // among what is left may be what no engine takes
		case of.Effect == authz.Allow:
			alternatives = append(alternatives, authz.Alternative{Allows: allOf(t.when...)})
		default:
			list := alternativesOf(of.Condition)
			for _, a := range list {
				alternatives = append(alternatives, authz.Alternative{Allows: allOf(append(slices.Clone(t.when), a.Allows.String())...), Denies: a.Denies})
			}
			written = written && len(list) > 0
		}
	}
	for _, id := range slices.Sorted(maps.Keys(rules)) {
		d.Rules = append(d.Rules, rules[id])
	}
	switch {
	case !written:
	case len(alternatives) == 0:
		d.Effect, d.Condition = authz.Deny, authz.Condition{}
	case denied:
		d.Condition = authz.AnyOf(alternatives...)
	default:
		d.Effect, d.Condition = authz.Allow, authz.Condition{}
	}
	return d
}

func allOf(list ...string) authz.Clause { return expr.Clause(expr.Conjunction(list)) }

// alternativesOf returns the ways to meet a condition, any of which is enough; none if they
// are not written down, or too many.
func alternativesOf(c authz.Condition) []authz.Alternative {
	list := c.Alternatives()
	for i, part := range c.Parts() {
		of := alternativesOf(part)
		if i == 0 {
			list = of
			continue
		}
		var both []authz.Alternative
		for _, a := range list {
			for _, b := range of {
				both = append(both, authz.Alternative{
					Allows: allOf(a.Allows.String(), b.Allows.String()),
					Denies: expr.Clause(expr.Joined([]string{a.Denies.String(), b.Denies.String()}, operators.LogicalOr)),
				})
			}
		}
		if list = both; len(list) > mostTurns {
			return nil
		}
	}
	return list
}

// destinations lists what the policies have, for requests that go by what is open.
func (e *Engine) destinations(at string) (list []string, whole bool) {
	whole = at != "scope" || !e.options.LenientScopeSearch
	if at == "scope" || at == "policyVersion" {
		list = append(list, "") // the default
	}
	for _, row := range e.tables.Rows {
		name := map[string]string{"kind": row.Resource, "scope": row.Scope, "policyVersion": row.Version, "action": row.GetAction()}[at]
		whole = whole && (at == "action" || !strings.ContainsAny(name, "*?[{")) && (at != "action" || row.GetAllowActions() == nil)
		list = append(list, name)
	}
	slices.Sort(list)
	return slices.Compact(list), whole
}
