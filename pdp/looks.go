package pdp

import (
	"slices"
	"strconv"
	"strings"

	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// A Look is something that an expression looks at.
type Look struct {
	// Name is how its author names it, less what makes it optional:
	// R.attr.arguments.region.
	Name string
	// Clock is set for the time, now(), which no request says.
	Clock bool

	Path  []string // in the short names
	Fixed *Value   // of what is the same for all requests
}

// Looks lists what an expression looks at, each different thing once and in the
// order of its text: attributes and what else a request tells, constants, globals
// and the clock. What a variable looks at stands where its name does.
func (e *Engine) Looks(x Expression) []Look {
	contexts := e.contextsOf(x)
	if len(contexts) == 0 {
		return nil
	}
	return looks(x.Text, contexts[0].Params, e.options.Globals)
}

// looks lists what an expression looks at that sees some definitions and globals.
func looks(text string, params *runtimev1.RuleTable_RuleRow_Params, globals map[string]any) []Look {
	l := &lookFinder{
		variables: newDefinitions(variablesOf(params)), constants: params.GetConstants(), globals: globals,
		expanded: map[string]bool{},
	}
	if parsed, err := expr.Parse(text); err == nil {
		l.walk(parsed, nil)
	}
	return l.list
}

// A lookFinder collects what an expression looks at.
type lookFinder struct {
	variables *definitions
	constants map[string]*structpb.Value
	globals   map[string]any
	expanded  map[string]bool // variables
	list      []Look
}

func (l *lookFinder) walk(e ast.Expr, names []string) {
	if path, ok := expr.Path(e); ok {
		if !slices.Contains(names, path[0]) {
			l.look(e, path)
		}
		return
	}
	if e.Kind() != ast.CallKind {
		for _, x := range expr.Children(e) {
			l.walk(x, names)
		}
		return
	}
	c := e.AsCall()
	if c.FunctionName() == "now" && !c.IsMemberFunction() {
		l.add(Look{Name: "now()", Clock: true})
	}
	if c.IsMemberFunction() {
		l.walk(c.Target(), names)
	}
	own := expr.Bound(c)
	inner := append(slices.Clone(names), own...)
	for i, a := range c.Args()[len(own):] {
		if c.FunctionName() == "bind" && i == 0 {
			l.walk(a, names)
			continue
		}
		l.walk(a, inner)
	}
}

func (l *lookFinder) look(e ast.Expr, path []string) {
	if len(path) < 2 {
		return
	}
	look := Look{Name: spelled(stepsOf(e)), Path: path}
	switch path[0] {
	case "V":
		if definition := l.variables.named(path[1]); definition != nil && !l.expanded[path[1]] {
			l.expanded[path[1]] = true
			l.walk(definition, nil)
		}
		return
	case "C":
		c, there := l.constants[path[1]]
		if !there {
			return
		}
		look.Fixed = ValueAt(c.AsInterface(), path[2:])
	case "G":
		look.Fixed = ValueAt(l.globals, path[1:])
	case "P", "R", "request":
	default:
		return
	}
	l.add(look)
}

func (l *lookFinder) add(look Look) {
	if !slices.ContainsFunc(l.list, func(known Look) bool { return known.Name == look.Name }) {
		l.list = append(l.list, look)
	}
}

// Missing is the error of a value that is not there.
const Missing = "missing"

// In returns what stands there for a request. It is not known of what the request
// leaves open, of the clock, and of all attributes together, which tell nothing.
func (l Look) In(r *authz.Request) (v Value, known bool) {
	if l.Fixed != nil {
		return *l.Fixed, true
	}
	p, open := r.Principal, r.Unknown
	switch {
	case len(l.Path) < 2 || len(l.Path) == 2 && l.Path[1] == "attr":
		return Value{}, false
	case l.Path[0] == "P":
		return *ValueAt(map[string]any{
			"id": p.ID, "roles": p.Roles, "attr": p.Attr, "policyVersion": p.PolicyVersion, "scope": p.Scope,
		}, l.Path[1:]), !r.AnyPrincipal
	case l.Path[0] == "R" && l.Path[1] == "attr" && open != nil && expr.Within(l.Path[2:], open):
		return Value{}, false
	case l.Path[0] == "R":
		return *ValueAt(map[string]any{
			"kind": r.Resource.Kind, "id": r.Resource.ID, "attr": r.Resource.Attr,
			"policyVersion": r.Resource.PolicyVersion, "scope": r.Resource.Scope,
		}, l.Path[1:]), true
	case len(l.Path) > 3 && l.Path[2] == "jwt" && (l.Path[1] == "auxData" || l.Path[1] == "aux_data"):
		return *ValueAt(p.AuxData, l.Path[3:]), !r.AnyPrincipal
	case len(l.Path) > 5 && l.Path[2] == "jwts" && l.Path[4] == "claims" && (l.Path[1] == "auxData" || l.Path[1] == "aux_data"):
		return *ValueAt(p.JWTs[l.Path[3]], l.Path[5:]), !r.AnyPrincipal
	}
	return Value{}, false
}

// ValueAt follows a path into a value.
func ValueAt(v any, path []string) *Value {
	for _, name := range path {
		m, ok := v.(map[string]any)
		if ok {
			v, ok = m[name]
		}
		if !ok {
			return &Value{Error: Missing}
		}
	}
	return &Value{V: v}
}

// stepsOf returns the names of a chain of selections as they are written.
func stepsOf(e ast.Expr) []string {
	switch e.Kind() { //nolint:exhaustive // of a path
	case ast.IdentKind:
		return []string{e.AsIdent()}
	case ast.SelectKind:
		return append(stepsOf(e.AsSelect().Operand()), e.AsSelect().FieldName())
	}
	args := e.AsCall().Args()
	name, _ := args[1].AsLiteral().(types.String)
	return append(stepsOf(args[0]), string(name))
}

// spelled writes a path as CEL.
func spelled(steps []string) string {
	var b strings.Builder
	b.WriteString(steps[0])
	for _, name := range steps[1:] {
		if expr.IsIdentifier(name) {
			b.WriteString("." + name)
		} else {
			b.WriteString("[" + strconv.Quote(name) + "]")
		}
	}
	return b.String()
}
