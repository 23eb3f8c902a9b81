package lint

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/solver"
	"github.com/mcpolicy/mcpolicy/source"
)

// looseTextCheck flags tests of texts among the arguments by which a call passes that is
// hardly meant. It shows such a call, which the engine allows to a declared principal, and
// denies with another text in its place. It reports once for a rule and a kind of test.
var looseTextCheck = &Rule{
	ID:       "loose-text-check",
	Family:   overExposed,
	Severity: authz.SeverityWarning,
	Least:    authz.ConfidenceMedium,
	needs:    []need{needConditions, needEvaluation},
	Doc: Doc{
		Summary: "An ALLOW rests on a text test that a stranger's value passes: `matches` without anchors, a path prefix without a test for `..`, a prefix or suffix without its boundary",
		Rationale: "`matches` looks for the pattern anywhere in the text: without `^` and `$` anything may stand around it. A path that starts with " +
			"`/srv/reports/` may go on with `../../etc/passwd`. What ends in `corp.example` may be evilcorp.example, what starts with " +
			"`https://api.corp.example` may go on with `.evil.example`, and what only contains a host's name may have it behind the `?`. " +
			"Looked at are arguments, which callers set; attributes of principals come from who issued them. What the inputSchema does not allow, " +
			"or another part of the condition refuses, is not reported. Confidence is medium where the name of the argument says what its text is.",
		Bad: textWorld + `
      condition: {match: {expr: 'R.attr.arguments.path.startsWith("/srv/reports/")'}}
`,
		Good: textWorld + `
      condition: {match: {expr: 'R.attr.arguments.path.startsWith("/srv/reports/") && !R.attr.arguments.path.contains("..")'}}
`,
		Fix:       "Say where the text begins and ends.",
		Standards: []string{"CWE-625", "CWE-22", "CWE-863", "ASI02"},
	},
	Ask: func(ctx context.Context, p *Pass) error {
		if p.reasoner() == nil {
			return nil
		}
		if _, ok := p.input.Engine.(pdp.Evaluable); !ok {
			return nil
		}
		for _, col := range p.Matrix.Columns {
			if col.Operation == authz.List || argumentsOf(p, col) == nil {
				continue
			}
			if err := findLooseTests(ctx, p, col); err != nil {
				return err
			}
		}
		return nil
	},
}

// findLooseTests reports the rules of a column with loose tests, for all whom they let pass.
func findLooseTests(ctx context.Context, p *Pass, col *matrix.Column) error {
	known := map[string][]looseCall{} // by condition
	var list []*looseCall
	for _, c := range p.Matrix.Classes {
		cell := p.cell(c, col)
		if cell.Access != matrix.Conditional {
			continue
		}
		calls, ok := known[cell.Condition.Key()]
		if !ok {
			var err error
			if calls, err = looseCalls(ctx, p, c, col, cell); err != nil {
				return err
			}
			known[cell.Condition.Key()] = calls
		}
		for _, call := range calls {
			if err := call.blame(ctx, p, c, col); err != nil {
				return err
			}
			if call.rule == nil {
				continue
			}
			if i := slices.IndexFunc(list, func(l *looseCall) bool { return l.cause() == call.cause() }); i >= 0 {
				list[i].who = append(list[i].who, c)
			} else {
				call.who = []*matrix.Class{c}
				list = append(list, &call)
			}
		}
	}
	for _, call := range list {
		call.report(p, col)
	}
	return nil
}

// A looseCall is a call that passes by a loophole.
type looseCall struct {
	test      pdp.TextTest
	hole      loophole
	text      string
	arguments map[string]any // with the text
	contrast  map[string]any // with another

	rule *policy.Rule // that decides the two differently
	who  []*matrix.Class
}

// looseCalls looks for a call through each loophole that a cell's condition may have.
func looseCalls(ctx context.Context, p *Pass, c *matrix.Class, col *matrix.Column, cell *matrix.Cell) ([]looseCall, error) {
	var list []looseCall
	for _, t := range pdp.TextTests(cell.Condition) {
		schemas, at := schemasAt(p, col, t.Path)
		if schemas.lists(at) {
			continue // each of them is meant
		}
		format := schemas.format(at)
		for _, hole := range loopholes(t, textAt(t.Path, format)) {
			s := &looseSearch{p: p, class: c, column: col, cell: cell, test: t, hole: hole, format: format}
			call, err := s.find(ctx)
			if err != nil {
				return nil, err
			}
			if call != nil {
				list = append(list, *call)
				break // the graver explains the other
			}
		}
	}
	return list, nil
}

// A looseSearch is the search for a call through one loophole.
type looseSearch struct {
	p      *Pass
	class  *matrix.Class
	column *matrix.Column
	cell   *matrix.Cell
	test   pdp.TextTest
	hole   loophole
	format string
}

// find returns a call that the engine allows, within the inputSchema, or nil.
func (s *looseSearch) find(ctx context.Context) (*looseCall, error) {
	strange, verdict, err := s.solve(ctx, s.hole.strange)
	if err != nil || verdict == solver.Impossible {
		return nil, err
	}
	var whole []textTest
	if s.hole.of != nil {
		whole = []textTest{passes("matches", "^(?:"+s.test.Constant+")$")}
	}
	meant, _, err := s.solve(ctx, whole)
	if err != nil {
		return nil, err
	}
	texts := s.hole.texts
	if text, ok := valueAt(meant, s.test.Path).(string); ok && s.hole.of != nil {
		texts = s.hole.of(text)
	}
	if text, ok := valueAt(strange, s.test.Path).(string); ok {
		texts = append(slices.Clone(texts), text)
	}
	for _, base := range []map[string]any{s.lean(meant), meant, s.lean(strange), strange} {
		if base == nil {
			continue
		}
		if call, err := s.among(ctx, base, texts); err != nil || call != nil {
			return call, err
		}
	}
	return nil, nil
}

// lean leaves out of arguments what the inputSchema does not want.
func (s *looseSearch) lean(arguments map[string]any) map[string]any {
	schema := s.p.reasons.Finder.Schema(s.column.Item)
	for _, name := range slices.Sorted(maps.Keys(arguments)) {
		if less := (attempt{arguments: arguments}).without(name).arguments; name != s.test.Path[0] && schema.Allows(less) {
			arguments = less
		}
	}
	return arguments
}

// solve asks for arguments that meet the cell's condition and pass some tests. Of elements
// of lists it is not asked about the tests.
func (s *looseSearch) solve(ctx context.Context, tests []textTest) (map[string]any, solver.Verdict, error) {
	request := asking(s.column, s.class.First())
	allows, ok := solver.Of(s.cell.Condition, &request)
	if !ok {
		return nil, solver.Unknown, nil
	}
	goals := []solver.Goal{{Formula: allows, To: solver.Only(solver.Met)}}
	for _, t := range tests {
		text, ok := s.test.Text(request.Unknown, t.function, t.constant)
		if !ok {
			break
		}
		to := solver.Only(solver.Met)
		if t.fails {
			to = solver.Only(solver.Unmet)
		}
		goals = append(goals, solver.Goal{Formula: solver.Expr(text), To: to})
	}
	w := &solver.World{Requests: []authz.Request{request}, Arguments: []any{s.p.reasons.Arguments(s.column.Item)}}
	answer, err := s.p.reasons.Solve(ctx, w, goals, nil)
	if err != nil || answer.Verdict != solver.Possible {
		return nil, answer.Verdict, err
	}
	return argumentsIn(&answer.Requests[0], request.Unknown), answer.Verdict, nil
}

// among returns the call with the first of some texts that the schema and the engine allow,
// and that is denied with another text.
func (s *looseSearch) among(ctx context.Context, base map[string]any, texts []string) (*looseCall, error) {
	schema, who := s.p.reasons.Finder.Schema(s.column.Item), s.class.First()
	for _, text := range texts {
		arguments := withText(base, s.test.Path, text)
		if !s.hole.takes(text) || !fitsFormat(s.format, text) || !schema.Allows(arguments) {
			continue
		}
		contrast := withText(base, s.test.Path, "(other)")
		cells, err := s.p.decide(ctx, []attempt{{who, s.column, arguments}, {who, s.column, contrast}})
		if err != nil || cells == nil {
			return nil, err
		}
		if allowed(&cells[0]) && denied(&cells[1]) {
			return &looseCall{test: s.test, hole: s.hole, text: text, arguments: arguments, contrast: contrast}, nil
		}
	}
	return nil, nil
}

// blame has the engine decide the call for a class, and finds the rule by which it passes.
func (l *looseCall) blame(ctx context.Context, p *Pass, c *matrix.Class, col *matrix.Column) error {
	l.rule = nil
	cells, err := p.decide(ctx, []attempt{{c.First(), col, l.arguments}, {c.First(), col, l.contrast}})
	if err == nil && cells != nil && allowed(&cells[0]) && denied(&cells[1]) {
		l.rule = turned(&cells[0], &cells[1])
	}
	return err
}

func (l *looseCall) cause() string {
	return causeOf(keyOf(l.rule), l.test.Function, l.hole.kind, pathName(l.test.Path))
}

// fix says what to write, as far as the test stands in the rule itself.
func (l *looseCall) fix(arguments []string) string {
	text, ok := l.test.Text(arguments, "contains", "..")
	switch {
	case l.rule.Condition == nil || !strings.Contains(l.rule.Condition.String(), l.test.Function+"("):
		return l.hole.fix
	case l.hole.kind == "path" && ok && l.rule.Effect == authz.Allow:
		return fmt.Sprintf("Add && !%s to the condition of %s.", text, called(l.rule))
	case l.hole.write != "" && strings.Contains(l.rule.Condition.String(), l.test.Constant):
		return fmt.Sprintf("Write %s in %s.", l.hole.write, called(l.rule))
	}
	return l.hole.fix
}

func (l *looseCall) report(p *Pass, col *matrix.Column) {
	r, who := l.rule, l.who[0].First()
	f := about(col)
	f.standAt(placeOfTest(r, l.test), r.ID)
	f.Cause, f.Fix, f.Confidence, f.Witness = l.cause(), l.fix(argumentsOf(p, col)), l.hole.confidence, witnessIn(col, who, l.arguments)
	f.Evidence = []string{cite(r)}
	if r.Condition != nil {
		f.Evidence = append(f.Evidence, quoteCondition(r))
	}
	f.Evidence = append(f.Evidence, fmt.Sprintf("The engine lets %s %s %s with %s.", who.Key, verb(col.Operation), col.Item.Name, compact(l.arguments)))
	p.report(draft{
		Finding: f, who: wholly(l.who),
		say: func(e *effects) string {
			return fmt.Sprintf("%s takes %s for %s of %s: %s %s", called(r), compact(l.text), argumentName(l.test.Path), e.listed(), l.test.Function, l.hole.because)
		},
	})
}

// turned returns the rule that decides two calls differently: the ALLOW that only the one
// that is allowed meets, or the DENY that only the other does.
func turned(passed, refused *matrix.Cell) *policy.Rule {
	fired := func(c *matrix.Cell, id string) bool {
		return slices.ContainsFunc(c.Rules, func(part matrix.Rule) bool { return part.ID == id && part.Met == authz.Fired })
	}
	for _, part := range passed.Rules {
		if part.Syntax != nil && part.Effect == authz.Allow && part.Met == authz.Fired && !fired(refused, part.ID) {
			return part.Syntax
		}
	}
	for _, part := range refused.Rules {
		if part.Syntax != nil && part.Effect == authz.Deny && part.Met == authz.Fired && !fired(passed, part.ID) {
			return part.Syntax
		}
	}
	return nil
}

// placeOfTest returns where a rule tests a text, as far as its own condition does.
func placeOfTest(r *policy.Rule, t pdp.TextTest) source.Pos {
	if r.Condition == nil {
		return r.Pos
	}
	for x := range r.Condition.Exprs() {
		if strings.Contains(x.Value, "."+t.Function+"(") {
			return x.Pos
		}
	}
	return r.Condition.Pos
}

// valueAt returns what stands at a path of arguments, of a list in its first element.
func valueAt(v any, path []string) any {
	for _, name := range path {
		switch below := v.(type) {
		case map[string]any:
			v = below[name]
		case []any:
			if len(below) == 0 {
				return nil
			}
			v = below[0]
		default:
			return nil
		}
	}
	return v
}

// withText returns arguments with a text at a path. A list on the way has one element.
func withText(arguments map[string]any, path []string, text string) map[string]any {
	m, _ := putText(arguments, path, text).(map[string]any)
	return m
}

func putText(v any, path []string, text string) any {
	switch {
	case len(path) == 0:
		return text
	case path[0] == pdp.Element:
		var first any
		if list, ok := v.([]any); ok && len(list) > 0 {
			first = list[0]
		}
		return []any{putText(first, path[1:], text)}
	}
	m, _ := v.(map[string]any)
	m = maps.Clone(m)
	if m == nil {
		m = map[string]any{}
	}
	m[path[0]] = putText(m[path[0]], path[1:], text)
	return m
}

// schemasAt returns what the inputSchema says of an argument, and what reads it.
func schemasAt(p *Pass, col *matrix.Column, path []string) (*schemaReader, []*source.Node) {
	root := p.reasons.ArgumentsSchema(col.Item)
	if root == nil {
		return nil, nil
	}
	s := &schemaReader{root: root, budget: maxSchemas}
	nodes := []*source.Node{root}
	for _, name := range path {
		x := s.either(nodes)
		if nodes = x.properties[name]; name == pdp.Element {
			nodes = x.elements
		}
	}
	return s, nodes
}

// lists reports whether one of some schemas lists all values that it takes.
func (s *schemaReader) lists(nodes []*source.Node) bool {
	return slices.ContainsFunc(nodes, func(n *source.Node) bool {
		if s.budget--; s.budget < 0 {
			return false
		}
		to := s.resolve(n.Get("$ref").Str())
		return n.Get("enum") != nil || n.Get("const") != nil || to != nil && to != s.root && s.lists([]*source.Node{to})
	})
}

// format returns the first format among schemas and what they are made of, or "".
func (s *schemaReader) format(nodes []*source.Node) string {
	for _, n := range nodes {
		if s.budget--; s.budget < 0 {
			return ""
		}
		if f := n.Get("format").Str(); f != "" {
			return f
		}
		var below []*source.Node
		if ref := n.Get("$ref").Str(); ref != "" {
			if to := s.resolve(ref); to != nil {
				below = append(below, to)
			}
		}
		for _, key := range []string{"allOf", "anyOf", "oneOf"} {
			if list := n.Get(key); list != nil {
				below = append(below, list.Items...)
			}
		}
		if f := s.format(below); f != "" {
			return f
		}
	}
	return ""
}

// formats are the texts that formats take, as far as they are known. What has another
// format is taken to be as its author means it.
var formats = map[string]*regexp.Regexp{
	"": regexp.MustCompile(``), "uri-reference": regexp.MustCompile(``), "iri-reference": regexp.MustCompile(``), "path": regexp.MustCompile(``),
	"email": regexp.MustCompile(`^[^@\s]+@[^@\s]+$`), "idn-email": regexp.MustCompile(`^[^@\s]+@[^@\s]+$`),
	"uri": regexp.MustCompile(`^[a-z][a-z0-9+.-]*:\S+$`), "url": regexp.MustCompile(`^[a-z][a-z0-9+.-]*:\S+$`), "iri": regexp.MustCompile(`^[a-z][a-z0-9+.-]*:\S+$`),
	"hostname": regexp.MustCompile(`^[A-Za-z0-9.-]+$`), "idn-hostname": regexp.MustCompile(`^[\pL\pN.-]+$`),
}

func fitsFormat(format, text string) bool {
	re := formats[format]
	return re != nil && re.MatchString(text)
}

const textWorld = `
-- manifest.json --
{"tools": [{"name": "read_report", "inputSchema": {"type": "object", "required": ["path"], "properties": {"path": {"type": "string"}}}}]}
-- policies/reports.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - name: reports
      actions: ["tools/call::read_report"]
      effect: EFFECT_ALLOW
      roles: [SALES]`
