package report

import (
	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// The summary of a matrix in JSON: for each server and set of roles how many
// items there is which access to. Where the principals of a set differ, the
// numbers are the least and the most of any one of them.
type (
	overviewJSON struct {
		Server     string         `json:"server"`
		Principals int            `json:"principals"`
		Classes    int            `json:"classes"`
		Cells      map[string]int `json:"cells"` // by access
		Groups     []groupJSON    `json:"groups"`
	}
	groupJSON struct {
		Roles      []string       `json:"roles"`
		Principals int            `json:"principals"`
		Agents     int            `json:"agents,omitempty"`    // of the principals
		Workloads  int            `json:"workloads,omitempty"` // of the principals
		Classes    int            `json:"classes"`
		Access     []itemTypeJSON `json:"access"`
	}
	itemTypeJSON struct {
		Type      string            `json:"type"`
		Operation string            `json:"operation"`
		Items     int               `json:"items"`
		Counts    map[string][2]int `json:"counts"` // by access; without those that are 0
	}
)

func jsonOverview(o *overview) overviewJSON {
	j := overviewJSON{
		Server: o.server.Name, Principals: o.principals, Classes: o.classes,
		Cells: map[string]int{}, Groups: []groupJSON{},
	}
	for a, n := range o.cells {
		if n > 0 {
			j.Cells[matrix.Access(a).String()] = n
		}
	}
	for _, g := range o.groups {
		of := groupJSON{Roles: g.roles, Principals: g.principals, Agents: g.kinds[authz.Agent], Workloads: g.kinds[authz.Workload], Classes: g.classes, Access: []itemTypeJSON{}}
		for _, t := range authz.ItemTypes() {
			if o.items[t] == 0 {
				continue
			}
			for op := range 2 {
				it := itemTypeJSON{Type: t.String(), Operation: operation(t, op).String(), Items: o.items[t], Counts: map[string][2]int{}}
				for a, n := range g.counts[t][op] {
					if n.most > 0 {
						it.Counts[matrix.Access(a).String()] = [2]int{n.least, n.most}
					}
				}
				of.Access = append(of.Access, it)
			}
		}
		j.Groups = append(j.Groups, of)
	}
	return j
}
