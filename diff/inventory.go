package diff

import (
	"cmp"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// An Item is one that came, went, or is described in another way.
type Item struct {
	Server *matrix.Server // of head, unless it is gone
	Item   *manifest.Item
	Before *manifest.Item // nil of one that was added; the same as Item of one that was removed
	Change string         // added, removed, hints, schema, description, title or tags
	// Like is an added item that is described as this removed one was: perhaps it was renamed.
	Like *manifest.Item
}

// items lists those that changed, in the order of head's inventories.
func (c *comparer) items() []Item {
	var list []Item
	for _, p := range c.pairs {
		if p.column().Operation != authz.List {
			list = append(list, changesOf(p)...)
		}
	}
	for i := range list {
		x := &list[i]
		if x.Change != "removed" {
			continue
		}
		for _, y := range list {
			if y.Change == "added" && y.Server.Name == x.Server.Name && alike(x.Item, y.Item) {
				x.Like = y.Item
				break
			}
		}
	}
	return list
}

func changesOf(p *pair) []Item {
	col := p.column()
	switch {
	case p.base == nil:
		return []Item{{Server: col.Server, Item: col.Item, Change: "added"}}
	case p.head == nil:
		return []Item{{Server: col.Server, Item: col.Item, Before: col.Item, Change: "removed"}}
	}
	was, is := p.base.Item, p.head.Item
	var list []Item
	add := func(what string, same bool) {
		if !same {
			list = append(list, Item{Server: col.Server, Item: is, Before: was, Change: what})
		}
	}
	add("hints", was.Hints == is.Hints)
	add("schema", sameSchemas(was.Schema, is.Schema) && slices.EqualFunc(was.Arguments, is.Arguments, func(a, b manifest.Argument) bool { return a == b }))
	add("description", was.Description == is.Description)
	add("title", was.Title == is.Title)
	add("tags", slices.Equal(was.Tags, is.Tags))
	return list
}

// alike reports whether two items with different names are described alike.
func alike(a, b *manifest.Item) bool {
	return a.Type == b.Type && cmp.Or(a.Description, a.Title) != "" && a.Description == b.Description && sameSchemas(a.Schema, b.Schema) && a.Hints == b.Hints
}
