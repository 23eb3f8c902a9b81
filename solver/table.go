package solver

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
)

// variables lists the places that a leaf's outcome depends on, parents before what is
// below them: those that it reads, those above, and those below unless it is shallow.
// A place with one value counts, too: what is remembered of a leaf goes by it, and in another
// question the place may have others.
func (l *leaf) variables() []*place {
	var list []*place
	add := func(p *place) {
		if (p.up != nil || !p.isObject()) && !slices.Contains(list, p) {
			list = append(list, p)
		}
	}
	var down func(p *place)
	down = func(p *place) {
		add(p)
		for _, x := range p.below {
			down(x)
		}
	}
	for _, p := range l.places {
		var chain []*place
		for up := p; up != nil; up = up.up {
			chain = append(chain, up)
		}
		for _, up := range slices.Backward(chain) {
			add(up)
		}
		if !l.shallow {
			down(p)
		}
	}
	return list
}

// An assignment has a value for each of some places.
type assignment map[*place]any

// each calls f with the indexes of the values of some places, for all that can stand
// together, until f returns false: nothing stands below what is no object.
func each(vars []*place, f func(at []int) bool) bool {
	at := make([]int, len(vars))
	position := map[*place]int{}
	for i, p := range vars {
		position[p] = i
	}
	var next func(i int) bool
	next = func(i int) bool {
		if i == len(vars) {
			return f(at)
		}
		p := vars[i]
		up, hasUp := position[p.up]
		hangs := hasUp && !isMapping(p.up.domain[at[up]])
		for v := range p.domain {
			if _, none := p.domain[v].(absent); hangs && !none {
				continue
			}
			if at[i] = v; !next(i + 1) {
				return false
			}
		}
		return true
	}
	return next(0)
}

func isMapping(v any) bool {
	_, ok := v.(mapping)
	return ok
}

// tabulate has the engine say what each leaf comes to for all values of its places.
// Leaves that take too many rows are asked about one model at a time.
func (a *analysis) tabulate(ctx context.Context) error {
	var ask asking
	for _, l := range a.list {
		if l.foreign {
			continue
		}
		l.vars = l.variables()
		rows := 0
		full := each(l.vars, func([]int) bool {
			rows++
			return rows <= a.limits.Rows && a.steps+rows <= a.limits.Total
		})
		if !full {
			l.lazy, l.cover = true, uncovered
			continue
		}
		a.steps += rows
		each(l.vars, func(at []int) bool {
			a.ask(&ask, l, slices.Clone(at))
			return true
		})
	}
	return a.answer(ctx, &ask)
}

// An asking collects rows to be evaluated together.
type asking struct {
	rows []wanted
}

type wanted struct {
	leaf  *leaf
	at    []int
	key   string // of its outcome
	order string // by which rows of one request come together
}

// ask adds a row to a leaf's table.
func (a *analysis) ask(ask *asking, l *leaf, at []int) {
	var b strings.Builder
	for i, p := range l.vars {
		b.WriteString(p.path)
		b.WriteString("\x00")
		b.WriteString(p.keys[at[i]])
		b.WriteString("\x00")
	}
	values := b.String()
	ask.rows = append(ask.rows, wanted{leaf: l, at: at, key: l.key + "\x00" + values, order: a.callKey(l.request) + a.known(l.request) + "\x00" + values})
}

// answer evaluates what was asked for.
func (a *analysis) answer(ctx context.Context, ask *asking) error {
	var unknown []*wanted
	first := map[string]bool{}
	for i := range ask.rows {
		w := &ask.rows[i]
		if _, ok := a.solver.known[w.key]; !ok && !first[w.key] {
			first[w.key] = true
			unknown = append(unknown, w)
		}
	}
	slices.SortStableFunc(unknown, func(x, y *wanted) int { return strings.Compare(x.order, y.order) })
	texts := newTexts()
	var trials []Trial
	for i, w := range unknown {
		var request *authz.Request
		var now time.Time
		if i > 0 && w.order == unknown[i-1].order && slices.Equal(w.leaf.vars, unknown[i-1].leaf.vars) {
			request, now = trials[i-1].Request, trials[i-1].Now
		} else {
			values := assignment{}
			for j, p := range w.leaf.vars {
				values[p] = p.domain[w.at[j]]
			}
			request, now = a.request(w.leaf.request, values)
		}
		trials = append(trials, Trial{Text: texts.number(w.leaf.text), Request: request, Now: now})
	}
	if len(trials) > 0 {
		trials = append(trials, a.ahead(texts)...)
		outcomes, err := a.solver.engine.Evaluate(ctx, texts.list, trials)
		if err != nil {
			return err
		}
		for i, w := range unknown {
			a.solver.known[w.key] = outcomes[i]
		}
	}
	for _, w := range ask.rows {
		w.leaf.rows = append(w.leaf.rows, row{at: w.at, out: a.solver.known[w.key]})
	}
	return nil
}

// texts numbers different texts.
type texts struct {
	list    []string
	numbers map[string]int
}

func newTexts() *texts { return &texts{numbers: map[string]int{}} }

func (t *texts) number(text string) int {
	n, known := t.numbers[text]
	if !known {
		n = len(t.list)
		t.numbers[text] = n
		t.list = append(t.list, text)
	}
	return n
}

// request fills in what one of the requests leaves open. Places without a value have the
// first of their domain.
func (a *analysis) request(number int, values assignment) (*authz.Request, time.Time) {
	r := a.in.Requests[number]
	principal := *r.Principal
	if r.AnyPrincipal {
		attr, _ := a.valueOf(a.roots["P.attr"], values).(map[string]any)
		claims, _ := a.valueOf(a.roots["jwt"], values).(map[string]any)
		principal.Attr, principal.AuxData = a.kept(isAttributes, principal.Attr, attr), a.kept(isClaims, principal.AuxData, claims)
		if len(principal.AuxData) == 0 {
			principal.AuxData = nil
		}
		if a.in.Only == nil {
			principal.JWTs = nil
		}
		if !a.in.FixedID {
			principal.ID = "someone"
			if id, ok := a.valueOf(a.roots["P.id"], values).(string); ok {
				principal.ID = id
			}
		}
	}
	if r.Unknown != nil {
		of, _ := a.valueOf(a.roots[callRoot(a.in.call(number))], values).(map[string]any)
		if of = a.kept(isArguments, r.Resource.Mapping(r.Unknown), of); of == nil {
			of = map[string]any{}
		}
		r.Resource.Attr = put(r.Resource.Attr, r.Unknown, of)
	}
	r.Principal, r.AnyPrincipal, r.Unknown = &principal, false, nil
	now := defaultNow
	if a.in.Now != nil {
		now = *a.in.Now
	} else if t, ok := a.valueOf(a.roots["now"], values).(time.Time); ok {
		now = t
	}
	return &r, now
}

// defaultNow is when things happen where that does not matter.
var defaultNow = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// valueOf returns the value of a place with all below it.
func (a *analysis) valueOf(p *place, values assignment) any {
	if p == nil {
		return nil
	}
	v, given := values[p]
	if !given {
		if len(p.domain) == 0 {
			return absent{}
		}
		v = p.domain[0]
	}
	if _, ok := v.(mapping); !ok {
		return v
	}
	m := map[string]any{}
	for _, x := range p.below {
		v := a.valueOf(x, values)
		if _, none := v.(absent); none {
			continue
		}
		name, isKey := x.name, true
		if x.index != nil {
			name, isKey = a.valueOf(x.index, values).(string)
		}
		if _, there := m[name]; isKey && !there {
			m[name] = v
		}
	}
	return m
}

// put returns attributes with a value at a path.
func put(attr map[string]any, path []string, v map[string]any) map[string]any {
	if len(path) == 0 {
		return v
	}
	attr = maps.Clone(attr)
	if attr == nil {
		attr = map[string]any{}
	}
	below, _ := attr[path[0]].(map[string]any)
	attr[path[0]] = put(below, path[1:], v)
	return attr
}

// fixedAt returns what is known at a path of a request.
func fixedAt(r *authz.Request, path []string) (any, bool) {
	var v any
	switch {
	case len(path) < 2:
		return nil, false
	case path[0] == "P" && path[1] == "id":
		v = r.Principal.ID
	case path[0] == "P" && path[1] == "roles":
		v = anys(r.Principal.Roles)
	case path[0] == "P" && path[1] == "attr":
		v = orEmpty(r.Principal.Attr)
	case path[0] == "R" && path[1] == "id":
		v = r.Resource.ID
	case path[0] == "R" && path[1] == "kind":
		v = r.Resource.Kind
	case path[0] == "R" && path[1] == "attr":
		v = orEmpty(r.Resource.Attr)
	case path[0] == "request" && len(path) > 2 && path[2] == "jwt":
		v, path = orEmpty(r.Principal.AuxData), path[1:]
	default:
		return nil, false
	}
	for _, name := range path[2:] {
		m, ok := v.(map[string]any)
		if !ok {
			return absent{}, true
		}
		if v, ok = m[name]; !ok {
			return absent{}, true
		}
	}
	return normal(v), true
}

func orEmpty(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}
