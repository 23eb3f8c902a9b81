package matrix

import (
	"iter"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/source"
)

// Access is what a principal may do in a cell.
type Access uint8

// The kinds of access. Denied is the zero value.
const (
	Denied      Access = iota // whatever the arguments, or those that the inputSchema allows
	Allowed                   // the same
	Conditional               // for some arguments
	Unguarded                 // no policy has a say: the enforcement point sends no request, or lets pass what no policy covers
	Refused                   // by the enforcement point itself, which asks nobody or gets no decision, whatever the arguments
)

// Accesses lists the names of the kinds of access, in the order of their values.
func Accesses() []string { return append([]string(nil), accessNames...) }

var accessNames = []string{"denied", "allowed", "conditional", "unguarded", "refused"}

// ParseAccess returns the access of that name.
func ParseAccess(name string) (Access, bool) {
	i := slices.Index(accessNames, name)
	return Access(max(i, 0)), i >= 0 //nolint:gosec // five names
}

// String returns denied, allowed, conditional, unguarded or refused.
func (a Access) String() string { return accessNames[a] }

// Possible reports whether some call succeeds.
func (a Access) Possible() bool { return a != Denied && a != Refused }

// A Server is an MCP server and what stands in front of it.
type Server struct {
	Name      string
	Inventory *manifest.Inventory
	Profile   *pep.Profile
	// MetaTools are the tools that call others, about which the enforcement point is not
	// asked again.
	MetaTools []manifest.MetaTool
}

// A Column is an operation on an item of a server.
type Column struct {
	Index     int
	Server    *Server
	Item      *manifest.Item
	Operation authz.Operation
	Question  pep.Question

	// Twin is the column of the other operation on the item.
	Twin *Column
}

// Open returns the column with requests that leave open who asks, but for the roles, and
// what time it is, as said.
func (c *Column) Open(principal, time bool) *Column {
	open := *c
	open.Question.Requests = slices.Clone(c.Question.Requests)
	for i := range open.Question.Requests {
		r := &open.Question.Requests[i]
		r.AnyPrincipal, r.AnyTime = r.AnyPrincipal || principal, r.AnyTime || time
	}
	if g := c.Question.Grant; g != nil && principal {
		anybody := *g
		anybody.AnyPrincipal = true
		open.Question.Grant = &anybody
	}
	return &open
}

// ArgumentsSchema returns the inputSchema of the arguments that decisions may look at: those
// that a column takes, or that a list leaves open which shows what is possible. It is nil
// where there is none.
func (c *Column) ArgumentsSchema() *source.Node {
	if !c.TakesArguments() && !c.Question.Possible {
		return nil
	}
	return c.Item.ArgumentsSchema()
}

// TakesArguments reports whether decisions may look at arguments: those of a call and of a
// prompt, and those of a read where the enforcement point sends them.
func (c *Column) TakesArguments() bool {
	return c.Operation.TakesArguments() && (c.Operation != authz.Read || slices.ContainsFunc(c.Question.Requests, func(r authz.Request) bool { return r.Unknown != nil }))
}

// ShowsOthers reports whether policies see others than the declared principals: what is known
// of these says nothing of their roles and attributes.
func (c *Column) ShowsOthers() bool {
	return slices.ContainsFunc(c.Question.Requests, func(r authz.Request) bool { return r.By != nil })
}

// A Rule is a policy rule that took part in a cell.
type Rule struct {
	ID     string // as Cerbos names it
	Name   string // what its author called it, or its number
	Effect authz.Effect
	Met    authz.Met
	Pos    source.Pos   // zero if the policies are not at hand
	Syntax *policy.Rule // nil if the policies are not at hand
}

// A Cell is the access of a class in a column.
type Cell struct {
	Access    Access
	Condition authz.Condition // of Conditional
	// Settlement says why a cell is denied or allowed that the engine left open.
	Settlement Settlement
	// Grant is what decides of a list that is filtered by a grant: no policy does.
	Grant *pep.Granted
	Rules []Rule // sorted by ID
	// NoPolicy is set on a denial for want of a policy, and on an unguarded cell where
	// requests are sent: none covers what the enforcement point asks about.
	NoPolicy bool
	Refusal  *authz.Refusal // of Refused
	// Validation is what the policies' schemas refuse in the request. It is empty
	// if the engine is set to ignore schemas.
	Validation []authz.ValidationError
	// Errors are the expressions that could not be evaluated.
	Errors []authz.EvalError
}

// Decisive returns the rules that made the cell what it is: those that fired
// or may fire with its effect, a denial's before an allowance's.
func (c *Cell) Decisive() []Rule {
	pick := func(effect authz.Effect) []Rule {
		var list []Rule
		for _, r := range c.Rules {
			if r.Effect == effect && r.Met != authz.Unmet {
				list = append(list, r)
			}
		}
		return list
	}
	switch {
	case c.Access == Denied && !c.Settlement.Settled():
		return pick(authz.Deny)
	case c.Access == Denied, c.Access == Conditional:
		return append(pick(authz.Allow), pick(authz.Deny)...)
	}
	return pick(authz.Allow)
}

// A Matrix has a cell for each class and column.
type Matrix struct {
	Servers []*Server
	Classes []*Class  // sorted by the keys of their first principals
	Columns []*Column // by server, in the order of its inventory, list before use

	// Decisions is how many different decisions the engine was asked for: of a
	// request for a class.
	Decisions int

	cells    [][]uint32 // by class and column: the number of an interned cell plus one, or 0 if undecided
	interned interned
	settler  *settler
	classes  *Classes
	input    *Input
}

// Cell returns the cell of a class in a column. It must be decided.
func (m *Matrix) Cell(c *Class, col *Column) *Cell {
	n := m.cells[c.Index][col.Index]
	if n == 0 {
		panic("matrix: a cell is looked at that is not decided")
	}
	return m.interned.cells[n-1]
}

// Decided reports whether all cells of a column are decided.
func (m *Matrix) Decided(col *Column) bool { return len(m.undecidedOf(col, m.Classes)) == 0 }

// A CellKey says which cell is meant, decided or not.
type CellKey struct {
	Class  *Class
	Column *Column
}

// A Ref names a cell.
type Ref struct {
	Class  *Class
	Column *Column
	*Cell
}

// All yields every cell, class by class.
func (m *Matrix) All() iter.Seq[Ref] {
	return func(yield func(Ref) bool) {
		for _, c := range m.Classes {
			for _, col := range m.Columns {
				if !yield(Ref{c, col, m.Cell(c, col)}) {
					return
				}
			}
		}
	}
}

// ClassOf returns the class of the principal with that key, or nil.
func (m *Matrix) ClassOf(key string) *Class { return m.classes.of[key] }

// Principals yields every principal, class by class.
func (m *Matrix) Principals() iter.Seq[*authz.Principal] { return principalsOf(m.Classes) }

// Policies returns the policies that the matrix was built with, or nil.
func (m *Matrix) Policies() *policy.Set { return m.input.Policies }

// Server returns the server of that name, or nil.
func (m *Matrix) Server(name string) *Server {
	for _, s := range m.Servers {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// ColumnsOf yields the columns of a server.
func (m *Matrix) ColumnsOf(s *Server) iter.Seq[*Column] {
	return func(yield func(*Column) bool) {
		for _, col := range m.Columns {
			if col.Server == s && !yield(col) {
				return
			}
		}
	}
}
