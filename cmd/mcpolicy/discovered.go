package main

import (
	"fmt"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/live"
)

// A discovered server is what all visits to it came to.
type discovered struct {
	server *liveServer
	whole  *live.Inventory
	tokens []string
	notes  []string
}

// merge puts together what several tokens see of a server, and notes what each
// of them does not.
func merge(s *liveServer, visits []*visit) discovered {
	d := discovered{server: s}
	var mine []*visit
	var parts []*live.Inventory
	for _, v := range visits {
		if v.server == s {
			mine = append(mine, v)
			parts = append(parts, v.inventory)
			if v.token != "" {
				d.tokens = append(d.tokens, v.token)
			}
		}
	}
	d.whole = live.Merge(parts...)
	for i, v := range mine {
		missing := v.inventory.Lacks(d.whole)
		for _, t := range authz.ItemTypes() {
			if n := len(missing[t]); n > 0 {
				total := len(d.whole.Lists[t].Names())
				d.notes = append(d.notes, fmt.Sprintf("%s does not see %d of %s: %s", v.name(), n, count(total, t), some(missing[t])))
			}
		}
		if i == 0 {
			continue
		}
		if differ := mine[0].inventory.Differs(v.inventory); len(differ) > 0 {
			d.notes = append(d.notes, fmt.Sprintf("%s sees %s otherwise than %s, whose view is written", v.name(), some(differ), mine[0].name()))
		}
	}
	return d
}

// maxNamed is how many names a note has.
const maxNamed = 10

func some(names []string) string {
	if len(names) > maxNamed {
		return strings.Join(names[:maxNamed], ", ") + fmt.Sprintf(" and %d more", len(names)-maxNamed)
	}
	return strings.Join(names, ", ")
}

// count returns a number of items in words.
func count(n int, t authz.ItemType) string {
	name := [...]string{"tool", "prompt", "resource", "template"}[t]
	if n != 1 {
		name += "s"
	}
	return fmt.Sprintf("%d %s", n, name)
}

// summary counts what the server offers.
func (d *discovered) summary() string {
	var parts []string
	for _, t := range authz.ItemTypes() {
		if n := len(d.whole.Lists[t].Items); n > 0 || t == authz.ToolItem {
			parts = append(parts, count(n, t))
		}
	}
	return strings.Join(parts, ", ")
}

// checkEmpty refuses an inventory without tools, for a server that filters
// what it shows looks the same to whoever may use nothing.
func (d *discovered) checkEmpty() error {
	lists := d.whole.Lists
	if len(lists[authz.ToolItem].Items) > 0 {
		return nil
	}
	if !d.whole.Server.Declares(authz.ToolItem) && (len(lists[authz.PromptItem].Items) > 0 || len(lists[authz.ResourceItem].Items) > 0) {
		return nil // it has none
	}
	shown := "nobody without a token"
	way := "name the variables of tokens that may list everything with --token-env, or start the server with --run: " +
		"over stdio FastMCP's own checks are skipped"
	switch {
	case len(d.server.target.Command) > 0:
		shown, way = "this client", "over stdio it has no token, and middleware that wants one hides everything: start it without its authorization middleware"
	case len(d.tokens) > 0:
		shown = strings.Join(d.tokens, ", ")
		way = "take a token that may list everything, or add the tokens of others (--token-env may be repeated), or start the server " +
			"with --run: over stdio FastMCP's own checks are skipped; or run it without its authorization middleware"
	}
	return fmt.Errorf("%s: the server shows %s no tools: either it has none, or it hides them; %s (--accept-empty writes what there is)", d.server.name, shown, way)
}
