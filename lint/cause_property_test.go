package lint_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// An atom is the least that a finding is about: an item and a principal, or one of them.
type atom struct {
	rule, server, item, who string
}

// A causeReport is what lint says of a world: which atoms its findings have, and the
// findings by what is said to be the same about them.
type causeReport struct {
	findings []lint.Finding

	atoms  map[atom]int // how often each is told
	waived map[atom]int
	known  map[atom]int
	prints map[string]string // by fingerprint: the rule and all that the finding is about
	counts map[string]int    // by rule: how many findings
}

// caused are the rules that report by cause and that the matrix alone is enough to check.
var caused = []string{
	"agent-destructive", "annotations-missing", "broad-principal", "callable-not-listed", "destructive-open-to-all",
	"listed-not-callable", "operation-not-enforced", "tool-without-rule", "wildcard-action", "wildcard-role",
}

// TestCauses holds for worlds at random that findings which are joined, explained by others or
// waived are about exactly what the matrix shows: nothing is lost, told twice or invented.
// The causes stay the same if one more tool or principal is affected, and in whichever order
// rules and principals stand; a waiver of a principal takes what is about it away, and no more.
func TestCauses(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	told := map[string]int{}
	worlds := rounds.Of(8, 400)
	for seed := range uint64(worlds) { //nolint:gosec // a small number
		w := newCauseWorld(seed)
		r := rand.New(rand.NewPCG(seed, 17)) //nolint:gosec // nothing secret
		c := &causeCheck{T: t, seed: seed, shown: map[*causeWorld]bool{}}
		got, want := c.lint(w), c.expected(w)
		for a, n := range want {
			told[a.rule]++
			if got.atoms[a] < 1 || got.atoms[a] > n {
				c.failf(w, "%+v is told %d times, want it once, or of different rules and globs up to %d times", a, got.atoms[a], n)
			}
		}
		for a, n := range got.atoms {
			if want[a] == 0 {
				c.failf(w, "%+v is told %d times, and is not so", a, n)
			}
		}
		c.stays(w, w.another(r), got, "with another tool")
		twin := w.twin(r)
		c.stays(w, twin, got, "with another principal")
		c.knows(twin, got)
		c.keeps(w, w.stranger(r), got)
		c.same(w, w.shuffled(r), got)
		c.waives(w, got, r)
		if t.Failed() {
			break
		}
	}
	t.Logf("%d worlds: %v", worlds, told)
	for _, rule := range caused {
		if told[rule] == 0 {
			t.Errorf("%s: no world has it", rule)
		}
	}
}

type causeCheck struct {
	*testing.T
	seed  uint64
	shown map[*causeWorld]bool // worlds that were written down
}

// failf reports a mistake about a world, and once what is in it.
func (c *causeCheck) failf(w *causeWorld, format string, args ...any) {
	c.Helper()
	c.Errorf("seed %d: %s", c.seed, fmt.Sprintf(format, args...))
	if c.shown[w] {
		return
	}
	c.shown[w] = true
	files := w.files(c.T)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		c.Logf("-- %s --\n%s", name, files[name].Data)
	}
}

// lint runs the whole catalogue, knowing of findings.
func (c *causeCheck) lint(w *causeWorld, known ...lint.Finding) *causeReport {
	c.Helper()
	in, err := load(c.Context(), w.files(c.T))
	if err != nil {
		c.failf(w, "%v", err)
		c.FailNow()
	}
	input, err := in.input(c.Context())
	if err != nil {
		c.Fatal(err)
	}
	o := in.options(c.T)
	o.Known = lint.KnownOf(known)
	r := &causeReport{atoms: map[atom]int{}, waived: map[atom]int{}, known: map[atom]int{}, prints: map[string]string{}, counts: map[string]int{}}
	if r.findings, err = lint.Run(c.Context(), input, o); err != nil {
		c.Fatal(err)
	}
	for i := range r.findings {
		r.add(c, w, &r.findings[i])
	}
	return r
}

func (r *causeReport) add(c *causeCheck, w *causeWorld, f *lint.Finding) {
	into := r.atoms
	switch {
	case f.Waived:
		into = r.waived
	case f.Known:
		into = r.known
	}
	var own []string
	tell := func(rule string, affected []lint.Affected) {
		once := map[atom]bool{}
		for _, a := range atomsOf(rule, f.Server, affected) {
			if once[a] {
				c.failf(w, "%s: %+v is told twice", f.Message, a)
			}
			once[a] = true
			into[a]++
			own = append(own, fmt.Sprintf("%+v", a))
		}
	}
	isCaused := slices.Contains(caused, f.Rule)
	if isCaused {
		tell(f.Rule, f.Affected)
		r.counts[f.Rule]++
	}
	for _, x := range f.Explains {
		if slices.Contains(caused, x.Rule) {
			tell(x.Rule, x.Affected)
		}
	}
	if print := f.Rule + " " + f.Identity(); isCaused && !f.Waived && !f.Known {
		if r.prints[print] != "" {
			c.failf(w, "two findings have the fingerprint %q", print)
		}
		slices.Sort(own)
		r.prints[print] = fmt.Sprint(f.Severity, f.Confidence, own)
	}
}

// atomsOf takes what a finding of a rule affects apart.
func atomsOf(rule, server string, affected []lint.Affected) []atom {
	var list []atom
	for _, of := range affected {
		items, who := of.Items, of.Principals
		if len(items) == 0 {
			items = []lint.Item{{Server: server}}
		}
		if len(who) == 0 {
			who = []string{""}
		}
		for _, i := range items {
			for _, key := range who {
				list = append(list, atom{rule, i.Server, i.Name, key})
			}
		}
	}
	return list
}

// stays holds that the findings of a world are there in one that has a little more of the
// same: as many, and with the same fingerprints.
func (c *causeCheck) stays(w, more *causeWorld, before *causeReport, how string) {
	c.Helper()
	after := c.lint(more)
	for _, rule := range caused {
		if rule == "broad-principal" && !sameBroad(before, after) {
			continue // the share of the tools is another one
		}
		was, is := before.printsOf(rule), after.printsOf(rule)
		if !slices.Equal(was, is) {
			c.failf(w, "%s, %s has the fingerprints\n%q\nand had\n%q", how, rule, is, was)
			c.failf(more, "this is it %s", how)
		}
	}
}

// keeps holds that somebody else who comes, with whichever roles, leaves the findings what
// they are.
func (c *causeCheck) keeps(w, more *causeWorld, before *causeReport) {
	c.Helper()
	after := c.lint(more)
	for print := range before.prints {
		_, ok := after.prints[print]
		if !ok && !strings.HasPrefix(print, "destructive-open-to-all ") { // which is not open to that one, perhaps
			c.failf(w, "with somebody else, there is no %q", print)
			c.failf(more, "this is it with somebody else")
		}
	}
}

func (r *causeReport) printsOf(rule string) []string {
	var list []string
	for print := range r.prints {
		if strings.HasPrefix(print, rule+" ") {
			list = append(list, print)
		}
	}
	slices.Sort(list)
	return list
}

// sameBroad reports whether the same servers have broad principals.
func sameBroad(a, b *causeReport) bool {
	return slices.Equal(a.printsOf("broad-principal"), b.printsOf("broad-principal")) || a.counts["broad-principal"] == b.counts["broad-principal"]
}

// same holds that the order in which things are written down changes nothing.
func (c *causeCheck) same(w, shuffled *causeWorld, before *causeReport) {
	c.Helper()
	after := c.lint(shuffled)
	for print, about := range before.prints {
		if after.prints[print] != about {
			c.failf(w, "in another order, %q is about\n%s\nand was about\n%s", print, after.prints[print], about)
			c.failf(shuffled, "this is the other order")
		}
	}
	for print, about := range after.prints {
		if before.prints[print] == "" {
			c.failf(w, "in another order, %q is new, about\n%s", print, about)
			c.failf(shuffled, "this is the other order")
		}
	}
}

// waives holds that a waiver of a principal or an item accepts what is about it, and no more.
func (c *causeCheck) waives(w *causeWorld, before *causeReport, r *rand.Rand) {
	c.Helper()
	some := slices.SortedFunc(maps.Keys(before.atoms), func(a, b atom) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	some = slices.DeleteFunc(some, func(a atom) bool { return a.who == "" && a.item == "" })
	if len(some) == 0 {
		return
	}
	of := pick(r, some...)
	line, accepted := fmt.Sprintf("{rule: %s, server: %s, item: %s, reason: known}", of.rule, of.server, of.item), func(a atom) bool { return a.item == of.item }
	if of.item == "" || of.who != "" && r.IntN(3) > 0 {
		line, accepted = fmt.Sprintf("{rule: %s, server: %s, principal: %s, reason: known}", of.rule, of.server, of.who), func(a atom) bool { return a.who == of.who }
	}
	with := w.clone()
	with.waivers = append(with.waivers, "  - "+line+"\n")
	after := c.lint(with)
	was, is := before.all(), after.all()
	for a, n := range was {
		so, waived := a.rule == of.rule && a.server == of.server && accepted(a), after.waived[a]
		switch {
		case is[a] != n:
			c.failf(with, "with %s, %+v is told %d times, and was told %d times", line, a, is[a], n)
		case waived > 0 && !so, so && waived < n && (ofEach[a.rule] || !strings.Contains(line, "principal")):
			c.failf(with, "%s accepts %+v %d of %d times", line, a, waived, n)
		}
	}
	for a := range is {
		if was[a] == 0 {
			c.failf(with, "with %s, %+v is new", line, a)
		}
	}
}

// knows holds that what was found before is known where a principal has come, and that only
// what is about that one is new.
func (c *causeCheck) knows(more *causeWorld, before *causeReport) {
	c.Helper()
	after := c.lint(more, before.findings...)
	key := more.people[len(more.people)-1].key
	for a := range after.atoms {
		if a.who != key || !ofEach[a.rule] {
			c.failf(more, "%+v is new, and was known", a)
		}
	}
	for a := range after.known {
		if a.who == key && ofEach[a.rule] {
			c.failf(more, "%+v is known, and was not there before", a)
		}
	}
	for a, n := range before.atoms {
		if after.known[a] != n {
			c.failf(more, "%+v is known %d times, and was told %d times", a, after.known[a], n)
		}
	}
}

// ofEach are the rules that are about each principal by itself.
var ofEach = map[string]bool{"agent-destructive": true, "broad-principal": true, "callable-not-listed": true, "listed-not-callable": true}

// all counts what is told, waived or not.
func (r *causeReport) all() map[atom]int {
	all := maps.Clone(r.atoms)
	for a, n := range r.waived {
		all[a] += n
	}
	return all
}

// expected says of the matrix alone, each principal a class of its own, what there is to be
// told, and by how many rules and globs.
func (c *causeCheck) expected(w *causeWorld) map[atom]int {
	c.Helper()
	in, err := load(c.Context(), w.files(c.T))
	if err != nil {
		c.failf(w, "%v", err)
		c.FailNow()
	}
	m, err := matrix.Build(c.Context(), &matrix.Input{Servers: in.servers, Principals: in.principals, Decider: in.engine, Policies: in.Policies})
	if err != nil {
		c.failf(w, "%v", err)
		c.FailNow()
	}
	want := map[atom]int{}
	for _, s := range w.servers {
		wantBroad(want, w, m, m.Server(s.name))
		for col := range m.ColumnsOf(m.Server(s.name)) {
			wantOfColumn(want, w, s, m, col)
		}
	}
	return want
}

func wantOfColumn(want map[atom]int, w *causeWorld, s *causeServer, m *matrix.Matrix, col *matrix.Column) {
	i := col.Item
	if !col.Question.Guarded() {
		want[atom{"operation-not-enforced", s.name, i.Name, ""}]++
	}
	if col.Operation != authz.Call {
		return
	}
	if !i.Hints.Any() {
		want[atom{"annotations-missing", s.name, i.Name, ""}]++
	}
	if !slices.ContainsFunc(s.rules, func(r causeRule) bool { return slices.ContainsFunc(r.actions, callsTool(i.Name)) }) {
		want[atom{"tool-without-rule", s.name, i.Name, ""}]++
	}
	toAll := !slices.ContainsFunc(m.Classes, func(c *matrix.Class) bool { return m.Cell(c, col).Access != matrix.Allowed })
	for _, class := range m.Classes {
		who := class.First()
		cell, list := m.Cell(class, col), m.Cell(class, col.Twin)
		for rule, so := range map[string]bool{
			"destructive-open-to-all": toAll && i.Destructive() != manifest.None,
			"callable-not-listed":     cell.Access.Possible() && list.Access == matrix.Denied,
			"listed-not-callable":     list.Access.Possible() && cell.Access == matrix.Denied,
			"agent-destructive":       cell.Access == matrix.Allowed && who.Kind != authz.Human && i.Destructive() != manifest.None,
		} {
			if so {
				want[atom{rule, s.name, i.Name, who.Key}]++
			}
		}
	}
	for _, r := range s.rules {
		wantOfRule(want, w, s, m, col, r)
	}
}

// callsTool returns what says whether an action or glob is about calling a tool.
func callsTool(name string) func(string) bool {
	return func(action string) bool {
		prefix, glob := strings.CutSuffix(action, "*")
		called := "tools/call::" + name
		return action == called || glob && strings.HasPrefix(called, prefix)
	}
}

// wantOfRule adds whom a rule lets call a tool that is for any role, or has globs that match
// a tool which no rule names.
func wantOfRule(want map[atom]int, w *causeWorld, s *causeServer, m *matrix.Matrix, col *matrix.Column, r causeRule) {
	name := col.Item.Name
	named := slices.ContainsFunc(s.rules, func(r causeRule) bool { return slices.Contains(r.actions, "tools/call::"+name) })
	globs := 0
	for _, a := range r.actions {
		if strings.HasSuffix(a, "*") && callsTool(name)(a) {
			globs++
		}
	}
	var through, alone []*authz.Principal
	for _, class := range m.Classes {
		cell := m.Cell(class, col)
		var passes []string
		for _, o := range cell.Rules {
			if o.Effect == authz.Allow && o.Met != authz.Unmet {
				passes = append(passes, o.Name)
			}
		}
		if cell.Access != matrix.Denied && slices.Contains(passes, r.name) {
			through = append(through, class.First())
			if len(passes) == 1 {
				alone = append(alone, class.First())
			}
		}
	}
	if !named && slices.ContainsFunc(through, func(who *authz.Principal) bool { return !w.admin(who) }) {
		for _, who := range through {
			if globs > 0 {
				want[atom{"wildcard-action", s.name, name, who.Key}] += globs
			}
		}
	}
	if r.condition != "" {
		through = alone
	}
	for _, who := range through {
		if r.everybody && !col.Item.ReadOnly() {
			want[atom{"wildcard-role", s.name, name, who.Key}]++
		}
	}
}

// admin reports whether somebody is a declared administrator.
func (w *causeWorld) admin(who *authz.Principal) bool {
	return slices.ContainsFunc(who.Roles, func(role string) bool { return slices.Contains(w.admins, role) })
}

// wantBroad adds who may call nearly every tool of a large server, of which five or more may
// change something.
func wantBroad(want map[atom]int, w *causeWorld, m *matrix.Matrix, s *matrix.Server) {
	for _, class := range m.Classes {
		may, changing, tools := 0, 0, 0
		for col := range m.ColumnsOf(s) {
			if col.Operation != authz.Call {
				continue
			}
			tools++
			if m.Cell(class, col).Access == matrix.Denied {
				continue
			}
			may++
			if risk, _ := col.Item.Risk(); risk != manifest.Reads {
				changing++
			}
		}
		if tools >= 10 && 10*may >= 9*tools && changing >= 5 && !w.admin(class.First()) {
			want[atom{"broad-principal", s.Name, "", class.First().Key}]++
		}
	}
}
