package principals

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"

	"github.com/mcpolicy/mcpolicy/source"
)

// A reading gives the scalars of a tree the values that Cerbos gives them. Cerbos
// reads YAML with another parser: 1e3 is a text to it, 010 is 8, tags are ignored,
// and a key that is no text is refused. A file of which the two parsers make
// different trees is refused here.
type reading struct {
	file    string
	anchors map[string]ast.Node
	errs    []error
}

// readAsCerbos changes the scalars of a mapping, below the keys that are given.
// The data is what the mapping was parsed from.
func readAsCerbos(file string, data []byte, root *source.Node, keys ...string) []error {
	r := reading{file: file, anchors: map[string]ast.Node{}}
	rest, parts := partsOf(bytes.TrimPrefix(data, []byte(source.BOM)), root, keys)
	if errs := tooLarge(data, root, parts); len(errs) > 0 {
		return errs
	}
	whole := r.parse(rest)
	entries := map[*source.Node]map[string]ast.Node{} // of the mappings in parts
	for n, list := range parts {
		entries[n] = map[string]ast.Node{}
		for _, p := range list {
			if m, ok := r.parse(p).(ast.MapNode); ok {
				r.merge(entries[n], m, 0)
			}
		}
	}
	if len(r.errs) > 0 {
		return r.errs
	}
	top, ok := r.entries(root, whole)
	if !ok {
		r.differs(root)
		return r.errs
	}
	for _, f := range root.Fields {
		switch {
		case !slices.Contains(keys, f.Name):
		case entries[f.Value] != nil:
			r.fields(f.Value, entries[f.Value])
		default:
			r.field(f, top)
		}
	}
	return r.errs
}

func (r *reading) fail(pos source.Pos, format string, args ...any) {
	r.errs = append(r.errs, source.Errorf(pos, format, args...))
}

func (r *reading) differs(n *source.Node) {
	r.fail(n.Pos, "Cerbos does not take this for %v as it stands here; write it in a plainer way", n.Kind)
}

// parse returns the one document of a part that is more than comments, and
// notes its anchors.
func (r *reading) parse(p part) (body ast.Node) {
	pos := source.Pos{File: r.file}
	defer func() {
		if cause := recover(); cause != nil { // as Cerbos does
			r.fail(pos, "Cerbos cannot read this file: %v", cause)
			body = nil
		}
	}()
	if p.slow() {
		r.fail(pos, "the file has too many values that are empty; write null for them")
		return nil
	}
	tokens := lexer.Tokenize(string(p.text))
	for _, t := range tokens {
		t.Position.Line += p.before
	}
	f, err := parser.Parse(tokens, parser.ParseComments, parser.AllowDuplicateMapKey()) // which are reported elsewhere
	var syntax *yaml.SyntaxError
	if errors.As(err, &syntax) {
		if t := syntax.Token; t != nil && t.Position != nil {
			pos.Line, pos.Col = t.Position.Line, t.Position.Column
		}
		err = errors.New(syntax.Message)
	}
	if err != nil {
		r.fail(pos, "Cerbos cannot read this file: %w", err)
		return nil
	}
	for _, doc := range f.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.CommentType {
			continue
		}
		if body != nil {
			r.fail(pos, "Cerbos takes this file for several documents")
			return nil
		}
		body = doc.Body
	}
	if body != nil {
		ast.Walk(r, body)
	}
	return body
}

// Visit notes the anchors.
func (r *reading) Visit(n ast.Node) ast.Visitor {
	if a, ok := n.(*ast.AnchorNode); ok {
		name := a.Name.GetToken().Value
		if _, twice := r.anchors[name]; twice {
			r.fail(r.pos(a), "the anchor %q is defined twice, which Cerbos refuses", name)
		}
		r.anchors[name] = a.Value
	}
	return r
}

func (r *reading) pos(n ast.Node) source.Pos {
	pos := source.Pos{File: r.file}
	if t := n.GetToken(); t != nil && t.Position != nil {
		pos.Line, pos.Col = t.Position.Line, t.Position.Column
	}
	return pos
}

// plain returns what stands behind anchors, aliases and tags, or nil.
func (r *reading) plain(n ast.Node) ast.Node {
	for range maxIndirection {
		switch t := n.(type) {
		case *ast.AnchorNode:
			n = t.Value
		case *ast.AliasNode:
			n = r.anchors[t.Value.GetToken().Value]
		case *ast.TagNode:
			n = t.Value
		default:
			return n
		}
	}
	return nil
}

// maxIndirection is far more than one value has of anchors, aliases and tags.
const maxIndirection = 100

// entries returns the values of a mapping by their keys, those of merge keys
// included, and reports whether it is one.
func (r *reading) entries(n *source.Node, node ast.Node) (map[string]ast.Node, bool) {
	m, ok := node.(ast.MapNode)
	if !ok || !n.Is(source.Mapping) {
		return nil, false
	}
	entries := map[string]ast.Node{}
	r.merge(entries, m, 0)
	return entries, true
}

func (r *reading) merge(entries map[string]ast.Node, m ast.MapNode, depth int) {
	merges := 0
	for items := m.MapRange(); items.Next(); {
		if items.Key().Type() != ast.MergeKeyType {
			continue
		}
		if merges++; merges > 1 {
			r.fail(r.pos(items.Key()), "key \"<<\" stands here twice")
			break
		}
		from := items.Value()
		if _, isAlias := from.(*ast.AliasNode); isAlias {
			from = r.plain(from)
		}
		below, ok := from.(ast.MapNode)
		if !ok || depth > source.MaxDepth {
			r.fail(r.pos(items.Key()), "Cerbos takes one mapping for <<, and no list of them")
			continue
		}
		r.merge(entries, below, depth+1)
	}
	for items := m.MapRange(); items.Next(); {
		switch key := items.Key().(type) {
		case *ast.MergeKeyNode:
		case *ast.StringNode:
			if key.Value == "<<" && merges > 0 {
				r.fail(r.pos(key), "key \"<<\" stands here twice")
			}
			entries[key.Value] = items.Value()
		default:
			entries[key.GetToken().Value] = items.Value()
			r.fail(r.pos(key), "the key %s is no text to Cerbos, which refuses it; write it in quotes", key.GetToken().Value)
		}
	}
}

// fields goes down the values of a mapping.
func (r *reading) fields(n *source.Node, entries map[string]ast.Node) {
	if len(entries) != len(n.Fields) {
		if len(r.errs) == 0 { // else it follows from what is reported
			r.differs(n)
		}
		return
	}
	for _, f := range n.Fields {
		r.field(f, entries)
	}
}

func (r *reading) field(f source.Field, entries map[string]ast.Node) {
	value, ok := entries[f.Name]
	if !ok {
		r.fail(f.Pos, "Cerbos does not read the key %q here; write it in a plainer way", f.Name)
		return
	}
	r.node(f.Value, value)
}

// node goes down both trees.
func (r *reading) node(n *source.Node, node ast.Node) {
	node = r.plain(node)
	switch n.Kind {
	case source.Mapping:
		entries, ok := r.entries(n, node)
		if !ok {
			r.differs(n)
			return
		}
		r.fields(n, entries)
	case source.Sequence:
		list, ok := node.(*ast.SequenceNode)
		if !ok || len(list.Values) != len(n.Items) {
			r.differs(n)
			return
		}
		for i, item := range n.Items {
			r.node(item, list.Values[i])
		}
	case source.Null, source.Bool, source.Number, source.String:
		r.scalar(n, node)
	}
}

// scalar makes of a scalar what Cerbos makes of it.
func (r *reading) scalar(n *source.Node, node ast.Node) {
	switch t := node.(type) {
	case *ast.NullNode:
		n.Kind, n.Text = source.Null, ""
	case *ast.BoolNode:
		n.Kind, n.Text, n.Raw = source.Bool, strconv.FormatBool(t.Value), t.Token.Value
	case *ast.StringNode:
		n.Kind, n.Text = source.String, t.Value
	case *ast.LiteralNode:
		n.Kind, n.Text = source.String, t.Value.Value
	case *ast.IntegerNode:
		n.Kind, n.Text = source.Number, fmt.Sprint(t.Value) // an int64 or a uint64
	case *ast.FloatNode:
		n.Kind, n.Text = source.Number, strconv.FormatFloat(t.Value, 'g', -1, 64)
		if strings.Trim(n.Text, "-0123456789") == "" {
			n.Text += ".0" // a whole number has another meaning where Cerbos wants a text
		}
	case *ast.InfinityNode, *ast.NanNode:
		n.Kind, n.Text = source.Number, node.GetToken().Value // which no policy can work with
	default:
		r.differs(n)
	}
}
