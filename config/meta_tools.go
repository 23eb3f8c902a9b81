package config

import (
	"fmt"

	"github.com/mcpolicy/mcpolicy/internal/glob"
	"github.com/mcpolicy/mcpolicy/source"
)

// A MetaTool says what tools are that call others by name, or look like it.
type MetaTool struct {
	Pattern string // a name or a glob
	Pos     source.Pos
	Kind    MetaKind
}

// A MetaKind is what a tool is that calls others, or looks like it.
type MetaKind uint8

// The kinds.
const (
	MetaUnasked MetaKind = iota // the enforcement point is not asked about the tools that it calls
	MetaAsked                   // it is
	MetaNone                    // it calls no others
)

var metaKinds = []string{"unasked", "asked", "none"}

// MetaTools are what is said of tools, sorted by pattern. What is said of a name counts before
// what is said of a pattern.
type MetaTools []MetaTool

// DecodeNode reads a mapping from names or globs.
func (m *MetaTools) DecodeNode(n *source.Node) error {
	return entries(n, "metaTools", func(f source.Field) error {
		t := MetaTool{Pattern: f.Name, Pos: f.Pos}
		if _, err := glob.Compile(f.Name); err != nil {
			return source.Errorf(f.Pos, "metaTools: %w", err)
		}
		if !f.Value.Is(source.String) {
			return source.Errorf(f.Value.Pos, "metaTools: want %s, have %s", source.OneOf(metaKinds), f.Value.Describe())
		}
		err := source.DecodeWord(f.Value, fmt.Sprintf("metaTools.%s", f.Name), metaKinds, &t.Kind)
		*m = append(*m, t)
		return err
	})
}
