package report

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// foldAt is how many rows of one type are too many to show each.
const foldAt = 30

// A bundle is rows that look the same in all groups, destructive ones or others. The
// first, by whose name it goes, is one of those that do the most.
type bundle []*row

// minBundle is how many rows are worth a bundle: its other names need a line
// of their own.
const minBundle = 3

// A reach says how many principals get in: those that may use an item, those of
// them that may always, and those that may list it.
type reach struct{ use, always, list int }

func (a reach) compare(b reach) int {
	return cmp.Or(cmp.Compare(a.use, b.use), cmp.Compare(a.always, b.always), cmp.Compare(a.list, b.list))
}

// arrange puts destructive rows first, those that let the most principals in before
// others, and those that look the same together, the milder ones last.
func (v *view) arrange() {
	first := map[string]int{}
	for i, r := range v.rows {
		v.measure(r)
		if _, ok := first[r.key]; !ok {
			first[r.key] = i
		}
	}
	slices.SortStableFunc(v.rows, func(a, b *row) int {
		return cmp.Or(destroys(b)-destroys(a), b.reach.compare(a.reach), cmp.Compare(first[a.key], first[b.key]), severity(b)-severity(a))
	})
}

func destroys(r *row) int {
	if r.item.Destructive() == manifest.None {
		return 0
	}
	return 1
}

// severity orders risks: what is not known may be more than reading.
func severity(r *row) int {
	risk, _ := r.item.Risk()
	return [...]int{manifest.Reads: 0, manifest.RiskUnknown: 1, manifest.Changes: 2, manifest.Destroys: 3}[risk]
}

// measure looks at the cells of a row.
func (v *view) measure(r *row) {
	key := make([]byte, 0, 1+8*len(v.groups))
	key = append(key, [...]byte{'.', '!'}[destroys(r)])
	var before [2]*look
	r.uniform = true
	for i, g := range v.groups {
		looks := [2]*look{v.cell(g.class, r, 0), v.cell(g.class, r, 1)}
		if i > 0 && looks != before {
			r.uniform = false
		}
		before = looks
		for _, l := range looks {
			id := uint32(0)
			if l != nil {
				id = l.id
			}
			key = binary.LittleEndian.AppendUint32(key, id)
		}
		n := len(g.principals)
		if l := looks[0]; l != nil && l.access.Possible() {
			r.reach.list += n
		}
		if l := looks[1]; l != nil && l.access.Possible() {
			r.reach.use += n
			if l.access != matrix.Conditional {
				r.reach.always += n
			}
		}
	}
	r.key = string(key)
}

// fold returns the rows of a type, those to show and those to count. With
// many rows, those that look the same are shown as one, and one that is the
// same for everyone is only counted, unless the tool is destructive.
func (v *view) fold(t authz.ItemType, all bool) (show []bundle, folded []*row) {
	rows := v.of(t)
	if all || len(rows) <= foldAt {
		return single(rows), nil
	}
	var differ []*row
	for _, r := range rows {
		if r.uniform && destroys(r) == 0 {
			folded = append(folded, r)
		} else {
			differ = append(differ, r)
		}
	}
	if len(v.groups) < 2 || len(differ) == 0 {
		return v.bundles(rows), nil
	}
	return v.bundles(differ), folded
}

func single(rows []*row) []bundle {
	list := make([]bundle, len(rows))
	for i, r := range rows {
		list[i] = bundle{r}
	}
	return list
}

// bundles puts rows that look the same together, where the first one stands.
func (v *view) bundles(rows []*row) []bundle {
	byKey := map[string]bundle{}
	for _, r := range rows {
		byKey[r.key] = append(byKey[r.key], r)
	}
	var list []bundle
	for _, r := range rows {
		switch b := byKey[r.key]; {
		case len(b) < minBundle:
			list = append(list, bundle{r})
		case b[0] == r:
			list = append(list, b)
		}
	}
	return list
}
