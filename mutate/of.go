package mutate

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/source"
)

// Of makes the mutants of policies, in the order of their files. Root returns what
// stands in a file of theirs; a file for which that is nil has none.
func Of(set *policy.Set, root func(file string) *source.Node) []*Mutant {
	m := &maker{set: set, seen: map[string]bool{}}
	for _, p := range set.Policies {
		if p.Disabled {
			continue
		}
		if m.root = root(p.File); m.root != nil {
			m.policy(p)
		}
	}
	slices.SortStableFunc(m.list, func(a, b *Mutant) int {
		return cmp.Or(a.Pos.Compare(b.Pos), cmp.Compare(order(a.Operator), order(b.Operator)))
	})
	identify(m.list)
	return m.list
}

func order(o Operator) int { return slices.Index(Operators(), o) }

// identify gives mutants IDs that tell them apart.
func identify(list []*Mutant) {
	seen := map[string]int{}
	for _, m := range list {
		key := strings.Join([]string{string(m.Operator), m.Of, m.Before, m.After}, "\x00")
		seen[key]++
		sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d", key, seen[key]))
		m.ID = hex.EncodeToString(sum[:6])
	}
}

// A maker makes the mutants of one policy after the other.
type maker struct {
	set  *policy.Set
	root *source.Node
	list []*Mutant
	seen map[string]bool // what files would say
}

// add adds a mutant, unless there is one that is the same.
func (m *maker) add(mutant *Mutant) {
	mutant.root = m.root
	content, err := mutant.Content()
	key := mutant.Pos.File + "\x00" + string(content)
	if err != nil || m.seen[key] {
		return
	}
	m.seen[key] = true
	if mutant.Change == nil {
		mutant.Change = &pdp.Change{File: mutant.Pos.File, Content: content}
	}
	m.list = append(m.list, mutant)
}

// policy makes the mutants of a policy.
func (m *maker) policy(p *policy.Policy) {
	if own, err := json.Marshal(m.root.Value()); err == nil {
		m.seen[p.File+"\x00"+string(own)] = true
	}
	for _, r := range p.Rules {
		if n := at(m.root, r.Pos); n != nil {
			m.rule(r, n)
		}
	}
	for _, d := range p.DerivedRoles {
		if n := at(m.root, d.Pos); n != nil {
			m.derivedRole(d, n)
		}
	}
	of := m.ofPolicy(p)
	for _, v := range p.Variables.Local {
		if n := at(m.root, v.Expr.Pos); n != nil {
			m.expression(&site{of: p.Key() + " variable " + v.Name.Value, rules: of, node: n, text: v.Expr.Value})
		}
	}
	for _, c := range p.Constants.Local {
		m.constant(p, c, of)
	}
}

// at returns the node at a position: the innermost of those that begin there is not
// meant where a mapping begins with its first key.
func at(n *source.Node, pos source.Pos) *source.Node {
	if n.Pos == pos {
		return n
	}
	for _, f := range n.Fields {
		if found := at(f.Value, pos); found != nil {
			return found
		}
	}
	for _, item := range n.Items {
		if found := at(item, pos); found != nil {
			return found
		}
	}
	return nil
}

// entry returns what a mapping has under a key, which may be written with underscores.
func entry(n *source.Node, name string) *source.Field {
	if !n.Is(source.Mapping) {
		return nil
	}
	var snake strings.Builder
	for _, r := range name {
		if r >= 'A' && r <= 'Z' {
			snake.WriteByte('_')
			r += 'a' - 'A'
		}
		snake.WriteRune(r)
	}
	for _, key := range []string{name, snake.String()} {
		for i := range n.Fields {
			if n.Fields[i].Name == key {
				return &n.Fields[i]
			}
		}
	}
	return nil
}

// field returns the value of a key of a mapping, nil if there is none.
func field(n *source.Node, name string) *source.Node {
	if e := entry(n, name); e != nil {
		return e.Value
	}
	return nil
}

// keyPos returns where a key of a mapping stands that has it.
func keyPos(n *source.Node, name string) source.Pos { return entry(n, name).Pos }

// ofPolicy returns the rules that what a policy defines has a say in: its own, and
// those of the policies that import it.
func (m *maker) ofPolicy(p *policy.Policy) []string {
	var rules []string
	for r := range m.set.Rules() {
		if r.Policy == p || !p.Kind.HasRules() {
			rules = append(rules, r.ID)
		}
	}
	return rules
}

// constant moves a number or a time among the constants, or makes a text another one.
func (m *maker) constant(p *policy.Policy, c policy.Constant, rules []string) {
	n := valueAt(m.root, c.Name)
	if n == nil {
		return
	}
	var moved []any
	switch v := c.Value.(type) {
	case float64:
		moved = []any{v + 1, v - 1}
	case string:
		for _, text := range movedText("timestamp", v) {
			moved = append(moved, text)
		}
		if moved == nil {
			moved = []any{v + otherText}
		}
	}
	for _, v := range moved {
		m.add(&Mutant{
			Operator: ConstantMoved, Pos: n.Pos, Of: p.Key() + " constant " + c.Name.Value, Rules: rules,
			Before: c.Name.Value + ": " + write(c.Value), After: c.Name.Value + ": " + write(v), edit: edit{node: n, value: v},
		})
	}
}

// valueAt returns the value of the field whose key stands at a position.
func valueAt(n *source.Node, key policy.Text) *source.Node {
	for _, f := range n.Fields {
		if f.Pos == key.Pos && f.Name == key.Value {
			return f.Value
		}
		if found := valueAt(f.Value, key); found != nil {
			return found
		}
	}
	for _, item := range n.Items {
		if found := valueAt(item, key); found != nil {
			return found
		}
	}
	return nil
}

// write writes a value as JSON.
func write(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v) // never: these are JSON values
	}
	return string(data)
}
