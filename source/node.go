package source

import (
	"encoding/json"
	"math"
	"strconv"
)

// Limits on input files. They are far above anything seen in the wild and far
// below what would hurt.
const (
	MaxBytes   = 32 << 20 // the size of a file
	MaxDepth   = 512      // the nesting of a value
	MaxValues  = 1 << 20  // the values of a file, and the names of fields
	MaxAliased = 1 << 18  // the values that the aliases of a YAML file expand to
)

// A Kind says what a node is.
type Kind uint8

// The kinds of a node.
const (
	Null Kind = iota
	Bool
	Number
	String
	Sequence
	Mapping
)

// String returns the kind in the words of an error message.
func (k Kind) String() string {
	return [...]string{"null", "a boolean", "a number", "a string", "a list", "a mapping"}[k]
}

// A Node is a JSON or YAML value and where it stands.
type Node struct {
	Kind   Kind
	Pos    Pos
	Text   string  // of a scalar: the string itself, the number as JSON writes it, "true" or "false"
	Raw    string  // of a YAML scalar: what stands in the file, where Text differs
	Items  []*Node // of a sequence
	Fields []Field // of a mapping, in the order of the file
	// Duplicates holds fields of a mapping whose name came again later. The
	// later one counts, as in JSON parsers at large.
	Duplicates []Field
}

// A Field is one entry of a mapping.
type Field struct {
	Name  string
	Pos   Pos // of the name
	Value *Node
}

// Get returns the value of the field with that name, or nil. It may be called
// on nil and on nodes that are no mappings.
func (n *Node) Get(name string) *Node {
	if n == nil {
		return nil
	}
	for i := range n.Fields {
		if n.Fields[i].Name == name {
			return n.Fields[i].Value
		}
	}
	return nil
}

// Is reports whether n is there and of that kind.
func (n *Node) Is(k Kind) bool { return n != nil && n.Kind == k }

// Str returns the text of a string, or "" for anything else.
func (n *Node) Str() string {
	if n.Is(String) {
		return n.Text
	}
	return ""
}

// Value returns the node as encoding/json would decode it into an any: nil,
// bool, float64, string, []any or map[string]any.
func (n *Node) Value() any {
	if n == nil {
		return nil
	}
	switch n.Kind {
	case Bool:
		return n.Text == "true"
	case Number:
		f, err := strconv.ParseFloat(n.Text, 64)
		if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
			return n.Text
		}
		return f
	case String:
		return n.Text
	case Sequence:
		list := make([]any, len(n.Items))
		for i, item := range n.Items {
			list[i] = item.Value()
		}
		return list
	case Mapping:
		m := make(map[string]any, len(n.Fields))
		for i := range n.Fields {
			m[n.Fields[i].Name] = n.Fields[i].Value.Value()
		}
		return m
	case Null:
	}
	return nil
}

// JSON returns the node as compact JSON with sorted keys.
func (n *Node) JSON() []byte {
	b, err := json.Marshal(n.Value())
	if err != nil {
		return []byte("null") // a tree of plain values always marshals
	}
	return b
}
