package workspace

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/explain"
	"github.com/mcpolicy/mcpolicy/internal/coverage"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/source"
)

// An Attempt is a principal's operation on an item, which may be allowed or not.
type Attempt struct {
	Principal *authz.Principal
	Server    *matrix.Server
	Item      *manifest.Item
	Operation authz.Operation
	Arguments map[string]any // nil where they are open
}

// Explain says why an attempt is allowed or denied.
func (w *Workspace) Explain(ctx context.Context, q *Attempt) (*explain.Explanation, error) {
	m, err := w.matrixOf(ctx, q.Server, q.Item, q.Principal)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(m.Columns, func(c *matrix.Column) bool { return c.Operation == q.Operation })
	if i < 0 {
		return nil, wrong(fmt.Errorf("a %s has no operation %s", q.Item.Type, q.Operation))
	}
	if err := w.stableFor(m, m.Columns[i]); err != nil {
		return nil, err
	}
	if err := w.Simplify(ctx, m); err != nil {
		return nil, err
	}
	_, end := w.o.Progress.begin("explaining")
	defer end()
	return explain.Explain(ctx, &explain.Input{
		Matrix: m, Engine: w.Engine, Policies: w.Policies, Principal: q.Principal, Column: m.Columns[i], Arguments: q.Arguments,
		Attributes: w.principalSchema(m.Columns[i], map[*policy.Schema]*source.Node{}), Now: w.Now,
	})
}

// Principal returns the declared principal of a key.
func (w *Workspace) Principal(key string) (*authz.Principal, error) {
	if p := w.Principals.Get(key); p != nil {
		return p, nil
	}
	var keys []string
	for _, p := range w.Principals.Principals {
		keys = append(keys, p.Key)
	}
	return nil, wrong(fmt.Errorf("no principal is called %q%s; --role describes one that is not declared", key, source.DidYouMean(key, keys)))
}

// CheckRoles reports the roles that neither the policies nor the principals
// know: a slip in one looks like a denial.
func (w *Workspace) CheckRoles(roles []string) error {
	known := coverage.RolesNamed(w.Policies)
	for _, p := range w.Principals.Principals {
		known = append(known, p.Roles...)
	}
	known = slices.DeleteFunc(known, func(name string) bool { return name == "*" })
	slices.Sort(known)
	known = slices.Compact(known)
	var errs []error
	for _, role := range roles {
		if !slices.ContainsFunc(known, func(name string) bool {
			ok, err := policy.MatchRole(name, role)
			return ok && err == nil
		}) {
			errs = append(errs, wrong(fmt.Errorf("--role: no policy names the role %q, and nobody declared has it%s", role, source.DidYouMean(role, known))))
		}
	}
	return errors.Join(errs...)
}

// Item finds an item by its name, of a server unless that is "" and of a type
// unless that is "". With a type it need not be in an inventory.
func (w *Workspace) Item(ofServer, ofType, name string) (*matrix.Server, *manifest.Item, error) {
	var names, servers []string
	var server *matrix.Server
	var item *manifest.Item
	for _, s := range w.Servers {
		servers = append(servers, s.Name)
		if ofServer != "" && s.Name != ofServer {
			continue
		}
		for _, i := range s.Inventory.Items {
			names = append(names, i.Name)
			if i.Name != name || ofType != "" && i.Type.String() != ofType {
				continue
			}
			if item != nil && server != s {
				return nil, nil, wrong(fmt.Errorf("%s and %s both have %q: say which with --server", server.Name, s.Name, name))
			}
			server, item = s, i
		}
	}
	switch {
	case item != nil:
		return server, item, nil
	case ofServer != "" && !slices.Contains(servers, ofServer):
		return nil, nil, noServer(ofServer, servers)
	case ofType == "":
		return nil, nil, wrong(fmt.Errorf("no tool, prompt or resource is called %q%s; --type asks about one that no inventory has", name, source.DidYouMean(name, names)))
	}
	for _, s := range w.Servers {
		if s.Name == ofServer || ofServer == "" && len(w.Servers) == 1 {
			for _, t := range authz.ItemTypes() {
				if t.String() == ofType {
					return s, &manifest.Item{Type: t, Name: name}, nil
				}
			}
			return nil, nil, wrong(fmt.Errorf("--type: want tool, prompt, resource or resourceTemplate, have %q", ofType))
		}
	}
	return nil, nil, wrong(fmt.Errorf("several servers are declared: say which one with --server, of %s", strings.Join(servers, ", ")))
}

func noServer(name string, servers []string) error {
	return wrong(fmt.Errorf("no server is called %q%s", name, source.DidYouMean(name, servers)))
}
