package matrix

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
)

// How many questions are asked at once, of how many classes: enough to keep the
// engine busy, few enough for the answers to need little memory.
const (
	questionsAtOnce = 512
	classesAtOnce   = 2048
)

// Decide decides those of the columns, each named once, that are not decided
// yet. A question that cannot be decided is an error, and leaves all of them
// undecided; if a PDP failed, the error is an *[UndecidedError].
func (m *Matrix) Decide(ctx context.Context, columns []*Column) error {
	questions := questions{index: map[string]int{}}
	var open []*Column
	var asked [][]int // by open column
	for _, col := range columns {
		if m.decided[col.Index] {
			continue
		}
		var of []int
		for _, r := range col.Question.Requests {
			of = append(of, questions.add(r))
		}
		open, asked = append(open, col), append(asked, of)
	}
	total := len(questions.list) * len(m.Classes)
	done := 0
	for first := 0; first < len(m.Classes); first += classesAtOnce {
		classes := m.Classes[first:min(first+classesAtOnce, len(m.Classes))]
		p := &pending{columns: open, asked: asked, classes: m.Classes[first:], round: len(classes)}
		answers, err := m.ask(ctx, questions.list, classes, func(more int) {
			p.decided += more / len(classes)
			if done += more; m.input.Progress != nil {
				m.input.Progress(done, total)
			}
		})
		if err != nil {
			return p.undecided(m, err)
		}
		for i, col := range open {
			m.fill(col, classes, asked[i], answers)
		}
	}
	for _, col := range open {
		m.decided[col.Index] = true
	}
	m.Questions += total
	return nil
}

// ask returns the answers to questions, by question and class.
func (m *Matrix) ask(ctx context.Context, list []authz.Request, classes []*Class, progress func(more int)) ([][]*authz.Decision, error) {
	of := make([]*authz.Principal, len(classes))
	for i, c := range classes {
		of[i] = c.First()
	}
	var answers [][]*authz.Decision
	for len(list) > 0 {
		n := min(questionsAtOnce, len(list))
		some := make([]pdp.Question, n)
		for i, r := range list[:n] {
			some[i] = pdp.Question{Request: r, Of: of}
		}
		more, err := pdp.Each(ctx, m.input.Decider, some)
		if err != nil {
			return nil, err
		}
		answers = append(answers, more...)
		list = list[n:]
		progress(n * len(classes))
	}
	return answers, nil
}

// fill puts the answers to a column's questions into its cells.
func (m *Matrix) fill(col *Column, classes []*Class, asked []int, answers [][]*authz.Decision) {
	of := make([][]*authz.Decision, len(asked))
	for i, q := range asked {
		of[i] = answers[q]
	}
	numbers := map[*Cell]uint32{}
	for i, cell := range m.joined(col, of, len(classes)) {
		n, ok := numbers[cell]
		if !ok {
			n = m.interned.add(cell)
			numbers[cell] = n
		}
		m.cells[classes[i].Index][col.Index] = n
	}
}

// questions are the different requests of columns, without principals.
type questions struct {
	list  []authz.Request
	index map[string]int
}

// add returns the number of a request.
func (q *questions) add(r authz.Request) int {
	b, err := json.Marshal(struct {
		R       authz.Resource
		Action  string
		Unknown []string
	}{r.Resource, r.Action, r.Unknown})
	key := string(b)
	if err != nil {
		key = fmt.Sprint(r) // never: attributes are JSON values
	}
	i, ok := q.index[key]
	if !ok {
		i = len(q.list)
		q.index[key] = i
		q.list = append(q.list, r)
	}
	return i
}

// interned keeps one copy of cells that are the same: most are.
type interned struct {
	cells []*Cell
	index map[string]uint32
}

func (in *interned) add(c *Cell) uint32 {
	var b strings.Builder
	fmt.Fprintf(&b, "%d\x00%s\x00%t\x00", c.Access, c.Condition.Key(), c.NoPolicy)
	for _, r := range c.Rules {
		fmt.Fprintf(&b, "%s\x00%d\x00%d\x00", r.ID, r.Effect, r.Met)
	}
	for _, e := range c.Errors {
		fmt.Fprintf(&b, "%s\x00%s\x00", e.Expr, e.Message)
	}
	for _, v := range c.Validation {
		fmt.Fprintf(&b, "%s\x00%s\x00%s\x00", v.Source, v.Path, v.Message)
	}
	key := b.String()
	i, ok := in.index[key]
	if !ok {
		i = uint32(len(in.cells)) //nolint:gosec // fewer than four billion different cells
		if in.index == nil {
			in.index = map[string]uint32{}
		}
		in.index[key] = i
		in.cells = append(in.cells, c)
	}
	return i
}
