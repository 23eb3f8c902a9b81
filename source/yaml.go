package source

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// ParseYAML reads the documents of a YAML file; JSON is YAML too. Aliases and
// merge keys are expanded within [MaxAliased]. A file without any document, or
// with nothing but comments, gives no nodes.
func ParseYAML(file string, data []byte) ([]*Node, error) {
	data, err := clean(file, data)
	if err != nil {
		return nil, err
	}
	if err := checkYAML(file, data); err != nil {
		return nil, err
	}
	values := newBudget()
	if nodes := readQuickYAML(file, data, *values); nodes != nil {
		return nodes, nil
	}
	return readYAML(file, data, values)
}

// readYAML reads all of the notation, and says what is wrong.
func readYAML(file string, data []byte, values *budget) ([]*Node, error) {
	var nodes []*Node
	d := yaml.NewDecoder(bytes.NewReader(data))
	b := yamlBuilder{file: file, values: values, open: map[*yaml.Node]bool{}}
	for {
		var doc yaml.Node
		switch err := d.Decode(&doc); {
		case errors.Is(err, io.EOF):
			return nodes, nil
		case err != nil:
			return nil, yamlError(file, data, err)
		}
		if len(doc.Content) == 0 {
			continue
		}
		n := b.node(doc.Content[0], 0)
		if b.err != nil {
			return nil, b.err
		}
		nodes = append(nodes, n)
	}
}

// checkYAML refuses flow nesting, indentation and a number of values that no
// real file has, before the parser sees them.
func checkYAML(file string, data []byte) error {
	line := 0
	flow := 0
	values := 0 // that may begin: a bound, for what looks so can be part of a text
	for text := range bytes.Lines(data) {
		line++
		dashes := len(text) - len(bytes.TrimLeft(text, " -"))
		depth := bytes.Count(text[:dashes], []byte("-"))
		opened := bytes.Count(text, []byte("[")) + bytes.Count(text, []byte("{"))
		values += 1 + depth + opened + bytes.Count(text, []byte(",")) + bytes.Count(text, []byte(": ")) + bytes.Count(text, []byte("? "))
		if values > 2*MaxValues { // it is counted again when the tree is built
			return tooMany(Pos{File: file, Line: line, Col: 1})
		}
		flow += opened
		flow -= bytes.Count(text, []byte("]")) + bytes.Count(text, []byte("}"))
		// Brackets in text make the count of a line inexact, so the bound for
		// flow nesting is generous; the tree is measured again when built.
		if depth > MaxDepth || flow > 8*MaxDepth {
			return Errorf(Pos{File: file, Line: line, Col: 1}, "values are nested more than %d deep", MaxDepth)
		}
		flow = max(flow, 0)
	}
	return nil
}

var yamlPosition = regexp.MustCompile(`^(?:yaml: )?(?:unmarshal errors:\s*)?line (\d+): `)

func yamlError(file string, data []byte, err error) error {
	pos, msg := Pos{File: file}, err.Error()
	if m := yamlPosition.FindStringSubmatch(msg); m != nil {
		if line, err := strconv.Atoi(m[1]); err == nil {
			pos.Line, pos.Col = line, 1
			msg = msg[len(m[0]):]
		}
	}
	if strings.Contains(msg, "tab character") || strings.Contains(msg, "cannot start any token") {
		if line, col := indentingTab(data, pos.Line); line > 0 {
			return Errorf(Pos{File: file, Line: line, Col: col}, "not valid YAML: this line is indented by a tab; YAML takes spaces only")
		}
	}
	return Errorf(pos, "not valid YAML: %s", sentence(strings.TrimPrefix(msg, "yaml: ")))
}

// indentingTab returns where the first tab is that indents a line, from a line
// on, or zeros.
func indentingTab(data []byte, from int) (line, col int) {
	for text := range bytes.Lines(data) {
		line++
		indentation := text[:len(text)-len(bytes.TrimLeft(text, " \t"))]
		if i := bytes.IndexByte(indentation, '\t'); i >= 0 && line >= from {
			return line, i + 1
		}
	}
	return 0, 0
}

type yamlBuilder struct {
	file    string
	values  *budget
	aliased int                 // the nodes that come from aliases
	open    map[*yaml.Node]bool // anchors being expanded
	err     error
}

func (b *yamlBuilder) fail(y *yaml.Node, format string, args ...any) *Node {
	if b.err == nil {
		b.err = Errorf(b.pos(y), format, args...)
	}
	return &Node{Pos: b.pos(y)}
}

func (b *yamlBuilder) pos(y *yaml.Node) Pos { return Pos{File: b.file, Line: y.Line, Col: y.Column} }

func (b *yamlBuilder) node(y *yaml.Node, depth int) *Node {
	if len(b.open) > 0 {
		b.aliased++
	}
	switch {
	case b.err != nil:
		return &Node{Pos: b.pos(y)}
	case depth > MaxDepth:
		return b.fail(y, "values are nested more than %d deep", MaxDepth)
	case b.aliased > MaxAliased:
		return b.fail(y, "aliases expand to more than %d values", MaxAliased)
	case !b.values.spend():
		b.err = tooMany(b.pos(y))
		return &Node{Pos: b.pos(y)}
	}
	n := &Node{Pos: b.pos(y)}
	switch y.Kind {
	case yaml.MappingNode:
		n.Kind = Mapping
		b.fields(n, y, depth, map[string]int{})
	case yaml.SequenceNode:
		n.Kind = Sequence
		for _, item := range y.Content {
			n.Items = append(n.Items, b.node(item, depth+1))
		}
	case yaml.AliasNode:
		return b.alias(y, depth)
	case yaml.ScalarNode:
		b.scalar(n, y)
	case yaml.DocumentNode:
		return b.fail(y, "a document inside a document")
	}
	return n
}

func (b *yamlBuilder) alias(y *yaml.Node, depth int) *Node {
	if y.Alias == nil {
		return b.fail(y, "unknown anchor %q", y.Value)
	}
	if b.open[y.Alias] {
		return b.fail(y, "anchor %q contains itself", y.Value)
	}
	b.open[y.Alias] = true
	defer delete(b.open, y.Alias)
	n := b.node(y.Alias, depth+1)
	n.Pos = b.pos(y)
	return n
}

func (b *yamlBuilder) fields(n *Node, y *yaml.Node, depth int, seen map[string]int) {
	var merged []*Node
	for i := 0; i+1 < len(y.Content); i += 2 {
		key, value := y.Content[i], y.Content[i+1]
		if key.Kind == yaml.AliasNode && key.Alias != nil {
			key = key.Alias
		}
		if key.Kind != yaml.ScalarNode {
			b.fail(key, "a key must be a word, not a list or a mapping")
			return
		}
		b.values.spend() // the key; that there are too many shows at a value
		v := b.node(value, depth+1)
		if key.Tag == "!!merge" {
			merged = append(merged, v) // the mapping's own fields go first, wherever they stand
			continue
		}
		n.add(Field{Name: key.Value, Pos: b.pos(key), Value: v}, seen)
	}
	for _, from := range merged {
		b.merge(n, from, seen)
	}
}

// merge adds the fields of a merge key's mappings that n does not have.
func (b *yamlBuilder) merge(n, from *Node, seen map[string]int) {
	sources := []*Node{from}
	if from.Kind == Sequence {
		sources = from.Items
	}
	for _, s := range sources {
		for _, f := range s.Fields {
			if _, ok := seen[f.Name]; !ok {
				n.add(f, seen)
			}
		}
	}
}

func (b *yamlBuilder) scalar(n *Node, y *yaml.Node) {
	n.Text = y.Value
	switch y.ShortTag() {
	case "!!null":
		n.Kind, n.Raw, n.Text = Null, y.Value, ""
	case "!!bool":
		var v bool
		if err := y.Decode(&v); err != nil {
			b.fail(y, "%q is no boolean", y.Value)
			return
		}
		n.Kind, n.Text = Bool, strconv.FormatBool(v)
		if y.Value != n.Text {
			n.Raw = y.Value
		}
	case "!!int", "!!float":
		n.Kind = Number
		var f float64
		if err := y.Decode(&f); err == nil && !isJSONNumber(y.Value) {
			n.Text, n.Raw = strconv.FormatFloat(f, 'g', -1, 64), y.Value // 0x1f, 0777, 1_000, .5
		}
	case "!!binary":
		b.fail(y, "binary values are not read")
	default: // strings, and timestamps, which are text until somebody asks for a time
		n.Kind = String
	}
}
