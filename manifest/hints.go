package manifest

import (
	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// A Hint is what a tool annotation says. Absent and null are the same.
type Hint uint8

// The values of a hint.
const (
	Unset Hint = iota
	True
	False
)

// String returns unset, true or false.
func (h Hint) String() string { return [...]string{"unset", "true", "false"}[h] }

// Hints are the behaviour hints of a tool, as its server states them. They are
// a stranger's claims.
type Hints struct {
	ReadOnly    Hint
	Destructive Hint
	Idempotent  Hint
	OpenWorld   Hint
	// Lossy is set where the format drops an explicit false, so that Unset may
	// mean False and MCP's defaults do not apply.
	Lossy bool
}

// Any reports whether at least one hint is set.
func (h Hints) Any() bool {
	return h.ReadOnly != Unset || h.Destructive != Unset || h.Idempotent != Unset || h.OpenWorld != Unset
}

// ReadOnly reports whether the item leaves everything as it was: a tool by its
// readOnlyHint, which is false unless stated; anything else always.
func (i *Item) ReadOnly() bool { return i.Type != authz.ToolItem || i.Hints.ReadOnly == True }

// Destructive says whether a tool may destroy something, and why that is
// thought.
type Destructive uint8

// The grounds for taking a tool to be destructive.
const (
	None     Destructive = iota // it is not, or nothing says so
	Declared                    // destructiveHint is true
	Default                     // it has hints but not this one, and is not read-only: MCP's default is true
	Inferred                    // no hint tells, and its name says so
)

// String returns no, declared, default or inferred.
func (d Destructive) String() string { return [...]string{"no", "declared", "default", "inferred"}[d] }

// Destructive returns the effective value of a tool's destructiveHint. On a
// read-only tool the hint has no meaning, and other items are never
// destructive.
func (i *Item) Destructive() Destructive {
	switch {
	case i.ReadOnly(), i.Hints.Destructive == False:
		return None
	case i.Hints.Destructive == True:
		return Declared
	case i.Hints.Any() && !i.Hints.Lossy:
		return Default
	case NameSaysDestructive(i.Name), NameSaysDestructive(i.OwnName):
		return Inferred
	}
	return None
}

// A hintName has the keys of a hint: the one of MCP, the one of FastMCP 4, the
// one of OpenAI, the one of Azure.
type hintName struct {
	camel, snake, short, azure string
	hint                       func(*Hints) *Hint
}

var hintNames = []hintName{
	{"readOnlyHint", "read_only_hint", "read_only", "readOnly", func(h *Hints) *Hint { return &h.ReadOnly }},
	{"destructiveHint", "destructive_hint", "destructive", "destructive", func(h *Hints) *Hint { return &h.Destructive }},
	{"idempotentHint", "idempotent_hint", "idempotent", "idempotent", func(h *Hints) *Hint { return &h.Idempotent }},
	{"openWorldHint", "open_world_hint", "open_world", "openWorld", func(h *Hints) *Hint { return &h.OpenWorld }},
}

// hints reads the annotations of a tool, and what Azure has in their place:
// {"readOnly": {"value": true}}. Of several spellings of a hint, that of MCP
// counts.
func (r *reader) hints(tool *source.Node) Hints {
	var h Hints
	a, meta := r.mapping(tool, "annotations"), r.mapping(tool, "toolMetadata")
	for _, name := range hintNames {
		v := name.hint(&h)
		if *v = r.hint(a, name.camel); *v == Unset {
			*v = r.hint(a, name.snake)
		}
		for _, key := range []string{name.short, name.azure} { // which may mean anything else
			switch n := a.Get(key); {
			case !n.Is(source.Bool):
			case *v == Unset:
				*v = r.hint(a, key)
			case *v != r.hint(a, key):
				r.note(n.Pos, "%s: %s is not what %s says, and does not count", key, n.Text, name.camel)
			}
		}
		if *v == Unset {
			*v = r.hint(r.mapping(meta, name.azure), "value")
		}
	}
	return h
}

func (r *reader) hint(n *source.Node, key string) Hint {
	switch v := n.Get(key); {
	case v == nil || v.Is(source.Null):
		return Unset
	case !v.Is(source.Bool):
		r.want(v, key, "true or false")
		return Unset
	case v.Text == "true":
		return True
	}
	return False
}

// lossy marks the hints of tools whose format drops every explicit false. It
// does not where one stands: that was written by something that keeps them.
func lossy(items []*Item) bool {
	for _, it := range items {
		h := it.Hints
		if h.ReadOnly == False || h.Destructive == False || h.Idempotent == False || h.OpenWorld == False {
			return false
		}
	}
	for _, it := range items {
		it.Hints.Lossy = true
	}
	return true
}
