package report

import (
	"encoding/binary"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// foldAt is how many rows of one type are too many to show each.
const foldAt = 30

// A bundle is rows that look the same in all groups.
type bundle []*row

// minBundle is how many rows are worth a bundle: its other names need a line
// of their own.
const minBundle = 3

// fold returns the rows of a type, those to show and those to count. With
// many rows, those that look the same are shown as one, and one that is the
// same for everyone is only counted, unless it is a destructive tool that is
// open to all.
func (v *view) fold(t authz.ItemType, all bool) (show []bundle, folded []*row) {
	rows := v.of(t)
	if all || len(rows) <= foldAt {
		return single(rows), nil
	}
	var differ []*row
	for _, r := range rows {
		if v.uniform(r) && (r.item.Destructive() == manifest.None || v.closed(r)) {
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
	keys := make([]string, len(rows))
	for i, r := range rows {
		keys[i] = v.rowKey(r)
		byKey[keys[i]] = append(byKey[keys[i]], r)
	}
	var list []bundle
	for i, r := range rows {
		switch b := byKey[keys[i]]; {
		case len(b) < minBundle:
			list = append(list, bundle{r})
		case b[0] == r:
			list = append(list, b)
		}
	}
	return list
}

// rowKey is the same for rows that look the same.
func (v *view) rowKey(r *row) string {
	b := []byte{0}
	if r.item.Destructive() != manifest.None {
		b[0] = 1
	}
	for _, g := range v.groups {
		for op := range r.columns {
			id := uint32(0)
			if l := v.cell(g.class, r, op); l != nil {
				id = l.id
			}
			b = binary.LittleEndian.AppendUint32(b, id)
		}
	}
	return string(b)
}

// closed reports whether a uniform row is denied altogether.
func (v *view) closed(r *row) bool {
	for op := range r.columns {
		if l := v.cell(v.groups[0].class, r, op); l != nil && l.access != matrix.Denied {
			return false
		}
	}
	return true
}

// uniform reports whether a row looks the same in all groups.
func (v *view) uniform(r *row) bool {
	for _, g := range v.groups {
		for op := range r.columns {
			if v.cell(g.class, r, op) != v.cell(v.groups[0].class, r, op) {
				return false
			}
		}
	}
	return true
}
