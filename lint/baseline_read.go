package lint

import (
	"errors"
	"slices"
	"strings"

	_ "embed"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/source"
)

//go:embed baseline.schema.json
var baselineSchemaText string

// BaselineSchema returns the JSON Schema of a baseline, for editors. A test holds it to what
// [ParseBaseline] takes.
func BaselineSchema() []byte { return []byte(baselineSchemaText) }

type baselineFile struct {
	Schema   string          `yaml:"$schema"`
	Version  int             `yaml:"version"`
	Findings []baselineEntry `yaml:"findings"`
}

type baselineEntry struct {
	Pos              source.Pos
	Rule             string             `yaml:"rule"`
	Cause            string             `yaml:"cause"`
	Message          string             `yaml:"message"`
	File             string             `yaml:"file"`
	Server           string             `yaml:"server"`
	Tool             string             `yaml:"tool"`
	Prompt           string             `yaml:"prompt"`
	Resource         string             `yaml:"resource"`
	ResourceTemplate string             `yaml:"resourceTemplate"`
	Principal        string             `yaml:"principal"`
	Times            *int               `yaml:"times"`
	Affects          []baselineAffected `yaml:"affects"`
}

type baselineAffected struct {
	Pos               source.Pos
	Server            string   `yaml:"server"`
	Tools             []string `yaml:"tools"`
	Prompts           []string `yaml:"prompts"`
	Resources         []string `yaml:"resources"`
	ResourceTemplates []string `yaml:"resourceTemplates"`
	Principals        []string `yaml:"principals"`
}

var writtenBaseline = source.Written{
	Noun: "baseline", Command: "mcpolicy baseline", Version: BaselineVersion, End: baselineEnd,
	Conflict: "keep the entries of both sides, and take the markers out",
}

// ParseBaseline reads a baseline, strictly: a file that is cut short or has the markers of a
// merge conflict is none. The name stands in positions. The error has all mistakes. Whether
// there are the rules that it names is for [Baseline.Check] to say.
func ParseBaseline(name string, data []byte) (*Baseline, error) {
	root, err := writtenBaseline.Parse(name, data)
	if err != nil {
		return nil, err
	}
	if root.Get("findings") == nil {
		return nil, source.Errorf(root.Pos, "this is no baseline: it has no findings; write it with mcpolicy baseline")
	}
	var f baselineFile
	errs := []error{source.Decode(root, &f)}
	b := &Baseline{File: name, known: map[effect]entered{}}
	for i := range f.Findings {
		switch n := root.Get("findings").Items[i]; {
		case n.Is(source.Null):
			errs = append(errs, source.Errorf(n.Pos, "want a finding, have null"))
		case n.Is(source.Mapping): // what else it is has been said
			errs = append(errs, b.enter(&f.Findings[i]))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return b, nil
}

// enter enters what an entry says.
func (b *Baseline) enter(x *baselineEntry) error {
	s := subject{rule: x.Rule, cause: x.Cause, file: x.File, server: x.Server, principal: x.Principal, message: x.Message}
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, source.Errorf(x.Pos, format, args...)) }
	for _, i := range []struct {
		t    authz.ItemType
		name string
	}{{authz.ToolItem, x.Tool}, {authz.PromptItem, x.Prompt}, {authz.ResourceItem, x.Resource}, {authz.TemplateItem, x.ResourceTemplate}} {
		switch {
		case i.name == "":
		case s.name != "":
			fail("want one of tool, prompt, resource and resourceTemplate; others are affected")
		default:
			s.kind, s.name = i.t.String(), i.name
		}
	}
	switch {
	case x.Rule == "":
		fail("rule is missing")
	case (x.Cause == "") == (x.Message == ""):
		fail("want a cause, or the message of a finding without one")
	case x.Cause != "" && (s.name != "" || s.server+s.principal+s.file != ""):
		fail("a finding with a cause is told by that alone: what it is about stands under affects")
	}
	times := 1
	if x.Times != nil {
		times = *x.Times
	}
	if times < 1 {
		fail("times: want 1 or more, have %d", times)
	}
	if x.Affects != nil && len(x.Affects) == 0 {
		fail("affects: nothing is in the list")
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	add := func(item Item, principal string, pos source.Pos) {
		e := effect{s.identity(), item, principal}
		b.known[e] = entered{max(times, b.known[e].times), pos}
	}
	if x.Affects == nil {
		add(s.itself(), "", x.Pos)
	}
	for i := range x.Affects {
		if x.Affects[i].Pos.IsZero() {
			x.Affects[i].Pos = x.Pos // it is null
		}
		errs = append(errs, x.Affects[i].each(func(item Item, principal string) { add(item, principal, x.Pos) }))
	}
	return errors.Join(errs...)
}

// each calls f for each item and principal.
func (x *baselineAffected) each(f func(item Item, principal string)) error {
	var items []Item
	for _, of := range []struct {
		t     authz.ItemType
		names []string
	}{{authz.ToolItem, x.Tools}, {authz.PromptItem, x.Prompts}, {authz.ResourceItem, x.Resources}, {authz.TemplateItem, x.ResourceTemplates}} {
		for _, name := range of.names {
			items = append(items, Item{x.Server, of.t, name})
		}
	}
	switch {
	case slices.ContainsFunc(items, func(i Item) bool { return i.Name == "" }) || slices.Contains(x.Principals, ""):
		return source.Errorf(x.Pos, "affects: a name is empty")
	case len(items) > 0 && x.Server == "":
		return source.Errorf(x.Pos, "affects: server is missing")
	case len(items) == 0 && x.Server != "":
		return source.Errorf(x.Pos, "affects: want tools, prompts, resources or resourceTemplates of server %q", x.Server)
	case len(items) == 0 && len(x.Principals) == 0:
		return source.Errorf(x.Pos, "affects: want the items of a server, principals, or both")
	case len(items) == 0:
		items = []Item{{}}
	}
	who := x.Principals
	if len(who) == 0 {
		who = []string{""}
	}
	for _, i := range items {
		for _, key := range who {
			f(i, key)
		}
	}
	return nil
}

// Check reports rules that there are not, or of which nothing can be known, and names that
// are meant for globs: what an entry says is known is that alone.
func (b *Baseline) Check(m *matrix.Matrix) error {
	names := map[string]bool{}
	for _, s := range m.Servers {
		names[s.Name] = true
	}
	for _, c := range m.Columns {
		names[c.Item.Name] = true
	}
	for _, c := range m.Classes {
		for _, p := range c.Principals {
			names[p.Key] = true
		}
	}
	said := map[string]bool{}
	var errs []error
	for _, list := range b.byIdentity() {
		for _, e := range list {
			pos := b.known[e].pos
			fail := func(what, format string, args ...any) {
				if key := pos.String() + what; !said[key] {
					said[key] = true
					errs = append(errs, source.Errorf(pos, format, args...))
				}
			}
			if _, err := Find(e.rule()); err != nil {
				fail(e.rule(), "%w; mcpolicy baseline --prune takes out what is of no rule", err)
			} else if isAboutWaivers(e.rule()) {
				fail(e.rule(), "findings of %s cannot be known: mend the waiver, or take it out", e.rule())
			}
			for _, name := range []string{e.item.Server, e.item.Name, e.principal} {
				if strings.Contains(name, "*") && !names[name] {
					fail(name, "there is nothing called %q, and names in a baseline are no globs", name)
				}
			}
		}
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(errs...)
}
