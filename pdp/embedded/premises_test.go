package embedded_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/pdptest"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
)

// A combination draws a condition in which each argument is read once, so that
// a read has a say if and only if its argument has.
type combination struct {
	t         *rapid.T
	arguments int
}

func (c *combination) atom() string {
	switch rapid.IntRange(0, 2).Draw(c.t, "kind") {
	case 0:
		c.arguments++
		return fmt.Sprintf("R.attr.arguments.x%d == 1", c.arguments-1)
	case 1:
		return rapid.SampledFrom([]string{
			`R.id == "dig"`, `R.id != "dig"`, `R.id in ["dig", "sow"]`, `R.attr.tool_name.startsWith("s")`, `R.kind == "mcp_server"`,
			`V.digs`, `R.attr.unsent == 1`, `R.id == C.name`,
		}).Draw(c.t, "of the resource")
	}
	return rapid.SampledFrom([]string{"P.attr.t", "!P.attr.t", "P.attr.missing"}).Draw(c.t, "of the principal")
}

func (c *combination) expr(depth int) string {
	if depth == 0 {
		return c.atom()
	}
	switch rapid.IntRange(0, 4).Draw(c.t, "op") {
	case 0:
		return "(" + c.expr(depth-1) + " && " + c.expr(depth-1) + ")"
	case 1:
		return "(" + c.expr(depth-1) + " || " + c.expr(depth-1) + ")"
	case 2:
		return "!(" + c.expr(depth-1) + ")"
	case 3:
		return "(" + c.expr(depth-1) + " ? " + c.expr(depth-1) + " : " + c.expr(depth-1) + ")"
	}
	return c.atom()
}

func (c *combination) match(depth int) string {
	if depth == 0 || rapid.Bool().Draw(c.t, "plain") {
		return fmt.Sprintf("{expr: %q}", c.expr(2))
	}
	var of []string
	for range rapid.IntRange(1, 3).Draw(c.t, "n") {
		of = append(of, c.match(depth-1))
	}
	return fmt.Sprintf("{%s: {of: [%s]}}", rapid.SampledFrom([]string{"all", "any", "none"}).Draw(c.t, "match"), strings.Join(of, ", "))
}

// TestIdle holds that an argument has no say where its read is called idle:
// whatever it is, and whatever the others are, the decision is the same.
func TestIdle(t *testing.T) {
	found := 0
	rapid.Check(t, func(t *rapid.T) {
		c := &combination{t: t}
		condition := c.match(2)
		text := strings.Replace(pdptest.Rules(pdptest.Rule("ALLOW", "A", condition)), "  rules:",
			"  constants: {local: {name: dig}}\n  variables: {local: {digs: 'R.id == C.name && R.kind != \"y\"'}}\n  rules:", 1)
		e, err := embedded.Open(t.Context(), fstest.MapFS{"p.yaml": {Data: []byte(text)}}, pdp.Options{StrictEvaluation: rapid.Bool().Draw(t, "strict")})
		if err != nil {
			t.Fatal(err)
		}
		id := rapid.SampledFrom([]string{"dig", "sow", "reap"}).Draw(t, "id")
		request := authz.Request{
			Principal: &authz.Principal{ID: "p", Roles: []string{"A"}, Attr: map[string]any{"t": true}}, Action: "call",
			Resource: authz.Resource{Kind: "mcp_server", ID: id, Attr: map[string]any{"tool_name": id}}, Unknown: []string{"arguments"},
		}
		var readings []pdp.Reading
		reads := e.RuleReads()["resource.mcp_server.vdefault#rule-001"]
		for i := range reads.Reads {
			if r := &reads.Reads[i]; !r.Principal && r.Path[0] == "arguments" {
				readings = append(readings, pdp.Reading{Rule: "resource.mcp_server.vdefault#rule-001", Read: r, Request: &request})
			}
		}
		idle, err := e.Idle(t.Context(), readings)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range readings {
			if !idle[i] {
				continue
			}
			found++
			for range 8 {
				arguments := map[string]any{}
				for j := range c.arguments {
					if v := rapid.IntRange(0, 3).Draw(t, "value"); v > 0 {
						arguments[fmt.Sprintf("x%d", j)] = []any{1.0, 2.0, "a"}[v-1]
					}
				}
				effects := map[authz.Effect]bool{}
				for _, v := range []any{nil, 1.0, 2.0, []any{}} {
					if arguments[r.Read.Path[1]] = v; v == nil {
						delete(arguments, r.Read.Path[1])
					}
					effects[decideWith(t, e, request, arguments)] = true
				}
				if len(effects) > 1 {
					t.Fatalf("%s decides %s on %s, with %v", strings.Join(r.Read.Path, "."), condition, id, arguments)
				}
			}
		}
	})
	if found == 0 {
		t.Error("no read was idle")
	}
}

func decideWith(t *rapid.T, e *embedded.Engine, r authz.Request, arguments map[string]any) authz.Effect {
	r.Unknown, r.Resource.Attr = nil, map[string]any{"tool_name": r.Resource.ID, "arguments": arguments}
	d, err := e.Decide(t.Context(), []authz.Request{r})
	if err != nil {
		t.Fatal(err)
	}
	return d[0].Effect
}
