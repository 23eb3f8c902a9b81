package accesslock

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/source"
)

// digest returns the first 128 bits of the SHA-256 of some texts.
func digest(parts ...string) string {
	h := sha256.New()
	for _, s := range parts {
		fmt.Fprintf(h, "%d:%s\n", len(s), s)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)[:16])
}

// unordered writes what a policy says in any order: only of lists among constants does the
// order matter.
func unordered(n *source.Node) string {
	switch {
	case n.Is(source.Mapping):
		list := make([]string, len(n.Fields))
		for i, f := range n.Fields {
			of := unordered(f.Value)
			if f.Name == "constants" {
				of = treeDigest(f.Value)
			}
			list[i] = fmt.Sprintf("%q: %s", f.Name, of)
		}
		slices.Sort(list)
		return "mapping " + digest(list...)
	case n.Is(source.Sequence):
		list := make([]string, len(n.Items))
		for i, x := range n.Items {
			list[i] = unordered(x)
		}
		slices.Sort(list)
		return "list " + digest(list...)
	}
	return treeDigest(n)
}

// treeDigest returns a digest of what a tree says.
func treeDigest(n *source.Node) string {
	return digest(n.Canonical())
}

// argumentsDigest returns a digest of what an item takes; "" where nothing is said.
func argumentsDigest(item *manifest.Item) string {
	switch {
	case item.Schema != nil:
		return treeDigest(item.Schema)
	case len(item.Arguments) == 0:
		return ""
	}
	list := make([]string, len(item.Arguments))
	for i, a := range item.Arguments {
		list[i] = fmt.Sprintf("%q %t", a.Name, a.Required)
	}
	slices.Sort(list)
	return digest(list...)
}

// hints writes the hints of an item as they stand in the file, "" for none.
func hints(item *manifest.Item) string {
	var parts []string
	for _, h := range []struct {
		name string
		hint manifest.Hint
	}{
		{"readOnly", item.Hints.ReadOnly},
		{"destructive", item.Hints.Destructive},
		{"idempotent", item.Hints.Idempotent},
		{"openWorld", item.Hints.OpenWorld},
	} {
		if h.hint != manifest.Unset {
			parts = append(parts, h.name+": "+h.hint.String())
		}
	}
	if item.TaskSupport != "" {
		parts = append(parts, "tasks: "+item.TaskSupport)
	}
	if len(parts) == 0 {
		return ""
	}
	return "{" + strings.Join(parts, ", ") + "}"
}
