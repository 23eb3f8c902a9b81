package lint

import (
	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/source"
)

// Administrators are the principals that are meant to reach nearly all. What
// names them may be a glob.
type Administrators struct {
	Roles      []string
	Principals []string // keys
}

// has reports whether a principal is one of them.
func (a *Administrators) has(p *authz.Principal) bool {
	if matchesAny(a.Principals, p.Key) {
		return true
	}
	for _, role := range p.Roles {
		if matchesAny(a.Roles, role) {
			return true
		}
	}
	return false
}

// A Duty declares sets of tools, by names or globs, of which no principal may
// call two.
type Duty struct {
	Name   string
	Server string // "" for the tools of all servers together
	Sets   [][]string
	Pos    source.Pos
}

// Flows say which tools bring data in and which take it out. A nil list says nothing,
// so that what belongs in it is inferred.
type Flows struct {
	Untrusted []Label // take in what strangers wrote
	Private   []Label // read what is not for everybody
	Outbound  []Label // send data out

	// Servers are those that the config declares: of what is named of one that the run is
	// not about, nothing is known.
	Servers []string
}

// A Label names tools, by a name or a glob, of one server (crm:get_*) or of all.
type Label struct {
	Pos   source.Pos
	Tools string
}

// An Assertion is what a case of a suite expects of an operation on an item,
// and what was decided. Cases that were skipped assert nothing.
type Assertion struct {
	Item      *manifest.Item
	Operation authz.Operation
	Allowed   bool         // it expects that some request is allowed
	Denied    bool         // it expects that some request is denied
	Cell      *matrix.Cell // nil if nothing was decided
}
