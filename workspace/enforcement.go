package workspace

import (
	"errors"
	"fmt"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/source"
)

// checkEnforcement reports the mistakes in what a config says that enforcement
// points send, of those that no server uses too.
func checkEnforcement(c *config.Config) error {
	var errs []error
	for _, p := range c.Enforcement {
		for _, spec := range specsOf(p) {
			errs = append(errs, spec.CheckPlaceholders())
		}
	}
	for _, s := range c.Servers {
		if c.Enforcement.Get(s.Enforcement) == nil && slices.Contains(authz.BuiltIn(), s.Enforcement) {
			_, err := pep.New(s.Enforcement, s.Name, withOf(s), "")
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// profile returns the enforcement point in front of a server.
func (w *Workspace) profile(s *config.Server, fastMCP string) (*pep.Profile, error) {
	name := s.Enforcement
	with := withOf(s)
	if w.o.Enforcement != "" {
		name = w.o.Enforcement
	}
	if w.o.ResourceKind != "" {
		with.ResourceKind, with.Node = w.o.ResourceKind, nil
	}
	if name == "" {
		name = config.DefaultEnforcement
	}
	if declared := w.Config.Enforcement.Get(name); declared != nil {
		return customProfile(declared, s.Name)
	}
	p, err := pep.New(name, s.Name, with, fastMCP)
	if err == nil {
		return p, nil
	}
	var errs []error
	for _, mistake := range source.Mistakes(err) {
		if with.Node == nil && w.o.ResourceKind != "" && slices.Contains(authz.BuiltIn(), name) {
			mistake = fmt.Errorf("--resource-kind: %w", mistake)
		}
		errs = append(errs, wrong(mistake))
	}
	return nil, errors.Join(errs...)
}

func withOf(s *config.Server) pep.With {
	return pep.With{ResourceKind: s.With.ResourceKind, Action: s.With.Action, FastMCP: string(s.With.FastMCP), Node: s.With.Node}
}

func customProfile(declared *config.Profile, server string) (*pep.Profile, error) {
	p, err := pep.Custom(declared.Name, server, specsOf(declared))
	if err == nil {
		err = p.SetAnswers(answers(declared.Refused), answers(declared.Admitted))
	}
	if err != nil {
		return nil, wrong(err)
	}
	return p, nil
}

// specsOf is what a config says about an enforcement point, in the order of the
// methods.
func specsOf(declared *config.Profile) []pep.Spec {
	var specs []pep.Spec
	for _, m := range config.Methods() {
		rule, ok := declared.Methods[m]
		if !ok {
			continue
		}
		spec := pep.Spec{Endpoint: string(m), Pos: rule.Pos, Filter: rule.Filter}
		for _, r := range rule.Requests {
			spec.Requests = append(spec.Requests, pep.RequestSpec{
				Kind: r.Kind, ID: r.ID, Action: r.Action, Attr: r.Attr,
				PolicyVersion: r.PolicyVersion, Scope: r.Scope, Pos: r.Pos, Node: r.Node,
			})
		}
		specs = append(specs, spec)
	}
	return specs
}

// answers returns nil for nil.
func answers(declared config.Answers) []pep.Answer {
	var list []pep.Answer
	for _, a := range declared {
		list = append(list, pep.Answer{Endpoint: string(a.Method), IsError: a.IsError, Code: a.Code, Status: a.Status, Text: a.Text, Pos: a.Pos})
	}
	return list
}
