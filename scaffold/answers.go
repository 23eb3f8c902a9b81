package scaffold

import (
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/manifest"
)

// reasons are of waivers: what only the server, its enforcement point or who keeps its inventory
// can mend.
var reasons = map[string]string{
	"annotations-contradict":       "review: the hints contradict each other or the name; the policies go by the worse of them",
	"annotations-missing":          "review: the server does not say that it destroys something; the policies count it as destructive",
	"duplicate-name":               "review: the inventory has the name twice; the policies give it to those who may have both",
	"enforcement-point-fails-open": "review: the enforcement point lets pass what it does not ask about",
	"enforcement-point-unsupported": "review: the enforcement point does not work on the server's version of FastMCP; " +
		"until it does, nothing is guarded",
	"hidden-text":                   "review: characters that do not show, in what the server says",
	"instruction-in-description":    "review: the description talks to the model",
	"list-not-filtered":             "review: the enforcement point asks about the list as a whole, so whoever sees it sees everything in it",
	"meta-tool":                     "review: whoever calls it may reach other tools through it; say under metaTools whether the enforcement point is asked again",
	"mapping-always-refuses":        "review: the mapping that the tool declares is refused whatever is asked; mend it in the server",
	"mapping-argument-optional":     "review: the mapping that the tool declares needs an argument that the inputSchema leaves open; mend it in the server",
	"mapping-caller-chooses-policy": "review: by the mapping that the tool declares whoever calls it chooses the policy",
	"mapping-chooses-identity":      "review: the mapping that the tool declares says who asks, and with which roles",
	"mapping-earlier-spelling":      "review: the mapping that the tool declares is spelt as in an earlier draft, which nobody reads",
	"mapping-number-as-text":        "review: the mapping that the tool declares makes a text of a number",
	"mapping-reveals":               "review: the mapping that the tool declares sends more than policies need",
	"mapping-stops-early":           "review: the mapping that the tool declares has not all of it answered",
	"name-not-portable":             "review: a name that clients may not take, or that has a meaning in patterns",
	"operation-not-enforced":        "review: the enforcement point asks nothing here, so no policy can refuse it; guard it in the server",
	withoutAccess:                   "whoever acts for nobody, or has a role for which this server has nothing, may do nothing: that is meant",
	"task-call-unguarded":           "review: calls that are made as tasks go past the enforcement point; switch tasks off in the server",
}

// unwritten are rules about tools of which only their mappings say what is asked.
var unwritten = []string{"no-policy-for-resource", "tool-without-rule", "tool-unreachable"}

// isClosed is why their findings are accepted.
const isClosed = "review: what the tool declares is asked about its calls only its author knows; write a policy about it, until then nobody may call it"

// withoutAccess is a rule whose notes are answered, too: a project begins without any.
const withoutAccess = "principal-without-access"

// reserved are rules about what agents may reach, and why it is kept from them.
var reserved = map[string]string{
	"agent-destructive":  "it may destroy something",
	"meta-tool":          "it calls other tools by name",
	"powerful-tool-open": "it runs what it is given",
	"toxic-combination":  "with the other tools it would be a way to hand out what is private",
}

// answer changes the plan by what is found in it, and reports whether it did.
func (p *plan) answer(f *lint.Finding) bool {
	if why := reserved[f.Rule]; why != "" && p.withhold(f, why) {
		return true
	}
	if f.Rule == "destructive-open-to-all" || f.Rule == "powerful-tool-open" {
		return p.raise(f)
	}
	reason, items := reasons[f.Rule], itemsOf(f)
	if slices.Contains(unwritten, f.Rule) {
		reason, items = isClosed, slices.DeleteFunc(items, func(i lint.Item) bool { return !p.closed(i) })
	}
	switch {
	case reason == "":
		return false
	case f.Rule == withoutAccess:
		return p.waive(waiver{rule: f.Rule, key: "principal", item: f.Principal, reason: reason})
	}
	changed := false
	for _, i := range items {
		if f.Rule == "annotations-missing" && !manifest.NameSaysDestructive(i.Name) && !p.ownSays(i) {
			continue // a note
		}
		x := waiver{rule: f.Rule, server: i.Server, reason: reason}
		if i.Name != "" {
			x.key, x.item = keyOf(i.Type), i.Name
		}
		changed = p.waive(x) || changed
	}
	return changed
}

// itemsOf returns what a finding is about.
func itemsOf(f *lint.Finding) []lint.Item {
	if len(f.Items) > 0 {
		return slices.Clone(f.Items)
	}
	return []lint.Item{{Server: f.Server, Type: f.Type, Name: f.Name}}
}

// closed reports whether no policy is written about the calls of a tool, or of some tool of the
// server where no item is named.
func (p *plan) closed(i lint.Item) bool {
	return slices.ContainsFunc(p.servers, func(s *guarded) bool {
		return s.Name == i.Server && slices.ContainsFunc(s.closed, func(t *tool) bool {
			return i.Name == "" || i.Type == authz.ToolItem && i.Name == t.item.Name
		})
	})
}

// waive adds a waiver, and reports whether it is new.
func (p *plan) waive(x waiver) bool {
	if slices.Contains(p.waivers, x) {
		return false
	}
	p.waivers = append(p.waivers, x)
	return true
}

// keyOf is how waivers name items of a type.
func keyOf(t authz.ItemType) string {
	switch t {
	case authz.ToolItem:
		return "tool"
	case authz.PromptItem:
		return "prompt"
	case authz.ResourceItem, authz.TemplateItem:
	}
	return "resource"
}

// find goes through the tools that a finding is about.
func (p *plan) find(f *lint.Finding, do func(*tool)) {
	for _, s := range p.servers {
		for _, t := range s.tools {
			about := slices.ContainsFunc(f.Items, func(i lint.Item) bool {
				return i.Server == s.Name && i.Type == authz.ToolItem && i.Name == t.item.Name
			})
			if about || len(f.Items) == 0 && f.Server == s.Name && f.Name == t.item.Name {
				do(t)
			}
		}
	}
}

// withhold keeps tools from agents that readers have.
func (p *plan) withhold(f *lint.Finding, why string) bool {
	changed := false
	p.find(f, func(t *tool) {
		if t.Tier == Reads && t.withheld == "" {
			t.withheld, changed = why, true
		}
	})
	return changed
}

// raise keeps tools to those of the next tier.
func (p *plan) raise(f *lint.Finding) bool {
	changed := false
	p.find(f, func(t *tool) {
		if t.Tier < Destroys {
			t.Intent, t.parts, t.withheld, changed = Intent{Destroys, againstHints}, nil, "", true
		}
	})
	return changed
}

// ownSays reports whether the name by which a mounted tool is listed says that it destroys something.
func (p *plan) ownSays(i lint.Item) bool {
	return slices.ContainsFunc(p.servers, func(s *guarded) bool {
		return s.Name == i.Server && slices.ContainsFunc(s.tools, func(t *tool) bool {
			return t.item.Name == i.Name && manifest.NameSaysDestructive(t.item.OwnName)
		})
	})
}
