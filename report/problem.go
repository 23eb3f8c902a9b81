package report

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// The rules that cases are problems of, in the formats that know nothing but
// problems. Lint rules have other IDs.
const (
	caseFailed  = "case-failed"
	caseErrored = "case-errored"
)

// A problem is a finding, a drift, a case that did not pass or a note, for formats that
// tell them apart by their rule alone. Its texts are as they came: each format
// escapes them.
type problem struct {
	rule     string
	severity authz.Severity
	message  string   // one line
	why      []string // lines: the evidence, and the way out
	pos      source.Pos
	related  []lint.Related
	server   string
	item     string
	waived   bool
	known    bool       // at the base, too
	reason   string     // of the waiver
	waivedAt source.Pos // where that stands

	// fingerprint is the same in the next run, wherever the problem stands in
	// its file then, and no other problem of the document has it.
	fingerprint string
}

// problems returns the findings and the cases that failed or errored, the most
// severe first, and waived findings last. Every one has a file and a line.
func (d *Document) problems(o *Options) []*problem {
	list := append(d.caseProblems(), d.ownProblems()...)
	for i := range d.Findings {
		list = append(list, findingProblem(&d.Findings[i]))
	}
	return d.settle(list, o)
}

// remarks returns the notes as problems.
func (d *Document) remarks(o *Options) []*problem { return d.settle(d.noteProblems(), o) }

// annotations returns what is worth a line in a review: the problems that are
// not waived, and the notes.
func (d *Document) annotations(o *Options) []*problem {
	list := slices.Concat(d.caseProblems(), d.ownProblems(), d.noteProblems())
	for i := range d.Findings {
		if f := &d.Findings[i]; !f.Waived && !f.Known && !d.isNoted(f) {
			list = append(list, findingProblem(f))
		}
	}
	return d.settle(list, o)
}

func (d *Document) noteProblems() []*problem {
	var list []*problem
	for _, n := range d.Notes {
		rule := firstOf(n.Rule, "note")
		list = append(list, &problem{
			rule: rule, severity: authz.SeverityNote, message: n.Message, pos: n.Pos, server: n.Server,
			fingerprint: identity("note", rule, n.Pos.File, n.Server, n.Message),
		})
	}
	return list
}

func (d *Document) caseProblems() []*problem {
	if d.Tests == nil {
		return nil
	}
	var list []*problem
	for _, s := range d.Tests.Suites {
		for _, c := range casesOf(s) {
			if c.Outcome == testrunner.Failed || c.Outcome == testrunner.Errored {
				list = append(list, d.caseProblem(s, c))
			}
		}
	}
	return list
}

// ownProblems are what changed, where the lock is not true, the differences from production, thresholds of coverage that are not met and what a probe found.
func (d *Document) ownProblems() []*problem {
	var list []*problem
	for _, f := range slices.Concat(d.changeFindings(), d.lockFindings(), d.driftFindings(), d.coverageFindings(), d.probeFindings()) {
		list = append(list, findingProblem(f))
	}
	return list
}

func findingProblem(f *lint.Finding) *problem {
	p := &problem{
		rule: f.Rule, severity: f.Severity, message: f.Message, why: slices.Clone(f.Evidence), pos: f.Pos, related: f.Related,
		server: f.Server, item: f.Name, waived: f.Waived, known: f.Known, reason: f.Reason, waivedAt: f.WaivedAt,
	}
	if f.Fix != "" {
		p.why = append(p.why, f.Fix)
	}
	p.fingerprint = fingerprintOf(f)
	return p
}

// fingerprintOf returns what a finding is known by in the next run.
func fingerprintOf(f *lint.Finding) string {
	if f.Cause != "" {
		return identity("finding", f.Identity())
	}
	kind := ""
	if f.Name != "" {
		kind = f.Type.String()
	}
	return identity("finding", f.Rule, f.Pos.File, f.Server, kind, f.Name, f.Principal, f.Message)
}

func (d *Document) caseProblem(s *testrunner.SuiteResult, c *testrunner.Case) *problem {
	p := &problem{rule: caseFailed, severity: authz.SeverityError, message: sentence(d, c), pos: c.Pos, server: c.Server}
	if c.Outcome == testrunner.Errored {
		p.rule = caseErrored
	}
	for i, r := range outcome(c) {
		text := r.text
		if r.pos != "" {
			text = r.pos + "  " + text
		}
		if i == 0 {
			p.message += ": " + text
			continue
		}
		p.why = append(p.why, text)
	}
	item, who := "", ""
	if c.Check != nil {
		item = c.Check.Action + " on " + c.Check.Resource
	}
	if c.Item != nil {
		p.item, item = c.Item.Name, c.Item.Type.String()+" "+c.Item.Name
	}
	if len(c.Principals) > 0 {
		who = c.Principals[0].Key
	}
	if c.Test != "" {
		p.why = append(p.why, "test: "+c.Test)
	}
	p.fingerprint = identity(p.rule, firstOf(c.Pos.File, s.File), s.Name, c.Test, c.Server, c.Operation.String(), item, who, jsonText(c.Arguments), c.Want+c.Sentence+c.When)
	return p
}

// settle gives each problem a place and a fingerprint of its own, and sorts
// them.
func (d *Document) settle(list []*problem, o *Options) []*problem {
	for _, p := range list {
		p.pos = d.place(p, o)
	}
	slices.SortStableFunc(list, func(a, b *problem) int {
		if a.waived != b.waived {
			return map[bool]int{false: -1, true: 1}[a.waived]
		}
		return cmp.Or(int(b.severity)-int(a.severity), a.pos.Compare(b.pos), cmp.Compare(a.rule, b.rule),
			cmp.Compare(a.message, b.message), cmp.Compare(a.fingerprint, b.fingerprint))
	})
	seen := map[string]int{}
	for _, p := range knownFirst(list) {
		seen[p.fingerprint]++
		if n := seen[p.fingerprint]; n > 1 {
			p.fingerprint = identity(p.fingerprint, strconv.Itoa(n))
		}
	}
	return list
}

// knownFirst returns the problems with those first that are known: what is new of a cause
// has another fingerprint.
func knownFirst(list []*problem) []*problem {
	var known, others []*problem
	for _, p := range list {
		if p.known {
			known = append(known, p)
		} else {
			others = append(others, p)
		}
	}
	return append(known, others...)
}

// place returns where a problem stands. One without a position stands where
// its server's inventory does, or at the config.
func (d *Document) place(p *problem, o *Options) source.Pos {
	pos := p.pos
	if pos.File == "" {
		pos = d.inventoryOf(func(s *matrix.Server) bool { return s.Name == p.server })
	}
	if pos.File == "" && o.Config == "" {
		pos = d.inventoryOf(func(*matrix.Server) bool { return true })
	}
	if pos.File == "" {
		pos = source.Pos{File: firstOf(o.Config, defaultConfig)}
	}
	pos.Line = max(pos.Line, 1)
	return pos
}

// inventoryOf returns where the inventory of the first such server stands.
func (d *Document) inventoryOf(is func(*matrix.Server) bool) source.Pos {
	if s := d.scope(); s != nil {
		if i := slices.IndexFunc(s.Servers, is); i >= 0 && s.Servers[i].Inventory != nil {
			return s.Servers[i].Inventory.Pos
		}
	}
	return source.Pos{}
}

// defaultConfig is where a problem stands that is about nothing in particular.
const defaultConfig = "mcpolicy.yaml"

// identity returns a hash of what a problem is about.
func identity(parts ...string) string {
	h := sha256.New()
	for _, s := range parts {
		fmt.Fprintf(h, "%d:%s\n", len(s), s)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// text returns the message and why, a line each, made safe by a function.
func (p *problem) text(safe func(string) string) string {
	lines := []string{safe(p.message)}
	for _, s := range p.why {
		lines = append(lines, safe(s))
	}
	return strings.Join(lines, "\n")
}

// path returns where a file stands below the root that a consumer knows.
func (o *Options) path(file string) string {
	if o.Path == nil {
		return file
	}
	return o.Path(file)
}
