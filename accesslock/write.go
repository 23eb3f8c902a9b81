package accesslock

import (
	"fmt"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/source"
)

// head is what the file says to people.
const head = `# Who may list and use what, by role. Written by mcpolicy lock; a change of it is a change of
# access, to be reviewed as one. After a change that is meant, write it anew and commit it:
#
#   mcpolicy lock
#
# mcpolicy check fails while the policies or the inventories allow more or less than this says.
# Whoever has several roles may what each of them may; "*" stands for each role that no other
# line of the item names. Digests are the first 128 bits of SHA-256.
`

// Text returns the file, a fact a line.
func (l *Lock) Text() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "%sversion: %d\n", head, Version)
	section(&b, "items", "what the servers offer, and how they describe it", l.itemLines())
	section(&b, "schemas", "what the policies hold whoever asks to; the rest goes for those who fit", l.schemaLines())
	section(&b, "kinds", "which kinds of principals are declared with which roles", l.kindLines())
	section(&b, "access", "who may do what; what nobody may has no line", l.accessLines())
	section(&b, "unknown", "where roles alone do not tell everybody apart", l.unknownLines())
	return []byte(b.String())
}

func section(b *strings.Builder, name, what string, lines []string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(b, "\n# %s%s\n%s:\n", strings.ToUpper(what[:1]), what[1:], name)
	for _, l := range lines {
		b.WriteString("  - " + l + "\n")
	}
}

// A line is a mapping that stands in one line.
type line []string

func (x *line) add(key, value string) {
	if value != "" {
		*x = append(*x, key+": "+value)
	}
}

func (x *line) text(key, value string) {
	if value != "" {
		x.add(key, source.Quote(value))
	}
}

func (x *line) String() string { return "{" + strings.Join(*x, ", ") + "}" }

func (x *line) ref(r Ref) {
	x.add("server", source.Quote(r.Server))
	x.add(r.Type.String(), source.Quote(r.Name))
	x.text("itemVersion", r.Version)
}

func (l *Lock) itemLines() []string {
	var list []string
	for i := range l.Items {
		list = append(list, l.Items[i].line())
	}
	return list
}

func (i *Item) line() string {
	var x line
	x.ref(i.Ref)
	x.add("hints", i.Hints)
	x.add("schema", i.Schema)
	x.add("list", i.List)
	return x.String()
}

func (l *Lock) schemaLines() []string {
	var list []string
	for _, s := range l.Schemas {
		var x line
		x.add("policy", source.Quote(s.Policy))
		x.add("schemas", s.Digest)
		list = append(list, x.String())
	}
	return list
}

func (l *Lock) kindLines() []string {
	var list []string
	for _, h := range l.Kinds {
		var x line
		x.add("kind", h.Kind.String())
		x.add("holds", texts(h.Roles))
		list = append(list, x.String())
	}
	return list
}

func (l *Lock) accessLines() []string {
	var list []string
	for i := range l.Access {
		list = append(list, l.Access[i].line())
	}
	return list
}

func (a *Access) line() string {
	var x line
	x.ref(a.Ref)
	key := "may"
	if !a.Value.Access.Possible() {
		key = "mayNot"
	}
	x.add(key, operations(a.Operations))
	by := make([]string, len(a.By))
	for i, roles := range a.By {
		if by[i] = texts(roles); len(roles) == 1 {
			by[i] = source.Quote(roles[0])
		}
	}
	x.add("by", "["+strings.Join(by, ", ")+"]")
	x.text("id", a.ID)
	x.text("scope", a.Scope)
	x.text("policyVersion", a.PolicyVersion)
	x.value(&a.Value)
	return x.String()
}

func (x *line) value(v *Value) {
	if v.Access == matrix.Unguarded {
		x.add("unguarded", "true")
	}
	switch {
	case len(v.Conditions) == 1:
		x.condition(v.Conditions[0])
	case len(v.Conditions) > 1:
		x.add("any", conditions(v.Conditions))
	}
	x.add("depends", v.Depends)
}

func (x *line) condition(c authz.Condition) {
	switch alternatives := c.Alternatives(); {
	case len(alternatives) == 1:
		x.alternative(&alternatives[0])
	case len(alternatives) > 1:
		list := make([]string, len(alternatives))
		for i := range alternatives {
			var one line
			one.alternative(&alternatives[i])
			list[i] = one.String()
		}
		x.add("any", "["+strings.Join(list, ", ")+"]")
	case len(c.Parts()) > 0:
		x.add("all", conditions(c.Parts()))
	default:
		x.add("unwritten", "true")
	}
}

func conditions(list []authz.Condition) string {
	out := make([]string, len(list))
	for i, c := range list {
		var one line
		one.condition(c)
		out[i] = one.String()
	}
	return "[" + strings.Join(out, ", ") + "]"
}

func (x *line) alternative(a *authz.Alternative) {
	x.text("when", a.Allows.String())
	x.text("unless", a.Denies.String())
}

func (l *Lock) unknownLines() []string {
	var list []string
	for i := range l.Unknown {
		list = append(list, l.Unknown[i].line())
	}
	return list
}

func (u *Unknown) line() string {
	var x line
	x.ref(u.Ref)
	x.add("operations", operations(u.Operations))
	x.text("because", u.Because)
	x.add("depends", u.Depends)
	return x.String()
}

func operations(list []authz.Operation) string {
	out := make([]string, len(list))
	for i, o := range list {
		out[i] = o.String()
	}
	return "[" + strings.Join(out, ", ") + "]"
}

func texts(list []string) string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = source.Quote(s)
	}
	return "[" + strings.Join(out, ", ") + "]"
}
