package source

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// Canonical writes what a tree says, for comparing and for digests: the same for another
// order of keys, other blanks and another spelling of a number. It is not to be read back.
func (n *Node) Canonical() string {
	var b strings.Builder
	canonical(&b, n)
	return b.String()
}

func canonical(w *strings.Builder, n *Node) {
	if n == nil {
		w.WriteString("-")
		return
	}
	switch n.Kind {
	case Mapping:
		fields := slices.Clone(n.Fields)
		slices.SortStableFunc(fields, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
		fmt.Fprintf(w, "{%d", len(fields))
		for _, f := range fields {
			fmt.Fprintf(w, "%d:%s", len(f.Name), f.Name)
			canonical(w, f.Value)
		}
	case Sequence:
		fmt.Fprintf(w, "[%d", len(n.Items))
		for _, x := range n.Items {
			canonical(w, x)
		}
	case Number:
		text := decimal(n.Text)
		fmt.Fprintf(w, "n%d:%s", len(text), text)
	case String:
		fmt.Fprintf(w, "s%d:%s", len(n.Text), n.Text)
	case Bool, Null:
		fmt.Fprintf(w, "%v %s;", n.Kind, n.Text)
	}
}

// decimal spells a number in one way, unless that would take much.
func decimal(text string) string {
	const most = 64
	if _, exponent, found := strings.Cut(strings.ToLower(text), "e"); len(text) > most || found && len(exponent) > 3 {
		return text
	}
	if r, ok := new(big.Rat).SetString(text); ok {
		return r.RatString()
	}
	return text
}
