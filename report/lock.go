package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/mcpolicy/mcpolicy/accesslock"
	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// A Lock says in which ways a lock is not true.
type Lock struct {
	*accesslock.Result
	File string // of the lock
}

// NewLock returns what came of verifying a lock.
func NewLock(r *accesslock.Result, l *accesslock.Lock) *Lock { return &Lock{r, l.Pos.File} }

// words says in short what came of it.
func (l *Lock) words() string {
	switch {
	case l.Reworded:
		return "the lock holds, in other words than mcpolicy lock would write now"
	case len(l.Changes) == 0:
		return "the lock holds"
	}
	n := map[accesslock.Kind]int{}
	for i := range l.Changes {
		n[l.Changes[i].Kind]++
	}
	var parts []string
	for k := accesslock.NewItem; k <= accesslock.Stale; k++ {
		if n[k] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[k], lockWords[k]))
		}
	}
	return "the lock does not hold: " + strings.Join(parts, ", ")
}

var lockWords = [...]string{"new", "changed", "about schemas of policies", "widened", "unknown", "stale"}

// lockFindings returns where the lock is not true, in the form of findings: what opens
// first.
func (d *Document) lockFindings() []*lint.Finding {
	if d.Lock == nil {
		return nil
	}
	var list []*lint.Finding
	for _, of := range [][]accesslock.Kind{
		{accesslock.Widened}, {accesslock.Undetermined, accesslock.ChangedSchema}, {accesslock.NewItem, accesslock.ChangedItem}, {accesslock.Stale},
	} {
		for i := range d.Lock.Changes {
			for _, k := range of {
				if d.Lock.Changes[i].Kind == k {
					list = append(list, d.Lock.finding(&d.Lock.Changes[i]))
				}
			}
		}
	}
	return list
}

func (l *Lock) finding(c *accesslock.Change) *lint.Finding {
	f := &lint.Finding{
		Rule: "lock-" + c.Kind.String(), Family: "lock", Severity: authz.SeverityError, Message: lockSentence(c), Server: c.Server, Name: c.Name, Pos: c.Pos,
		Fix: "if that is meant: mcpolicy lock, and commit " + l.File + " with it",
	}
	if c.Name != "" {
		f.Type = c.Type
	}
	if c.Kind == accesslock.Stale {
		f.Pos = c.Line
		f.Fix = "mcpolicy lock writes what is so; commit " + l.File + " with it"
	}
	if was, is := c.Was.String(), c.Is.String(); len(c.By) > 0 && was != is && (c.Kind != accesslock.Stale || len(c.Details) == 0) {
		f.Evidence = append(f.Evidence, "- "+was, "+ "+is)
	}
	if c.Holding == nil && len(c.By) > 0 || c.Kind == accesslock.ChangedItem {
		f.Evidence = append(f.Evidence, c.Details...)
	}
	if c.Kind == accesslock.NewItem {
		f.Evidence = append(f.Evidence, usersOf(c.Access)...)
	}
	if x := c.Example; x != nil {
		lead := "only now: "
		if c.Kind == accesslock.Stale {
			lead = "no longer: "
		}
		f.Evidence = append(f.Evidence, lead+exampleWords(x))
	}
	l.cite(f, c)
	return f
}

// cite names the rules that decide, the first of them as the place of what opens, and the
// line of the lock.
func (l *Lock) cite(f *lint.Finding, c *accesslock.Change) {
	const most = 4
	opens := c.Kind == accesslock.Widened || c.Kind == accesslock.Undetermined
	for i := range c.Rules[:min(most, len(c.Rules))] {
		r := &c.Rules[i]
		verb := "allows it"
		if r.Effect == authz.Deny {
			verb = "denies it"
		}
		switch text := fmt.Sprintf("rule %q %s", r.Name, verb); {
		case r.Pos.IsZero():
		case i == 0 && opens:
			f.Pos = r.Pos
			f.Evidence = append(f.Evidence, r.Pos.String()+"  "+text)
		default:
			f.Related = append(f.Related, lint.Related{Pos: r.Pos, Text: text})
		}
	}
	if f.Pos.IsZero() {
		f.Pos = c.Line
	}
	if c.Line.Line > 1 && f.Pos != c.Line {
		f.Related = append(f.Related, lint.Related{Pos: c.Line, Text: "the lock"})
	}
}

func exampleWords(x *accesslock.Example) string {
	var parts []string
	if x.Principal != nil {
		parts = append(parts, "principal "+principalJSON(x.Principal))
	}
	if x.Arguments != nil {
		parts = append(parts, jsonText(x.Arguments))
	}
	if !x.Now.IsZero() {
		parts = append(parts, "at "+x.Now.UTC().Format(time.RFC3339))
	}
	return strings.Join(parts, ", ")
}

// lockSentence says what is not as the lock has it.
func lockSentence(c *accesslock.Change) string {
	item := c.Type.String() + " " + c.Name
	switch {
	case c.Holding != nil && c.Kind == accesslock.Stale:
		return fmt.Sprintf("the lock has %s with %s, and nobody is declared so", kindWords(c.Holding.Kind), roleWords([][]string{c.Holding.Roles}))
	case c.Holding != nil:
		return fmt.Sprintf("%s has %s now, and may %s with it", kindWords(c.Holding.Kind), roleWords([][]string{c.Holding.Roles}), gainWords(c.Access))
	}
	switch c.Kind {
	case accesslock.NewItem:
		return item + " is not in the lock"
	case accesslock.ChangedItem:
		var what []string
		for _, d := range c.Details {
			word, _, _ := strings.Cut(d, " ")
			what = append(what, map[string]string{"hints": "other hints", "schema": "another schema"}[word])
		}
		return item + " has " + conjoin(what) + " than the lock says"
	case accesslock.ChangedSchema:
		return strings.Join(c.Details, "; ")
	case accesslock.Stale:
		if len(c.By) == 0 && len(c.Operations) == 0 {
			return "the lock has " + item + ", which is gone"
		}
		if len(c.Details) > 0 {
			return "the lock is about " + operationWords(c.Operations) + " of " + item + ": " + strings.Join(c.Details, "; ")
		}
	case accesslock.Widened, accesslock.Undetermined:
	}
	return accessSentence(c, item)
}

func accessSentence(c *accesslock.Change, item string) string {
	who := roleWords(c.By)
	for _, of := range [][2]string{{" whose id is ", c.ID}, {" in the scope ", c.Scope}, {" with the policy version ", c.PolicyVersion}} {
		if of[1] != "" {
			who += of[0] + of[1]
		}
	}
	what := operationWords(c.Operations) + " " + item
	partly := c.Was.Access == matrix.Conditional || c.Is.Access == matrix.Conditional && c.Was.Access.Possible()
	switch {
	case c.Kind == accesslock.Undetermined:
		return "it is not known whether " + who + " may " + what + " in more cases than the lock says"
	case c.Kind == accesslock.Stale && !c.Is.Access.Possible():
		return who + " may no longer " + what + ", which the lock allows"
	case c.Kind == accesslock.Stale:
		return who + " may " + what + " in fewer cases than the lock says"
	case c.Is.Access == matrix.Unguarded:
		return who + " may " + what + " and no policy is asked, which the lock does not say"
	case partly:
		return who + " may " + what + " in more cases than the lock says"
	}
	return who + " may " + what + ", which the lock does not say"
}

// roleWords names who has some roles: SALES, HR and whoever has A and B.
func roleWords(by [][]string) string {
	if len(by) == 1 && len(by[0]) == 1 && by[0][0] == "*" {
		return "anybody with any other role"
	}
	const most = 6
	var parts []string
	for _, roles := range by[:min(most, len(by))] {
		if len(roles) == 1 && roles[0] == "*" {
			parts = append(parts, "any other role")
			continue
		}
		named := make([]string, len(roles))
		for i, r := range roles {
			if named[i] = r; r == "*" {
				named[i] = "any other role"
			}
		}
		parts = append(parts, strings.Join(named, " with "))
	}
	if more := len(by) - len(parts); more > 0 {
		return strings.Join(parts, ", ") + " and " + count(more, "other role")
	}
	return conjoin(parts)
}

// kindWords names somebody of a kind.
func kindWords(k authz.Kind) string {
	return [...]string{authz.Human: "a human", authz.Workload: "a workload", authz.Agent: "an agent"}[k]
}

// gainWords says what may be done: list and call a, list b and 7 others.
func gainWords(gains []accesslock.Access) string {
	const most = 4
	var parts []string
	for i := range gains[:min(most, len(gains))] {
		parts = append(parts, operationWords(gains[i].Operations)+" "+gains[i].Name)
	}
	if more := len(gains) - len(parts); more > 0 {
		return strings.Join(parts, ", ") + " and use " + count(more, "other")
	}
	return conjoin(parts)
}

// usersOf says who may use an item.
func usersOf(list []accesslock.Access) []string {
	var lines []string
	for i := range list {
		a := &list[i]
		text := roleWords(a.By) + " may " + operationWords(a.Operations) + " it"
		switch a.Value.Access {
		case matrix.Conditional:
			text += " " + a.Value.String()
		case matrix.Denied:
			text = strings.Replace(text, " may ", " may not ", 1)
		case matrix.Allowed, matrix.Unguarded, matrix.Refused:
		}
		lines = append(lines, text)
	}
	if len(lines) == 0 {
		return []string{"nobody may use it"}
	}
	return lines
}

// writeLock writes where the lock is not true.
func (p *printer) writeLock(d *Document) {
	for _, f := range shortly(d.lockFindings()) {
		p.writeFinding(f)
	}
}

func (m *markdown) lock() {
	list := shortly(m.d.lockFindings())
	if len(list) == 0 {
		return
	}
	m.begin(lockSection, "### What the lock does not say\n\n")
	for _, f := range list {
		m.finding(f, errorRank)
	}
	m.end("\n")
}

type lockTotals struct {
	File     string `json:"file"`
	Holds    bool   `json:"holds"`
	Reworded bool   `json:"reworded"` // it holds, in other words than it would be written now
	Facts    int    `json:"facts"`    // that there are now
}

func jsonLockTotals(l *Lock) lockTotals {
	return lockTotals{l.File, len(l.Changes) == 0, l.Reworded, l.Compared}
}

// lock writes what came of verifying a lock.
func (s *stream) lock(d *Document) {
	s.raw(",\n \"lock\": {\"totals\": " + string(jsonOf(jsonLockTotals(d.Lock))) + ", ")
	s.list(`"changes": [`, "]}")
	for _, f := range d.lockFindings() {
		s.element(jsonFinding(f))
	}
	s.close()
}
