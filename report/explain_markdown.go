package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/mcpolicy/mcpolicy/explain"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// ExplainMarkdown writes an explanation for a comment: the outcome, and the
// evidence as it stands in a terminal.
func ExplainMarkdown(w io.Writer, x *explain.Explanation, o Options) error {
	var evidence bytes.Buffer
	o.Color, o.Width, o.Here = false, proseWidth, nil
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
	if o.Summary {
		_, err := io.WriteString(w, whoCanMarkdownSummary(answers))
		return err
	}
	hidden := false
	var b strings.Builder
	for i := range answers {
		a := &answers[i]
		if i > 0 {
			b.WriteString("\n")
		}
		rows := ""
		declared, some := declaredHolders(a, o.All)
		hidden = hidden || some
		for _, h := range declared {
			rows += whoRow(&h, "declared")
		}
		for _, h := range roleHolders(a) {
			rows += whoRow(&h, "role")
		}
		if rows == "" {
			rows = "| nobody | | | |\n"
		}
		for _, aside := range asides(a) {
			rows += fmt.Sprintf("\n%s: %s\n", aside.label, mdText(aside.text))
		}
		fmt.Fprintf(&b, "### Who can %s %s?\n\n| who | | may | |\n|---|---|---|---|\n%s", a.Column.Operation, mdCode(a.Column.Item.Name), rows)
	}
	if hidden {
		b.WriteString("\n`--all` names everybody, `--summary` counts them.\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func whoRow(h *holder, what string) string {
	may := h.access.String()
	if h.access == matrix.Conditional {
		may = h.condition.Lead() + mdCell(h.condition.String())
	}
	return fmt.Sprintf("| %s | %s | %s | %s |\n", mdText(strings.Join(h.names, ", ")), what, may, h.note)
}
