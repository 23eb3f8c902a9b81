package lint

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/witness"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/source"
)

// A misnomer is a text that a condition looks for in an item's name, and that no item has.
type misnomer struct {
	place, text string
	relation    pdp.Relation
	meant       string // what was likely meant
	sure        bool   // it is one slip away from that, or the same but for what is sent around a name
}

// String says it in a line of evidence.
func (m *misnomer) String() string {
	is := "is never"
	switch m.relation { //nolint:exhaustive // the others ask for all of it
	case pdp.HasPrefix:
		is = "never begins with"
	case pdp.HasSuffix:
		is = "never ends with"
	}
	return fmt.Sprintf("%s %s %q%s.", m.place, is, m.text, didYouMean(m.meant))
}

// misnomersOf lists the texts in a rule's condition that are like the name of an item, and
// no item's. It looks only at places where the enforcement point sends the name, alone or
// with something around it, and only for inventories that are whole.
func misnomersOf(p *Pass, r *policy.Rule) []misnomer {
	x := p.reasoner()
	if x == nil {
		return nil
	}
	c := x.Own(r)
	if c == nil || c.Globals {
		return nil
	}
	var list []misnomer
	var compared [][]string // by part
	var all []string
	for _, part := range c.Parts {
		_, texts := comparedWith(part)
		compared, all = append(compared, texts), append(all, texts...)
	}
	for i, part := range c.Parts {
		place, _ := comparedWith(part)
		sent := namesSent(p, r, place)
		if sent == nil {
			continue
		}
		for _, text := range compared[i] {
			m := sent.misnomer(part.Relation, text, all)
			if m.meant == "" {
				continue
			}
			m.place, m.relation = strings.Join(place, "."), part.Relation
			if !slices.Contains(list, m) {
				list = append(list, m)
			}
		}
	}
	return list
}

// comparedWith returns the place of the resource that a part compares with texts, and these.
func comparedWith(part pdp.Part) (place []string, texts []string) {
	if len(part.Terms) != 2 || !slices.Contains([]pdp.Relation{pdp.Equal, pdp.In, pdp.HasPrefix, pdp.HasSuffix}, part.Relation) {
		return nil, nil
	}
	for i, t := range part.Terms {
		of := part.Terms[1-i]
		if len(t.Path) < 2 || t.Path[0] != "R" || t.Size || of.Path != nil || part.Relation != pdp.Equal && i == 1 {
			continue
		}
		list, isList := of.Value.([]any)
		if !isList {
			list = []any{of.Value}
		}
		for _, v := range list {
			if s, ok := v.(string); ok {
				texts = append(texts, s)
			}
		}
		return t.Path, texts
	}
	return nil, nil
}

// A sentNames is what stands at one place of the requests that a rule is about, and which
// part of that are names of items.
type sentNames struct {
	values []string
	names  []string // that the values are made of
	around [][2]string
	others []string // names of any item
}

// namesSent returns what is sent at a place of the resource about the items that a rule
// covers. It is nil where no name is, and where an inventory may lack items.
func namesSent(p *Pass, r *policy.Rule, place []string) *sentNames {
	s := &sentNames{}
	if len(place) == 0 {
		return nil
	}
	for _, of := range p.index.Covered(r) {
		if of.AnyItem == nil || len(of.Column.Server.Inventory.Gaps) > 0 {
			return nil
		}
		value, ok := sentAt(&of.Resource, place)
		template, alsoOK := sentAt(&of.AnyItem.Resource, place)
		if !ok || !alsoOK {
			continue
		}
		if !slices.Contains(s.values, value) {
			s.values = append(s.values, value)
		}
		before, after, isNamed := strings.Cut(template, witness.AnyName)
		if !isNamed || strings.Contains(after, witness.AnyName) {
			continue
		}
		if name := strings.TrimSuffix(strings.TrimPrefix(value, before), after); !slices.Contains(s.names, name) {
			s.names = append(s.names, name)
		}
		if around := [2]string{before, after}; !slices.Contains(s.around, around) {
			s.around = append(s.around, around)
		}
	}
	if len(s.names) == 0 {
		return nil
	}
	for _, server := range p.Matrix.Servers {
		for _, i := range server.Inventory.Items {
			s.others = append(s.others, i.Name, i.OwnName)
		}
	}
	return s
}

// sentAt returns the text that stands at a place of a resource.
func sentAt(r *authz.Resource, place []string) (string, bool) {
	switch {
	case slices.Equal(place, []string{"R", "id"}):
		return r.ID, true
	case len(place) > 2 && place[1] == "attr":
		s, ok := r.Mapping(place[2 : len(place)-1])[place[len(place)-1]].(string)
		return s, ok
	}
	return "", false
}

// misnomer says what was meant by a text that a part of a condition looks for, beside others:
// nothing if that is sent, or the name of another item.
func (s *sentNames) misnomer(relation pdp.Relation, text string, beside []string) misnomer {
	switch relation { //nolint:exhaustive // the others are not looked at
	case pdp.HasPrefix:
		return s.misnomerOf(text, beside, strings.HasPrefix, func(name string, n int) string { return upTo(name, n) })
	case pdp.HasSuffix:
		return s.misnomerOf(text, beside, strings.HasSuffix, func(name string, n int) string { return reversed(upTo(reversed(name), n)) })
	}
	return s.misnomerOf(text, beside, func(value, text string) bool { return value == text }, func(name string, _ int) string { return name })
}

// misnomerOf is misnomer for a way to look for a text, and for what of a name that has so
// many words it is compared with.
func (s *sentNames) misnomerOf(text string, beside []string, finds func(value, text string) bool, part func(name string, words int) string) misnomer {
	m := misnomer{text: text}
	if text == "" || slices.ContainsFunc(s.values, func(v string) bool { return finds(v, text) }) {
		return m
	}
	for _, around := range s.around {
		if bare := around == [2]string{}; bare {
			continue
		} else if slices.Contains(s.names, text) {
			m.meant, m.sure = around[0]+text+around[1], true
			return m
		}
	}
	if slices.ContainsFunc(s.others, func(name string) bool { return finds(name, text) }) {
		return m
	}
	for _, around := range s.around {
		name := strings.TrimSuffix(strings.TrimPrefix(text, around[0]), around[1])
		var near []string
		for _, other := range s.names {
			near = append(near, part(other, len(words(name))))
		}
		meant := source.Nearest(name, near)
		if meant == "" || slices.Contains(beside, around[0]+meant+around[1]) {
			continue
		}
		m.meant, m.sure = around[0]+meant+around[1], onlySlip(name, near) == meant
		return m
	}
	return m
}

// upTo returns the beginning of a name, up to the end of its nth word and what stands behind
// that.
func upTo(name string, n int) string {
	at := 0
	for range n {
		i := strings.IndexAny(name[at:], ":_-./ @")
		if i < 0 {
			return name
		}
		at += i + 1
	}
	return name[:at]
}

func reversed(s string) string {
	b := []byte(s)
	slices.Reverse(b)
	return string(b)
}

// otherName begins the cause of a finding about a name in a condition.
const otherName = "name | "

// reportMisnomers reports names in a rule's condition that are one slip away from an item's.
func reportMisnomers(p *Pass, r *policy.Rule) {
	for _, m := range misnomersOf(p, r) {
		if !m.sure {
			continue
		}
		pos := r.Condition.Pos
		for x := range r.Condition.Exprs() {
			if strings.Contains(x.Value, m.text) {
				pos = x.Pos
				break
			}
		}
		p.report(draft{servers: p.index.ServerNames(r), subject: called(r), Finding: Finding{
			Pos: pos, Policy: r.ID, Server: p.index.OnlyServer(r), Confidence: authz.ConfidenceMedium,
			Cause:    otherName + causeOf(keyOf(r), m.place, m.text),
			Message:  fmt.Sprintf("the condition of %s looks for %q, which no item is called%s", called(r), m.text, didYouMean(m.meant)),
			Evidence: []string{cite(r), m.String()},
			Fix:      fmt.Sprintf("Write %s in place of %s.", strconv.Quote(m.meant), strconv.Quote(m.text)),
		}})
	}
}
