package prove

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/universe"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/solver"
	"github.com/mcpolicy/mcpolicy/source"
)

// Input is what sentences are proved of.
type Input struct {
	Matrix   *matrix.Matrix // need not be decided
	Policies *policy.Set
	// Solver says whether conditions can be met, by the engine of the matrix.
	Solver *solver.Solver
	Strict bool // the engine denies when a condition errs
	// Attributes returns the JSON Schema that the engine holds principals to who ask
	// about a column, and who are denied otherwise; nil if there is none. It may be nil.
	Attributes func(*matrix.Column) *source.Node
	Now        time.Time // what time it is; zero for any
	// Start is the engine's own time: a counterexample that holds then says no time.
	Start time.Time
}

// A Prover proves sentences. It remembers what it was told, and is not to be used
// from several goroutines.
type Prover struct {
	in         Input
	ids        map[*matrix.Column][]string // that principal policies are about
	cells      map[*matrix.Column]map[string]*matrix.Cell
	roles      map[[2]*matrix.Column]universe.Roles
	impossible map[string]bool                 // searches that came to nothing
	schemas    map[*manifest.Item]*source.Node // schemas of their arguments
}

// New returns a prover.
func New(in Input) *Prover {
	return &Prover{
		in: in, ids: map[*matrix.Column][]string{}, cells: map[*matrix.Column]map[string]*matrix.Cell{},
		roles: map[[2]*matrix.Column]universe.Roles{}, impossible: map[string]bool{}, schemas: map[*manifest.Item]*source.Node{},
	}
}

// A cohort is principals of which nothing is known but roles, and the id where a
// principal policy is about it. No policy sees the kind.
type cohort struct {
	roles []string
	id    string // "" for any id that no principal policy is about
	kind  authz.Kind
}

func (c cohort) key() string { return c.id + "\x00" + strings.Join(c.roles, "\x00") }

// anybody is the id of principals whose id does not matter.
const anybody = "anybody"

func (c cohort) principal() *authz.Principal {
	p := &authz.Principal{Key: c.key(), ID: c.id, Roles: c.roles}
	if c.id == "" {
		p.ID = anybody
	}
	return p
}

// Prove says what is known of a sentence. An error says nothing about it.
func (p *Prover) Prove(ctx context.Context, s *Sentence) (*Proof, error) {
	if s.Kind == Delegated {
		return p.delegated(ctx, s)
	}
	cohorts, open := p.cohorts(s)
	result := &Proof{Verdict: Proved, Over: p.over(s, cohorts)}
	if s.Kind == Somebody {
		result.Verdict = Refuted
	}
	asks := []*matrix.Column{s.Of}
	if s.Then != nil {
		asks = append(asks, s.Then)
	}
	for _, col := range asks {
		if err := p.decide(ctx, col, cohorts); err != nil {
			return nil, err
		}
	}
	for _, c := range cohorts {
		found, more, err := p.seek(ctx, s, c)
		switch {
		case err != nil:
			return nil, err
		case found != nil:
			result.Verdict, result.Counterexample, result.Open = Refuted, found, nil
			if s.Kind == Somebody {
				result.Verdict = Proved
			}
			return result, nil
		}
		open = append(open, more...)
	}
	if len(open) > 0 {
		slices.Sort(open)
		result.Verdict, result.Open = Unknown, slices.Compact(open)
	}
	return result, nil
}

// cohorts returns the cohorts that stand for everybody whom a sentence is about.
func (p *Prover) cohorts(s *Sentence) (list []cohort, open []string) {
	var sets [][]string
	switch s.Kind {
	case Within:
		sets = [][]string{s.Inner}
	case Apart, Implies, Always, Never, Needs, Somebody, Delegated:
		// Each request may be allowed for another role.
		together := max(1, len(s.Of.Question.Requests))
		if s.Kind == Apart {
			together += max(1, len(s.Then.Question.Requests))
		}
		if p.in.Strict && (s.Kind == Implies || s.Kind == Always) {
			together = max(2, together)
		}
		r := p.rolesOf(s)
		sets, open = r.Sets(s.Who.mentioned(), together)
	}
	for _, roles := range sets {
		for _, kind := range s.Who.kinds() {
			c := cohort{roles: roles, kind: kind}
			if can, _ := s.Who.has(c, &authz.Request{}); !can {
				continue
			}
			for _, c.id = range append([]string{""}, p.idsOf(s)...) {
				list = append(list, c)
			}
		}
	}
	return list, open
}

// idsOf returns the ids that principal policies about a sentence's columns are for.
func (p *Prover) idsOf(s *Sentence) []string {
	ids := slices.Clone(p.idsAbout(s.Of))
	if s.Then != nil {
		ids = append(ids, p.idsAbout(s.Then)...)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func (p *Prover) idsAbout(col *matrix.Column) []string {
	known, ok := p.ids[col]
	if !ok {
		known = universe.IDs(p.in.Policies, col)
		p.ids[col] = known
	}
	return known
}

func (p *Prover) rolesOf(s *Sentence) universe.Roles {
	key := [2]*matrix.Column{s.Of, s.Then}
	r, known := p.roles[key]
	if !known {
		columns := []*matrix.Column{s.Of}
		if s.Then != nil {
			columns = append(columns, s.Then)
		}
		r = universe.Of(p.in.Policies, columns...)
		p.roles[key] = r
	}
	return r
}

// decide has the engine decide a column for cohorts, with everything else open.
func (p *Prover) decide(ctx context.Context, col *matrix.Column, cohorts []cohort) error {
	known := p.cells[col]
	if known == nil {
		known = map[string]*matrix.Cell{}
		p.cells[col] = known
	}
	var of []*authz.Principal
	for _, c := range cohorts {
		if key := c.key(); known[key] == nil {
			of = append(of, c.principal())
		}
	}
	if len(of) == 0 {
		return nil
	}
	cells, err := p.in.Matrix.Look(ctx, p.open(col), of)
	if err != nil {
		return fmt.Errorf("decide %s of %s for everyone: %w", col.Operation, col.Item.Name, err)
	}
	for i, one := range of {
		known[one.Key] = cells[i]
	}
	return nil
}

// open returns a column that leaves principals open, and what time it is unless that is
// known.
func (p *Prover) open(col *matrix.Column) *matrix.Column { return col.Open(true, p.in.Now.IsZero()) }

func (p *Prover) cell(col *matrix.Column, c cohort) *matrix.Cell { return p.cells[col][c.key()] }

func (p *Prover) over(s *Sentence, cohorts []cohort) Over {
	o := Over{Sets: len(cohorts), Attributes: "any", Arguments: "any", Clock: p.in.Now}
	names := map[string]bool{}
	for _, c := range cohorts {
		for _, r := range c.roles {
			names[r] = true
		}
	}
	o.Roles = len(names)
	if p.schema(s.Of) != nil {
		o.Attributes = "within the principal schema"
	}
	switch {
	case s.Of.Question.Possible:
		o.Arguments = "left open within the inputSchema"
	case s.Of.Operation != authz.Call && s.Of.Operation != authz.Get:
		o.Arguments = "none"
	case !s.IgnoreSchema:
		o.Arguments = "within the inputSchema"
	}
	return o
}

// schema returns what the attributes of principals have to be like who ask about a
// column.
func (p *Prover) schema(col *matrix.Column) *source.Node {
	if p.in.Attributes == nil {
		return nil
	}
	return p.in.Attributes(col)
}
