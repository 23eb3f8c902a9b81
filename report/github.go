package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
)

// annotationLimit is how many annotations of each level GitHub keeps of one
// step. What is over the limit it drops without a word.
const annotationLimit = 10

// annotationLevels are GitHub's words for the severities.
var annotationLevels = [...]string{authz.SeverityNote: "notice", authz.SeverityWarning: "warning", authz.SeverityError: "error"}

// writeGitHub writes workflow commands, which GitHub Actions makes annotations
// of: errors, then warnings and notices. What is over GitHub's limit is counted
// in one more notice and listed in plain lines, for the log.
func writeGitHub(w io.Writer, d *Document, o Options) error {
	b := bufio.NewWriter(w)
	list := d.annotations(&o)
	room := roomFor(list)
	var rest []*problem
	var left [authz.SeverityError + 1]int
	for _, p := range list {
		if room[p.severity] == 0 {
			left[p.severity]++
			rest = append(rest, p)
			continue
		}
		room[p.severity]--
		fmt.Fprintf(b, "::%s file=%s,line=%d", annotationLevels[p.severity], commandProperty(o.path(p.pos.File)), p.pos.Line)
		if p.pos.Col > 0 {
			fmt.Fprintf(b, ",col=%d", p.pos.Col)
		}
		fmt.Fprintf(b, ",title=%s::%s\n", commandProperty(p.rule), commandData(p.text(visible)))
	}
	if len(rest) > 0 {
		var words []string
		for s := authz.SeverityError; s > authz.SeverityOff; s-- {
			if left[s] > 0 {
				words = append(words, count(left[s], "more "+annotationLevels[s]))
			}
		}
		fmt.Fprintf(b, "::notice title=mcpolicy::%s: GitHub keeps %d annotations of each level for a step. The log has them all.\n", strings.Join(words, ", "), annotationLimit)
		for _, p := range rest {
			fmt.Fprintf(b, "%s: %s\n", annotationLevels[p.severity], logLine(fmt.Sprintf("%s:%d: %s [%s]", o.path(p.pos.File), p.pos.Line, p.message, p.rule)))
		}
	}
	for _, s := range []string{d.scopeWords(), d.verdictWords()} {
		if s != "" {
			fmt.Fprintf(b, "mcpolicy: %s\n", logLine(s))
		}
	}
	return b.Flush()
}

// roomFor returns how many annotations of each level are written. If they are
// not all, one of the notices is the one that says so.
func roomFor(list []*problem) [authz.SeverityError + 1]int {
	var n [authz.SeverityError + 1]int
	for _, p := range list {
		n[p.severity]++
	}
	room := [authz.SeverityError + 1]int{authz.SeverityNote: annotationLimit, authz.SeverityWarning: annotationLimit, authz.SeverityError: annotationLimit}
	if max(n[authz.SeverityNote], n[authz.SeverityWarning], n[authz.SeverityError]) > annotationLimit {
		room[authz.SeverityNote]--
	}
	return room
}

var (
	dataEscapes     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	propertyEscapes = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// commandData escapes what comes after the second pair of colons of a workflow
// command.
func commandData(s string) string { return dataEscapes.Replace(inert(s)) }

// commandProperty escapes the value of a property of a workflow command.
func commandProperty(s string) string { return propertyEscapes.Replace(inert(visible(s))) }

// logLine returns text for a line of the log that is no command. It must not
// begin the line.
func logLine(s string) string { return inert(visible(s)) }
