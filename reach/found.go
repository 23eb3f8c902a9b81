package reach

import (
	"fmt"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/live"
)

// A Found is a server with what all who looked at it see.
type Found struct {
	Server *Server
	Whole  *live.Inventory
	Tokens []string // the variables of those who looked
	Notes  []string // what some of them do not see, or see otherwise
}

// Merge puts together what several tokens see of a server, and notes what each
// of them does not.
func Merge(s *Server, views []*View) *Found {
	f := &Found{Server: s}
	var mine []*View
	var parts []*live.Inventory
	for _, v := range views {
		if v.Server == s {
			mine = append(mine, v)
			parts = append(parts, v.Inventory)
			if v.Token != "" {
				f.Tokens = append(f.Tokens, v.Token)
			}
		}
	}
	f.Whole = live.Merge(parts...)
	for i, v := range mine {
		missing := v.Inventory.Lacks(f.Whole)
		for _, t := range authz.ItemTypes() {
			if n := len(missing[t]); n > 0 {
				total := len(f.Whole.Lists[t].Names())
				f.Notes = append(f.Notes, fmt.Sprintf("%s does not see %d of %s: %s", v, n, count(total, t), Some(missing[t], len(missing[t]))))
			}
		}
		if i == 0 {
			continue
		}
		if differ := mine[0].Inventory.Differs(v.Inventory); len(differ) > 0 {
			f.Notes = append(f.Notes, fmt.Sprintf("%s sees %s otherwise than %s, whose view is written", v, Some(differ, len(differ)), mine[0]))
		}
	}
	return f
}

// MaxNamed is how many names a message has.
const MaxNamed = 10

// Some lists names of which there are total, but not more than [MaxNamed].
func Some(names []string, total int) string {
	text := strings.Join(names[:min(len(names), MaxNamed)], ", ")
	if more := total - min(len(names), MaxNamed); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// count returns a number of items in words.
func count(n int, t authz.ItemType) string {
	name := [...]string{"tool", "prompt", "resource", "template"}[t]
	if n != 1 {
		name += "s"
	}
	return fmt.Sprintf("%d %s", n, name)
}

// Summary counts what the server offers.
func (f *Found) Summary() string {
	var parts []string
	for _, t := range authz.ItemTypes() {
		if n := len(f.Whole.Lists[t].Items); n > 0 || t == authz.ToolItem {
			parts = append(parts, count(n, t))
		}
	}
	return strings.Join(parts, ", ")
}

// CheckEmpty refuses an inventory without tools, for a server that filters
// what it shows looks the same to whoever may use nothing.
func (f *Found) CheckEmpty() error {
	lists := f.Whole.Lists
	if len(lists[authz.ToolItem].Items) > 0 {
		return nil
	}
	if !f.Whole.Server.Declares(authz.ToolItem) && (len(lists[authz.PromptItem].Items) > 0 || len(lists[authz.ResourceItem].Items) > 0) {
		return nil // it has none
	}
	shown := "nobody without a token"
	way := "name the variables of tokens that may list everything with --token-env, or start the server with --run: " +
		"over stdio FastMCP's own checks are skipped"
	switch {
	case f.Server.Starts():
		shown, way = "this client", "over stdio it has no token, and middleware that wants one hides everything: start it without its authorization middleware"
	case len(f.Tokens) > 0:
		shown = strings.Join(f.Tokens, ", ")
		way = "take a token that may list everything, or add the tokens of others (--token-env may be repeated), or start the server " +
			"with --run: over stdio FastMCP's own checks are skipped; or run it without its authorization middleware"
	}
	return fmt.Errorf("%s: the server shows %s no tools: either it has none, or it hides them; %s (--accept-empty writes what there is)", f.Server.Name, shown, way)
}
