package testcoverage

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
)

// TestName is what a test is called that has one of the cases that would cover the point. No
// other point has the same.
func (p *Point) TestName(i int) string {
	name := "covers " + p.Title()
	if p.Number > 0 {
		name += fmt.Sprintf(" (%d)", p.Number)
	}
	if len(p.Want) > 1 {
		name += fmt.Sprintf(", %d of %d", i+1, len(p.Want))
	}
	return name
}

// Test returns a test of a suite that has the case, on one line of YAML, to stand below
// tests. Its name says what it is for.
func (p *Case) Test(name string) string {
	item := text(p.Column.Item.Name)
	var said string
	if p.Arguments == nil {
		said = fmt.Sprintf("{%s: [%s]}", p.Expect, item)
	} else {
		arguments, lookedUp := authz.SplitArguments(p.Arguments)
		with := "arguments: " + text(arguments)
		if lookedUp != nil {
			with += ", lookedUp: " + text(lookedUp)
		}
		said = fmt.Sprintf("{cases: [{%s: %s, %s, expect: %s}]}", noun(p.Column.Item.Type), item, with, p.Expect)
	}
	said = p.Column.Operation.String() + ": " + said
	switch p.Column.Item.Type {
	case authz.PromptItem:
		said = "prompts: {" + said + "}"
	case authz.ResourceItem, authz.TemplateItem:
		said = "resources: {" + said + "}"
	case authz.ToolItem:
	}
	return fmt.Sprintf("{name: %s, principals: [%s], %s}", text(name), text(p.Principal.Key), said)
}

// String says the case in short: pia call reroute {"zone":"z2"}: deny.
func (p *Case) String() string {
	said := fmt.Sprintf("%s %s %s", p.Principal.Key, p.Column.Operation, p.Column.Item.Name)
	if p.Arguments != nil {
		said += " " + text(p.Arguments)
	}
	return said + ": " + p.Expect
}

func noun(t authz.ItemType) string {
	switch t {
	case authz.PromptItem:
		return "prompt"
	case authz.ResourceItem, authz.TemplateItem:
		return "resource"
	case authz.ToolItem:
	}
	return "tool"
}

// text returns a value as JSON on one line, which YAML contains.
func text(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return `""` // never: these are JSON values
	}
	return strings.TrimSpace(b.String())
}

// Title says what is to be covered: condition of reroute-in-zone: not met.
func (p *Point) Title() string {
	switch p.Kind {
	case Rule:
		return "rule " + p.Name()
	case DerivedRole:
		return "derived role " + p.Name()
	case Outcome:
		return p.owner() + ": condition " + p.What
	case MCDC:
		return p.owner() + ": part " + p.What
	case Cell:
	}
	return p.Name() + ": " + p.What
}

func (p *Point) owner() string {
	if p.DerivedRole != nil {
		return "derived role " + p.Name()
	}
	return p.Name()
}

// Lacks says of a part which half of the pair nothing covers: that it is true, or false.
func (p *Point) Lacks() string {
	switch {
	case p.Kind != MCDC || p.State != Uncovered || p.True && p.False:
		return ""
	case p.True:
		return "no case rests on it being false"
	case p.False:
		return "no case rests on it being true"
	}
	return "no case rests on it"
}
