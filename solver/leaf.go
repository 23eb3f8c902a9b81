package solver

import (
	"encoding/json"
	"strings"

	"github.com/google/cel-go/common/ast"

	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// A leaf is a part of a condition that is not taken apart: the engine says what it comes
// to for values of the places that it reads.
type leaf struct {
	key     string // what its outcomes are remembered by
	text    string
	source  ast.Expr // without what skeleton put around it
	expr    ast.Expr // the same, with names for what is looked up
	request int
	reads

	cover cover
	// shallow says that no matter what stands below the places that it reads, it comes
	// to the same.
	shallow bool
	// tells are the types within which it tells values apart. Of all others each value
	// stands for all. Nil is all types.
	tells []string

	// chooser, if set, is a place for whose values in chosen alone the leaf is covered,
	// and otherwise as far as otherwise says.
	chooser   *place
	chosen    []any
	otherwise cover
	loose     string // a type for which it is not covered

	vars []*place // those that its outcome depends on, parents first
	rows []row
	lazy bool // rows are asked for one at a time
}

// A cover says how far the domains are sufficient for a leaf.
type cover uint8

const (
	uncovered cover = iota
	typed           // whether it errs depends on the types of the places alone
	covered         // any request has one of the domains with the same outcome
)

// A row says what a leaf comes to where its variables have some values of their domains.
type row struct {
	at  []int
	out Outcome
}

// leaf returns the leaf of an expression.
func (a *analysis) leaf(e ast.Expr, request int) *leaf {
	named := a.lookups(core(e), request)
	r := a.readsOf(named, request)
	l := &leaf{text: expr.Print(e), source: core(e), expr: named, request: request, reads: r}
	l.key = l.text
	if r.fixed {
		l.key += "\x00" + a.known(request)
	}
	id := l.key + "\x00" + a.callKey(request)
	if known := a.leaves[id]; known != nil {
		return known
	}
	a.leaves[id] = l
	a.list = append(a.list, l)
	return l
}

// known writes down what is known of a request.
func (a *analysis) known(request int) string {
	if a.fixed[request] == "" {
		r := &a.in.Requests[request]
		resource := r.Resource
		principal := *r.Principal
		if r.AnyPrincipal {
			if a.in.Only == nil {
				principal.Attr, principal.AuxData, principal.JWTs = nil, nil, nil
			}
			if !a.in.FixedID {
				principal.ID = ""
			}
		}
		text, err := json.Marshal([]any{resource, r.Unknown, principal.ID, principal.Roles, principal.Attr, principal.Scope, principal.PolicyVersion, principal.AuxData, principal.JWTs, a.in.Now, a.in.Only})
		if err != nil {
			text = []byte(err.Error()) // no JSON: the engine refuses it
		}
		a.fixed[request] = string(text)
	}
	return a.fixed[request]
}

// callKey tells requests apart by what is open in them.
func (a *analysis) callKey(request int) string {
	r := &a.in.Requests[request]
	text, err := json.Marshal([]any{r.Unknown, r.AnyPrincipal, a.in.call(request)})
	if err != nil {
		return ""
	}
	return string(text)
}

// covers notes what a leaf needs of its places, by the first kind that knows it.
func (a *analysis) covers(l *leaf) {
	if l.foreign {
		return
	}
	if len(l.places) == 0 {
		l.cover, l.shallow = covered, true
		return
	}
	if !l.partly && l.looksUpOnce() {
		a.top = l
		a.isKind(l)
		a.top = nil
	}
}

// isKind reports whether a kind knows a leaf, and notes what the leaf needs then.
func (a *analysis) isKind(l *leaf) bool {
	for _, k := range kinds() {
		if k(a, l) {
			return true
		}
	}
	return len(l.places) == 0 && !l.foreign
}

// opaque reports what of a leaf is told to people where it stays open.
func (l *leaf) opaque() string { return strings.TrimSpace(expr.Print(expr.Shorten(l.source, nil))) }
