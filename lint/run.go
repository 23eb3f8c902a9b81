package lint

import (
	"cmp"
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

	// Validate says what the policies' schemas hold against requests, as
	// pdp.Engine.Validate does. Nil leaves that out.
	Validate func(context.Context, []authz.Request) ([][]authz.ValidationError, error)
	// Confused lists rules that the engine confuses, by their IDs, as
	// pdp.Engine.Confused does. Nil leaves that out.
	Confused func() [][]string
	// RuleReads says what the conditions of rules read, as
	// pdp.Engine.RuleReads does. Nil leaves that out.
	RuleReads func() map[string]*pdp.RuleReads
	// DecideAt decides at another time, as pdp.Engine.DecideAt does. Nil leaves
	// that out.
	DecideAt func(context.Context, time.Time, []authz.Request) ([]authz.Decision, error)
	// SchemasRejected says that the engine denies what a schema refuses.
	SchemasRejected bool

	// DefaultPolicyVersion and DefaultScope are those of the engine. An empty
	// version is Cerbos's own default.
	DefaultPolicyVersion, DefaultScope string

	// Declared says where each server is declared, by its name. Without that,
	// findings about a server as a whole point at its inventory.
	Declared map[string]source.Pos
}

// Options say which findings are wanted, and how they count.
type Options struct {
	Severity map[string]Severity // by rule ID, in place of the rule's own; Off leaves its findings out
	Only     []string            // rule IDs; empty for all
	Skip     []string            // rule IDs
	Waivers  []Waiver
	// Now is the time that waivers go by. Without it every waiver that expires
	// has expired.
	Now time.Time
}

// Run applies the rules. The findings come with the most severe first, then by
// position, rule and message; they do not depend on the order of principals.
//
// Options only ever take findings away: a finding that is explained by another
// stays hidden where that one is skipped, turned off or waived.
func Run(ctx context.Context, in *Input, o Options) ([]Finding, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	p, err := prepare(ctx, in, o.Now)
	if err != nil {
		return nil, fmt.Errorf("prepare lint: %w", err)
	}
	wanted := o.wanted()
	for _, r := range byID(withExplainers(wanted)) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		p.rule = r
		r.Check(p)
	}
	var drafts []draft
	for _, d := range unexplained(p.drafts) {
		if slices.Contains(wanted, d.Rule) && o.weigh(&d) {
			d.waive(o.Waivers, o.Now)
			drafts = append(drafts, d)
		}
	}
	findings := join(drafts)
	slices.SortFunc(findings, compare)
	return findings, nil
}

func compare(a, b Finding) int {
	return cmp.Or(
		cmp.Compare(b.Severity, a.Severity), a.Pos.Compare(b.Pos),
		cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Message, b.Message), cmp.Compare(a.Reason, b.Reason),
	)
}

// weigh gives the finding the severity that the options say, and reports
// whether it is left in.
func (o *Options) weigh(d *draft) bool {
	if s, ok := o.Severity[d.Rule]; ok {
		d.Severity = s
	}
	return d.Severity != Off
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

// check reports the IDs that no rule has, and waivers without a reason.
func (o *Options) check() error {
	var errs []error
	for _, id := range slices.Concat(o.Only, o.Skip, slices.Sorted(maps.Keys(o.Severity))) {
		_, err := Find(id)
		errs = append(errs, err)
	}
	for _, w := range o.Waivers {
		if _, err := Find(w.Rule); err != nil {
			errs = append(errs, source.Errorf(w.Pos, "waiver: %w", err))
		}
		if w.Reason == "" {
			errs = append(errs, source.Errorf(w.Pos, "waiver: a reason is missing"))
		}
	}
	return errors.Join(errs...)
}
