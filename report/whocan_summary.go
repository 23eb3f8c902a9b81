package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mcpolicy/mcpolicy/explain"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// A holding is an answer in numbers: how many declared principals there are of each
// access, and which roles may.
type holding struct {
	answer *explain.Answer
	access [5]int // by matrix.Access
	roles  []string
}

func holdings(answers []explain.Answer) []holding {
	list := make([]holding, len(answers))
	for i := range answers {
		a := &answers[i]
		list[i] = holding{answer: a, roles: []string{}}
		list[i].access[matrix.Denied] = a.Denied
		for _, h := range a.Declared {
			list[i].access[h.Access] += len(h.Principals)
		}
		for _, h := range a.ByRole {
			list[i].roles = append(list[i].roles, h.Role)
		}
	}
	return list
}

// worstFirst puts answers about destructive tools of a server before others, and those
// of more principals before those of fewer.
func worstFirst(list []holding) []holding {
	server := map[*matrix.Server]int{}
	for _, h := range list {
		if _, ok := server[h.answer.Column.Server]; !ok {
			server[h.answer.Column.Server] = len(server)
		}
	}
	danger := func(h *holding) int {
		if h.destructive() {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(list, func(a, b holding) int {
		return cmp.Or(server[a.answer.Column.Server]-server[b.answer.Column.Server], danger(&b)-danger(&a), a.access[matrix.Denied]-b.access[matrix.Denied])
	})
	return list
}

// counts are those that who-can shows: always, on a condition, never.
func (h *holding) counts() [3]string {
	return [3]string{
		strconv.Itoa(h.access[matrix.Allowed] + h.access[matrix.Unguarded]),
		strconv.Itoa(h.access[matrix.Conditional]), strconv.Itoa(h.access[matrix.Denied]),
	}
}

// rolesWords names the roles that may; the rest are any other role.
func (h *holding) rolesWords() string {
	words := strings.Join(h.roles, ", ")
	if last := len(h.roles) - 1; last >= 0 && h.roles[last] == "*" {
		words = strings.Join(append(h.roles[:last:last], "any other"), ", ")
	}
	return words
}

func (h *holding) destructive() bool { return h.answer.Column.Item.Destructive() != manifest.None }

const ifWords = "if: on a condition"

var holdingHeads = [3]string{"always", "if", "never"}

// whoCanSummary writes answers in numbers, a line each.
func (p *printer) whoCanSummary(answers []explain.Answer) {
	list := worstFirst(holdings(answers))
	name, widths := 0, [3]int{}
	for i, s := range holdingHeads {
		widths[i] = len(s)
	}
	for _, h := range list {
		name = max(name, widthOf(p.text(h.answer.Column.Item.Name)))
		for i, s := range h.counts() {
			widths[i] = max(widths[i], len(s))
		}
	}
	name = min(name, p.width/2)
	roles := 2 + name + 2
	for _, w := range widths {
		roles += w + 2
	}
	for i := range list {
		col := list[i].answer.Column
		if i == 0 || list[i-1].answer.Column.Server != col.Server {
			if i > 0 {
				p.blank()
			}
			p.heading(col.Server.Name, fmt.Sprintf("how many declared principals may %s, and which roles", col.Operation))
			p.holdingRow(" ", "", holdingHeads, "roles", name, widths, roles)
		}
		mark := " "
		if list[i].destructive() {
			mark = "!"
		}
		p.holdingRow(mark, col.Item.Name, list[i].counts(), list[i].rolesWords(), name, widths, roles)
	}
	p.blank()
	p.paragraph(faint, ifWords)
}

func (p *printer) holdingRow(mark, name string, counts [3]string, roles string, width int, widths [3]int, at int) {
	l := p.line().add(bad, mark).to(2)
	if name = p.text(name); widthOf(name) > width {
		l.sign(plain, name).end()
		l = p.line()
	} else {
		l.sign(plain, name)
	}
	right := 2 + width
	for i, s := range counts {
		right += 2 + widths[i]
		l.to(right-len(s)).add(plain, s)
	}
	for i, s := range wrap(p.text(roles), max(p.width-at, minWidth)) {
		if i > 0 {
			l = p.line()
		}
		l.to(at).sign(plain, s).end()
	}
}

func whoCanMarkdownSummary(answers []explain.Answer) string {
	var b strings.Builder
	b.WriteString("### Who can do what, in numbers\n\n| server | operation | always | if | never | roles |\n|---|---|--:|--:|--:|---|\n")
	for _, h := range worstFirst(holdings(answers)) {
		name := mdCell(h.answer.Column.Item.Name)
		if h.destructive() {
			name = "❗ " + name
		}
		fmt.Fprintf(&b, "| %s | %s %s |", mdText(h.answer.Column.Server.Name), h.answer.Column.Operation, name)
		for _, s := range h.counts() {
			b.WriteString(" " + s + " |")
		}
		b.WriteString(" " + mdText(h.rolesWords()) + " |\n")
	}
	b.WriteString("\n" + ifWords + "\n")
	return b.String()
}

type holdingsJSON struct {
	Version int           `json:"version"`
	Summary []holdingJSON `json:"summary"`
}

type holdingJSON struct {
	Server      string   `json:"server"`
	Type        string   `json:"type"`
	Name        string   `json:"name"`
	Operation   string   `json:"operation"`
	Destructive bool     `json:"destructive"`
	Allowed     int      `json:"allowed"`
	Conditional int      `json:"conditional"`
	Unguarded   int      `json:"unguarded"`
	Denied      int      `json:"denied"`
	Roles       []string `json:"roles"`
}

func jsonHolding(answers []explain.Answer) holdingsJSON {
	doc := holdingsJSON{Version: 1, Summary: []holdingJSON{}}
	for _, h := range holdings(answers) {
		col := h.answer.Column
		doc.Summary = append(doc.Summary, holdingJSON{
			col.Server.Name, col.Item.Type.String(), col.Item.Name, col.Operation.String(), h.destructive(),
			h.access[matrix.Allowed], h.access[matrix.Conditional], h.access[matrix.Unguarded], h.access[matrix.Denied], h.roles,
		})
	}
	return doc
}
