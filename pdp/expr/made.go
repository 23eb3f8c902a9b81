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
	switch v := v.(type) {
	case *authz.Made:
		return m.read(x, v, steps)
	case map[string]any:
		if steps > 0 {
			if below, there := v[stepOf(x, steps)]; there {
				return m.otherwise(x, below, steps-1)
			}
			return Rebase(x, steps, fact.NewMap(0, nil)) // what is not there errs
		}
		return given(x, m.mapping(v))
	}
	if steps > 0 {
		return Rebase(x, steps, dynamic(Constant(v), steps))
	}
	return given(x, Constant(v))
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

// stepOf returns the name of the first of the last steps of a path.
func stepOf(x ast.Expr, steps int) string {
	path, _ := Path(x)
	return path[len(path)-steps]
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
	switch v := v.(type) {
	case *authz.Made:
		return m.there(x, v, steps)
	case map[string]any:
		if steps > 0 {
			if below, there := v[stepOf(x, steps)]; there {
				return m.thereOtherwise(x, below, steps-1)
			}
			return fact.NewLiteral(0, types.False)
		}
	}
	if steps > 0 {
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

// expression returns one that is in the words of conditions.
func (m *Making) expression(text string) ast.Expr {
	e, err := Parse(text)
	if err != nil {
		return fact.NewIdent(0, text) // never: it is a text that Print has made
	}
	return Lengthen(e, m.Arguments)
}

// text returns a text that is made of pieces.
func (m *Making) text(pieces []authz.Piece) ast.Expr {
	var all ast.Expr
	for _, p := range pieces {
		x := ast.Expr(fact.NewLiteral(0, types.String(p.Text)))
		if p.From != nil || p.Expr != "" {
			x = m.piece(p, len(pieces) == 1)
		}
		if all == nil {
			all = x
			continue
		}
		all = fact.NewCall(0, operators.Add, all, x)
	}
	if all == nil {
		return fact.NewLiteral(0, types.String(""))
	}
	return all
}

// piece returns a value as it stands in a text: a number as in JSON. Of one that is the
// whole text, which is not to be empty, what is missing need not be known.
func (m *Making) piece(p authz.Piece, whole bool) ast.Expr {
	if p.Expr != "" {
		return m.expression(p.Expr)
	}
	of := m.optional(p.From, types.String(""))
	if whole {
		of = m.origin(p.From)
	}
	call := func(name string, args ...ast.Expr) ast.Expr { return fact.NewCall(0, name, args...) }
	integer := func() ast.Expr { return call("string", call("int", fact.CopyExpr(of))) }
	number := func() ast.Expr {
		return call(operators.Conditional, call(operators.Equals, fact.CopyExpr(of), call("double", call("int", fact.CopyExpr(of)))), integer(), call("string", fact.CopyExpr(of)))
	}
	switch {
	case p.IsText():
		return of
	case whole && p.Type == "integer":
		return integer()
	case whole && p.Type == "number":
		return number()
	}
	kind := func(name string) ast.Expr {
		return call(operators.Equals, call("type", fact.CopyExpr(of)), fact.NewIdent(0, name))
	}
	return call(operators.Conditional, kind("string"), of, call(operators.Conditional, kind("double"), number(), call("string", fact.CopyExpr(of))))
}

// Fits returns what has to hold of what a text is made of, so that there is one and, if it
// has to be, that it is not empty; nil for nothing. Who asks is nil where anybody may.
func (m *Making) Fits(part *authz.Made, who *authz.Principal) ast.Expr {
	var all ast.Expr
	and := func(x ast.Expr) {
		if all == nil {
			all = x
			return
		}
		all = fact.NewCall(0, operators.LogicalAnd, all, x)
	}
	for below := range authz.MadeIn(part.Else) {
		if fits := m.Fits(below, who); fits != nil {
			and(fact.NewCall(0, operators.LogicalOr, m.present(part.From), fits))
		}
	}
	needed := part.At[0] == "kind" || part.At[0] == "id" || part.At[0] == "action"
	whole := needed && len(part.Text) == 1
	for _, p := range part.Text {
		if p.From == nil {
			continue
		}
		switch {
		case p.From.OfPrincipal() && who != nil:
			if v, ok := p.From.Value(who, nil); ok && !isScalar(v) {
				and(fact.NewLiteral(0, types.False))
			}
		case !p.IsText():
			of := m.optional(p.From, types.String(""))
			scalars := fact.NewList(0, []ast.Expr{fact.NewIdent(0, "string"), fact.NewIdent(0, "double"), fact.NewIdent(0, "bool")}, nil)
			and(fact.NewCall(0, operators.In, fact.NewCall(0, "type", of), scalars))
		}
		if whole {
			and(fact.NewCall(0, operators.NotEquals, m.origin(p.From), fact.NewLiteral(0, types.String(""))))
		}
	}
	return all
}

// isScalar reports whether a text is made of a value.
func isScalar(v any) bool {
	switch v.(type) {
	case nil, []any, []string, map[string]any:
		return false
	}
	return true
}

// Choices returns what each of the texts that a piece can come to hangs on, if it names them
// all.
func (m *Making) Choices(p authz.Piece) (texts []string, when []ast.Expr, ok bool) {
	if p.Expr == "" {
		return nil, nil, false
	}
	return choicesOf(m.expression(p.Expr))
}

func choicesOf(e ast.Expr) (texts []string, when []ast.Expr, ok bool) {
	switch e.Kind() { //nolint:exhaustive // others name none
	case ast.LiteralKind:
		text, isText := e.AsLiteral().(types.String)
		return []string{string(text)}, []ast.Expr{fact.NewLiteral(0, types.True)}, isText
	case ast.CallKind:
		c := e.AsCall()
		if c.FunctionName() != operators.Conditional {
			return nil, nil, false
		}
		for i, on := range []ast.Expr{c.Args()[0], Negate(c.Args()[0])} {
			below, because, ok := choicesOf(c.Args()[i+1])
			if !ok {
				return nil, nil, false
			}
			for k, x := range because {
				if x.Kind() == ast.LiteralKind {
					because[k] = on
					continue
				}
				because[k] = fact.NewCall(0, operators.LogicalAnd, on, x)
			}
			texts, when = append(texts, below...), append(when, because...)
		}
		return texts, when, true
	}
	return nil, nil, false
}

// Is returns the condition that a piece of a text is a text.
func (m *Making) Is(p authz.Piece, text string) ast.Expr {
	return fact.NewCall(0, operators.Equals, m.piece(p, text != ""), fact.NewLiteral(0, types.String(text)))
}

// IsNone returns the condition that a piece of a text is none of some texts.
func (m *Making) IsNone(p authz.Piece, texts []string) ast.Expr {
	var list []ast.Expr
	for _, text := range texts {
		list = append(list, fact.NewLiteral(0, types.String(text)))
	}
	return fact.NewCall(0, operators.LogicalNot, fact.NewCall(0, operators.In, m.piece(p, false), fact.NewList(0, list, nil)))
}

// Matches returns the condition that a text matches a regular expression, or does not.
func (m *Making) Matches(pieces []authz.Piece, expression string, is bool) ast.Expr {
	of := m.text(pieces)
	if len(pieces) == 1 {
		of = m.piece(pieces[0], false)
	}
	e := ast.Expr(fact.NewMemberCall(0, "matches", of, fact.NewLiteral(0, types.String(expression))))
	if !is {
		e = fact.NewCall(0, operators.LogicalNot, e)
	}
	return e
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
