package lint

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/coverage"
	"github.com/mcpolicy/mcpolicy/internal/reason"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/source"
)

// A Pass is what a check works with, and where it reports. Checks iterate over
// the classes of the matrix; only messages speak of principals.
//
// What rules share is beside it: which rule is about which item in index, what
// conditions come to in the [reason.Reasoner], and what was asked before the
// checks in answers and readings. What one rule alone needs are functions in the
// rule's file.
type Pass struct {
	Matrix   *matrix.Matrix
	Policies *policy.Set // nil if they are not at hand

	index    *coverage.Index
	budget   *reason.Budget
	answers  answers
	readings readings

	rule    *Rule // at work
	drafts  []*draft
	waivers []applied
	slips   []slipped
	seen    map[string]bool // the drafts about items, without their positions

	input     *Input
	options   *Options
	settings  map[string]any // the options of the rules that have some, by ID
	arguments map[argumentKey]argument
	now       time.Time
	reasons   *reason.Reasoner // see reasoner
}

// answers are what was asked of the engine before the checks, so that they need
// not.
type answers struct {
	direct    map[*matrix.Column][]*matrix.Cell // see cell
	gates     map[gated][]*matrix.Cell
	apart     map[*matrix.Column][][]*matrix.Cell // of each request alone; see askApart
	uncovered []uncovered
	refusals  []refusal
	clocked   []clocked
}

// prepare gathers what takes the engine, so that the checks need not.
func prepare(ctx context.Context, in *Input, o *Options) (*Pass, error) {
	settings, err := o.decode()
	if err != nil {
		return nil, err
	}
	p := &Pass{
		Matrix: in.Matrix, Policies: in.Policies, input: in, options: o, settings: settings, now: o.Now,
		index:  coverage.New(in.Matrix, in.Policies, coverage.Defaults{Version: in.DefaultPolicyVersion, Scope: in.DefaultScope}),
		budget: reason.NewBudget(in.Matrix),
		seen:   map[string]bool{}, arguments: map[argumentKey]argument{},
	}
	findReaders(p)
	for _, step := range []func(context.Context, *Pass) error{findIdle, askDirectly, tryGates, askApart, findUncovered, findRefusals, findClocked} {
		if err := step(ctx, p); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// reasoner returns nil where the policies' conditions are not at hand.
func (p *Pass) reasoner() *reason.Reasoner {
	engine, ok := p.input.Engine.(pdp.Examiner)
	if p.Policies == nil || !ok {
		return nil
	}
	if p.reasons == nil {
		p.reasons = reason.New(reason.Input{
			Matrix: p.Matrix, Policies: p.Policies, Index: p.index, Budget: p.budget,
			Engine: engine, Strict: p.input.StrictEvaluation,
		})
	}
	return p.reasons
}

// report adds a draft to those of the rule at work. An item that stands in its
// inventory twice is reported once.
func (p *Pass) report(d draft) {
	d.Rule, d.Family, d.Standards = p.rule.ID, p.rule.Family, p.rule.Doc.Standards
	d.Severity = cmp.Or(d.Severity, p.rule.Severity)
	d.Confidence = max(d.Confidence, p.rule.Confidence)
	d.Fix = cmp.Or(d.Fix, p.rule.Doc.Fix)
	if d.Name != "" {
		d.Items = []Item{{d.Server, d.Type, d.Name}}
	}
	d.subject = cmp.Or(d.subject, d.Name)
	d.Related = slices.DeleteFunc(d.Related, func(r Related) bool { return r.Pos == d.Pos })
	if d.say != nil {
		d.Message = d.say(effectsOf([]*draft{&d}))
	}
	if d.Name != "" {
		key := d.Rule + "\x00" + d.Server + "\x00" + d.Type.String() + "\x00" + d.Name + "\x00" + d.Policy + "\x00" + d.Message
		if p.seen[key] {
			return
		}
		p.seen[key] = true
	}
	p.drafts = append(p.drafts, &d)
}

// about starts a finding about an item.
func about(col *matrix.Column) Finding {
	return Finding{Server: col.Server.Name, Type: col.Item.Type, Name: col.Item.Name, Pos: col.Item.Pos}
}

// standAt makes a rule's place that of a finding about an item.
func (f *Finding) standAt(pos source.Pos, rule string) {
	f.Related = append(f.Related, Related{f.Pos, noun(f.Type) + " " + f.Name, true})
	f.Pos, f.Policy = pos, rule
}

// blame makes the first of the rules that decided the place of the finding,
// and all of them its evidence.
func (f *Finding) blame(rules []matrix.Rule) {
	if len(rules) > 0 && !rules[0].Pos.IsZero() {
		f.standAt(rules[0].Pos, rules[0].ID)
	}
	f.Evidence = append(f.Evidence, citeAll(rules)...)
}

// declared returns where a server is declared, or else its inventory.
func (p *Pass) declared(s *matrix.Server) source.Pos {
	if pos, ok := p.input.Declared[s.Name]; ok {
		return pos
	}
	return s.Inventory.Pos
}

// calls yields the columns about calling tools.
func (p *Pass) calls() iter.Seq[*matrix.Column] {
	return func(yield func(*matrix.Column) bool) {
		for _, col := range p.Matrix.Columns {
			if col.Operation == authz.Call && !yield(col) {
				return
			}
		}
	}
}
