package report

import (
	"fmt"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/report/page"
)

// diff returns what changed, as the page has it: changes that differ only in who they
// are about are one, and people's names are left out where they are elsewhere.
func (b *pageBuilder) diff() *page.Diff {
	if b.details.Diff == nil {
		return nil
	}
	d := *b.details.Diff
	names := b.changedNames()
	d.Cells = b.changes(d.Cells, names)
	d.Roles = b.changes(d.Roles, func(role string) string { return role })
	d.Principals = slices.Clone(d.Principals)
	for i := range d.Principals {
		p := &d.Principals[i]
		p.Name, p.Text = names(p.Name), b.text(p.Text)
	}
	d.Budget, d.Notes = b.placed(d.Budget), b.placed(d.Notes)
	return &d
}

// changedNames returns what the page calls a principal that a change is about: a person
// without a name by the number of the class.
func (b *pageBuilder) changedNames() func(string) string {
	if !b.o.Nameless || b.d.Matrix == nil {
		return func(key string) string { return key }
	}
	number := map[string]string{}
	for i, t := range sortedClasses(b.d.Matrix, b.o.filter()) {
		for _, key := range t.keys {
			number[key] = fmt.Sprintf("class %d", i+1)
			if t.class.First().Kind != authz.Human {
				number[key] = key
			}
		}
	}
	return func(key string) string { return firstOf(number[key], "someone") }
}

// changes puts together what differs only in who it is about.
func (b *pageBuilder) changes(list []page.Change, name func(string) string) []page.Change {
	type about struct {
		change int
		who    string
	}
	at, seen := map[string]int{}, map[about]bool{}
	out := []page.Change{}
	for _, x := range list {
		who := x.Principals
		x.Principals = nil
		x.Was, x.Now, x.Gained, x.Lost, x.Rules = b.text(x.Was), b.text(x.Now), b.text(x.Gained), b.text(x.Lost), b.placed(x.Rules)
		key := jsonText(x)
		i, ok := at[key]
		if !ok {
			i = len(out)
			at[key] = i
			out = append(out, x)
		}
		for _, p := range who {
			if of := (about{i, name(p)}); !seen[of] {
				seen[of] = true
				out[i].Principals = append(out[i].Principals, of.who)
			}
		}
	}
	return out
}

func (b *pageBuilder) placed(list []page.Line) []page.Line {
	list = slices.Clone(list)
	for i := range list {
		list[i].Text = b.text(list[i].Text)
	}
	return list
}
