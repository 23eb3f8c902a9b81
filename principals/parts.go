package principals

import (
	"bytes"
	"slices"

	"github.com/mcpolicy/mcpolicy/source"
)

// maxKeys is how many keys of a block mapping are parsed together: the time
// that Cerbos's parser takes grows with their square, and its stack with them.
const maxKeys = 1000

// maxEmptyCost bounds the empty values of a part, times its size: for each of
// them Cerbos's parser moves what follows.
const maxEmptyCost = 1e11

// A part of a file is some of its lines.
type part struct {
	text   []byte
	before int // lines in front of it
	fields []source.Field
}

// slow reports whether Cerbos's parser would take minutes.
func (p *part) slow() bool {
	empty := 0
	var count func(*source.Node)
	count = func(n *source.Node) {
		if n.Is(source.Null) && n.Raw == "" {
			empty++
		}
		for _, item := range n.Items {
			count(item)
		}
		for _, f := range n.Fields {
			count(f.Value)
		}
	}
	for _, f := range p.fields {
		count(f.Value)
	}
	return float64(empty)*float64(len(p.text)) > maxEmptyCost
}

// partsOf takes the entries of mappings that may well be larger, and stand
// under the given keys, out of a file. It returns the rest, with empty lines
// where they were, and the parts of each such mapping.
func partsOf(data []byte, root *source.Node, keys []string) (rest part, parts map[*source.Node][]part) {
	lines := bytes.SplitAfter(data, []byte("\n"))
	rest.fields = root.Fields
	parts = map[*source.Node][]part{}
	for _, key := range keys {
		n := root.Get(key)
		if !n.Is(source.Mapping) || len(n.Fields) <= maxKeys {
			continue
		}
		end := len(lines)
		for _, f := range root.Fields {
			if line := f.Pos.Line - 1; line >= n.Pos.Line {
				end = min(end, line)
			}
		}
		if starts, ok := startsOf(n, end); ok {
			parts[n] = cut(lines, n.Fields, starts, end)
			rest.fields = slices.DeleteFunc(slices.Clone(rest.fields), func(f source.Field) bool { return f.Value == n })
		}
	}
	rest.text = bytes.Join(lines, nil)
	return rest, parts
}

// startsOf returns the lines of the keys of a mapping, counted from 0, and
// reports whether each begins one before the end.
func startsOf(n *source.Node, end int) ([]int, bool) {
	starts := make([]int, len(n.Fields))
	last := -1
	for i, f := range n.Fields {
		starts[i] = f.Pos.Line - 1
		if starts[i] <= last || starts[i] >= end || f.Pos.Col != n.Pos.Col {
			return nil, false
		}
		last = starts[i]
	}
	return starts, true
}

func cut(lines [][]byte, fields []source.Field, starts []int, end int) []part {
	var parts []part
	for i := 0; i < len(starts); i += maxKeys {
		to := end
		if i+maxKeys < len(starts) {
			to = starts[i+maxKeys]
		}
		parts = append(parts, part{
			text: bytes.Join(lines[starts[i]:to], nil), before: starts[i], fields: fields[i:min(i+maxKeys, len(fields))],
		})
	}
	for i := starts[0]; i < end; i++ {
		lines[i] = []byte("\n")
	}
	return parts
}

// tooLarge reports the block mappings that would be parsed with more keys than
// a parser can take.
func tooLarge(data []byte, n *source.Node, parts map[*source.Node][]part) []error {
	lines := bytes.SplitAfter(data, []byte("\n"))
	var errs []error
	var walk func(*source.Node)
	walk = func(n *source.Node) {
		if len(n.Fields) > maxKeys && parts[n] == nil && !inBraces(lines, n.Pos) {
			errs = append(errs, source.Errorf(n.Pos, "a mapping of more than %d keys; write it in braces, or the file as JSON Lines or CSV", maxKeys))
		}
		for _, item := range n.Items {
			walk(item)
		}
		for _, f := range n.Fields {
			walk(f.Value)
		}
	}
	walk(n)
	return errs
}

func inBraces(lines [][]byte, pos source.Pos) bool {
	if pos.Line > len(lines) {
		return false
	}
	line := []rune(string(lines[pos.Line-1]))
	return pos.Col <= len(line) && line[pos.Col-1] == '{'
}
