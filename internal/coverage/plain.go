package coverage

import (
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pep"
)

// Plain returns a column with what is asked about a plain call, where one can
// be made as a task.
func Plain(col *matrix.Column) *matrix.Column {
	if !col.Question.TaskOnly {
		return col
	}
	copied := *col
	copied.Question = plainQuestion(col)
	return &copied
}

// plainQuestion returns what is asked about the operation. Where a call can be made
// as a task, it is what is asked about a call that is not.
func plainQuestion(col *matrix.Column) pep.Question {
	if !col.Question.TaskOnly {
		return col.Question
	}
	plain := matrix.ProfileItem(col.Item)
	plain.TaskSupport = ""
	return col.Server.Profile.Ask(plain, col.Operation)
}
