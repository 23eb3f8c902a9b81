package config

import (
	"errors"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// Lint sets up the lint rules.
type Lint struct {
	Pos source.Pos
	// The severity from which on a finding makes the run fail; off, and none does.
	FailOn authz.Severity `yaml:"failOn"`
	// The principals that are meant to reach nearly all.
	Administrators Administrators `yaml:"administrators"`
	// Sets of tools of which no principal may call two.
	SeparationOfDuties []SeparationOfDuties `yaml:"separationOfDuties"`
	// Which tools bring data in and which take it out. A list that is left out is inferred; an
	// empty one says that there are none.
	Flows *Flows `yaml:"flows"`
	// The file of the findings that are known and do not count, which mcpolicy baseline writes.
	// Default: beside this file, mcpolicy-baseline.yaml.
	Baseline Path `yaml:"baseline"`
	// Settings of lint rules, by their IDs.
	Rules RuleSettings `yaml:"rules"`
}

// Administrators are the principals that are meant to reach nearly all.
type Administrators struct {
	Pos source.Pos
	// Roles that make somebody an administrator.
	Roles []string `yaml:"roles"`
	// Keys of principals.
	Principals []string `yaml:"principals"`
}

// SeparationOfDuties declares sets of tools, by names or globs, of which no
// principal may call two.
type SeparationOfDuties struct {
	Pos source.Pos
	// What findings call it.
	Name string `yaml:"name"`
	// The server that it is about. All servers, if none is named.
	Server string `yaml:"server"`
	// Sets of names of tools, or globs, of which nobody may call tools of two.
	Sets [][]string `yaml:"sets"`
}

// DecodeNode reads a mapping.
func (s *SeparationOfDuties) DecodeNode(n *source.Node) error {
	type plain SeparationOfDuties
	if n.Is(source.Null) {
		return source.Errorf(n.Pos, "want a separation of duties, have null")
	}
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

// Flows says which tools bring data in, and which take it out.
type Flows struct {
	Pos source.Pos
	// Tools that take in what strangers wrote.
	Untrusted FlowTools `yaml:"untrusted"`
	// Tools that read what is not for everybody.
	Private FlowTools `yaml:"private"`
	// Tools that send data out.
	Outbound FlowTools `yaml:"outbound"`
}

// FlowTools are names or globs of tools, with the server before them (crm:get_*) or of
// all servers.
//
// Nil says nothing, an empty list that there are none.
type FlowTools []FlowTool

// A FlowTool is a name or glob of tools.
type FlowTool struct {
	Pos  source.Pos
	Name string
}

// DecodeNode reads a mapping.
func (f *Flows) DecodeNode(n *source.Node) error {
	type plain Flows
	err := source.Decode(n, (*plain)(f))
	if n.Is(source.Mapping) && len(n.Fields) == 0 {
		err = errors.Join(err, source.Errorf(n.Pos, "flows says nothing: want untrusted, private or outbound"))
	}
	return err
}

// DecodeNode reads a list of names.
func (t *FlowTools) DecodeNode(n *source.Node) error {
	if n.Is(source.Null) {
		return nil
	}
	if !n.Is(source.Sequence) {
		return source.Errorf(n.Pos, "flows: want a list of tools, have %v", n.Kind)
	}
	*t = FlowTools{}
	var errs []error
	for _, item := range n.Items {
		switch {
		case !item.Is(source.String):
			errs = append(errs, source.Errorf(item.Pos, "flows: want the name of a tool, have %v", item.Kind))
		case strings.TrimSpace(item.Text) == "":
			errs = append(errs, source.Errorf(item.Pos, "flows: the name of a tool is empty"))
		}
		*t = append(*t, FlowTool{item.Pos, item.Text})
	}
	return errors.Join(errs...)
}

// A RuleSetting changes a lint rule.
type RuleSetting struct {
	ID  string
	Pos source.Pos // of the ID
	// How much a finding of the rule matters; without it, as the rule has it.
	Severity *authz.Severity `yaml:"severity"`
	// How sure a finding has to be: those of less confidence are left out.
	Confidence *authz.Confidence `yaml:"confidence"`
	// The rule's own options: mcpolicy rules ID tells which.
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
