package manifest

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// Parse reads every inventory in a file: one, or one a server where the shape
// holds several servers. The file's name serves for positions only. Mistakes
// are reported all at once, each a [*source.Error]; a file that holds no
// inventory gives a single one that says what the file is and what to do.
func Parse(file string, data []byte) ([]*Inventory, error) {
	nodes, err := values(file, data)
	if err != nil {
		return nil, err
	}
	r := &reader{file: file, read: map[*source.Node]bool{}}
	var list []*Inventory
	if len(nodes) == 1 {
		list = r.value(nodes[0])
	} else {
		list = r.stream(nodes)
	}
	if len(list) == 0 && len(r.errs) == 0 {
		r.errorf(nodes[0].Pos, "the file names no server; %s", saveResult)
	}
	if len(r.errs) == 0 {
		for _, inv := range list {
			inv.finish()
		}
		list = r.sameNames(list)
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	r.unread(nodes, list)
	r.duplicates(nodes)
	r.attachNotes(list)
	return list, nil
}

// finish puts the items in order and says so when there are none.
func (inv *Inventory) finish() {
	inv.sort()
	if len(inv.Items) == 0 && len(inv.Gaps) == 0 {
		inv.Gaps = []Gap{{Reason: Empty, Pos: inv.Pos, Types: inv.Types, Message: emptyMessage}}
	}
}

const emptyMessage = "the inventory is empty: there is nothing to check; " +
	saveRunning

func (inv *Inventory) sort() {
	slices.SortStableFunc(inv.Items, func(a, b *Item) int { return cmp.Compare(a.Type, b.Type) })
}

// attachNotes hands each note to the inventory that it stands in.
func (r *reader) attachNotes(list []*Inventory) {
	if len(list) == 0 {
		return
	}
	slices.SortStableFunc(r.notes, func(a, b Note) int { return a.Pos.Compare(b.Pos) })
	i := 0
	for _, n := range r.notes {
		for i+1 < len(list) && list[i+1].Pos.Compare(n.Pos) <= 0 {
			i++
		}
		list[i].Notes = append(list[i].Notes, n)
	}
	if r.moreNotes > 0 {
		last := list[len(list)-1]
		last.Notes = append(last.Notes, Note{Pos: last.Pos, Message: fmt.Sprintf("%d more oddities in this file", r.moreNotes)})
	}
}

// duplicates notes the keys that stand twice in one object.
func (r *reader) duplicates(nodes []*source.Node) {
	var walk func(n *source.Node)
	walk = func(n *source.Node) {
		for _, f := range n.Duplicates {
			r.note(f.Pos, "key %s stands twice in this object: the last one counts", quote(f.Name))
		}
		for _, f := range n.Fields {
			walk(f.Value)
		}
		for _, item := range n.Items {
			walk(item)
		}
	}
	for _, n := range nodes {
		walk(n)
	}
}

var (
	// humanText is how the text that fastmcp inspect prints without --format
	// begins.
	humanText = regexp.MustCompile(`^Server:[ \t]`)
	// codexConfig is a table of Codex's config.toml.
	codexConfig = regexp.MustCompile(`(?m)^\[mcp_servers[.\]]`)
)

// values returns the values of a file in whatever notation it is written:
// JSON with or without comments, one JSON value a line, an event stream, YAML.
func values(file string, data []byte) ([]*source.Node, error) {
	if err := source.CheckSize(file, int64(len(data))); err != nil {
		return nil, err
	}
	text := bytes.TrimSpace(bytes.TrimPrefix(data, []byte(source.BOM)))
	start := source.Pos{File: file, Line: 1, Col: 1}
	switch {
	case len(text) == 0:
		return nil, source.Errorf(source.Pos{File: file}, "the file is empty")
	case codexConfig.Match(text):
		return nil, notInventory(start, "a client configuration (Codex, mcp_servers)", startsServers, saveServers)
	case text[0] == '{', text[0] == '[', bytes.HasPrefix(text, []byte("//")), bytes.HasPrefix(text, []byte("/*")):
		return jsonValues(file, data)
	case isEventStream(text):
		return eventValues(file, data)
	case humanText.Match(text):
		return nil, notInventory(start, "the text that `fastmcp inspect` prints for people", "it only counts what the server offers",
			"run `fastmcp inspect --format fastmcp` and save what that prints")
	case text[0] == '<':
		return nil, notInventory(start, "HTML or XML", "no MCP server answers like that", saveResult)
	}
	list, err := source.ParseYAML(file, data)
	if len(list) > 1 { // what stands between two markers may be nothing
		list = slices.DeleteFunc(list, func(n *source.Node) bool { return n.Is(source.Null) })
	}
	if err == nil && len(list) == 0 {
		err = source.Errorf(source.Pos{File: file}, "the file is empty")
	}
	return list, err
}

func jsonValues(file string, data []byte) ([]*source.Node, error) {
	one, err := source.ParseJSON(file, data)
	if err == nil {
		return []*source.Node{one}, nil
	}
	lines, errLines := source.ParseLines(file, data)
	if errLines == nil {
		return lines, nil
	}
	one, errComments := source.ParseJSONC(file, data)
	if errComments == nil {
		return []*source.Node{one}, nil
	}
	// Whichever notation was meant is the one that got furthest.
	return nil, slices.MaxFunc([]error{err, errLines, errComments}, func(a, b error) int {
		return position(a).Compare(position(b))
	})
}

func position(err error) source.Pos {
	var e *source.Error
	if errors.As(err, &e) {
		return e.Pos
	}
	return source.Pos{}
}

// stream reads a file of several values: messages, or the elements of a bare
// array one by one.
func (r *reader) stream(values []*source.Node) []*Inventory {
	all := &source.Node{Kind: source.Sequence, Pos: values[0].Pos, Items: values}
	if anyElement(isMessage)(all) || allElements(isPart)(all) {
		return r.transcript(all)
	}
	return r.value(all)
}

// isPart reports whether a value can only be part of an inventory: a list
// result that does not say which server gave it.
func isPart(n *source.Node) bool {
	return listsAnything(n) && serverName(n) == ""
}

// listsAnything reports whether an object has one of the lists of MCP.
func listsAnything(n *source.Node) bool {
	for _, t := range authz.ItemTypes() {
		if listOf(n, t) != nil {
			return true
		}
	}
	return false
}
