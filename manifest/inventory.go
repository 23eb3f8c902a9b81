package manifest

import (
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// An Inventory is what one MCP server offers, as far as a file says.
type Inventory struct {
	Server   string // what the file calls the server, or ""
	Format   Format
	FastMCP  string // the version of FastMCP that the server runs on ("2.14.7"), or ""
	Protocol string // the MCP protocol version ("2025-11-25"), or ""

	Items []*Item // by type, each type in the order of the file
	Types TypeSet // the types that the file speaks of, if only to say that there are none

	Gaps  []Gap  // why there may be more than Items; none for a whole inventory
	Notes []Note // oddities that do not stand in the way
	Pos   source.Pos
}

// HasType reports whether the file says which items of the type there are.
func (inv *Inventory) HasType(t authz.ItemType) bool { return inv.Types.Has(t) }

// Of returns the items of one type.
func (inv *Inventory) Of(t authz.ItemType) []*Item {
	var list []*Item
	for _, it := range inv.Items {
		if it.Type == t {
			list = append(list, it)
		}
	}
	return list
}

// An Item is one thing that a server offers.
type Item struct {
	Type authz.ItemType
	// Name is what calls, gets and reads use: the wire name of a tool or
	// prompt, the URI of a resource, the URI template of a template.
	Name string
	// OwnName is the name that a mounted item of FastMCP 2 goes by in lists
	// inside the server, where it differs from Name; else "".
	OwnName     string
	Title       string // the title, or else the free-text name of a resource
	Description string
	Pos         source.Pos

	Schema *source.Node // a tool's inputSchema; nil where the format has none
	Hints  Hints
	// Annotations and Meta are what the server says under annotations and _meta, or nil.
	Annotations, Meta *source.Node

	Tags []string // FastMCP's, sorted
	// Version is the item's own version in FastMCP 3 and later, or "".
	Version string
	// TaskSupport is forbidden, optional, required, or "" where nothing is said.
	TaskSupport string
	// Arguments are those of a prompt, and of a tool in Docker's formats,
	// which have no schema.
	Arguments []Argument
}

// An Argument is one argument of a prompt.
type Argument struct {
	Name     string
	Required bool
}

// A Gap is a reason why a server may offer more than its inventory says.
type Gap struct {
	Reason  GapReason
	Pos     source.Pos
	Message string // what is missing, and what to do about it
	// Types are the item types that the gap is about. Empty means that the
	// file does not say, so any.
	Types TypeSet
}

// A GapReason is a kind of [Gap].
type GapReason uint8

// The reasons for a gap.
const (
	Truncated GapReason = iota // one page of a longer list
	Generated                  // the server makes more items at run time
	Dynamic                    // the items are known only to the running server
	Empty                      // there is nothing at all
	Guarded                    // authorization hid the items from whoever took the inventory
	Failed                     // the server answered a list request with an error
	Unread                     // a part of the file looks like items, and is not understood
)

// String returns the reason in one word.
func (r GapReason) String() string {
	return [...]string{"truncated", "generated", "dynamic", "empty", "guarded", "failed", "unread"}[r]
}

// A Note is an oddity of a file that does not change what is offered.
type Note struct {
	Pos     source.Pos
	Message string
}

// A TypeSet is a set of item types.
type TypeSet uint8

// Types returns the set of the given types.
func Types(types ...authz.ItemType) TypeSet {
	var s TypeSet
	for _, t := range types {
		s |= 1 << t
	}
	return s
}

// Has reports whether t is in the set.
func (s TypeSet) Has(t authz.ItemType) bool { return s&(1<<t) != 0 }

// String lists the types: tools, prompts, resources, resource templates.
func (s TypeSet) String() string {
	var list []string
	for _, t := range authz.ItemTypes() {
		if s.Has(t) {
			list = append(list, plural(t))
		}
	}
	return strings.Join(list, ", ")
}

// singular returns the type in the words of a message.
func singular(t authz.ItemType) string {
	return [...]string{"tool", "prompt", "resource", "resource template"}[t]
}

func plural(t authz.ItemType) string { return singular(t) + "s" }
