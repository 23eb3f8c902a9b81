package embedded_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/cerbosbin"
	"github.com/mcpolicy/mcpolicy/internal/pdptest"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/pdp/remote"
)

var printerGlobals = map[string]any{"site": "EU", "sites": []any{"a", "EU"}}

// TestDifferentialPrintedConditions holds what is said of requests whose
// arguments are unknown against what the official PDP decides for arguments:
// what is allowed or denied whatever they are, and the condition otherwise,
// which has to compile and is read back by the same PDP.
func TestDifferentialPrintedConditions(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	for _, strict := range []bool{false, true} {
		t.Run(fmt.Sprintf("strict=%v", strict), func(t *testing.T) {
			var sum printed
			for part := range rounds.Of(1, 6) {
				d := newPrinted(t, strict, part, rounds.Of(30, 90), 8)
				d.open(t)
				d.readBack(t)
				sum.plain, sum.read = sum.plain+d.plain, sum.read+d.read
				sum.held, sum.untold = sum.held+d.held, sum.untold+d.untold
				sum.conditions, sum.unsaid, sum.long = sum.conditions+d.conditions, sum.unsaid+d.unsaid, sum.long+d.long
			}
			t.Logf("%d decisions: %d of cells without a condition, %d of %d conditions; %d conditions cannot be written down, %d are long",
				sum.plain+sum.read, sum.plain, sum.read, sum.conditions, sum.unsaid, sum.long)
			t.Logf("%d times the engine was asked whether a condition holds; %d times that does not tell", sum.held, sum.untold)
		})
	}
}

// A printed is a comparison of many policies, in two folders.
type printed struct {
	options  pdp.Options
	policies fstest.MapFS
	cells    []printedCell

	plain, read, conditions, unsaid, long int

	held, untold int // conditions with arguments that the engine was asked about, and those that do not tell
}

type printedCell struct {
	request  authz.Request
	policies []string
	known    []authz.Request // the request with arguments
	decision authz.Decision
	want     []authz.Effect // by known
}

func newPrinted(t *testing.T, strict bool, part, kinds, samples int) *printed {
	t.Helper()
	d := &printed{options: pdp.Options{StrictEvaluation: strict, Globals: printerGlobals}, policies: fstest.MapFS{}}
	for i := range kinds {
		seed := uint64(part)<<16 + uint64(i)
		if strict {
			seed += 1 << 32
		}
		p := &printer{Rand: rand.New(rand.NewPCG(seed, 7))}
		kind := fmt.Sprintf("kind%d", i)
		policies := p.policies(kind)
		for j, text := range policies {
			d.policies[fmt.Sprintf("%s_%d.yaml", kind, j)] = &fstest.MapFile{Data: []byte(text)}
		}
		for j := range 2 {
			principal := p.principal(fmt.Sprintf("p%d_%d", i, j))
			c := printedCell{policies: policies, request: authz.Request{
				Principal: principal, Action: "call", Unknown: []string{"arguments"},
				Resource: authz.Resource{Kind: kind, ID: "t", Attr: map[string]any{"label": "EU"}},
			}}
			for range samples {
				c.known = append(c.known, withArguments(c.request, p.arguments()))
			}
			d.cells = append(d.cells, c)
		}
		anybody := d.cells[len(d.cells)-1]
		anybody.request.AnyPrincipal, anybody.known = true, nil
		for j := range samples {
			r := withArguments(anybody.request, p.arguments())
			r.AnyPrincipal, r.Principal = false, p.principal(fmt.Sprintf("p%d_%d", i, j))
			anybody.known = append(anybody.known, r)
		}
		d.cells = append(d.cells, anybody)
	}
	return d
}

func withArguments(r authz.Request, args map[string]any) authz.Request {
	r.Unknown = nil
	r.Resource.Attr = map[string]any{"label": "EU", "arguments": args}
	return r
}

func (d *printed) pdp(t *testing.T, policies fstest.MapFS) *remote.PDP {
	t.Helper()
	var texts []string
	for name, f := range policies {
		texts = append(texts, "// "+name+"\n"+string(f.Data))
	}
	conf := map[string]any{"engine": map[string]any{"strictEvaluation": d.options.StrictEvaluation, "globals": printerGlobals}}
	return pdptest.Dial(t, cerbosbin.Serve(t, pdptest.Folder(t, texts...), conf), remote.Options{Timeout: 2 * time.Minute})
}

// open decides the cells, and holds those without a condition against the PDP.
func (d *printed) open(t *testing.T) {
	t.Helper()
	cerbosbin.Path(t)
	e, err := embedded.Open(t.Context(), d.policies, d.options)
	if err != nil {
		t.Fatalf("an expression is said to compile and does not: %v", err)
	}
	var requests, known []authz.Request
	for _, c := range d.cells {
		requests, known = append(requests, c.request), append(known, c.known...)
	}
	decisions := pdptest.Decide(t, e, requests)
	answers := pdptest.Decide(t, d.pdp(t, d.policies), known)
	embedded, err := embedded.Plainly(t.Context(), e, known)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range known {
		if embedded[i].Effect != answers[i].Effect {
			t.Errorf("the embedded engine says %v, the PDP %v: %v %v", embedded[i].Effect, answers[i].Effect, r.Resource, r.Principal.Attr)
		}
	}
	for i := range d.cells {
		c := &d.cells[i]
		c.decision = decisions[i]
		for j := range c.known {
			want := answers[0].Effect
			answers = answers[1:]
			c.want = append(c.want, want)
			if c.decision.Effect == authz.Conditional {
				continue
			}
			d.plain++
			if c.decision.Effect != want {
				t.Errorf("%v whatever the arguments, but %v\n%s", c.decision.Effect, want, c.describe(j))
			}
		}
	}
}

func (c *printedCell) describe(i int) string {
	return fmt.Sprintf("arguments %#v\nattributes %#v\n%s", c.known[i].Resource.Attr["arguments"], c.known[i].Principal.Attr, strings.Join(c.policies, "\n"))
}

// unsaid are conditions for which there is no CEL without the policy: on more
// than fits, on a variable that has no value, and on derived roles of which one
// compares such a variable.
var unsaid = regexp.MustCompile(`^\(depends on|has\(V\.|\bruntime\.effectiveDerivedRoles`)

// own is what the condition of a declared principal has values for.
var own = regexp.MustCompile(`\bP\.(id|roles)\b`)

// readBack makes policies of the conditions and has a PDP decide by them.
func (d *printed) readBack(t *testing.T) {
	t.Helper()
	d.hold(t)
	policies := fstest.MapFS{}
	var known []authz.Request
	var of []int
	for i, c := range d.cells {
		if c.decision.Effect != authz.Conditional {
			continue
		}
		if !c.request.AnyPrincipal && own.MatchString(c.decision.Condition.String()) {
			t.Errorf("%s: it names what is known of the principal\n%s", c.decision.Condition, c.describe(0))
		}
		if unsaid.MatchString(c.decision.Condition.String()) {
			d.unsaid++
			continue
		}
		if len(c.decision.Condition.String()) > 1500 {
			// A PDP takes long to start on many of them.
			if _, err := conditionText(c.decision.Condition.String(), c.request.AnyPrincipal); err != nil {
				t.Errorf("%s: %v", c.decision.Condition.String(), err)
			}
			d.long++
			continue
		}
		d.conditions++
		text, err := conditionText(c.decision.Condition.String(), c.request.AnyPrincipal)
		if err != nil {
			t.Errorf("%s: %v\n%s", c.decision.Condition.String(), err, c.describe(0))
			continue
		}
		name := fmt.Sprintf("back%d", i)
		one := fstest.MapFS{"p.yaml": {Data: []byte(strings.Replace(text, "resource: mcp_server", "resource: "+name, 1))}}
		policies[name+".yaml"] = one["p.yaml"]
		of = append(of, i)
		for _, r := range c.known {
			reader := *r.Principal
			reader.Roles = alternatives
			r.Principal, r.Resource.Kind = &reader, name
			known = append(known, r)
		}
	}
	if e, err := embedded.Open(t.Context(), policies, d.options); err != nil {
		t.Fatalf("a printed condition does not compile: %v", err)
	} else if len(of) == 0 {
		t.Fatal(e, "no conditions")
	}
	answers := pdptest.Decide(t, d.pdp(t, policies), known)
	for _, i := range of {
		c := &d.cells[i]
		for j := range c.known {
			got := answers[0].Effect
			answers = answers[1:]
			d.read++
			if got != c.want[j] {
				t.Errorf("%s says %v, and the PDP %v\n%s", c.decision.Condition.String(), got, c.want[j], c.describe(j))
			}
		}
	}
}

// hold has the engine evaluate the conditions for the arguments.
func (d *printed) hold(t *testing.T) {
	t.Helper()
	e, err := embedded.Open(t.Context(), d.policies, d.options)
	if err != nil {
		t.Fatal(err)
	}
	var given []pdp.Given
	var of []*printedCell
	for i := range d.cells {
		c := &d.cells[i]
		for _, r := range c.known {
			if c.decision.Effect == authz.Conditional {
				r.Unknown = c.request.Unknown
				given, of = append(given, pdp.Given{Condition: c.decision.Condition, Request: r}), append(of, c)
			}
		}
	}
	effects, err := e.Holds(t.Context(), given)
	if err != nil {
		t.Fatal(err)
	}
	sample := 0
	for i, got := range effects {
		c := of[i]
		if i > 0 && of[i-1] == c {
			sample++
		} else {
			sample = 0
		}
		d.held++
		if got == authz.Conditional && (!c.decision.Condition.Written() || c.decision.Condition.Reads().Policy) {
			d.untold++
			continue
		}
		if got != c.want[sample] {
			t.Errorf("%s is held to be %v, and the PDP says %v\n%s", c.decision.Condition, got, c.want[sample], c.describe(sample))
		}
	}
}

// conditionText is conditionPolicy for conditions of any form. Only one about
// anybody may read a token.
func conditionText(condition string, anybody bool) (string, error) {
	alternatives := []string{condition}
	if unlessAt(condition) < 0 {
		if parts := splitTop(condition, " || "); slices.ContainsFunc(parts, func(s string) bool {
			return strings.HasPrefix(s, "(") && strings.HasSuffix(s, ")") && unlessAt(s[1:len(s)-1]) >= 0
		}) {
			alternatives = parts
		}
	}
	var b strings.Builder
	b.WriteString("apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n  rules:\n")
	for i, a := range alternatives {
		if strings.HasPrefix(a, "(") && strings.HasSuffix(a, ")") && unlessAt(a[1:len(a)-1]) >= 0 {
			a = a[1 : len(a)-1]
		}
		allow, deny := a, ""
		if at := unlessAt(a); at >= 0 {
			allow, deny = strings.TrimSuffix(a[:at], " "), a[at+len("unless "):]
		}
		if allow == "" {
			allow = "true"
		}
		for _, side := range []struct{ effect, text string }{{"ALLOW", allow}, {"DENY", deny}} {
			if side.text == "" {
				continue
			}
			text, err := embedded.LongNames(side.text)
			if err != nil {
				return "", err
			}
			for _, name := range []string{"request", "C", "G", "V"} {
				if embedded.HasName(text, name) && (name != "request" || !anybody) {
					return "", fmt.Errorf("it reads %s", name)
				}
			}
			fmt.Fprintf(&b, "    - {actions: [call], effect: EFFECT_%s, roles: [alternative%d], condition: {match: {expr: %q}}}\n", side.effect, i, text)
		}
	}
	return b.String(), nil
}
