package source

import (
	"errors"
	"regexp"
	"strconv"

	"github.com/tailscale/hujson"
)

// ParseJSON reads one JSON value.
func ParseJSON(file string, data []byte) (*Node, error) {
	data, err := clean(file, data)
	if err != nil {
		return nil, err
	}
	return parseJSONAt(file, data, 1, false, newBudget(), &slab{})
}

// ParseJSONC reads one JSON value that may have comments and trailing commas,
// as editors write them.
func ParseJSONC(file string, data []byte) (*Node, error) {
	data, err := clean(file, data)
	if err != nil {
		return nil, err
	}
	return parseJSONAt(file, data, 1, true, newBudget(), &slab{})
}

// parseJSONAt reads a value that starts at the first column of firstLine.
func parseJSONAt(file string, data []byte, firstLine int, lenient bool, values *budget, nodes *slab) (*Node, error) {
	if n := readQuickJSON(file, data, firstLine, values, nodes); n != nil {
		return n, nil
	}
	return readJSON(file, data, firstLine, lenient, values)
}

// readJSON reads all of the notation, and says what is wrong.
func readJSON(file string, data []byte, firstLine int, lenient bool, values *budget) (*Node, error) {
	if err := checkJSON(file, data, firstLine, values); err != nil {
		return nil, err
	}
	v, err := hujson.Parse(data)
	if err != nil {
		return nil, jsonError(file, firstLine, err)
	}
	b := jsonBuilder{lines: newLines(file, data), firstLine: firstLine}
	if !lenient && !v.IsStandard() {
		return nil, Errorf(b.pos(nonStandard(&v)), "comments and trailing commas are not JSON")
	}
	return b.node(&v), nil
}

// hujsonPosition is how hujson begins the text of a syntax error.
var hujsonPosition = regexp.MustCompile(`^hujson: line (\d+), column (\d+): `)

func jsonError(file string, firstLine int, err error) error {
	pos, msg := Pos{File: file}, err.Error()
	if m := hujsonPosition.FindStringSubmatch(msg); m != nil {
		line, errLine := strconv.Atoi(m[1])
		col, errCol := strconv.Atoi(m[2])
		if errors.Join(errLine, errCol) == nil {
			pos.Line, pos.Col = line+firstLine-1, col
			msg = msg[len(m[0]):]
		}
	}
	return Errorf(pos, "not valid JSON: %s", sentence(msg))
}

// nonStandard returns the offset of the first value that is not plain JSON.
func nonStandard(v *hujson.Value) int {
	switch comp := v.Value.(type) {
	case *hujson.Object:
		for i := range comp.Members {
			for _, part := range []*hujson.Value{&comp.Members[i].Name, &comp.Members[i].Value} {
				if !part.IsStandard() {
					return nonStandard(part)
				}
			}
		}
	case *hujson.Array:
		for i := range comp.Elements {
			if !comp.Elements[i].IsStandard() {
				return nonStandard(&comp.Elements[i])
			}
		}
	}
	return v.StartOffset
}

type jsonBuilder struct {
	lines     *lines
	firstLine int
}

func (b *jsonBuilder) pos(offset int) Pos {
	p := b.lines.pos(offset)
	p.Line += b.firstLine - 1
	return p
}

func (b *jsonBuilder) node(v *hujson.Value) *Node {
	n := &Node{Pos: b.pos(v.StartOffset)}
	switch value := v.Value.(type) {
	case *hujson.Object:
		n.Kind = Mapping
		n.Fields = make([]Field, 0, len(value.Members))
		seen := make(map[string]int, len(value.Members))
		for i := range value.Members {
			name := &value.Members[i].Name
			f := Field{Name: name.Value.(hujson.Literal).String(), Pos: b.pos(name.StartOffset)} //nolint:errcheck // a name is always a literal
			f.Value = b.node(&value.Members[i].Value)
			n.add(f, seen)
		}
	case *hujson.Array:
		n.Kind = Sequence
		n.Items = make([]*Node, 0, len(value.Elements))
		for i := range value.Elements {
			n.Items = append(n.Items, b.node(&value.Elements[i]))
		}
	case hujson.Literal:
		switch value.Kind() {
		case 'n':
			n.Kind = Null
		case 't', 'f':
			n.Kind, n.Text = Bool, string(value)
		case '0':
			n.Kind, n.Text = Number, string(value)
		default:
			n.Kind, n.Text = String, value.String()
		}
	}
	return n
}

// add appends a field, moving an earlier one of that name to Duplicates.
func (n *Node) add(f Field, seen map[string]int) {
	if i, ok := seen[f.Name]; ok {
		n.Duplicates = append(n.Duplicates, n.Fields[i])
		n.Fields[i] = f
		return
	}
	seen[f.Name] = len(n.Fields)
	n.Fields = append(n.Fields, f)
}
