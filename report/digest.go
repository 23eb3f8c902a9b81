package report

import (
	"cmp"
	"maps"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/lint"
)

// A digest is findings in numbers: how many of which rule, what they affect, and where to
// begin.
type digest struct {
	total   digestCount
	rules   []*digestCount // the worst first
	files   []*digestCount // where most is to be done first, and so on
	servers []*digestCount
	worst   *lint.Finding // nil if there are none
}

// A digestCount counts findings that have something in common, and what they affect.
type digestCount struct {
	name       string
	severity   [authz.SeverityError + 1]int
	items      map[lint.Item]bool
	principals map[string]bool
}

func (c *digestCount) findings() int {
	n := 0
	for _, k := range c.severity {
		n += k
	}
	return n
}

func (c *digestCount) add(f *lint.Finding) {
	if c.items == nil {
		c.items, c.principals = map[lint.Item]bool{}, map[string]bool{}
	}
	c.severity[f.Severity]++
	for _, i := range f.Items {
		c.items[i] = true
	}
	if f.Name != "" {
		c.items[lint.Item{Server: f.Server, Type: f.Type, Name: f.Name}] = true
	}
	for _, key := range f.Principals {
		c.principals[key] = true
	}
	if f.Principal != "" {
		c.principals[f.Principal] = true
	}
}

// newDigest counts the findings that count.
func newDigest(d *Document) *digest {
	open, _, _ := d.bySeverity()
	s := &digest{}
	rules, files, servers := map[string]*digestCount{}, map[string]*digestCount{}, map[string]*digestCount{}
	add := func(of map[string]*digestCount, name string, f *lint.Finding) {
		if name == "" {
			return
		}
		if of[name] == nil {
			of[name] = &digestCount{name: name}
		}
		of[name].add(f)
	}
	for _, f := range open {
		if s.worst == nil {
			s.worst = f
		}
		s.total.add(f)
		add(rules, f.Rule, f)
		add(files, f.Pos.File, f)
		for _, server := range serversOf(f) {
			add(servers, server, f)
		}
	}
	s.rules = slices.SortedFunc(maps.Values(rules), func(a, b *digestCount) int {
		return cmp.Or(b.heaviest(a), cmp.Compare(a.name, b.name))
	})
	most := func(a, b *digestCount) int {
		return cmp.Or(cmp.Compare(b.findings(), a.findings()), b.heaviest(a), cmp.Compare(a.name, b.name))
	}
	s.files, s.servers = slices.SortedFunc(maps.Values(files), most), slices.SortedFunc(maps.Values(servers), most)
	return s
}

// heaviest compares by the most severe findings first.
func (c *digestCount) heaviest(o *digestCount) int {
	return cmp.Or(
		cmp.Compare(c.severity[authz.SeverityError], o.severity[authz.SeverityError]),
		cmp.Compare(c.severity[authz.SeverityWarning], o.severity[authz.SeverityWarning]),
		cmp.Compare(c.severity[authz.SeverityNote], o.severity[authz.SeverityNote]),
	)
}

// serversOf returns the servers that a finding is about.
func serversOf(f *lint.Finding) []string {
	if f.Server != "" {
		return []string{f.Server}
	}
	var names []string
	for _, i := range f.Items {
		if !slices.Contains(names, i.Server) {
			names = append(names, i.Server)
		}
	}
	return names
}

// A start is where to begin: the file, the server or the rule with most findings.
type start struct {
	what string // file, server or rule
	*digestCount
}

// starts returns where to begin. What all findings have in common is no place to begin, nor
// what a single one has.
func (s *digest) starts() []start {
	byCount := slices.Clone(s.rules)
	slices.SortStableFunc(byCount, func(a, b *digestCount) int { return cmp.Compare(b.findings(), a.findings()) })
	var list []start
	for _, of := range []struct {
		what  string
		names []*digestCount
	}{{"file", s.files}, {"server", s.servers}, {"rule", byCount}} {
		if len(of.names) > 1 && of.names[0].findings() > 1 {
			list = append(list, start{of.what, of.names[0]})
		}
	}
	return list
}

// words says how many of all findings something has: 21 of 64 findings, 8 of them errors.
func (c *digestCount) words(total int) string {
	text := countOf(c.findings(), total)
	if n := c.severity[authz.SeverityError]; n > 0 {
		text += ", " + count(n, "error")
	} else if n := c.severity[authz.SeverityWarning]; n > 0 {
		text += ", " + count(n, "warning")
	}
	return text
}
