package reason

import (
	"context"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/coverage"
	"github.com/mcpolicy/mcpolicy/internal/witness"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/solver"
	"github.com/mcpolicy/mcpolicy/source"
)

// An Input is what a Reasoner goes by.
type Input struct {
	Matrix   *matrix.Matrix
	Policies *policy.Set // those that the matrix was built with
	Index    *coverage.Index
	Engine   pdp.Examiner
	Budget   *Budget
	// Strict says that the engine denies when a condition errors.
	Strict bool
}

// A Reasoner finds out what conditions can come to. It remembers what it was
// asked, and is not to be used from several goroutines.
type Reasoner struct {
	// Finder proposes requests, and knows the conditions of each rule.
	Finder *witness.Finder
	// Engine evaluates conditions.
	Engine pdp.Examiner

	in       Input
	results  map[*pdp.Condition]map[string]*Possibilities
	verdicts map[*policy.Rule]Verdict
	own      map[*policy.Rule]*pdp.Condition

	// Of an engine that evaluates expressions by themselves; else nil.
	evaluable pdp.Evaluable
	solver    *solver.Solver
	prepared  bool                          // the engine has compiled the conditions of all rules
	formulas  map[*policy.Rule]*ruleFormula // nil for those that the solver is not asked about
	both      map[formulasOf]*Formulas      // nil for those that the solver is not asked about
	solved    map[asked]solver.Verdict
	missed    map[[2]*policy.Rule]solver.Verdict
	schemas   map[*source.Node]any
	arguments map[*manifest.Item]*source.Node // schemas of them

	compared int  // pairs of conditions
	spent    bool // so that whether one condition follows from another is not looked into any more
}

// New returns a reasoner.
func New(in Input) *Reasoner {
	x := &Reasoner{
		Finder: witness.NewFinder(in.Matrix, in.Engine.Conditions()), Engine: in.Engine, in: in,
		results: map[*pdp.Condition]map[string]*Possibilities{}, verdicts: map[*policy.Rule]Verdict{}, own: map[*policy.Rule]*pdp.Condition{},
		formulas: map[*policy.Rule]*ruleFormula{}, both: map[formulasOf]*Formulas{}, solved: map[asked]solver.Verdict{}, missed: map[[2]*policy.Rule]solver.Verdict{}, schemas: map[*source.Node]any{}, arguments: map[*manifest.Item]*source.Node{},
	}
	if e, ok := in.Engine.(pdp.Evaluable); ok {
		x.evaluable, x.solver = e, solver.New(e.Leaves())
	}
	return x
}

// Possibilities are what a condition came to for requests that were tried.
type Possibilities struct {
	Tried    []witness.Candidate
	Outcomes []pdp.Outcome // of those that were tried so far
	// All says that it comes to nothing else, and AllWithin that it does not
	// for what the schema allows.
	All, AllWithin bool
}

// Came reports whether the condition came to an outcome for a request, one
// that the schema allows if only those count.
func (p *Possibilities) Came(to pdp.Outcome, within bool) bool {
	for i, o := range p.Outcomes {
		if o == to && (!within || p.Tried[i].Within) {
			return true
		}
	}
	return false
}

// Try has the engine evaluate a condition for the candidates of a search,
// until it was met and errored within the schema: nothing is impossible then.
// Searches whose candidates amount to the same are made once.
func (x *Reasoner) Try(ctx context.Context, c *pdp.Condition, q *witness.Search) (*Possibilities, error) {
	key := q.Request.Resource.Kind + "\x00" + strings.Join(q.Request.Unknown, "\x00") + "\x00" + q.Key() + q.Request.MadeKey()
	if known := x.results[c][key]; known != nil {
		return known, nil
	}
	candidates := q.Candidates()
	r := &Possibilities{}
	finished := true
	for some := range witness.Chunks(candidates.Each) {
		if !x.in.Budget.Afford(len(some)) || r.Came(pdp.Met, true) && r.Came(pdp.Errored, true) {
			finished = false
			break
		}
		r.Tried = append(r.Tried, some...)
		if err := x.tryMore(ctx, c, q.Request, r); err != nil {
			return nil, err
		}
	}
	finished = finished && !slices.Contains(r.Outcomes, pdp.Unasked)
	r.All, r.AllWithin = finished && candidates.All, finished && candidates.AllWithin
	if x.results[c] == nil {
		x.results[c] = map[string]*Possibilities{}
	}
	x.results[c][key] = r
	return r, nil
}

// tryMore evaluates a condition for the candidates that have no outcome yet. The
// budget is left to whoever calls.
func (x *Reasoner) tryMore(ctx context.Context, c *pdp.Condition, request authz.Request, r *Possibilities) error {
	var trials []pdp.Trial
	for _, candidate := range r.Tried[len(r.Outcomes):] {
		trials = append(trials, pdp.Trial{Condition: c, Request: bound(request, candidate)})
	}
	outcomes, err := x.Engine.Try(ctx, trials)
	r.Outcomes = append(r.Outcomes, outcomes...)
	return err
}

// Own returns the condition of a rule itself, or nil if the rule is not plain (see
// [Reasoner.IsPlain]) or the engine has no such condition.
func (x *Reasoner) Own(r *policy.Rule) *pdp.Condition {
	own, known := x.own[r]
	if !known {
		own = x.findOwn(r)
		x.own[r] = own
	}
	return own
}

func (x *Reasoner) findOwn(r *policy.Rule) *pdp.Condition {
	if r.Condition == nil || !x.IsPlain(r) {
		return nil
	}
	var own *pdp.Condition
	for _, c := range x.Finder.Conditions(r.ID) {
		if !slices.ContainsFunc(c.Uses, func(u pdp.Use) bool { return u.Rule == r.ID && u.DerivedRole == "" }) {
			continue
		}
		if own != nil {
			return nil
		}
		own = c
	}
	return own
}

// IsPlain reports whether the rule's ID names no other rule, and the engine keeps its
// effect as written.
func (x *Reasoner) IsPlain(r *policy.Rule) bool {
	consent := strings.HasSuffix(r.Policy.ScopePermissions, "REQUIRE_PARENTAL_CONSENT_FOR_ALLOWS")
	return !consent && len(x.in.Policies.Named(r.ID)) == 1
}

// Somebody is the first declared principal. Searches that leave the principal's
// attributes open start from it, so that candidates look like real ones.
func (x *Reasoner) Somebody() *authz.Principal {
	who := &authz.Principal{Key: "somebody", ID: "somebody", Roles: []string{"somebody"}}
	if classes := x.in.Matrix.Classes; len(classes) > 0 {
		*who = *classes[0].First()
	}
	return who
}

// anybody is the search for what a condition can come to for any principal.
func (x *Reasoner) anybody(r *policy.Rule, c *pdp.Condition, of coverage.Covering) *witness.Search {
	q := &witness.Search{Parts: c.Parts, Request: *of.Request, Schema: x.Finder.Schema(of.Column.Item)}
	q.Request.AnyPrincipal = true
	q.Request.Principal = x.Somebody()
	if r.Policy.Kind == policy.PrincipalPolicy {
		q.Request.Principal.ID, q.FixedID = r.Policy.Name, true
	}
	return q
}

// bound makes a request of a candidate, of which nothing is unknown.
func bound(r authz.Request, c witness.Candidate) authz.Request {
	r.Resource = c.Resource
	r = pep.Bind(r, c.Arguments)
	r.Principal, r.AnyPrincipal = c.Principal, false
	return r
}

// ReadsResource reports whether a condition looks at the resource, other than
// at the arguments of a call.
func ReadsResource(c *pdp.Condition, unknown []string) bool {
	return slices.ContainsFunc(c.Parts, func(part pdp.Part) bool {
		return slices.ContainsFunc(part.Terms, func(t pdp.Term) bool {
			return len(t.Path) > 0 && t.Path[0] == "R" && !isArgument(t, unknown)
		})
	})
}

func isArgument(t pdp.Term, unknown []string) bool {
	n := len(unknown)
	return n > 0 && len(t.Path) > n+2 && t.Path[0] == "R" && t.Path[1] == "attr" && slices.Equal(t.Path[2:n+2], unknown)
}
