package probe

import (
	"context"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// plan decides what is to be tried as whom, before anything is. Principals of
// one class try the same.
func (p *prober) plan(ctx context.Context) error {
	planned := map[*matrix.Class][]attempt{}
	var outsiders []attempt
	for _, c := range p.clients {
		if c.Principal == nil {
			if outsiders == nil {
				outsiders = p.planOutsiders()
			}
			c.todo = outsiders
			continue
		}
		class := p.in.Matrix.ClassOf(c.Principal.Key)
		todo, known := planned[class]
		if !known {
			var err error
			if todo, err = p.planClass(ctx, class); err != nil {
				return err
			}
			planned[class] = todo
		}
		c.todo = todo
	}
	return nil
}

func (p *prober) planClass(ctx context.Context, class *matrix.Class) ([]attempt, error) {
	var todo []attempt
	for col := range p.in.Matrix.ColumnsOf(p.in.Server) {
		if !p.chosen(col.Item.Name) {
			continue
		}
		cell := p.in.Matrix.Cell(class, col)
		switch {
		case col.Operation == authz.Call && p.in.Calls:
			more, err := p.planTool(ctx, col, class.First(), cell)
			if err != nil {
				return nil, err
			}
			todo = append(todo, more...)
		case p.readable(col) && (!cell.Access.Possible() || cell.Access == matrix.Unguarded):
			todo = append(todo, attempt{column: col, stage: reading, call: call{want: cell.Access, cell: cell}})
		}
	}
	return todo, nil
}

func (p *prober) readable(col *matrix.Column) bool {
	return p.in.Reads && (col.Operation == authz.Get || col.Operation == authz.Read && col.Item.Type == authz.ResourceItem)
}

// planTool plans the calls of a tool, and those that are made as tasks. Where
// the enforcement point lets tasks pass, the matrix says unguarded; other calls
// of the tool are guarded all the same.
func (p *prober) planTool(ctx context.Context, col *matrix.Column, who *authz.Principal, cell *matrix.Cell) ([]attempt, error) {
	item := col.Item
	tasks := item.TaskSupport == "optional" || item.TaskSupport == "required"
	plain, plainCell := col, cell
	if col.Question.TaskOnly {
		other, asked := *col, matrix.ProfileItem(item)
		asked.TaskSupport = ""
		other.Question = p.profile.Ask(asked, authz.Call)
		cells, err := p.in.Matrix.Look(ctx, &other, []*authz.Principal{who})
		if err != nil {
			return nil, err
		}
		plain, plainCell = &other, cells[0]
	}
	var todo []attempt
	add := func(col *matrix.Column, cell *matrix.Cell, task bool) error {
		calls, err := p.calls(ctx, col, who, cell)
		for _, c := range calls {
			todo = append(todo, attempt{column: col, stage: stageOf(item), task: task, call: c})
		}
		return err
	}
	if item.TaskSupport != "required" {
		if err := add(plain, plainCell, false); err != nil {
			return nil, err
		}
	}
	if tasks {
		if err := add(col, cell, true); err != nil {
			return nil, err
		}
	}
	return todo, nil
}

func stageOf(item *manifest.Item) stage {
	if item.Destructive() != manifest.None {
		return destructive
	}
	return harmless
}

// planOutsiders plans what a client tries that must get nothing: calls whose
// arguments the inputSchema forbids, and all prompts and resources.
func (p *prober) planOutsiders() []attempt {
	todo := []attempt{}
	for col := range p.in.Matrix.ColumnsOf(p.in.Server) {
		if !p.chosen(col.Item.Name) {
			continue
		}
		if p.readable(col) {
			todo = append(todo, attempt{column: col, stage: reading, call: call{want: matrix.Denied}})
		}
		if col.Operation == authz.Call && p.in.Calls {
			if bad := spoil(p.finder.Schema(col.Item), col.Item, p.sample(col.Item)); len(bad) > 0 {
				todo = append(todo, attempt{column: col, stage: stageOf(col.Item), call: call{arguments: bad[0], spoilt: true, want: matrix.Denied}})
			}
		}
	}
	return todo
}

// promptArguments are a text for each argument that a prompt requires.
func promptArguments(item *manifest.Item) map[string]string {
	m := map[string]string{}
	for _, a := range item.Arguments {
		if a.Required {
			m[a.Name] = "mcpolicy probe"
		}
	}
	return m
}
