package lint

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/source"
)

// Input is what the rules look at.
type Input struct {
	// Matrix has the servers, the principals and the decisions. Gaps in its
	// inventories are taken to be accepted: without that there is no matrix.
	Matrix *matrix.Matrix
	// Policies are those that the matrix was built with. Nil if they are not
	// at hand: what is about their rules is then not looked into.
	Policies *policy.Set

	// Engine is the one over the policies. What it offers of what rules need is looked
	// into; which rules could not look is for [Options.Lacking] to say. Nil offers nothing.
	Engine pdp.Decider
	// StrictEvaluation says that the engine denies when a condition errors.
	StrictEvaluation bool
	// SchemasRejected says that the engine denies what a schema refuses.
	SchemasRejected bool

	// DefaultPolicyVersion and DefaultScope are those of the engine. An empty
	// version is Cerbos's own default.
	DefaultPolicyVersion, DefaultScope string

	// Suites are what the suites of the run assert. Nil if there are none: what
	// they lack is then not looked into.
	Suites []Assertion

	// Declared says where each server is declared, by its name. Without that,
	// findings about a server as a whole point at its inventory.
	Declared map[string]source.Pos
}

// Options say which findings are wanted, and how they count.
type Options struct {
	Severity   map[string]authz.Severity   // by rule ID, in place of the rule's own; Off leaves its findings out
	Confidence map[string]authz.Confidence // by rule ID: findings of less are left out
	Settings   map[string]*source.Node     // by rule ID: its options, as the config has them
	Only       []string                    // rule IDs; empty for all
	Skip       []string                    // rule IDs

	Administrators Administrators
	Duties         []Duty
	Flows          Flows

	// Waivers are those of the config; those in policies come with them.
	Waivers []Waiver
	// IgnoreWaivers makes what any waiver accepts count.
	IgnoreWaivers bool
	// Known is what was found before: it is marked, and hides nothing. Nil for nothing.
	Known *Known
	// Now is the time that waivers go by. Without it every waiver that expires
	// has expired.
	Now time.Time
}

// Run applies the rules. The findings come in the order of [FixFirst]; they do not
// depend on the order of principals.
//
// A finding that is wrong or idle as long as another stands stays hidden where that one is
// skipped, turned off or waived. One that another merely says better is hidden beside it alone.
func Run(ctx context.Context, in *Input, o Options) ([]Finding, error) {
	comments := commentWaivers(in.Policies)
	if err := errors.Join(o.Check(in.Matrix), checkWaivers(comments)); err != nil {
		return nil, err
	}
	waivers := slices.Concat(comments, o.Waivers) // what stands closer, goes first
	p, err := prepare(ctx, in, &o)
	if err != nil {
		return nil, fmt.Errorf("prepare lint: %w", err)
	}
	if !o.IgnoreWaivers {
		for i := range waivers {
			p.waivers = append(p.waivers, applied{Waiver: &waivers[i], expired: waivers[i].Expired(o.Now), unsure: lacks(in.Engine, waivers[i].Rule)})
		}
	}
	wanted := o.wanted()
	rules := byID(neededRules(p, wanted))
	for _, aboutWaivers := range []bool{false, true} {
		for _, r := range rules {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if r.aboutWaivers != aboutWaivers {
				continue
			}
			p.rule = r
			if r.Ask == nil {
				r.Check(p)
			} else if err := r.Ask(ctx, p); err != nil {
				return nil, fmt.Errorf("%s: %w", r.ID, err)
			}
		}
		if !aboutWaivers {
			applyWaivers(p)
		}
	}
	dividedBySlips(p)
	var drafts []*draft
	counts := func(d *draft) bool { return slices.Contains(wanted, d.Rule) && o.weigh(d) }
	for _, d := range unexplained(p.drafts, explanations, counts) {
		if counts(d) {
			drafts = append(drafts, d)
		}
	}
	findings := join(unsettled(o.Known.mark(drafts)))
	slices.SortFunc(findings, func(a, b Finding) int { return FixFirst(&a, &b) })
	return findings, nil
}

// neededRules adds to the rules that are wanted those that may explain their
// findings, and where waivers are looked into those that they are of.
func neededRules(p *Pass, wanted []string) []string {
	ids := withExplainers(wanted)
	if slices.ContainsFunc(byID(wanted), func(r *Rule) bool { return r.aboutWaivers }) {
		for _, w := range p.waivers {
			ids = append(ids, w.Rule)
		}
	}
	return ids
}

// weigh gives the finding the severity that the options say, and reports
// whether it is left in.
func (o *Options) weigh(d *draft) bool {
	if s, ok := o.Severity[d.Rule]; ok {
		d.Severity = s
	}
	least, ok := o.Confidence[d.Rule]
	return d.Severity != authz.SeverityOff && (!ok || d.Confidence <= least)
}

// Needs reports whether a run with the options looks into one of the rules,
// be it to tell whether a waiver accepts something.
func (o *Options) Needs(ids ...string) bool {
	return slices.ContainsFunc(byID(o.wanted()), func(r *Rule) bool {
		s, ok := o.Severity[r.ID]
		return (!ok || s != authz.SeverityOff) && (slices.Contains(ids, r.ID) || r.aboutWaivers && !o.IgnoreWaivers)
	})
}

// wanted returns the IDs of the rules whose findings are asked for.
func (o *Options) wanted() []string {
	var ids []string
	for _, r := range Rules() {
		only := len(o.Only) == 0 || slices.Contains(o.Only, r.ID)
		if only && !slices.Contains(o.Skip, r.ID) {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// Check reports mistakes in the options: IDs that no rule has, waivers without
// a reason, options that a rule does not have, and duties about tools that
// there are not. [Run] reports them too, and those of waivers in policies.
func (o *Options) Check(m *matrix.Matrix) error {
	errs := []error{o.CheckSettings()}
	for i := range o.Duties {
		errs = append(errs, o.Duties[i].check(m)...)
	}
	return errors.Join(append(errs, o.Flows.check(m)...)...)
}

// CheckSettings reports those mistakes in the options that can be told without a matrix.
func (o *Options) CheckSettings() error {
	var errs []error
	for _, id := range slices.Concat(o.Only, o.Skip, slices.Sorted(maps.Keys(o.Severity)), slices.Sorted(maps.Keys(o.Confidence))) {
		_, err := Find(id)
		errs = append(errs, err)
	}
	errs = append(errs, checkWaivers(o.Waivers))
	_, err := o.decode()
	return errors.Join(append(errs, err)...)
}

// decode returns the options of the rules that have some, by ID.
func (o *Options) decode() (map[string]any, error) {
	settings := map[string]any{}
	var errs []error
	for _, r := range Rules() {
		options, err := r.decodeOptions(o.Settings[r.ID])
		settings[r.ID] = options
		errs = append(errs, err)
	}
	return settings, errors.Join(errs...)
}
