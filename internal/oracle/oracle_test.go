package oracle_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/explain"
	"github.com/mcpolicy/mcpolicy/internal/cerbosbin"
	"github.com/mcpolicy/mcpolicy/internal/fixture"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/internal/witness"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/remote"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// How many worlds are made, and the seed that they are made of where -rapid.seed gives none.
// The server decides some 140 times in each.
const (
	shortWorlds = 40
	longWorlds  = 850
	shortSeed   = 55
)

// shrinking is how long what is found is made smaller.
const shrinking = "3m"

// TestDifferentialWorlds makes up worlds, and has the server of the official binary decide all
// that mcpolicy says of them. A world where the two differ is made smaller, and kept below
// testdata/rapid, where the next run begins.
func TestDifferentialWorlds(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and most of it in another process")
	}
	seed := flag.Lookup("rapid.seed").Value.String()
	if seed == "0" {
		seed = strconv.Itoa(rounds.Of(shortSeed, int(time.Now().Unix())))
	}
	for name, value := range map[string]string{"checks": strconv.Itoa(rounds.Of(shortWorlds, longWorlds)), "seed": seed, "shrinktime": shrinking} {
		old := flag.Lookup("rapid." + name).Value.String()
		if err := flag.Set("rapid."+name, value); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = flag.Set("rapid."+name, old) }()
	}
	counts := map[string]int{}
	rapid.Check(t, func(r *rapid.T) {
		w := worlds().Draw(r, "world")
		hold(t, r, w, counts)
	})
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		t.Logf("%7d %s", counts[what], what)
	}
	t.Logf("seed %s", seed)
	for what, least := range map[string]int{
		"decisions": rounds.Of(5000, 100_000), "of open cells that are conditional": rounds.Of(150, 3000), "of conditions as they are shown": rounds.Of(100, 2000), "explanations": rounds.Of(200, 4000),
		"who-can by role": rounds.Of(100, 2000), "allowed": rounds.Of(500, 10_000), "denied": rounds.Of(500, 10_000), "refused": rounds.Of(5, 100),
	} {
		if counts[what] < least {
			t.Errorf("only %d %s, want %d", counts[what], what, least)
		}
	}
}

// An oracle is a world, and the server that knows what is right.
type oracle struct {
	*workspace.Workspace
	t      *rapid.T
	world  *world
	matrix *matrix.Matrix
	shown  *matrix.Matrix // with the conditions that reports show
	server *remote.PDP
	counts map[string]int
}

// hold holds all that is said of a world to the server.
func hold(t *testing.T, r *rapid.T, w *world, counts map[string]int) {
	dir := t.TempDir()
	w.write(t, dir)
	of, err := fixture.Open(t.Context(), os.DirFS(dir), "", workspace.Options{AcceptIncomplete: true})
	if err != nil {
		r.Fatalf("%v\n%s", err, w)
	}
	m, err := of.Matrix(t.Context())
	if err != nil {
		r.Fatalf("%v\n%s", err, w)
	}
	shown, err := of.Matrix(t.Context())
	if err == nil {
		err = of.Simplify(t.Context(), shown)
	}
	if err != nil {
		r.Fatalf("%v\n%s", err, w)
	}
	server := cerbosbin.Start(t, filepath.Join(dir, "policies"), w.conf)
	defer server.Kill()
	pdp, err := remote.Dial(t.Context(), server.Addr, remote.Options{Plaintext: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pdp.Close() }()
	counts["worlds"]++
	counts["worlds of "+w.point]++
	o := &oracle{Workspace: of, t: r, world: w, matrix: m, shown: shown, server: pdp, counts: counts}
	for _, col := range m.Columns {
		o.column(col)
	}
	o.whoCan()
}

// GoString keeps what is drawn short: a failure shows the files.
func (w *world) GoString() string { return "a world of " + w.point }

// String shows the files.
func (w *world) String() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(w.files)) {
		fmt.Fprintf(&b, "-- %s --\n%s\n", name, strings.TrimSuffix(w.files[name], "\n"))
	}
	return b.String()
}

// An outcome is what comes of all requests of a use.
type outcome string

const (
	allowed outcome = "allowed"
	denied  outcome = "denied"
	refused outcome = "refused"
)

// joined is the outcome where each request has one.
func joined(of []outcome) outcome {
	switch {
	case slices.Contains(of, refused):
		return refused
	case slices.Contains(of, denied):
		return denied
	}
	return allowed
}

// asked has the server decide what is sent for a use with known arguments.
func (o *oracle) asked(col *matrix.Column, who *authz.Principal, arguments map[string]any) outcome {
	var of []outcome
	for _, r := range col.Question.Requests {
		r.Principal = who
		r = pep.Bind(r, arguments)
		sent, refusal := r.Sent()
		if refusal == nil && sent.Unknown != nil {
			open := named(sent, arguments)
			sent, refusal = open.Sent()
		}
		switch {
		case refusal != nil && refusal.Code != 0:
			of = append(of, refused)
			continue
		case refusal != nil:
			of = append(of, denied)
			continue
		}
		decisions, err := o.server.Decide(o.t.Context(), []authz.Request{sent})
		if err != nil {
			o.t.Fatalf("%v\n%+v\n%s", err, sent, o.world)
		}
		o.counts["decisions"]++
		if decisions[0].Effect == authz.Allow {
			of = append(of, allowed)
		} else {
			of = append(of, denied)
		}
	}
	is := joined(of)
	o.counts[string(is)]++
	return is
}

// named is a request with what identifies the server in it, which no token says and which the
// point therefore leaves open though the arguments are known.
func named(sent authz.Request, arguments map[string]any) authz.Request {
	_, lookedUp := authz.SplitArguments(arguments)
	return pep.Bind(sent, lookedUp)
}

// unnamed reports whether nothing says what identifies the server that a list is asked of.
func (o *oracle) unnamed(col *matrix.Column, who *authz.Principal) bool {
	return o.world.point == authz.COAZ && slices.ContainsFunc(col.Question.Requests, func(r authz.Request) bool {
		r.Principal = who
		r = pep.Bind(r, nil)
		sent, refusal := r.Sent()
		return refusal == nil && sent.Unknown != nil
	})
}

// column holds a column to the server: for each principal and some arguments what is decided
// with them, and what is said of all arguments.
func (o *oracle) column(col *matrix.Column) {
	if !col.Question.Guarded() || col.Question.Grant != nil {
		return
	}
	schema := witness.NewSchema(col.Item.ArgumentsSchema())
	tries := 1
	if col.ArgumentsSchema() != nil || hasUnknown(col) {
		tries = 10
	}
	for c := range o.matrix.Principals() {
		for range tries {
			x := arguments(o.t)
			if one(o.t, 5, "no arguments") {
				x = map[string]any{}
			}
			if looksUp(col) {
				if state := some(o.t, "region")["region"]; state != nil { // absent, of another type, or a text
					x[authz.LookedUp] = map[string]any{"state": draw(o.t, "state", state, "open")}
				} else {
					x[authz.LookedUp] = map[string]any{}
				}
			}
			if o.unnamed(col, c) {
				x[authz.LookedUp] = map[string]any{"aud": draw(o.t, "aud", "desk", "north", "")}
			}
			is := o.asked(col, c, x)
			o.use(col, c, x, is, schema)
		}
	}
}

func hasUnknown(col *matrix.Column) bool {
	return slices.ContainsFunc(col.Question.Requests, func(r authz.Request) bool { return r.Unknown != nil })
}

func looksUp(col *matrix.Column) bool {
	found := map[string]any{}
	for _, r := range col.Question.Requests {
		r.LookedUp(found)
	}
	return len(found) > 0
}

// untold reports whether a text would be made of null, or of another type than the inputSchema gives
// the argument, which is left out of what is said of all arguments.
func untold(col *matrix.Column, x map[string]any) bool {
	v, given := x["region"]
	if _, text := v.(string); !given || text {
		return false
	}
	return slices.ContainsFunc(col.Question.Requests, func(r authz.Request) bool {
		return r.By == nil && slices.ContainsFunc(r.Made, func(m authz.Made) bool {
			return slices.ContainsFunc(m.Text, func(p authz.Piece) bool { return p.From != nil && !p.From.OfPrincipal() && (v == nil || p.Type != "") })
		})
	})
}

// use holds what is said of one use to what the server decides.
func (o *oracle) use(col *matrix.Column, who *authz.Principal, x map[string]any, is outcome, schema *witness.Schema) {
	fail := func(what string, says any) {
		o.t.Fatalf("%s: %s %s %s with %v: %v, and the server %s\n%s", what, who.Key, col.Operation, col.Item.Name, x, says, is, o.world)
	}
	if !col.Question.Possible {
		cells, err := o.matrix.Ask(o.t.Context(), []matrix.Attempt{{Principal: who, Column: col, Arguments: x}})
		if err != nil {
			o.t.Fatal(err)
		}
		got := cells[0].Access.String()
		if open := o.unnamed(col, who) && got == matrix.Conditional.String(); !open && got != string(is) {
			fail("with these arguments", got)
		}
	}
	plain, _ := authz.SplitArguments(x)
	cell := o.matrix.Cell(o.matrix.ClassOf(who.Key), col)
	fits := schema.Allows(plain)
	holds := (!cell.Settlement.BySchema || fits) && !untold(col, x)
	switch cell.Access {
	case matrix.Allowed:
		if is != allowed && holds && !col.Question.Possible {
			fail("of all arguments", cell.Access)
		}
	case matrix.Denied, matrix.Refused:
		if is == allowed && holds {
			fail("of all arguments", cell.Access)
		}
	case matrix.Conditional:
		if !col.Question.Possible && !untold(col, x) {
			o.condition(col, who, x, is)
		}
	case matrix.Unguarded:
		fail("of all arguments", cell.Access)
	}
	if !col.Question.Possible && one(o.t, 8, "explained") {
		o.explain(col, who, x, is)
	}
}

// condition holds what is left open to the server: each condition, with the arguments put in.
func (o *oracle) condition(col *matrix.Column, who *authz.Principal, x map[string]any, is outcome) {
	open := slices.Clone(col.Question.Requests)
	for i := range open {
		open[i].Principal = who
	}
	decisions, err := o.Engine.Decide(o.t.Context(), open)
	if err != nil {
		o.t.Fatal(err)
	}
	var of []outcome
	for i, d := range decisions {
		effect := d.Effect
		if effect == authz.Conditional {
			held := pep.Bind(open[i], x)
			held.Unknown = open[i].Unknown
			if o.unnamed(col, who) {
				_, held.Resource.Attr = authz.SplitArguments(x) // as what conditions call it
			}
			effect = o.held(d.Condition, &held)
			if shown := o.shown.Cell(o.shown.ClassOf(who.Key), col).Condition; len(open) == 1 && !shown.IsZero() && shown.Written() {
				if o.counts["of conditions as they are shown"]++; o.held(shown, &held) != effect {
					o.t.Fatalf("%s %s %s with %v: %s is shown, of %s\n%s", who.Key, col.Operation, col.Item.Name, x, shown, d.Condition, o.world)
				}
			}
		}
		switch {
		case d.Refusal != nil && d.Refusal.Code != 0:
			of = append(of, refused)
		case effect == authz.Allow:
			of = append(of, allowed)
		case effect == authz.Deny:
			of = append(of, denied)
		default:
			o.counts["of conditions that do not tell"]++
			return
		}
	}
	o.counts["of open cells that are conditional"]++
	if got := joined(of); (got == allowed) != (is == allowed) {
		o.t.Fatalf("%s %s %s with %v: by the condition it is %s, and the server says %s: %v\n%s", who.Key, col.Operation, col.Item.Name, x, got, is, decisions, o.world)
	}
}

// held returns what a condition comes to for a request.
func (o *oracle) held(c authz.Condition, r *authz.Request) authz.Effect {
	effects, err := o.Engine.Holds(o.t.Context(), []pdp.Given{{Condition: c, Request: *r}})
	if err != nil {
		o.t.Fatalf("%v: %s\n%s", err, c, o.world)
	}
	return effects[0]
}

// explain holds an explanation to the server, and each way that it names.
func (o *oracle) explain(col *matrix.Column, who *authz.Principal, x map[string]any, is outcome) {
	said, err := explain.Explain(o.t.Context(), &explain.Input{
		Matrix: o.matrix, Engine: o.Engine, Policies: o.Policies, Principal: who, Column: col, Arguments: x,
	})
	if err != nil {
		o.t.Fatalf("%v\n%s", err, o.world)
	}
	o.counts["explanations"]++
	if said.Cell.Access == matrix.Conditional && o.unnamed(col, who) {
		return
	}
	if got := said.Cell.Access.String(); got != string(is) {
		o.t.Fatalf("explained: %s %s %s with %v: %s, and the server says %s\n%s", who.Key, col.Operation, col.Item.Name, x, got, is, o.world)
	}
	for _, way := range said.Ways {
		if way.Arguments == nil || !way.Condition.IsZero() || way.Principal == nil {
			continue
		}
		o.counts["ways to be allowed"]++
		if got := o.asked(col, way.Principal, way.Arguments); got != allowed {
			o.t.Fatalf("explained: %s would allow %s %s %s with %v, and the server says %s\n%s", way.Text, who.Key, col.Operation, col.Item.Name, way.Arguments, got, o.world)
		}
	}
}

// whoCan holds answers to the server: of the declared, which have to be those of the matrix,
// and of somebody who has one role and nothing else.
func (o *oracle) whoCan() {
	columns := slices.DeleteFunc(slices.Clone(o.matrix.Columns), func(c *matrix.Column) bool { return !c.Question.Direct() })
	answers, err := explain.WhoCan(o.t.Context(), o.matrix, o.Engine, o.Policies, columns)
	if err != nil {
		o.t.Fatalf("%v\n%s", err, o.world)
	}
	for i := range answers {
		a := &answers[i]
		held := 0
		for _, h := range a.Declared {
			for _, p := range h.Principals {
				held++
				if is := o.matrix.Cell(o.matrix.ClassOf(p.Key), a.Column).Access; is != h.Access {
					o.t.Fatalf("who can %s %s: %s is %s there, and %s in the matrix\n%s", a.Column.Operation, a.Column.Item.Name, p.Key, h.Access, is, o.world)
				}
			}
		}
		if all := len(slices.Collect(o.matrix.Principals())); held+a.Denied != all {
			o.t.Fatalf("who can %s %s: %d may and %d may not, of %d\n%s", a.Column.Operation, a.Column.Item.Name, held, a.Denied, all, o.world)
		}
		may := map[string]matrix.Access{}
		for _, h := range a.ByRole {
			may[h.Role] = h.Access
		}
		for _, role := range a.DeniedRoles {
			may[role] = matrix.Denied
		}
		for _, role := range slices.Sorted(maps.Keys(may)) {
			if strings.Contains(role, "*") || may[role] == matrix.Conditional {
				continue
			}
			somebody := &authz.Principal{Key: "somebody", ID: "somebody", Roles: []string{role}, Attr: some(o.t, "region", "level", "tags")}
			x := arguments(o.t)
			if !witness.NewSchema(a.Column.Item.ArgumentsSchema()).Allows(x) || untold(a.Column, x) {
				continue // it goes by calls that the inputSchema allows
			}
			is := o.asked(a.Column, somebody, x)
			o.counts["who-can by role"]++
			if (is == allowed) != (may[role] == matrix.Allowed || may[role] == matrix.Unguarded) {
				o.t.Fatalf("who can %s %s: %s for the role %s, and the server says %s to %v with %v\n%s", a.Column.Operation, a.Column.Item.Name, may[role], role, is, somebody.Attr, x, o.world)
			}
		}
	}
}
