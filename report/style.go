package report

import (
	"strconv"
	"strings"

	"github.com/fatih/color"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// A style is what a piece of text means, to be shown in colour.
type style uint8

const (
	plain style = iota
	strong
	faint
	good
	partly
	bad
	alarm
)

var colours = [...][]color.Attribute{
	strong: {color.Bold}, faint: {color.Faint}, good: {color.FgGreen}, partly: {color.FgYellow},
	bad: {color.FgRed, color.Bold}, alarm: {color.FgMagenta, color.Bold},
}

// paint returns s in the colour of a style.
func paint(st style, s string) string {
	if st == plain || s == "" {
		return s
	}
	c := color.New(colours[st]...)
	c.EnableColor() // whoever sets Options.Color has looked at the terminal
	return c.Sprint(s)
}

func accessStyle(a matrix.Access) style {
	return [...]style{matrix.Denied: faint, matrix.Allowed: good, matrix.Conditional: partly, matrix.Unguarded: alarm, matrix.Refused: faint}[a]
}

func severityStyle(s authz.Severity) style {
	return [...]style{authz.SeverityOff: plain, authz.SeverityNote: faint, authz.SeverityWarning: partly, authz.SeverityError: bad}[s]
}

func outcomeStyle(o testrunner.Outcome) style {
	return [...]style{testrunner.Passed: good, testrunner.Failed: bad, testrunner.Errored: bad, testrunner.Skipped: faint}[o]
}

// symbols are the signs of a character set.
type symbols struct {
	access [5]string // by matrix.Access
	times  string
	dots   string
}

var (
	unicodeSymbols = symbols{
		access: [5]string{matrix.Denied: "·", matrix.Allowed: "●", matrix.Conditional: "◐", matrix.Unguarded: "○", matrix.Refused: "×"},
		times:  "×", dots: "…",
	}
	asciiSymbols = symbols{
		access: [5]string{matrix.Denied: "-", matrix.Allowed: "A", matrix.Conditional: "C", matrix.Unguarded: "U", matrix.Refused: "R"},
		times:  "x", dots: "...",
	}
)

var superscripts = strings.NewReplacer("0", "⁰", "1", "¹", "2", "²", "3", "³", "4", "⁴", "5", "⁵", "6", "⁶", "7", "⁷", "8", "⁸", "9", "⁹")

func superscript(n int) string { return superscripts.Replace(strconv.Itoa(n)) }
