package manifest

import (
	"slices"
	"strings"
)

// sameNames refuses several servers of one name in a file, of which one could
// be taken for another, unless they are the same: then one is left.
func (r *reader) sameNames(list []*Inventory) []*Inventory {
	first := map[string]*Inventory{}
	return slices.DeleteFunc(list, func(inv *Inventory) bool {
		earlier, again := first[inv.Server]
		switch {
		case inv.Server == "":
		case !again:
			first[inv.Server] = inv
		case sameInventory(earlier, inv):
			r.note(inv.Pos, "server %s stands in this file twice, with the same items: read once", quote(inv.Server))
			return true
		default:
			r.errorf(inv.Pos, "server %s stands in this file twice, here and at %d:%d, and not with the same items; "+
				"rename one, or put each into a file of its own", quote(inv.Server), earlier.Pos.Line, earlier.Pos.Col)
		}
		return false
	})
}

func sameInventory(a, b *Inventory) bool {
	return a.Types == b.Types && len(a.Gaps)+len(b.Gaps) == 0 && slices.EqualFunc(a.Items, b.Items, sameItem)
}

// sameItem reports whether two items differ in no more than where they stand.
func sameItem(a, b *Item) bool {
	x, y := *a, *b
	same := string(x.Schema.JSON()) == string(y.Schema.JSON()) && (x.Schema == nil) == (y.Schema == nil) &&
		slices.Equal(x.Tags, y.Tags) && slices.Equal(x.Arguments, y.Arguments)
	return same && x.Type == y.Type && x.Hints == y.Hints && strings.Join(x.texts(), "\x00") == strings.Join(y.texts(), "\x00")
}

func (i *Item) texts() []string {
	return []string{i.Name, i.OwnName, i.Title, i.Description, i.Version, i.TaskSupport}
}
