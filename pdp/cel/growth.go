package cel

import (
	"math"
	"regexp"
	"slices"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"

	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// A Growth tells how large what expressions build may get. What a single call of the
// engine allocates comes in one jump, which nobody who watches the process can
// prevent: so it has to be known beforehand.
type Growth struct {
	scope       *Scope
	expressions []ast.Expr // nil for what does not grow
}

// growing is in the text of whatever can make more text or longer lists than it reads.
var growing = regexp.MustCompile(`\+|replace|join|format|range|quote|encode|split|flatten|\[`)

// Grows reports whether an expression may make more text or longer lists than it
// reads. It says so of too many.
func Grows(text string) bool { return growing.MatchString(text) }

// Growth returns the growth of expressions; nil if none grows. It is for one goroutine
// at a time.
func (s *Scope) Growth(texts []string) *Growth {
	g := &Growth{scope: s, expressions: make([]ast.Expr, len(texts))}
	grow := false
	for i, text := range texts {
		if Grows(text) {
			if e, err := expr.Parse(text); err == nil {
				g.expressions[i], grow = e, true
			}
		}
	}
	if !grow {
		return nil
	}
	return g
}

// Most bounds the texts, in bytes, and the lists, in elements, that evaluating the
// expressions makes in one go, given the extent of what stands at each path. It
// yields the number of each expression that grows, with the most up to there.
func (g *Growth) Most(at func(path []string) pdp.Extent) func(yield func(i int, bytes, elements float64) bool) {
	return func(yield func(int, float64, float64) bool) {
		s := &sizing{scope: g.scope, at: at, known: map[string]pdp.Extent{}}
		for i, e := range g.expressions {
			if e == nil {
				continue
			}
			s.of(e, nil)
			if !yield(i, s.bytes, s.elements) {
				return
			}
		}
	}
}

// A sizing is one estimate.
type sizing struct {
	scope           *Scope
	at              func(path []string) pdp.Extent
	known           map[string]pdp.Extent // of variables
	bytes, elements float64               // the most so far
	depth           int                   // of loops that are gone through several times
}

// shortText is a number, a truth value or a time, which is short as a text.
var shortText = pdp.Extent{Text: 32, All: 32, Values: 1}

// of returns the extent of an expression. Members are the variables of macros.
func (s *sizing) of(e ast.Expr, members map[string]pdp.Extent) pdp.Extent {
	if path, isPath := expr.Path(e); len(path) > 0 {
		if x, ok := members[path[0]]; ok && isPath {
			return x
		} else if isPath {
			return s.path(path)
		}
	}
	switch e.Kind() {
	case ast.LiteralKind:
		switch v := e.AsLiteral().(type) {
		case types.String:
			return TextExtent(string(v))
		case types.Bytes:
			return TextExtent(string(v))
		}
		return shortText
	case ast.CallKind:
		if names := expr.Bound(e.AsCall()); len(names) > 0 {
			return s.loop(e.AsCall(), names, members)
		}
		return s.call(e.AsCall(), members)
	case ast.SelectKind:
		return s.of(e.AsSelect().Operand(), members)
	case ast.ListKind, ast.MapKind, ast.StructKind:
		return s.sum(expr.Children(e), members)
	case ast.UnspecifiedExprKind, ast.ComprehensionKind, ast.IdentKind:
	}
	return shortText
}

func (s *sizing) path(path []string) pdp.Extent {
	switch path[0] {
	case "C":
		return s.scope.constants
	case "V":
		if len(path) > 1 {
			return s.variable(path[1])
		}
	}
	return s.at(path)
}

func (s *sizing) variable(name string) pdp.Extent {
	x, known := s.known[name]
	if definition := s.scope.definitions.named(name); definition != nil && !known {
		x = s.of(definition, nil)
		s.known[name] = x
	}
	return x
}

func (s *sizing) sum(of []ast.Expr, members map[string]pdp.Extent) pdp.Extent {
	total := pdp.Extent{Values: 1}
	for _, e := range of {
		total = total.Plus(s.of(e, members))
	}
	return total
}

// text notes that a text is made.
func (s *sizing) text(bytes float64) pdp.Extent {
	s.bytes = max(s.bytes, bytes)
	return pdp.Extent{Text: bytes, All: bytes, Values: 1}
}

// list notes that a list is made.
func (s *sizing) list(x pdp.Extent) pdp.Extent {
	s.elements = max(s.elements, x.Values)
	return x
}

// truths are the calls that come to a truth value or a number.
var truths = []string{
	operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals,
	operators.In, operators.LogicalAnd, operators.LogicalOr, operators.LogicalNot, operators.Negate,
	operators.Subtract, operators.Multiply, operators.Divide, operators.Modulo,
	"size", "int", "uint", "double", "bool", "has", "startsWith", "endsWith", "contains", "matches", "indexOf", "lastIndexOf",
	"hasIntersection", "isSubset", "inIPAddrRange", "timestamp", "duration", "now", "timeSince",
}

// The most that a format makes of a number, and of a byte of a text.
const formatted, perByte = 512, 8

// maxRange is more than lists.range makes without an error.
const maxRange = 1 << 24

func (s *sizing) call(c ast.CallExpr, members map[string]pdp.Extent) pdp.Extent {
	var args []pdp.Extent
	if c.IsMemberFunction() {
		args = append(args, s.of(c.Target(), members))
	}
	for _, a := range c.Args() {
		args = append(args, s.of(a, members))
	}
	name := c.FunctionName()
	switch {
	case len(args) == 0, slices.Contains(truths, name):
		return shortText
	case name == operators.Conditional && len(args) == 3:
		return args[1].Or(args[2])
	case name == operators.Index || name == operators.OptIndex || name == operators.OptSelect:
		return args[0]
	case name == operators.Add && len(args) == 2:
		x := args[0].Plus(args[1])
		x.Text = args[0].Text + args[1].Text // lists are added up without a copy
		s.text(x.Text)
		return x
	case name == "replace" && len(args) >= 3:
		return s.replace(c, args)
	case name == "join":
		separator := 0.0
		if len(args) > 1 {
			separator = args[1].Text
		}
		return s.text(args[0].All + args[0].Values*separator)
	case name == "format" && len(args) == 2:
		return s.text(args[0].Text + perByte*args[1].All + formatted*args[1].Values)
	case name == "quote", name == "encode":
		of := args[len(args)-1]
		return s.text(perByte*of.All + formatted*of.Values)
	case name == "split", name == "extractAll":
		x := args[0]
		return s.list(pdp.Extent{Text: x.Text, All: x.All, Values: x.Text + 1})
	case name == "range":
		return s.list(pdp.Extent{Text: shortText.Text, All: shortText.Text * maxRange, Values: literalInt(c, 0, maxRange)})
	}
	total := pdp.Extent{}
	for _, a := range args {
		text := total.Text + a.Text
		total = total.Plus(a)
		total.Text = text
	}
	return s.list(total)
}

// replace is target.replace(old, new), with how often if at all, or
// regex.replace(target, pattern, new).
func (s *sizing) replace(c ast.CallExpr, args []pdp.Extent) pdp.Extent {
	regex := c.IsMemberFunction() && c.Target().Kind() == ast.IdentKind && c.Target().AsIdent() == "regex"
	old, limit := c.Args()[0], 2
	if regex {
		args, old, limit = args[1:], c.Args()[1], 3
	}
	if len(args) < 3 {
		return shortText
	}
	n, with := args[0].Text, args[2].Text
	times, length := n+1, 0.0
	if text, ok := literalText(old); ok && !regex && text != "" {
		length = float64(len(text))
		times = math.Floor(n / length)
	}
	times = min(times, literalInt(c, limit, math.Inf(1)))
	made := max(n, n+times*(with-length))
	if regex {
		made += with * n // what was matched, as often as it is named
	}
	return s.text(made)
}

func literalText(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	text, ok := e.AsLiteral().(types.String)
	return string(text), ok
}

// literalInt returns an argument that is a number, or what it is at most.
func literalInt(c ast.CallExpr, i int, most float64) float64 {
	if i < len(c.Args()) && c.Args()[i].Kind() == ast.LiteralKind {
		if n, ok := c.Args()[i].AsLiteral().(types.Int); ok && n >= 0 {
			return min(float64(n), most)
		}
	}
	return most
}
