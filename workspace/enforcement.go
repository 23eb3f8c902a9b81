package workspace

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/source"
)

// checkEnforcement reports the mistakes in what a config says that enforcement
// points send, of those that no server uses too.
func checkEnforcement(c *config.Config) error {
	var errs []error
	for _, p := range c.Enforcement {
		for _, spec := range specsOf(p, nil) {
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
func (w *Workspace) profile(s *config.Server, inventory *manifest.Inventory) (*pep.Profile, error) {
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
		return customProfile(declared, s.Name, inventory, w.grants)
	}
	p, err := pep.New(name, s.Name, with, inventory.FastMCP)
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
	return pep.With{
		ResourceKind: s.With.ResourceKind, Action: s.With.Action, FastMCP: string(s.With.FastMCP),
		FilterOnDiscovery: s.With.FilterOnDiscovery, Node: s.With.Node,
		Aud: s.With.Aud, Subject: s.With.Subject, Claims: s.With.Claims, NoMappings: s.With.DeclaredMappings != nil && !*s.With.DeclaredMappings,
	}
}

// customProfile returns a declared profile in front of a server, or of any without an
// inventory. Grants are those that were read.
func customProfile(declared *config.Profile, server string, inventory *manifest.Inventory, grants grantFiles) (*pep.Profile, error) {
	specs := specsOf(declared, grants)
	p, err := pep.Custom(declared.Name, server, specs)
	for i := range specs {
		if err == nil && inventory != nil {
			err = specs[i].CheckItems(profileItems(inventory), len(inventory.Gaps) == 0)
		}
	}
	if err == nil {
		p.Declare(declared.OnNoPolicy, declared.OnPDPError, declared.OnPDPDown, declared.UnknownOperations)
		err = p.SetAnswers(answers(declared.Refused), answers(declared.Admitted))
	}
	if err != nil {
		return nil, wrong(err)
	}
	return p, nil
}

func profileItems(inventory *manifest.Inventory) []pep.Item {
	items := make([]pep.Item, len(inventory.Items))
	for i, item := range inventory.Items {
		items[i] = matrix.ProfileItem(item)
	}
	return items
}

// specsOf is what a config says about an enforcement point, in the order of the
// methods, with the grants that were read.
func specsOf(declared *config.Profile, grants grantFiles) []pep.Spec {
	var specs []pep.Spec
	for _, m := range config.Methods() {
		rule, ok := declared.Methods[m]
		if !ok {
			continue
		}
		spec := pep.Spec{Endpoint: string(m), Pos: rule.Pos, Filter: rule.Filter, Grant: grants.of(rule.Grant)}
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

// ClassOf returns a key that is the same for principals whom neither the policies of an engine
// tell apart nor what enforcement points send and grants name.
func (w *Workspace) ClassOf(e *embedded.Engine) func(*authz.Principal) string {
	var read []authz.Origin
	for _, p := range w.Config.Enforcement {
		for _, spec := range specsOf(p, nil) {
			read = append(read, spec.ReadsOfPrincipal()...)
		}
	}
	for _, s := range w.Config.Servers {
		with := withOf(s)
		read = append(read, with.ReadsOfPrincipal()...)
	}
	<-w.served
	for _, s := range w.Servers {
		read = append(read, s.Profile.ReadsOfPrincipal(profileItems(s.Inventory))...)
	}
	if len(read)+len(w.grants) == 0 {
		return e.Class
	}
	return func(p *authz.Principal) string {
		values := []any{e.Class(p)}
		for _, o := range read {
			v, ok := o.Value(p, nil)
			values = append(values, v, ok)
		}
		for _, path := range slices.Sorted(maps.Keys(w.grants)) {
			values = append(values, w.grants[path].Whose(p))
		}
		return source.JSONText(values)
	}
}

// answers returns nil for nil.
func answers(declared config.Answers) []pep.Answer {
	var list []pep.Answer
	for _, a := range declared {
		list = append(list, pep.Answer{Endpoint: string(a.Method), IsError: a.IsError, Code: a.Code, Status: a.Status, Text: a.Text, Pos: a.Pos})
	}
	return list
}
