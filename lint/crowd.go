package lint

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// A crowd is principals by the classes that they are of, in the order of the matrix.
type crowd []share

// A share is some or all of a class.
type share struct {
	class *matrix.Class
	list  []*authz.Principal // the list of the class itself where it is all of it
}

// wholly returns all principals of classes.
func wholly(classes []*matrix.Class) crowd {
	list := make(crowd, len(classes))
	for i, c := range classes {
		list[i] = share{c, c.Principals}
	}
	return list
}

// size counts the principals.
func (c crowd) size() int {
	n := 0
	for _, s := range c {
		n += len(s.list)
	}
	return n
}

// only returns the key of the principal, if it is one.
func (c crowd) only() string {
	if c.size() != 1 {
		return ""
	}
	return c.principals()[0].Key
}

// principals lists them by key.
func (c crowd) principals() []*authz.Principal {
	var list []*authz.Principal
	for _, s := range c {
		list = append(list, s.list...)
	}
	slices.SortFunc(list, func(a, b *authz.Principal) int { return strings.Compare(a.Key, b.Key) })
	return list
}

// classes lists the classes that some of the principals are of.
func (c crowd) classes() []*matrix.Class {
	list := make([]*matrix.Class, len(c))
	for i, s := range c {
		list[i] = s.class
	}
	return list
}

// where returns those of the principals that are such.
func (c crowd) where(such func(*authz.Principal) bool) crowd {
	var kept crowd
	for _, s := range c {
		switch list := filter(s.list, such); len(list) {
		case 0:
		case len(s.list):
			kept = append(kept, s)
		default:
			kept = append(kept, share{s.class, list})
		}
	}
	return kept
}

// and joins two crowds.
func (c crowd) and(more crowd) crowd {
	if len(c) == 0 {
		return more
	}
	joined := make(crowd, 0, max(len(c), len(more)))
	for len(c) > 0 && len(more) > 0 {
		switch d := c[0].class.Index - more[0].class.Index; {
		case d < 0:
			joined, c = append(joined, c[0]), c[1:]
		case d > 0:
			joined, more = append(joined, more[0]), more[1:]
		default:
			joined, c, more = append(joined, c[0].and(more[0])), c[1:], more[1:]
		}
	}
	return append(append(joined, c...), more...)
}

func (s share) and(t share) share {
	all := len(s.class.Principals)
	switch {
	case len(s.list) == all || len(t.list) == 0:
		return s
	case len(t.list) == all:
		return t
	}
	in := map[*authz.Principal]bool{}
	for _, who := range slices.Concat(s.list, t.list) {
		in[who] = true
	}
	return share{s.class, filter(s.class.Principals, func(who *authz.Principal) bool { return in[who] })}
}

// id is the same for the same principals.
func (c crowd) id() string {
	var b strings.Builder
	for _, s := range c {
		b.WriteString(strconv.Itoa(s.class.Index))
		if len(s.list) < len(s.class.Principals) {
			for _, who := range s.list {
				b.WriteString(strconv.Quote(who.Key))
			}
		}
		b.WriteByte(';')
	}
	return b.String()
}

// manyPrincipals is up to how many principals a finding lists by name.
const manyPrincipals = 10_000

// keys lists the keys of the principals, sorted: of very many one of each class.
func (c crowd) keys() []string {
	var list []string
	each := c.size() <= manyPrincipals
	for _, s := range c {
		some := s.list
		if !each {
			some = some[:1]
		}
		for _, who := range some {
			list = append(list, who.Key)
		}
	}
	slices.Sort(list)
	return list
}

// namesIn lists principals: "ian, sally and harry".
func (p *Pass) namesIn(c crowd) string {
	n := c.size()
	if n > people+1 && n == size(p.Matrix.Classes) {
		return fmt.Sprintf("all %d principals", n)
	}
	var words []string
	for _, s := range c {
		for _, who := range s.list[:min(len(s.list), people+1)] { // they are sorted
			words = append(words, who.Key)
		}
	}
	slices.Sort(words)
	return listingOf(words[:min(len(words), people+1)], n, people)
}
