package coaz

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/interpreter"

	"github.com/mcpolicy/mcpolicy/pdp/expr"
	"github.com/mcpolicy/mcpolicy/source"
)

// An expression is the CEL behind a leading $.
type expression struct {
	text    string
	program cel.Program
	reads   []Read
	result  *cel.Type // as far as the text tells
}

// errUnknown is for values that depend on the implementation.
var errUnknown = errors.New("it depends on the implementation")

// compile compiles an expression as an enforcement point does, which knows no types of
// arguments. The mistake is Malformed or Unclear.
func compile(pos source.Pos, text string) (*expression, error) {
	if len(text) > maxLength {
		return nil, wrong(Unclear, pos, "an expression of %d bytes; no more than %d are read", len(text), maxLength)
	}
	tree, err := expr.Parse(text)
	switch {
	case err != nil && strings.Contains(err.Error(), "recursion"), err == nil && nesting(tree) > maxNesting:
		return nil, wrong(Unclear, pos, "an expression that is nested more than %d deep", maxNesting)
	case err == nil && growing(tree) > 1:
		return nil, wrong(Unclear, pos, "an expression in which one value can become many, again and again: what it takes cannot be told beforehand")
	}
	env, err := plainEnv()
	if err != nil {
		return nil, err
	}
	checked, issues := env.Compile(text)
	if issues.Err() != nil {
		wide, err := wideEnv()
		if err != nil {
			return nil, err
		}
		if _, more := wide.Compile(text); more.Err() == nil {
			return nil, wrong(Unclear, pos, "the expression needs more than CEL itself, which not every implementation has: %s", firstIssue(issues))
		}
		return nil, wrong(Malformed, pos, "the expression does not compile: %s", firstIssue(issues))
	}
	program, err := env.Program(checked, cel.CostLimit(maxCost), cel.InterruptCheckFrequency(1000))
	if err != nil {
		return nil, wrong(Malformed, pos, "the expression does not compile: %s", oneLine(err.Error()))
	}
	return &expression{text: text, program: program, reads: readsOf(text), result: checked.OutputType()}, nil
}

func nesting(e ast.Expr) int {
	deepest := 0
	for _, x := range expr.Children(e) {
		deepest = max(deepest, nesting(x))
	}
	return deepest + 1
}

// growing counts the macros that can make more of a value than there is. CEL does not count
// what comes of two of them: [[x, x].map(a, [a, a])].map(b, [b, b]) holds x eight times.
func growing(e ast.Expr) int {
	n := 0
	if e.Kind() == ast.CallKind && slices.Contains([]string{"map", "optMap", "optFlatMap"}, e.AsCall().FunctionName()) {
		n++
	}
	for _, x := range expr.Children(e) {
		n += growing(x)
	}
	return n
}

// evaluate returns what the expression comes to, a JSON value, and whether it comes to
// anything. An error that is errUnknown says that nobody can tell.
func (x *expression) evaluate(in *inputs) (v any, there bool, err error) {
	result, details, err := x.program.Eval(map[string]any{paramsName: in.params, tokenName: in.token})
	if cost := details.ActualCost(); cost != nil {
		in.cost += *cost
	}
	var stopped interpreter.EvalCancelledError
	switch {
	case errors.As(err, &stopped), in.cost > maxCost:
		return nil, false, fmt.Errorf("%s: it costs too much: %w", shorten(x.text), errUnknown)
	case err != nil:
		return nil, false, fmt.Errorf("%s: %s", shorten(x.text), oneLine(err.Error()))
	}
	v, there, err = jsonOf(result)
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w", shorten(x.text), err)
	}
	return v, there, nil
}

// firstIssue returns the first thing that is wrong, without what only CEL's authors care for.
func firstIssue(issues *cel.Issues) string {
	message := oneLine(issues.Errors()[0].Message)
	message, _, _ = strings.Cut(message, " expecting {")
	return strings.TrimSuffix(message, " (in container '')")
}

// oneLine makes a message of CEL's fit for the middle of one.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// shorten cuts a text that is too long for a message.
func shorten(s string) string {
	const most = 80
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "..."
	}
	return s
}
