package workspace

import (
	"fmt"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/source"
)

// EnforcementPoints returns what is known of an enforcement point: as each server has it that
// it stands in front of, those that have it alike together; or as it is built in or declared,
// if no server has it. No inventory is read. A name that there is not is an error.
func EnforcementPoints(c *config.Config, name string) ([]report.EnforcementPoint, error) {
	known := authz.BuiltIn()
	for _, p := range c.Enforcement {
		known = append(known, p.Name)
	}
	if !slices.Contains(known, name) {
		return nil, fmt.Errorf("no enforcement point is called %q%s; want %s", name, source.DidYouMean(name, known), source.OneOf(known))
	}
	var list []report.EnforcementPoint
	add := func(s *config.Server) error {
		p, err := profileOf(c, name, s)
		if err != nil {
			return err
		}
		of := report.EnforcementPoint{Profile: p, Strict: c.Engine.StrictEvaluation}
		if s.Name != "" {
			of.Servers = []string{s.Name}
		}
		for i := range list {
			if list[i].Like(&of) {
				list[i].Servers = append(list[i].Servers, s.Name)
				return nil
			}
		}
		list = append(list, of)
		return nil
	}
	for _, s := range c.Servers {
		if s.Enforcement == name || s.Enforcement == "" && name == config.DefaultEnforcement {
			if err := add(s); err != nil {
				return nil, err
			}
		}
	}
	if len(list) == 0 {
		if err := add(&config.Server{}); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// profileOf returns the enforcement point of a server, for any server.
func profileOf(c *config.Config, name string, s *config.Server) (*pep.Profile, error) {
	if declared := c.Enforcement.Get(name); declared != nil {
		return customProfile(declared, pep.AnyServer, nil, nil)
	}
	return pep.New(name, pep.AnyServer, withOf(s), "")
}
