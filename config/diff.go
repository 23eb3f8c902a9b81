package config

import (
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/source"
)

// Diff says which changes of access fail.
type Diff struct {
	Pos source.Pos
	// widened: whatever somebody gains, or might; with a budget only what goes beyond it. any:
	// every difference. never: nothing. mcpolicy diff fails on widened unless this says
	// otherwise, mcpolicy check --base on the budget alone.
	FailOn DiffFailOn `yaml:"failOn"`
	// How far gains of access may go that do not fail.
	Budget *Budget `yaml:"budget"`
}

// A DiffFailOn says which changes fail.
type DiffFailOn uint8

// What fails. FailBudget is what is not said: what goes beyond a budget.
const (
	FailBudget  DiffFailOn = iota
	FailWidened            // gains, or those beyond a budget
	FailAny                // every difference
	FailNever
)

var failOnNames = []string{"", "widened", "any", "never"}

// DiffFailOns lists the names of what may fail.
func DiffFailOns() []string { return slices.Clone(failOnNames[1:]) }

// ParseDiffFailOn returns what is meant by a name.
func ParseDiffFailOn(name string) (DiffFailOn, bool) {
	i := slices.Index(failOnNames, name)
	return DiffFailOn(max(i, 0)), i > 0 //nolint:gosec // four names
}

// String returns widened, any or never, or nothing where only a budget fails.
func (f DiffFailOn) String() string { return failOnNames[f] }

// DecodeNode reads a name.
func (f *DiffFailOn) DecodeNode(n *source.Node) error {
	var ok bool
	if *f, ok = ParseDiffFailOn(n.Str()); !ok {
		return source.Errorf(n.Pos, "failOn: want %s, have %s", strings.Join(DiffFailOns(), ", "), n.Describe())
	}
	return nil
}

// A Budget says how far gains of access may go that do not fail. What is not said has no
// limit.
type Budget struct {
	Pos source.Pos
	// Destructive items that somebody gains the use of.
	Destructive *int `yaml:"destructive"`
	// Declared principals that gain.
	Principals *int `yaml:"principals"`
	// Roles that gain where no declared principal shows it.
	Roles *int `yaml:"roles"`
	// Items that open to any role, or that no policy guards any more.
	Everyone *int `yaml:"everyone"`
}

// DecodeNode reads a mapping of whole numbers from 0 on.
func (b *Budget) DecodeNode(n *source.Node) error {
	type plain Budget
	if err := source.Decode(n, (*plain)(b)); err != nil {
		return err
	}
	b.Pos = n.Pos
	for _, f := range n.Fields {
		if strings.HasPrefix(f.Value.Text, "-") {
			return source.Errorf(f.Value.Pos, "%s: want a number from 0 on, have %s", f.Name, f.Value.Describe())
		}
	}
	return nil
}

// Stricter returns what the stricter of two says of each thing: whoever changes the config
// must not be able to accept their own change by it. Any fails more than widened does, that
// more than a budget alone, and never the least.
func (d Diff) Stricter(other Diff) Diff {
	rank := [...]int{FailNever: 0, FailBudget: 1, FailWidened: 2, FailAny: 3}
	if rank[other.FailOn] > rank[d.FailOn] {
		d.FailOn = other.FailOn
	}
	switch {
	case d.FailOn == FailWidened && (d.Budget == nil || other.Budget == nil):
		d.Budget = nil // what somebody gains fails, within no budget
	case d.Budget == nil:
		d.Budget = other.Budget
	case other.Budget != nil:
		d.Budget = d.Budget.less(other.Budget)
	}
	return d
}

// less returns the lesser of each limit of two budgets.
func (b *Budget) less(other *Budget) *Budget {
	least := func(mine, theirs *int) *int {
		if mine == nil || theirs != nil && *theirs < *mine {
			return theirs
		}
		return mine
	}
	return &Budget{
		Pos: b.Pos, Destructive: least(b.Destructive, other.Destructive), Principals: least(b.Principals, other.Principals),
		Roles: least(b.Roles, other.Roles), Everyone: least(b.Everyone, other.Everyone),
	}
}
