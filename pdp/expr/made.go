package expr

import (
	"maps"
	"slices"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/mcpolicy/mcpolicy/authz"
)

// Parts of a request that an enforcement point makes of open values are replaced, where
// expressions read them, by what they are made of.

// A Making is the parts of requests that are made of what is open.
type Making struct {
	Parts     []authz.Made
	Arguments []string // where the arguments stand, below R.attr
}

// Of returns an expression that reads what a part is made of in its place.
func (m *Making) Of(e ast.Expr) ast.Expr {
	if m == nil || len(m.Parts) == 0 {
		return e
	}
	return Rewrite(e, func(x ast.Expr) (ast.Expr, bool) {
		if x.Kind() == ast.CallKind && x.AsCall().FunctionName() == operators.Has {
			return m.has(x.AsCall().Args()[0])
		}
		x = undressed(x)
		part, steps, ok := m.part(x)
		if !ok {
			return nil, false
		}
		return m.read(x, part, steps), true
	})
}

// undressed returns R.attr.?x for optional.of(R.attr).?x, which is how reports write it.
func undressed(x ast.Expr) ast.Expr {
	if x.Kind() != ast.CallKind || x.AsCall().FunctionName() != operators.OptSelect || x.AsCall().Args()[0].Kind() != ast.CallKind {
		return x
	}
	of := x.AsCall().Args()[0].AsCall()
	if !of.IsMemberFunction() || of.FunctionName() != "of" || len(of.Args()) != 1 {
		return x
	}
	if path, ok := Path(of.Args()[0]); !ok || !slices.Equal(path, []string{"R", "attr"}) {
		return x
	}
	return fact.NewCall(0, operators.OptSelect, of.Args()[0], x.AsCall().Args()[1])
}

// Text is Of the text of an expression, as it stands if nothing in it is made.
func (m *Making) Text(text string) string {
	if m == nil || len(m.Parts) == 0 {
		return text
	}
	parsed, err := Parse(text)
	if err != nil {
		return text
	}
	if of := Print(m.Of(parsed)); of != Print(parsed) {
		return of
	}
	return text
}

// Texts returns definitions that read what parts are made of.
func (m *Making) Texts(list map[string]string) map[string]string {
	for name, text := range list {
		list[name] = m.Text(text)
	}
	return list
}

// part returns the part that a path reads, and how many steps it goes on below it.
func (m *Making) part(x ast.Expr) (part *authz.Made, steps int, ok bool) {
	path, exact := Path(x)
	if !exact || len(path) < 2 || path[0] != "R" {
		return nil, 0, false
	}
	part, steps = authz.MadeAt(m.Parts, named(path[1:]))
	return part, steps, part != nil
}

// named writes the name of a field as parts have it.
func named(path []string) []string {
	if path[0] == "policy_version" {
		return []string{"policyVersion"}
	}
	return path
}

// Touches reports whether a path below R reads a part, or something that a part is in.
func (m *Making) Touches(path []string) bool {
	if m == nil {
		return false
	}
	path = named(path)
	return slices.ContainsFunc(m.Parts, func(p authz.Made) bool {
		n := min(len(path), len(p.At))
		if !slices.Equal(path[:n], p.At[:n]) {
			return false
		}
		return len(p.At) > 1 || len(path) < 2 || !slices.Contains(p.But, path[1])
	})
}

// read returns what a path reads, which goes on some steps below a part.
func (m *Making) read(x ast.Expr, part *authz.Made, steps int) ast.Expr {
	if base := Above(x, steps); IsOptional(base) {
		return Rebase(x, steps, m.asOptional(part))
	}
	switch {
	case part.From != nil:
		of := Rebase(x, steps, m.origin(part.From))
		if part.Else != nil {
			return fact.NewCall(0, operators.Conditional, m.present(part.From), of, m.otherwise(x, part.Else, steps))
		}
		return of
	case part.Table != nil:
		return Rebase(x, steps, dynamic(m.table(part.Table), steps))
	}
	return Rebase(x, steps, dynamic(m.text(part.Text), steps))
}

// otherwise is read where the caller gives no value of [authz.Made.Else].
func (m *Making) otherwise(x ast.Expr, v any, steps int) ast.Expr {
	v, steps, there := below(x, v, steps)
	if !there {
		return Rebase(x, steps, fact.NewMap(0, nil)) // what is not there errs
	}
	switch of := v.(type) {
	case *authz.Made:
		return m.read(x, of, steps)
	case map[string]any:
		return given(x, m.mapping(of))
	}
	if steps > 0 {
		return Rebase(x, steps, dynamic(Constant(v), steps))
	}
	return given(x, Constant(v))
}

// below goes down a value of [authz.Made.Else] as the last steps of a path do: to what stands
// there, and how many steps go on below that. It is not there where a mapping has no such name.
func below(x ast.Expr, v any, steps int) (of any, left int, there bool) {
	path, _ := Path(x)
	for ; steps > 0; steps-- {
		m, isMapping := v.(map[string]any)
		if !isMapping {
			break
		}
		if v, there = m[path[len(path)-steps]]; !there {
			return nil, steps, false
		}
	}
	return v, steps, true
}

// given returns a value as a path reads it that may be an optional.
func given(x, value ast.Expr) ast.Expr {
	if !IsOptional(x) {
		return value
	}
	return fact.NewMemberCall(0, "of", fact.NewIdent(0, "optional"), value)
}

// mapping is a mapping in which something is made.
func (m *Making) mapping(v map[string]any) ast.Expr {
	var entries []ast.EntryExpr
	for _, name := range slices.Sorted(maps.Keys(v)) {
		key, of, optional := fact.NewLiteral(0, types.String(name)), ast.Expr(nil), false
		switch below := v[name].(type) {
		case *authz.Made:
			of, optional = m.asOptional(below), true
		case map[string]any:
			of = m.mapping(below)
		default:
			of = Constant(below)
		}
		entries = append(entries, fact.NewMapEntry(0, key, of, optional))
	}
	return fact.NewMap(0, entries)
}

// Above returns a chain of selections without its last steps.
func Above(e ast.Expr, steps int) ast.Expr {
	for range steps {
		if e.Kind() == ast.SelectKind {
			e = e.AsSelect().Operand()
		} else {
			e = e.AsCall().Args()[0]
		}
	}
	return e
}

// asOptional returns a part that is read as an optional.
func (m *Making) asOptional(part *authz.Made) ast.Expr {
	if part.From != nil && part.Else == nil {
		if of, some := m.maybe(part.From); some {
			return of
		}
	}
	plain := ast.Expr(fact.NewIdent(0, "R"))
	for _, name := range part.At {
		plain = fact.NewSelect(0, plain, name)
	}
	of := fact.NewMemberCall(0, "of", fact.NewIdent(0, "optional"), m.read(plain, part, 0))
	none := fact.NewMemberCall(0, "none", fact.NewIdent(0, "optional"))
	return fact.NewCall(0, operators.Conditional, m.there(plain, part, 0), of, none)
}

// has returns whether there is what a path reads.
func (m *Making) has(x ast.Expr) (ast.Expr, bool) {
	part, steps, ok := m.part(x)
	if !ok {
		return nil, false
	}
	return m.there(x, part, steps), true
}

// there returns whether there is what a path reads, which goes on some steps below a part.
func (m *Making) there(x ast.Expr, part *authz.Made, steps int) ast.Expr {
	spread := len(part.At) == 1 && part.At[0] == "attr"
	switch {
	case part.Else != nil && steps == 0:
		if _, made := part.Else.(*authz.Made); !made {
			return fact.NewLiteral(0, types.True)
		}
		return fact.NewCall(0, operators.LogicalOr, m.present(part.From), m.thereOtherwise(x, part.Else, 0))
	case part.Else != nil:
		of := fact.NewCall(0, operators.Has, Rebase(x, steps, m.origin(part.From)))
		return fact.NewCall(0, operators.Conditional, m.present(part.From), of, m.thereOtherwise(x, part.Else, steps))
	case steps > 1 || steps == 1 && !spread:
		return fact.NewCall(0, operators.Has, m.read(x, part, steps))
	case part.Table != nil && part.Table.Else == nil:
		var keys []ast.Expr
		for _, key := range slices.Sorted(maps.Keys(part.Table.Values)) {
			keys = append(keys, fact.NewLiteral(0, types.String(key)))
		}
		return fact.NewCall(0, operators.In, m.optional(part.Table.By, types.NullValue), fact.NewList(0, keys, nil))
	case part.Table != nil, part.Text != nil:
		return fact.NewLiteral(0, types.True)
	case spread:
		return fact.NewCall(0, operators.Has, m.read(x, part, steps))
	}
	return m.present(part.From)
}

// thereOtherwise is there where the caller gives no value of [authz.Made.Else].
func (m *Making) thereOtherwise(x ast.Expr, v any, steps int) ast.Expr {
	v, steps, there := below(x, v, steps)
	of, made := v.(*authz.Made)
	switch {
	case !there:
		return fact.NewLiteral(0, types.False)
	case made:
		return m.there(x, of, steps)
	case steps > 0:
		return fact.NewCall(0, operators.Has, Rebase(x, steps, dynamic(Constant(v), steps)))
	}
	return fact.NewLiteral(0, types.True)
}

// dynamic returns a value that something is selected of, in some steps: whether it can be is found
// out when it is.
func dynamic(of ast.Expr, steps int) ast.Expr {
	if steps == 0 {
		return of
	}
	return fact.NewCall(0, "dyn", of)
}

// origin returns the expression of where a value comes from.
func (m *Making) origin(o authz.Origin) ast.Expr {
	of, path := m.root(o)
	for _, name := range path {
		of = fact.NewSelect(0, of, name)
	}
	return of
}

// root returns what is always there of an origin, and the path below it.
func (m *Making) root(o authz.Origin) (ast.Expr, []string) {
	if o.OfPrincipal() {
		principal := fact.NewIdent(0, "P")
		if o[1] == "attr" {
			return fact.NewSelect(0, principal, "attr"), o[2:]
		}
		return fact.NewSelect(0, principal, o[1]), nil
	}
	of := fact.NewSelect(0, fact.NewIdent(0, "R"), "attr")
	for _, name := range m.Arguments {
		of = fact.NewSelect(0, of, name)
	}
	return of, o[1:]
}

// optional returns the expression of a value, or of another where there is none.
func (m *Making) optional(o authz.Origin, otherwise ref.Val) ast.Expr {
	of, some := m.maybe(o)
	if !some {
		return of
	}
	return fact.NewMemberCall(0, "orValue", of, fact.NewLiteral(0, otherwise))
}

// maybe returns the expression of a value as an optional, unless it is always there.
func (m *Making) maybe(o authz.Origin) (of ast.Expr, some bool) {
	of, path := m.root(o)
	for _, name := range path {
		of = fact.NewCall(0, operators.OptSelect, of, fact.NewLiteral(0, types.String(name)))
	}
	return of, len(path) > 0
}

// present returns whether there is a value: each step is one of a mapping.
func (m *Making) present(o authz.Origin) ast.Expr {
	of, path := m.root(o)
	var all ast.Expr
	and := func(x ast.Expr) {
		if all == nil {
			all = x
			return
		}
		all = fact.NewCall(0, operators.LogicalAnd, all, x)
	}
	for i, name := range path {
		if i > 1 || i == 1 && path[0] != authz.LookedUp {
			and(fact.NewCall(0, operators.Equals, fact.NewCall(0, "type", of), fact.NewIdent(0, "map")))
		}
		of = fact.NewSelect(0, of, name)
		if name != authz.LookedUp {
			and(fact.NewCall(0, operators.Has, of))
		}
	}
	if all == nil {
		return fact.NewLiteral(0, types.True)
	}
	return all
}

// table returns the value of a table: an error where it has none.
func (m *Making) table(t *authz.Table) ast.Expr {
	var last ast.Expr
	if t.Else != nil {
		last = Constant(t.Else)
	}
	keys := slices.Sorted(maps.Keys(t.Values))
	slices.Reverse(keys)
	by := m.optional(t.By, types.NullValue)
	for _, key := range keys {
		if last == nil { // what is not there errs
			entry := fact.NewMapEntry(0, fact.NewLiteral(0, types.String(key)), Constant(t.Values[key]), false)
			last = fact.NewCall(0, operators.Index, fact.NewMap(0, []ast.EntryExpr{entry}), fact.CopyExpr(by))
			continue
		}
		is := fact.NewCall(0, operators.Equals, fact.CopyExpr(by), fact.NewLiteral(0, types.String(key)))
		last = fact.NewCall(0, operators.Conditional, is, Constant(t.Values[key]), last)
	}
	return last
}

// Constant writes down a JSON value.
func Constant(v any) ast.Expr {
	s, err := structpb.NewValue(v)
	if err != nil {
		return fact.NewLiteral(0, types.NullValue) // never: it is a JSON value
	}
	return Value(s, false)
}
