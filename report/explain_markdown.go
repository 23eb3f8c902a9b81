package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/explain"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// ExplainMarkdown writes an explanation for a comment: the outcome, and the
// evidence as it stands in a terminal.
func ExplainMarkdown(w io.Writer, x *explain.Explanation, o Options) error {
	var evidence bytes.Buffer
	o.Color, o.Width = false, proseWidth
	if err := ExplainText(&evidence, x, o); err != nil {
		return err
	}
	verdict, why, _ := strings.Cut(x.Sentence, ":")
	_, rest, _ := strings.Cut(evidence.String(), "\n\n") // the verdict is said above
	_, err := fmt.Fprintf(w, "### May %s %s %s?\n\n**%s**:%s\n\n%s", mdText(x.Principal.Key), x.Column.Operation,
		mdCode(x.Column.Item.Name), verdict, mdText(why), fenced(rest))
	return err
}

// fenced returns text as a code block that no text can end.
func fenced(text string) string {
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fence + "text\n" + strings.TrimRight(text, "\n") + "\n" + fence + "\n"
}

// WhoCanMarkdown writes who may do each of several things as tables.
func WhoCanMarkdown(w io.Writer, answers []explain.Answer, o Options) error {
	for i := range answers {
		a := &answers[i]
		if i > 0 {
			if _, err := io.WriteString(w, "\n"); err != nil {
				return err
			}
		}
		rows := ""
		for _, h := range a.Declared {
			rows += whoRow(keysOf(h.Principals, o.All), "declared", h.Access, h.Condition, "")
		}
		for _, h := range a.ByRole {
			rows += whoRow(h.Role, "role", h.Access, h.Condition, roleNote(&h))
		}
		if rows == "" {
			rows = "| nobody | | | |\n"
		}
		for _, aside := range asides(a, o.All) {
			rows += fmt.Sprintf("\n%s: %s\n", aside.label, mdText(aside.text))
		}
		if _, err := fmt.Fprintf(w, "### Who can %s %s?\n\n| who | | may | |\n|---|---|---|---|\n%s", a.Column.Operation, mdCode(a.Column.Item.Name), rows); err != nil {
			return err
		}
	}
	return nil
}

func whoRow(who, what string, access matrix.Access, condition authz.Condition, note string) string {
	may := access.String()
	if access == matrix.Conditional {
		may = condition.Lead() + mdCell(condition.String())
	}
	return fmt.Sprintf("| %s | %s | %s | %s |\n", mdText(who), what, may, note)
}
