package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/explain"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/report/page"
	"github.com/mcpolicy/mcpolicy/source"
)

// Details are what a page shows besides the document: what decisions rest on. Each
// may be missing.
type Details struct {
	// Sources are files by the names that positions have: policies, and what else
	// may be shown.
	Sources map[string][]byte
	// Witnesses are calls on either side of the condition of a cell.
	Witnesses map[Witnessed]Witness
	// Shorter are conditions of cells as people read them.
	Shorter map[Witnessed]authz.Condition
	// ByRole are answers about the use of each item.
	ByRole []explain.Answer
	// Diff is what changed in who may do what, between the revisions Base and Revision.
	Diff           *page.Diff
	Base, Revision string
	Engine         string    // Cerbos 0.55.0
	Now            time.Time // the clock of the decisions, where it is pinned
}

// Witnessed is a conditional cell of a column.
type Witnessed struct {
	Column *matrix.Column
	Cell   *matrix.Cell
}

// A Witness is arguments of calls, as the engine decided them. What was not found is nil.
type Witness struct {
	Allows, Refuses map[string]any
}

// writeHTML writes a page.
func writeHTML(w io.Writer, d *Document, o Options) error {
	return page.Write(w, newPage(d, &o).build())
}

// A pageBuilder fills the data of a page.
type pageBuilder struct {
	d       *Document
	o       *Options
	details *Details
	data    *page.Data
	text    func(string) string // for texts that may name people

	items      map[pageItem]int
	rules      map[string]int
	conditions map[string]int
	calls      map[string]int
	sources    *texts
}

// A pageItem is an item by its names; of items of the same name the first one counts.
type pageItem struct {
	server, name string
	typ          authz.ItemType
}

func newPage(d *Document, o *Options) *pageBuilder {
	b := &pageBuilder{
		d: d, o: o, details: d.Details, data: &page.Data{Version: page.Version},
		items: map[pageItem]int{}, rules: map[string]int{}, conditions: map[string]int{}, calls: map[string]int{},
	}
	if b.details == nil {
		b.details = &Details{}
	}
	b.sources = newTexts(func(file string) []byte { return b.details.Sources[file] })
	b.text = b.namer()
	return b
}

func (b *pageBuilder) build() *page.Data {
	if b.d.Matrix != nil {
		b.matrix()
	}
	b.causes()
	b.cases()
	for _, n := range b.d.notes() {
		b.data.Notes = append(b.data.Notes, page.Line{At: b.at(n.Pos), Text: b.text(n.Message)})
	}
	b.data.Diff, b.data.Coverage = b.diff(), b.coverage()
	b.run()
	b.verdict()
	return b.data
}

func (b *pageBuilder) run() {
	r := &b.data.Run
	r.Base, r.Revision = b.details.Base, b.details.Revision
	r.Linted, r.Tested, r.Nameless = b.d.Linted, b.d.Tests != nil, b.o.Nameless
	if s := b.d.scope(); s != nil {
		var names []string
		for _, server := range s.Servers {
			names = append(names, server.Name)
		}
		r.Title = someOf(names, false)
		words := b.d.scopeWords()
		if len(names) == 1 {
			words = strings.TrimPrefix(words, r.Title+": ")
		}
		r.Facts = append(r.Facts, words)
	}
	if f := b.o.filter(); b.d.Matrix != nil && !f.isZero() {
		r.Facts = append(r.Facts, "only the items and principals that the command line chose")
	}
	if b.details.Engine != "" {
		r.Facts = append(r.Facts, "decided by "+b.details.Engine)
	}
	if !b.details.Now.IsZero() {
		r.Facts = append(r.Facts, "for the time "+b.details.Now.UTC().Format(time.RFC3339))
	}
	if b.d.Tests != nil {
		if n := b.d.Tests.Counts(); n.Passed > 0 {
			r.Facts = append(r.Facts, count(n.Passed, "test case")+" passed")
		}
	}
	if b.d.Coverage != nil {
		r.Facts = append(r.Facts, "covered: "+coverageWords(b.d.Coverage))
	}
	_, known, waived := b.d.countFindings()
	if known > 0 {
		r.Facts = append(r.Facts, count(known, "finding")+" "+b.d.knownWords())
	}
	if left := b.d.LeftOut.words(); left != "" {
		r.Facts = append(r.Facts, left)
	}
	if waived > 0 {
		r.Facts = append(r.Facts, count(waived, "finding")+" waived")
	}
}

// verdict says in a sentence how the run ended.
func (b *pageBuilder) verdict() {
	v := &b.data.Verdict
	open, _, _ := b.d.countFindings()
	parts := b.gains()
	if n := len(b.d.driftFindings()) + len(b.d.probeFindings()); n > 0 {
		parts = append(parts, count(n, "difference")+" from what runs")
	}
	if n := open[authz.SeverityError]; n > 0 {
		parts = append(parts, count(n, "error"))
	}
	if n := open[authz.SeverityWarning]; n > 0 {
		parts = append(parts, count(n, "warning"))
	}
	if t := b.d.Tests; t != nil {
		n := t.Counts()
		if n.Failed > 0 {
			parts = append(parts, count(n.Failed, "failed case"))
		}
		if n.Errored > 0 {
			parts = append(parts, count(n.Errored, "case")+" that could not be decided")
		}
	}
	if c := b.d.Coverage; c != nil && len(c.Missed) > 0 {
		parts = append(parts, count(len(c.Missed), "threshold")+" of coverage not met")
	}
	switch {
	case b.d.Doubt != nil:
		v.Level, v.Text = "bad", "Not ready: "+b.d.inDoubt()
		b.data.Notes = append([]page.Line{{Text: b.text(b.d.Doubt.Error())}}, b.data.Notes...)
	case b.d.Fails(b.o.FailOn), b.details.Diff != nil && b.details.Diff.Fails:
		v.Level, v.Text = "bad", "Not ready"
	case !b.d.checked() && b.details.Diff == nil:
		v.Level, v.Text = "info", "Who may do what"
		return
	case len(parts) > 0:
		v.Level, v.Text = "warn", "Ready"
	default:
		v.Level, v.Text = "good", "Nothing to fix: "+b.nothing()
		return
	}
	if len(parts) > 0 {
		v.Text += ": " + strings.Join(parts, ", ")
	}
}

// nothing says what there is none of.
func (b *pageBuilder) nothing() string {
	var parts []string
	switch {
	case b.d.LeftOut.count() > 0:
		parts = append(parts, b.d.findingWords())
	case b.d.Linted:
		parts = append(parts, "no errors", "no warnings")
	}
	if b.d.Tests != nil {
		parts = append(parts, "no failed cases")
	}
	if b.details.Diff != nil {
		parts = append(parts, "no access widens")
	}
	if len(parts) == 0 {
		return "what was looked at is as it should be"
	}
	return strings.Join(parts, ", ")
}

// gains says who gains access by a change: agents first, and what is destructive.
func (b *pageBuilder) gains() []string {
	d := b.details.Diff
	if d == nil {
		return nil
	}
	agents := map[string]bool{}
	for _, c := range b.data.Classes {
		if c.Kind != authz.Human.String() {
			for _, name := range c.Names {
				agents[name] = true
			}
		}
	}
	gaining, others := map[string]bool{}, map[string]bool{}
	destructive := map[string]bool{}
	for _, x := range d.Cells {
		if x.Change != "widened" {
			continue
		}
		for _, who := range x.Principals {
			if !agents[who] {
				others[who] = true
				continue
			}
			gaining[who] = true
			if i := b.itemNamed(x.Server, x.Type, x.Name); i >= 0 && b.data.Items[i].Risk == "destructive" && x.Operation != "list" {
				destructive[x.Server+"\x00"+x.Name] = true
			}
		}
	}
	var parts []string
	switch n := len(gaining); {
	case n > 0 && len(destructive) > 0:
		parts = append(parts, some(n, "agent gains", "agents gain")+" "+count(len(destructive), "destructive tool"))
	case n > 0:
		parts = append(parts, some(n, "agent gains", "agents gain")+" access")
	}
	if n := len(others); n > 0 {
		word := "principal"
		if len(gaining) > 0 {
			word = "other principal"
		}
		parts = append(parts, strings.Replace(some(n, word+" gains", word+"s gain"), "an other", "another", 1)+" access")
	}
	if n := len(d.Roles); n > 0 && len(parts) == 0 {
		parts = append(parts, "access of "+count(n, "role")+" changes")
	}
	return parts
}

// some returns a number with its words: an agent gains, 2 agents gain.
func some(n int, one, many string) string {
	if n != 1 {
		return fmt.Sprintf("%d %s", n, many)
	}
	if strings.ContainsRune("aeiou", rune(one[0])) {
		return "an " + one
	}
	return "a " + one
}

func (b *pageBuilder) itemNamed(server, typ, name string) int {
	for _, t := range authz.ItemTypes() {
		if t.String() == typ {
			return b.itemOf(server, t, name)
		}
	}
	return -1
}

func (b *pageBuilder) at(p source.Pos) string {
	if p.File == "" {
		return ""
	}
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// lines returns lines of a file, as far as it is at hand.
func (b *pageBuilder) lines(file string, first, last int) []string {
	list := slices.Clone(b.sources.lines(file, first, last))
	for i, l := range list {
		list[i] = b.text(strings.TrimRight(l, " \t"))
	}
	return list
}

// namer returns what leaves people's names out of texts, where that is wanted.
func (b *pageBuilder) namer() func(string) string {
	if !b.o.Nameless || b.d.Matrix == nil {
		return func(s string) string { return s }
	}
	return newAnonymizer(b.d.Matrix).text
}

// itemOf returns the index of an item, or -1.
func (b *pageBuilder) itemOf(server string, t authz.ItemType, name string) int {
	if i, ok := b.items[pageItem{server, name, t}]; ok {
		return i
	}
	return -1
}

// itemsOf returns those of the items of a finding that the page has.
func (b *pageBuilder) itemsOf(f *lint.Finding) []int {
	var list []int
	add := func(server string, t authz.ItemType, name string) {
		if i := b.itemOf(server, t, name); i >= 0 && !slices.Contains(list, i) {
			list = append(list, i)
		}
	}
	if f.Name != "" {
		add(f.Server, f.Type, f.Name)
	}
	for _, i := range f.Items {
		add(i.Server, i.Type, i.Name)
	}
	return list
}
