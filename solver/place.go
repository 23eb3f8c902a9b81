package solver

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/cel-go/common/ast"
	"github.com/santhosh-tekuri/jsonschema/v5"

	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// A place is where an open value stands in a request: the arguments of a call, the
// principal's attributes, its claims or its id, or a place below one of these. Its values
// are JSON values, absent, or mapping for an object that is made of the places below.
type place struct {
	key     string // unlike that of any other place
	name    string // below up
	path    string // from the root, the same for the arguments of all calls
	up      *place // nil for a root
	below   []*place
	call    int // of a root that is arguments
	kind    rootKind
	schemas []*jsonschema.Schema // that its values have to meet
	must    bool                 // something stands there where the one above is an object
	needs
	group  *group
	copies int // how many values of it there may be at once: one, but for elements of lists

	domain   []any
	sure     int            // how many of the domain's values are known to be possible
	keys     []string       // of the domain's values
	rough    map[string]any // types whose values in the domain may not be enough, with one of each
	filled   bool
	makers   []maker
	joints   []joint
	changing []string // expressions that change at numbers which the engine knows
	asker    int      // the request that they are about
	calendar string   // the zone whose calendar is read
	// fields are the fields of the calendar that are read, and what they are compared with.
	fields map[string][]float64
	hints  []any  // values that may do besides
	depth  int    // below its root
	index  *place // that it is looked up by, if its name is not known
	// inElement says that it is a part of the elements of a list.
	inElement bool
}

type rootKind uint8

const (
	below rootKind = iota
	isArguments
	isAttributes
	isClaims
	isID
	isClock
	isElement // of a list; no part of a request by itself
)

// A needs is what leaves ask of a place.
type needs struct {
	points   []float64   // numbers that it is compared with
	integers bool        // whether a number is whole makes a difference
	texts    []string    // that it is equal to, or not
	langs    []predicate // other sets of texts
	values   []any       // lists and objects that it is equal to, or not
	times    bool        // its text is read as a time
	instants []time.Time // that it is compared with
}

// A maker adds the values of one type to a place's domain, in place of those that are
// added where nothing is told apart within the type. It says whether they are enough,
// together with what the place's schemas tell apart.
type maker interface {
	typeName() string
	make(a *analysis, p *place) (values []any, enough bool)
}

// absent is the value of a place where nothing stands, mapping of one with an object
// that is made of the places below it.
type (
	absent  struct{}
	mapping struct{}
)

// root returns a place that is below no other.
func (a *analysis) root(key string, kind rootKind, call int) *place {
	if p := a.roots[key]; p != nil {
		return p
	}
	p := &place{key: key, kind: kind, call: call, copies: 1, path: strconv.Itoa(int(kind))}
	a.roots[key] = p
	a.places = append(a.places, p)
	switch kind { //nolint:exhaustive // the others have no schema
	case isID:
		p.texts = append(p.texts, "") // which it is not
	case isArguments:
		p.schemas = a.factsOf(a.in.schema(call))
	case isAttributes:
		p.schemas = a.factsOf(a.in.Principal)
	case isClaims:
		p.schemas = a.factsOf(a.in.Claims)
	}
	a.addRequired(p)
	return p
}

// at returns the place of a name below another.
func (a *analysis) at(p *place, name string) *place {
	for _, x := range p.below {
		if x.name == name {
			return x
		}
	}
	x := &place{key: p.key + "." + strconv.Quote(name), path: p.path + "." + strconv.Quote(name), name: name, up: p, copies: 1, depth: p.depth + 1}
	x.schemas = factsBelow(p.schemas, name)
	if a.wide {
		x.hints = proposed(narrowed(p.schemas, "object"), name)
	}
	x.must = slices.ContainsFunc(narrowed(p.schemas, "object"), func(s *jsonschema.Schema) bool { return slices.Contains(s.Required, name) })
	p.below = append(p.below, x)
	if x.inElement = p.kind == isElement || p.inElement; !x.inElement {
		a.places = append(a.places, x)
	}
	a.addRequired(x)
	return x
}

// mostDepth is how deep required properties are followed.
const mostDepth = 8

// addRequired makes places for the properties that a schema asks for, and for all that it
// speaks of where those were not enough.
func (a *analysis) addRequired(p *place) {
	if p.depth > mostDepth {
		return
	}
	var names []string
	for _, s := range narrowed(p.schemas, "object") {
		names = append(names, s.Required...)
		if a.wide {
			names = append(names, slices.Collect(maps.Keys(s.Properties))...)
		}
	}
	if a.wide {
		for _, of := range alternatives(narrowed(p.schemas, "object")) {
			for _, s := range of {
				names = append(names, requiredOf(s)...)
			}
		}
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if len(a.places) < mostPlaces && !a.in.fixes(p.kind, name) {
			a.at(p, name)
		}
	}
}

// mostPlaces bounds the places that are made without being read.
const mostPlaces = 200

// required reports whether the place has to be there where the one above is an object.
func (p *place) required() bool { return p.must }

// title names a place for people.
func (p *place) title() string {
	if p.up == nil {
		switch p.kind { //nolint:exhaustive // the others have no title
		case isArguments:
			return "arguments"
		case isAttributes:
			return "principal"
		case isClaims:
			return "request.auxData.jwt"
		case isClock:
			return "now()"
		}
		return p.key
	}
	if p.index != nil {
		return p.up.title() + "[" + p.index.title() + "]"
	}
	if strings.HasPrefix(p.name, "[") {
		return p.up.title() + p.name
	}
	return p.up.title() + "." + p.name
}

// standing says what is known of a path before anything is asked.
type standing uint8

const (
	isOpen    standing = iota
	isFixed            // positively known to be the same in all requests
	isForeign          // neither known nor open: nothing can be said of it
)

// resolve returns where a path of names leads to in one of the requests. whole says that
// the place is only a part of what the path is.
func (a *analysis) resolve(path []string, request int) (p *place, whole bool, s standing) {
	r := &a.in.Requests[request]
	switch {
	case len(path) > 1 && path[0] == "P":
		switch {
		case slices.Contains([]string{"roles", "scope", "policyVersion", "policy_version"}, path[1]), !r.AnyPrincipal, path[1] == "id" && a.in.FixedID:
			return nil, false, isFixed
		case path[1] == "id" && len(path) == 2:
			return a.root("P.id", isID, 0), false, isOpen
		case path[1] == "attr":
			return a.within(a.root("P.attr", isAttributes, 0), path[2:])
		}
	case path[0] == "R":
		if r.Unknown == nil || len(path) > 1 && path[1] != "attr" {
			return nil, false, isFixed
		}
		call := a.in.call(request)
		root := a.root(callRoot(call), isArguments, call)
		for i, name := range path[min(2, len(path)):] {
			if i == len(r.Unknown) {
				return a.within(root, path[2+i:])
			}
			if name != r.Unknown[i] {
				return nil, false, isFixed
			}
		}
		if len(path)-2 < len(r.Unknown) {
			return root, true, isOpen
		}
		return a.within(root, nil)
	case len(path) > 2 && path[0] == "request" && (path[1] == "auxData" || path[1] == "aux_data"):
		if !r.AnyPrincipal {
			return nil, false, isFixed
		}
		if path[2] == "jwt" {
			return a.within(a.root("jwt", isClaims, 0), path[3:])
		}
	}
	return nil, false, isForeign
}

func callRoot(call int) string { return "R.attr#" + strconv.Itoa(call) }

func (a *analysis) under(p *place, names []string) *place {
	for _, name := range names {
		p = a.at(p, name)
	}
	return p
}

// reads is what an expression looks at.
type reads struct {
	places  []*place
	fixed   bool // something that is known
	foreign bool // something that is neither known nor open
	partly  bool // more than the places
}

// readsOf lists what an expression looks at.
func (a *analysis) readsOf(e ast.Expr, request int) reads {
	var r reads
	a.walk(e, request, nil, &r)
	for _, p := range r.places {
		for x := p.lookedUp(); x != nil; x = x.up.lookedUp() {
			r.places = append(r.places, x.index)
		}
	}
	slices.SortFunc(r.places, func(x, y *place) int { return strings.Compare(x.key, y.key) })
	r.places = slices.Compact(r.places)
	return r
}

func (a *analysis) walk(e ast.Expr, request int, bound []string, r *reads) {
	path, exact := expr.Path(e)
	if exact && slices.Contains(bound, path[0]) {
		return
	}
	if exact && a.bound[path[0]] != nil {
		r.places = append(r.places, a.under(a.bound[path[0]], path[1:]))
		return
	}
	if exact && (expr.IsRoot(path[0]) || !known(path[0])) {
		a.note(r, path, request)
		return
	}
	if e.Kind() == ast.CallKind {
		c := e.AsCall()
		if names := expr.Bound(c); len(names) > 0 {
			a.walk(c.Target(), request, bound, r)
			inner := slices.Concat(bound, names)
			for _, arg := range c.Args()[len(names):] {
				a.walk(arg, request, inner, r)
			}
			return
		}
		if a.isKeyOfRoot(e, request) {
			p, _ := a.placeOf(c.Args()[1], request)
			key, _ := literal(c.Args()[0])
			r.places = append(r.places, a.at(p, key.(string))) //nolint:errcheck // isKeyOfRoot
			return
		}
		if name := c.FunctionName(); name == "now" || name == "timeSince" {
			if a.in.Now == nil {
				r.places = append(r.places, a.root("now", isClock, 0))
			} else {
				r.fixed = true
			}
		}
	}
	for _, x := range expr.Children(e) {
		a.walk(x, request, bound, r)
	}
}

func (a *analysis) note(r *reads, path []string, request int) {
	p, part, s := a.resolve(path, request)
	switch s {
	case isOpen:
		r.places = append(r.places, p)
		r.partly = r.partly || part
		r.fixed = r.fixed || part
	case isFixed:
		r.fixed = true
	case isForeign:
		r.foreign = true
	}
}

// known reports whether a name stands for no value of a request: a type, or a library.
func known(name string) bool {
	return slices.Contains([]string{
		"bool", "bytes", "double", "duration", "int", "list", "map", "null_type", "string", "timestamp", "type", "uint", "google",
		"cel", "math", "optional", "lists", "sets", "strings", "base64", "json", "net", "ip", "cidr", "hierarchy", "spiffe",
	}, name)
}

// placeOf returns the place that an expression is, if it is one and no more. Optional
// steps are not ok.
func (a *analysis) placeOf(e ast.Expr, request int) (*place, bool) {
	if expr.IsOptional(e) {
		return nil, false
	}
	return a.optional(e, request)
}

// optional returns the place that an expression is, where steps may be optional.
func (a *analysis) optional(e ast.Expr, request int) (*place, bool) {
	path, exact := expr.Path(e)
	if !exact {
		return nil, false
	}
	if of := a.bound[path[0]]; of != nil {
		return a.under(of, path[1:]), true
	}
	if !expr.IsRoot(path[0]) {
		return nil, false
	}
	p, part, s := a.resolve(path, request)
	return p, s == isOpen && !part
}

// literal returns the value of a literal.
func literal(e ast.Expr) (any, bool) {
	if e.Kind() != ast.LiteralKind {
		return nil, false
	}
	return expr.JSON(e.AsLiteral())
}

// called returns the function and the operands of a call, the target first.
func called(e ast.Expr) (name string, operands []ast.Expr) {
	if e.Kind() != ast.CallKind {
		return "", nil
	}
	c := e.AsCall()
	if c.IsMemberFunction() {
		operands = append(operands, c.Target())
	}
	return c.FunctionName(), append(operands, c.Args()...)
}
