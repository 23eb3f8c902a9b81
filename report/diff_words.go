package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/diff"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// whoGains names those who gain or lose.
func whoGains(w *diff.Who) string {
	if len(w.Principals) == 0 {
		return everybodyWith(w)
	}
	switch {
	case w.All:
		return "everybody"
	case w.Role != "" && len(w.Principals) == 1:
		return w.Role + strings.TrimPrefix(person(w.Principals[0]), w.Principals[0].Key)
	case w.Role != "":
		return w.Role
	case len(w.Principals) == 1:
		return person(w.Principals[0])
	}
	return names(w.Principals, namedAtMost)
}

// namedAtMost is how many principals a sentence names.
const namedAtMost = 4

func names(list []*authz.Principal, most int) string {
	var parts []string
	for _, p := range list[:min(len(list), most)] {
		parts = append(parts, p.Key)
	}
	if more := len(list) - len(parts); more > 0 {
		return strings.Join(parts, ", ") + " and " + count(more, "other")
	}
	return conjoin(parts)
}

func conjoin(parts []string) string {
	if len(parts) < 2 {
		return strings.Join(parts, "")
	}
	return strings.Join(parts[:len(parts)-1], ", ") + " and " + parts[len(parts)-1]
}

// person names a principal, and what it is unless a person.
func person(p *authz.Principal) string {
	switch {
	case p.Kind == authz.Agent && p.OnBehalfOf != "":
		return p.Key + ", an agent for " + p.OnBehalfOf + ","
	case p.Kind == authz.Agent:
		return p.Key + ", an agent,"
	case p.Kind == authz.Workload:
		return p.Key + ", a workload,"
	}
	return p.Key
}

func everybodyWith(w *diff.Who) string {
	text := "anybody with "
	if len(w.Roles) == 1 && w.Roles[0] == "*" {
		text = "anybody, with any other role"
	} else {
		var named []string
		for _, r := range w.Roles {
			if r == "*" {
				r = "any other role"
			}
			named = append(named, r)
		}
		text += conjoin(named)
	}
	if w.ID != "" {
		text += " whose id is " + w.ID
	}
	return text
}

// sentenceOf says what happens: "SALES may now list and call delete_customer".
func sentenceOf(g *diff.Group) string {
	who, what := whoGains(&g.Who), usesOf(g)
	more := g.From == matrix.Conditional.String() || g.From == matrix.Allowed.String()
	less := g.To == matrix.Conditional.String() || g.To == matrix.Allowed.String()
	switch {
	case g.Kind == diff.Unknown:
		return "it is not known whether " + who + " may " + what + " in more cases"
	case g.To == matrix.Unguarded.String():
		return "no policy is asked any more when " + who + " " + strings.Replace(what, "call", "calls", 1)
	case g.Kind == diff.Changed:
		return who + " may now " + what + " in other cases"
	case g.Kind == diff.Widened && more:
		return who + " may now " + what + " in more cases"
	case g.Kind == diff.Widened:
		return who + " may now " + what
	case less:
		return who + " may " + what + " in fewer cases"
	}
	return who + " may no longer " + what
}

// usesOf says what may be done: "list and call delete_customer and merge_customer".
func usesOf(g *diff.Group) string {
	var parts []string
	for i := 0; i < len(g.Uses); {
		ops := operationWords(g.Uses[i].Operations)
		var items []string
		for ; i < len(g.Uses) && operationWords(g.Uses[i].Operations) == ops; i++ {
			items = append(items, itemWords(&g.Uses[i]))
		}
		parts = append(parts, ops+" "+conjoin(items))
	}
	return strings.Join(parts, ", ")
}

func operationWords(list []authz.Operation) string {
	var parts []string
	for _, o := range list {
		parts = append(parts, o.String())
	}
	return conjoin(parts)
}

func itemWords(u *diff.Use) string {
	if u.New {
		return u.Column.Item.Name + " (new)"
	}
	if u.Gone {
		return u.Column.Item.Name + " (gone)"
	}
	return u.Column.Item.Name
}

// details says how: from what to what, on which condition, with which call, by which lines.
func (d *Diff) details(g *diff.Group) []string {
	var list []string
	add := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	switch {
	case !g.Was.IsZero() && !g.Is.IsZero():
		add("- %s", g.Was)
		add("+ %s", g.Is)
	case !g.Was.IsZero():
		add("- %s", g.Was)
		add("+ %s", accessWords(g.To))
	case !g.Is.IsZero():
		add("%s -> %s", g.From, g.Is.When())
	default:
		add("%s -> %s", g.From, accessWords(g.To))
	}
	if g.Gained != nil {
		add("only now: %s", witnessWords(g.Gained))
	}
	if g.Lost != nil {
		add("no longer: %s", witnessWords(g.Lost))
	}
	if len(g.Open) > 0 {
		add("open: %s", strings.Join(g.Open, "; "))
	}
	if w := &g.Who; len(w.Principals) > 0 && (w.Role != "" || w.All || len(w.Principals) > namedAtMost) {
		text := names(w.Principals, namedAtMost*3)
		if len(list) == 1 && g.Was.IsZero() && g.Is.IsZero() {
			list[0] += "  (" + text + ")"
		} else {
			add("for %s", text)
		}
	}
	return list
}

func accessWords(access string) string {
	if access == matrix.Allowed.String() {
		return "always"
	}
	return access
}

func witnessWords(w *diff.Witness) string {
	var parts []string
	if w.Principal != nil {
		parts = append(parts, "principal "+principalJSON(w.Principal))
	}
	if w.Arguments != nil {
		parts = append(parts, jsonText(w.Arguments))
	}
	if !w.Now.IsZero() {
		parts = append(parts, "at "+w.Now.UTC().Format(time.RFC3339))
	}
	return strings.Join(parts, ", ")
}

// principalJSON writes what a witness says of a principal.
func principalJSON(p *authz.Principal) string { return jsonText(witnessPrincipal(p)) }

func witnessPrincipal(p *authz.Principal) map[string]any {
	m := map[string]any{"roles": p.Roles}
	if p.ID != "" && p.ID != "anybody" {
		m["id"] = p.ID
	}
	if len(p.Attr) > 0 {
		m["attr"] = p.Attr
	}
	if len(p.AuxData) > 0 {
		m["auxData"] = map[string]any{"jwt": p.AuxData}
	}
	if len(p.JWTs) > 0 {
		m["auxData"] = map[string]any{"jwts": p.JWTs}
	}
	return m
}

// causeWords names a line that changed something.
func causeWords(c *diff.Cause) string {
	text := c.What
	if c.Rule != nil {
		effect := "allows it"
		if c.Rule.Effect == authz.Deny {
			effect = "denies it"
		}
		if c.Base {
			effect = map[string]string{"allows it": "allowed it", "denies it": "denied it"}[effect]
		}
		text = fmt.Sprintf("rule %q %s", c.Rule.Name, effect)
	}
	if c.Base {
		text += " at the base"
	}
	return text
}

// itemSentence says what changed of an item.
func itemSentence(x *diff.Item) string {
	name := x.Item.Type.String() + " " + x.Item.Name
	switch x.Change {
	case "added":
		text := name + " is new"
		if destructiveItem(x) {
			text += ", and destructive"
		}
		return text
	case "removed":
		if x.Like != nil {
			return name + " is gone; it looks like a rename to " + x.Like.Name
		}
		return name + " is gone"
	case "hints":
		return name + " has other hints: " + hintWords(x)
	}
	return name + " has " + another[x.Change]
}

// another says what an item has otherwise than before.
var another = map[string]string{
	"schema": "another inputSchema", "description": "another description", "title": "another title", "tags": "other tags",
}

func destructiveItem(x *diff.Item) bool {
	return x.Item.Type == authz.ToolItem && x.Item.Destructive() != 0
}

func hintWords(x *diff.Item) string {
	var parts []string
	was, is := &x.Before.Hints, &x.Item.Hints
	for _, h := range []struct {
		name    string
		was, is fmt.Stringer
	}{
		{"readOnlyHint", was.ReadOnly, is.ReadOnly},
		{"destructiveHint", was.Destructive, is.Destructive},
		{"idempotentHint", was.Idempotent, is.Idempotent},
		{"openWorldHint", was.OpenWorld, is.OpenWorld},
	} {
		if h.was.String() != h.is.String() {
			parts = append(parts, fmt.Sprintf("%s %s -> %s", h.name, h.was, h.is))
		}
	}
	return strings.Join(parts, ", ")
}

// laterSentence says what may be done with items that do not exist yet.
func laterSentence(x *diff.Future) string {
	var who []string
	if len(x.Principals) > 0 {
		who = append(who, names(x.Principals, namedAtMost))
	}
	if len(x.Roles) > 0 {
		who = append(who, everybodyWith(&diff.Who{Roles: x.Roles}))
	}
	what := operationWords(x.Operations) + " a " + x.Column.Item.Type.String() + " that does not exist yet, such as " + x.Column.Item.Name
	switch x.Kind {
	case diff.Widened:
		return conjoin(who) + " may " + what + ", once it does"
	case diff.Narrowed:
		return conjoin(who) + " may no longer " + what + ", once it does"
	case diff.Changed, diff.Unknown:
	}
	return "it is not the same for " + conjoin(who) + " to " + what
}
