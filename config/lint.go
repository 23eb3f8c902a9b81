package config

import (
	"errors"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// Lint sets up the lint rules.
type Lint struct {
	Pos                source.Pos
	FailOn             authz.Severity       `yaml:"failOn"` // SeverityOff where no finding fails
	Administrators     Administrators       `yaml:"administrators"`
	SeparationOfDuties []SeparationOfDuties `yaml:"separationOfDuties"`
	Rules              RuleSettings         `yaml:"rules"`
}

// Administrators are the principals that are meant to reach nearly all.
type Administrators struct {
	Pos        source.Pos
	Roles      []string `yaml:"roles"`
	Principals []string `yaml:"principals"` // keys
}

// SeparationOfDuties declares sets of tools, by names or globs, of which no
// principal may call two.
type SeparationOfDuties struct {
	Pos    source.Pos
	Name   string     `yaml:"name"`
	Server string     `yaml:"server"` // "" for every server
	Sets   [][]string `yaml:"sets"`
}

// DecodeNode reads a mapping.
func (s *SeparationOfDuties) DecodeNode(n *source.Node) error {
	type plain SeparationOfDuties
	errs := []error{source.Decode(n, (*plain)(s)), required(n, "separationOfDuties", "name", "sets")}
	sets := n.Get("sets")
	if !sets.Is(source.Sequence) {
		return errors.Join(errs...)
	}
	if len(sets.Items) < 2 {
		errs = append(errs, source.Errorf(sets.Pos, "sets: want two sets of tools or more, have %d", len(sets.Items)))
	}
	for _, set := range sets.Items {
		if set.Is(source.Null) || set.Is(source.Sequence) && len(set.Items) == 0 {
			errs = append(errs, source.Errorf(set.Pos, "sets: a set has no tools"))
		}
	}
	return errors.Join(errs...)
}

// A RuleSetting changes a lint rule.
type RuleSetting struct {
	ID         string
	Pos        source.Pos        // of the ID
	Severity   *authz.Severity   `yaml:"severity"`   // nil: as the rule has it
	Confidence *authz.Confidence `yaml:"confidence"` // nil: as the rule has it
	// Options are the rule's own; it decodes them. Nil if there are none.
	Options *source.Node `yaml:"options"`
}

// RuleSettings are those of a config, sorted by the rules' IDs.
type RuleSettings []RuleSetting

// DecodeNode reads a mapping from the IDs of rules.
func (r *RuleSettings) DecodeNode(n *source.Node) error {
	return entries(n, "rules", func(f source.Field) error {
		var s RuleSetting
		err := source.Decode(f.Value, &s)
		s.ID, s.Pos = f.Name, f.Pos
		*r = append(*r, s)
		return err
	})
}
