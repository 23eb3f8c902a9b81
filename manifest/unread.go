package manifest

import (
	"slices"
	"strconv"
	"strings"

	"github.com/mcpolicy/mcpolicy/source"
)

// unread looks through the whole file for what looks like items and that no
// shape accounts for, and records each place as a gap of the inventory that it
// stands in, or else of all: whatever they are, they are not in the matrix.
func (r *reader) unread(nodes []*source.Node, list []*Inventory) {
	u := &unreadFinder{
		reader: r, all: list, names: map[string]bool{}, of: map[source.Pos]*Inventory{},
		around: map[*source.Node]bool{}, places: map[source.Pos]bool{},
	}
	for _, inv := range list {
		for _, it := range inv.Items {
			u.names[it.Name], u.names[it.OwnName] = true, true
		}
		u.of[inv.Pos] = inv
	}
	for _, n := range nodes {
		delete(u.of, n.Pos) // what stands beside the servers of a file may belong to any
		u.mark(n)
	}
	for _, n := range nodes {
		u.walk("", n, nil)
	}
}

type unreadFinder struct {
	*reader
	all   []*Inventory
	of    map[source.Pos]*Inventory
	names map[string]bool // of all items
	// around are the values that hold some that were read.
	around map[*source.Node]bool
	// places are where the fields of what was read stand. In YAML the same may
	// be read in another place, by an alias.
	places map[source.Pos]bool
	again  int // above zero below a key that stands in its object again
}

// mark reports whether a value was read, or holds one that was.
func (u *unreadFinder) mark(n *source.Node) bool {
	read, holds := u.read[n], false
	for _, f := range n.Fields {
		holds = u.mark(f.Value) || holds
		if read {
			u.places[f.Value.Pos] = true
		}
	}
	for _, item := range n.Items {
		holds = u.mark(item) || holds
		if read {
			u.places[item.Pos] = true
		}
	}
	u.around[n] = holds
	return holds || read
}

// isRead reports whether a value, or what it is an alias of, was read.
func (u *unreadFinder) isRead(n *source.Node) bool {
	return u.read[n] || u.places[n.Pos] || len(n.Fields) > 0 && u.places[n.Fields[0].Value.Pos]
}

// walk looks at a value below a key. Inside is the inventory that it stands in,
// if that is not the whole file.
func (u *unreadFinder) walk(key string, n *source.Node, inside *Inventory) {
	if inv := u.of[n.Pos]; inv != nil {
		inside = inv
	}
	isMessage := n.Get("jsonrpc") != nil || n.Get("method").Is(source.String)
	switch {
	case u.read[n]:
		u.within(n, inside)
		return
	case isOpaque(key), isSchema(n):
		return
	}
	if found := u.unknown(key, n); len(found) > 0 {
		u.report(key, found, inside)
		return
	}
	for _, f := range n.Fields {
		if isMessage && (f.Name == "params" || f.Name == "error" || f.Name == "result" && isCallResult(f.Value)) {
			continue // what a client or a tool says
		}
		u.walk(f.Name, f.Value, inside)
	}
	u.again++
	for _, f := range n.Duplicates {
		u.walk(f.Name, f.Value, inside)
	}
	u.again--
	for _, item := range n.Items {
		u.walk(key, item, inside)
	}
}

// within looks for lists of tools in what was read: some keep tools that belong
// together inside another one.
func (u *unreadFinder) within(n *source.Node, inside *Inventory) {
	for _, item := range n.Items {
		u.within(item, inside)
	}
	for _, f := range n.Fields {
		if !u.read[f.Value] && (isOpaque(f.Name) || isSchema(f.Value)) {
			continue
		}
		if !u.read[f.Value] && f.Name != "function" && speaksOfItems(f.Name) && hasObjects(f.Value) {
			if found := u.unknown(f.Name, f.Value); len(found) > 0 {
				u.report(f.Name, found, inside)
				continue
			}
		}
		u.within(f.Value, inside)
	}
}

func (u *unreadFinder) report(key string, found []element, inside *Inventory) {
	var shown []string
	for i, e := range found {
		if i == maxListed {
			shown = append(shown, strconv.Itoa(len(found)-i)+" more")
			break
		}
		shown = append(shown, quote(e.name))
	}
	where, why := "the file", "no known format keeps them there"
	if key != "" {
		where = quote(key)
	}
	if u.again > 0 {
		why = "the key stands twice, and the later one counts"
	}
	gap := Gap{Reason: Unread, Pos: found[0].node.Pos, Message: "what " + where + " holds looks like tools or other items (" +
		strings.Join(shown, ", ") + "), and is not read: " + why + "; " + saveResult}
	of := u.all
	if inside != nil {
		of = []*Inventory{inside}
	}
	for _, inv := range of {
		inv.Gaps = append(inv.Gaps, gap)
	}
}

// unknown returns what looks like items in a list, or in an object under their
// names, if not all of the names are known.
func (u *unreadFinder) unknown(key string, n *source.Node) []element {
	var sure, likely, bare []element
	for _, e := range elements(n) {
		switch {
		case e.name == "", u.isRead(e.node):
		case e.node.Is(source.String):
			bare = append(bare, e)
		case looksLikeItem(e.node):
			sure = append(sure, e)
		case hasTools(e.node) || u.around[e.node]: // a server
		case e.node.Get("description").Is(source.String) || speaksOfItems(key) && len(e.node.Fields) > 0:
			likely = append(likely, e)
		}
	}
	known := func(list []element) bool {
		return !slices.ContainsFunc(list, func(e element) bool { return !u.names[e.name] })
	}
	switch {
	case len(sure) > 0:
		return sure
	case speaksOfItems(key) && len(likely) > 0 && !known(likely):
		return likely
	case speaksOfItems(key) && !choosesItems(key) && n.Is(source.Sequence) && !known(bare):
		return bare
	case n.Is(source.Sequence) && !speaksOfElse(key) && !known(likely):
		return likely
	}
	return nil
}
