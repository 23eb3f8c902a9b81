package lint

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/witness"
)

// A reasoner finds out what conditions can come to.
type reasoner struct {
	*Pass
	engine   pdp.Examiner
	finder   *witness.Finder
	results  map[*pdp.Condition]map[string]*possibilities
	covers   map[*policy.Rule][]covering
	verdicts map[*policy.Rule]verdict
	alike    map[string]bool // conditions of delegators that leave their delegates nothing more

	spentOnCovers bool // so that whether one condition follows from another is not looked into any more
}

// reasoner returns nil where the policies' conditions are not at hand.
func (p *Pass) reasoner() *reasoner {
	engine, ok := p.input.Engine.(pdp.Examiner)
	if p.Policies == nil || !ok {
		return nil
	}
	if p.reasons == nil {
		p.reasons = &reasoner{
			Pass: p, engine: engine, finder: witness.NewFinder(p.Matrix, engine.Conditions()),
			results: map[*pdp.Condition]map[string]*possibilities{}, covers: map[*policy.Rule][]covering{},
			verdicts: map[*policy.Rule]verdict{}, alike: map[string]bool{},
		}
		p.reasons.index()
	}
	return p.reasons
}

// least is how many questions about conditions are put to the engine however
// small the matrix is.
const least = 20_000

// dear is how many conditions the engine evaluates for the price of a decision,
// give or take.
const dear = 4

// afford reports whether so many more questions about conditions may be put to
// the engine. All rules together put no more than the matrix took; what is not
// looked into then is not claimed.
func (p *Pass) afford(n int) bool {
	if p.spent+n > max(least, p.Matrix.Questions) {
		return false
	}
	p.spent += n
	return true
}

// possibilities are what a condition came to for requests that were tried.
type possibilities struct {
	list     []witness.Candidate
	outcomes []pdp.Outcome
	// all says that it comes to nothing else, and allWithin that it does not
	// for what the schema allows.
	all, allWithin bool
}

// came reports whether the condition came to an outcome for a request, one
// that the schema allows if only those count.
func (p *possibilities) came(to pdp.Outcome, within bool) bool {
	for i, o := range p.outcomes {
		if o == to && (!within || p.list[i].Within) {
			return true
		}
	}
	return false
}

// try has the engine evaluate a condition for the candidates of a question,
// until it was met and errored within the schema: nothing is impossible then.
// Questions whose candidates amount to the same are asked once.
func (x *reasoner) try(ctx context.Context, c *pdp.Condition, q *witness.Question) (*possibilities, error) {
	key := q.Request.Resource.Kind + "\x00" + strings.Join(q.Request.Unknown, "\x00") + "\x00" + q.Key()
	if known := x.results[c][key]; known != nil {
		return known, nil
	}
	candidates := q.Candidates()
	r := &possibilities{}
	finished := true
	for some := range chunks(candidates.Each) {
		if !x.afford(len(some)) || r.came(pdp.Met, true) && r.came(pdp.Errored, true) {
			finished = false
			break
		}
		r.list = append(r.list, some...)
		if err := x.tryMore(ctx, c, q.Request, r); err != nil {
			return nil, err
		}
	}
	finished = finished && !slices.Contains(r.outcomes, pdp.Unasked)
	r.all, r.allWithin = finished && candidates.All, finished && candidates.AllWithin
	if x.results[c] == nil {
		x.results[c] = map[string]*possibilities{}
	}
	x.results[c][key] = r
	return r, nil
}

// tryMore evaluates a condition for the candidates that have no outcome yet.
func (x *reasoner) tryMore(ctx context.Context, c *pdp.Condition, request authz.Request, r *possibilities) error {
	var trials []pdp.Trial
	for _, candidate := range r.list[len(r.outcomes):] {
		trials = append(trials, pdp.Trial{Condition: c, Request: bound(request, candidate)})
	}
	outcomes, err := x.engine.Try(ctx, trials)
	r.outcomes = append(r.outcomes, outcomes...)
	return err
}

// own returns the condition of a rule itself, or nil where it is not plain
// which one that is, or what the engine makes of it.
func (x *reasoner) own(r *policy.Rule) *pdp.Condition {
	if r.Condition == nil || !x.isPlain(r) {
		return nil
	}
	var own *pdp.Condition
	for _, c := range x.finder.Conditions(r.ID) {
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

// isPlain reports whether it is plain which rule an ID names, and what the
// engine makes of its effect.
func (x *reasoner) isPlain(r *policy.Rule) bool {
	consent := strings.HasSuffix(r.Policy.ScopePermissions, "REQUIRE_PARENTAL_CONSENT_FOR_ALLOWS")
	return !consent && len(x.Policies.Named(r.ID)) == 1
}

// A covering is a request that a rule covers, and the column that sends it.
type covering struct {
	asked
	column *matrix.Column
}

// covered returns the requests that a rule covers, those about uses before
// those about lists.
func (x *reasoner) covered(r *policy.Rule) []covering { return x.covers[r] }

// index finds out which requests each rule covers.
func (x *reasoner) index() {
	type about struct {
		target *target
		action string
	}
	rules := map[about][]*policy.Rule{}
	for _, col := range x.usesFirst() {
		for _, a := range x.asked[col] {
			k := about{a.target, a.Action}
			if _, known := rules[k]; !known {
				rules[k] = a.target.rules(a.Action)
			}
			for _, r := range rules[k] {
				x.covers[r] = append(x.covers[r], covering{a, col})
			}
		}
	}
}

// usesFirst returns the columns about using items, then those about lists.
func (p *Pass) usesFirst() []*matrix.Column {
	columns := slices.Clone(p.Matrix.Columns)
	slices.SortStableFunc(columns, func(a, b *matrix.Column) int {
		return cmp.Compare(min(b.Operation, authz.Call), min(a.Operation, authz.Call))
	})
	return columns
}

// somebody is whose attributes are left open: the first of the declared
// principals, so that a candidate looks like one.
func (x *reasoner) somebody() *authz.Principal {
	who := &authz.Principal{Key: "somebody", ID: "somebody", Roles: []string{"somebody"}}
	if classes := x.Matrix.Classes; len(classes) > 0 {
		*who = *x.standIn(classes[0])
	}
	return who
}

// anybody is the question what a condition can come to for any principal.
func (x *reasoner) anybody(r *policy.Rule, c *pdp.Condition, of covering) *witness.Question {
	q := &witness.Question{Parts: c.Parts, Request: *of.Request, Schema: x.finder.Schema(of.column.Item)}
	q.Request.AnyPrincipal = true
	q.Request.Principal = x.somebody()
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

// readsResource reports whether a condition looks at the resource, other than
// at the arguments of a call.
func readsResource(c *pdp.Condition, unknown []string) bool {
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

// attempt is a declared principal and arguments to try in a column.
type attempt struct {
	who       *authz.Principal
	column    *matrix.Column
	arguments map[string]any
}

// decide has the engine decide attempts. There are no cells if that would take
// too much.
func (p *Pass) decide(ctx context.Context, list []attempt) ([]matrix.Cell, error) {
	if !p.afford(dear * len(list)) {
		return nil, nil
	}
	cases := make([]matrix.Case, len(list))
	for i, a := range list {
		cases[i] = matrix.Case{Principal: a.who, Column: p.plain(a.column), Arguments: a.arguments}
	}
	return p.Matrix.Ask(ctx, cases)
}

// plain returns a column with what is asked about a plain call, where one can
// be made as a task.
func (p *Pass) plain(col *matrix.Column) *matrix.Column {
	if !col.Question.TaskOnly {
		return col
	}
	copied := *col
	copied.Question = plainQuestion(col)
	return &copied
}

// chunk is up to how many candidates are tried at once where it may end there.
const chunk = 32

// chunks yields candidates in slices that grow: the first are the likeliest.
func chunks(each iter.Seq[witness.Candidate]) iter.Seq[[]witness.Candidate] {
	return func(yield func([]witness.Candidate) bool) {
		var list []witness.Candidate
		full := 4
		for c := range each {
			if list = append(list, c); len(list) < full {
				continue
			}
			if !yield(list) {
				return
			}
			list, full = nil, min(2*full, chunk)
		}
		if len(list) > 0 {
			yield(list)
		}
	}
}

// within yields the arguments that the schema allows for some questions, in
// chunks; in each those with the fewest first.
func within(questions ...*witness.Question) iter.Seq[[]map[string]any] {
	allowed := func(yield func(witness.Candidate) bool) {
		for _, q := range questions {
			for c := range q.Candidates().Each {
				if c.Within && !yield(c) {
					return
				}
			}
		}
	}
	return func(yield func([]map[string]any) bool) {
		for some := range chunks(allowed) {
			list := make([]map[string]any, len(some))
			for i, c := range some {
				list[i] = c.Arguments
			}
			slices.SortStableFunc(list, func(a, b map[string]any) int { return cmp.Compare(len(a), len(b)) })
			if !yield(list) {
				return
			}
		}
	}
}

// A Witness is a request that bears a finding out, as the engine has confirmed.
type Witness struct {
	Principal string // the key of a declared principal
	Operation authz.Operation
	Name      string         // of the item
	Arguments map[string]any // nil if it does not depend on any
}

// witnessIn is a witness about a column.
func witnessIn(col *matrix.Column, who *authz.Principal, arguments map[string]any) *Witness {
	return &Witness{who.Key, col.Operation, col.Item.Name, arguments}
}

// compact writes a value as JSON in one line.
func compact(v any) string {
	b, err := json.Marshal(v)
	if m, ok := v.(map[string]any); err != nil || ok && m == nil {
		return "{}"
	}
	return string(b)
}

// differences names the entries in which two mappings differ.
func differences(a, b map[string]any) []string {
	var list []string
	for name := range maps.Keys(a) {
		if other, ok := b[name]; !ok || compact(other) != compact(a[name]) {
			list = append(list, name)
		}
	}
	for name := range maps.Keys(b) {
		if _, ok := a[name]; !ok {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

// quoteCondition is the condition of a rule as a line of evidence.
func quoteCondition(r *policy.Rule) string {
	return fmt.Sprintf("Its condition: %s", oneLine(r.Condition.String()))
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
