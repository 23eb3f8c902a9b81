package report_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"html"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"
	"pgregory.net/rapid"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/drift"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/testcoverage"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// nasty are pieces of text that a medium may take for more than text.
var nasty = []string{
	"\x1b[31m", "\x1b]0;title\x07", "\x1b]8;;https://evil.example\x1b\\", "\u009b2J", "\x00", "\x7f", "\r", "\n", "\t", "\n\n", "\r\n", "\b\b", "\v",
	"\u202e", "\u2066", "\u2069", "\u200b", "\u200d", "\ufeff", "\u00ad", "\u2028", "\u2029", "\u00a0", "\u3000", "\u2800", "\u3164", "\ufe0f", "\U000e0041", "\U000e0100",
	"\ufffe", "\U0010ffff", "\ue000", "\xff", "\xc3", "\xed\xa0\x80", "a\u0301\u0301\u0301\u0301\u0301\u0301", "\u0301",
	"|", "\\|", "\\\\|", "`", "``", "```\n", "`|`", "**", "*", "_", "__x__", "~~", "$x$", "[a](https://evil.example)", "![a](https://evil.example/x.png)", "[^1]", "[a]: https://evil.example",
	"<script>alert(1)</script>", "<!--", "-->", "</details>", "<img src=x>", "&amp;", "&lt;", "&#60;", "<?", "]]>", "<![CDATA[", "\"", "'", ">", "# ", "- ", "1. ", "1) ", "+ ", "===", "---", "> ", ":---", "    ", " # ", " 1. ", "  - ", " ===",
	"@octocat", "@@a", "#12", "org/repo#12", "GH-12", "!12", "group/project!12", "$12", "&12", "%v1", "%\"v 1\"", "~bug", "~\"to do\"", "^alert#1", "[issue:1]", "[vulnerability:1]", "*iteration:1", "{+ a +}", "[- a -]", "/close", "/approve\n/merge", "gh-1gh-2", ":smile:", ":+1:", "https://evil.example", "http://evil.example/?a=b", "HTTP://E.X", "www.evil.example", "WWW.x.y", "ftp://x.y", "a@b.example", "mailto:a@b.c", "xmpp:a@b.c",
	"::error file=a::b", "::", ":", "##[error]x", "##vso[task.x]y", "##teamcity[x]", "###[x", "##",
	"=cmd|' /C calc'!A0", "{customer_id}", "%s%n", "\\u202e", "\\", "名前", "שלום", "🔧", "é", " ", "  ", "a", "delete", "0",
}

// A hostile document has the same text wherever a stranger can put some.
func hostile(tb rapid.TB, s string) *report.Document {
	tb.Helper()
	items := []*manifest.Item{
		{Type: authz.ToolItem, Name: s, Hints: manifest.Hints{Destructive: manifest.True}},
		{Type: authz.ToolItem, Name: "delete" + s},
		{Type: authz.PromptItem, Name: s},
		{Type: authz.ResourceItem, Name: s},
		{Type: authz.TemplateItem, Name: s},
	}
	profile, err := pep.Custom(s, s, []pep.Spec{
		{Endpoint: "tools/list", Filter: authz.FilterOwn, Requests: []pep.RequestSpec{{Kind: "k", ID: "x", Action: "see"}}},
		{Endpoint: "tools/call", Requests: []pep.RequestSpec{{Kind: "k", ID: "x", Action: "call", Attr: map[string]any{"arguments": "{arguments}"}}}},
	})
	if err != nil {
		tb.Fatal(err)
	}
	m, err := matrix.Build(context.Background(), &matrix.Input{
		Servers: []*matrix.Server{{Name: s, Inventory: &manifest.Inventory{Items: items}, Profile: profile}},
		Principals: []*authz.Principal{
			{Key: s, ID: "a", Roles: []string{s, "user"}},
			{Key: "b" + s, ID: "b", Roles: []string{"user"}, Attr: map[string]any{"limit": strings.ToValidUTF8(s, "")}},
			{Key: "c" + s, ID: "c", Roles: []string{"nobody"}},
		},
		Decider: engine(tb),
	})
	if err != nil {
		tb.Fatal(err)
	}
	place := source.Pos{File: s, Line: 1, Col: 1}
	col := m.Columns[1]
	other := &matrix.Column{Server: &matrix.Server{Name: s}, Item: col.Item, Operation: col.Operation}
	return &report.Document{
		Matrix: m, Linted: true,
		Findings: []lint.Finding{{
			Rule: s, Family: s, Severity: authz.SeverityError, Message: s, Evidence: []string{s, s}, Fix: s, Pos: place,
			Related: []lint.Related{{Pos: place, Text: s}}, Server: s, Name: s, Principal: s, Policy: s, Standards: []string{s},
		}, {Rule: "x", Severity: authz.SeverityWarning, Message: "x" + s, Waived: true, Reason: s}},
		Tests: &testrunner.Result{Suites: []*testrunner.SuiteResult{{Name: s, File: s, Cases: []*testrunner.Case{{
			Test: s, Principals: m.Classes[0].Principals, Server: s, Item: col.Item, Operation: col.Operation, Arguments: map[string]any{s: s},
			Want: "denied", Got: "conditional", Outcome: testrunner.Failed, Message: s, Pos: place, Cell: m.Cell(m.Classes[0], col),
			Values: []testrunner.Value{{Expr: s, Value: s}},
		}, {
			Test: s, Principals: m.Classes[1].Principals, Outcome: testrunner.Errored, Got: s,
		}, {
			Test: s, Principals: m.Classes[2].Principals, Outcome: testrunner.Skipped, Message: s,
		}}}}},
		Drift: &report.Drift{Against: s, Cells: 1, List: []drift.Difference{{
			Principals: m.Classes[0].Principals, Column: other, Arguments: map[string]any{s: s},
			Production: &matrix.Cell{Access: matrix.Conditional, Condition: authz.Unwritten(s)}, Checkout: &matrix.Cell{Access: matrix.Conditional, Condition: authz.Unwritten(s)},
			Rules: []matrix.Rule{{ID: s, Name: s, Pos: place}, {ID: s, Name: s, Pos: place}},
		}, {
			Principals: m.Classes[1].Principals, Column: other, Unknown: s, Production: &matrix.Cell{}, Checkout: &matrix.Cell{},
		}}},
		Coverage: hostileCoverage(s, m, place),
		Notes:    []report.Note{{Rule: s, Server: s, Message: s, Pos: source.Pos{File: s, Line: 2}}},
	}
}

func hostileCoverage(s string, m *matrix.Matrix, place source.Pos) *testcoverage.Coverage {
	want := []testcoverage.Case{
		{Principal: m.Classes[0].First(), Column: m.Columns[1], Arguments: map[string]any{s: s}, Expect: "deny", Refused: true},
		{Principal: m.Classes[0].First(), Column: m.Columns[0], Expect: "allow"},
	}
	by := []testcoverage.Evidence{{Pos: place, Text: s}}
	role := &policy.DerivedRole{Name: s}
	c := &testcoverage.Coverage{Since: s, Points: []testcoverage.Point{
		{Kind: testcoverage.Rule, Pos: place, Last: 80, Rule: &policy.Rule{ID: s, Name: s}, Policy: &policy.Policy{Name: s}, Redundant: true, Want: want},
		{Kind: testcoverage.Outcome, Pos: place, DerivedRole: role, What: s, Unknown: true, Want: want},
		{Kind: testcoverage.MCDC, Pos: place, DerivedRole: role, What: s, True: true, Want: want},
		{Kind: testcoverage.DerivedRole, Pos: place, DerivedRole: role, State: testcoverage.Covered, By: by},
		{Kind: testcoverage.Cell, Pos: place, Column: m.Columns[1], What: s, Want: want},
	}}
	c.Hold(testcoverage.Thresholds{testcoverage.Rule: 50})
	return c
}

// engine is opened once: every hostile document asks the same.
var engine = func() func(rapid.TB) *embedded.Engine {
	open := sync.OnceValues(func() (*embedded.Engine, error) {
		return embedded.Open(context.Background(), fstest.MapFS{"p.yaml": {Data: []byte(`
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: k
  version: default
  rules:
    - {name: see, actions: [see], effect: EFFECT_ALLOW, roles: [user]}
    - name: call
      actions: [call]
      effect: EFFECT_ALLOW
      roles: [user]
      condition: {match: {expr: R.attr.arguments.x == P.attr.limit}}
`)}}, pdp.Options{Now: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)})
	})
	return func(tb rapid.TB) *embedded.Engine {
		tb.Helper()
		e, err := open()
		if err != nil {
			tb.Fatal(err)
		}
		return e
	}
}()

func TestHostile(t *testing.T) {
	for _, s := range nasty {
		t.Run(fmt.Sprintf("%q", s), func(t *testing.T) {
			checkHostile(t, s)
			if testing.Short() {
				return
			}
			checkHostile(t, "a"+s)
			checkHostile(t, s+s+"b")
		})
	}
	if testing.Short() {
		t.Skip("the rest is long, and all in one goroutine")
	}
	rapid.Check(t, func(r *rapid.T) {
		pieces := rapid.SliceOfN(rapid.SampledFrom(nasty), 1, 6).Draw(r, "pieces")
		checkHostile(r, strings.Join(pieces, ""))
	})
}

func FuzzHostile(f *testing.F) {
	for _, s := range nasty {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { checkHostile(t, "a"+s) }) // nothing has an empty name
}

// media says how the text of each format is read, besides by eye. A format that
// is missing here fails.
var media = map[string]func(t rapid.TB, s, got string){
	"text":        func(rapid.TB, string, string) {},
	"json":        checkJSON,
	"lines":       checkLines,
	"junit":       checkXML,
	"markdown":    func(t rapid.TB, s, got string) { checkMarkdown(t, s, got, 5, 0) },
	"sarif":       func(t rapid.TB, _, got string) { checkSARIF(t, got) },
	"github":      checkGitHub,
	"codequality": checkCodeQuality,
	"html":        checkHTML,
	"csv":         checkCSV,
	"lcov":        func(t rapid.TB, _, got string) { checkLCOV(t, got) },
	"cobertura":   func(t rapid.TB, _, got string) { checkCobertura(t, got) },
}

func checkHostile(t rapid.TB, s string) {
	t.Helper()
	d := hostile(t, s)
	for _, f := range report.Formats() {
		check := media[f.Name]
		if check == nil {
			t.Fatalf("media says nothing of the format %s: how is a stranger's text kept from being more than text in it?", f.Name)
		}
		check(t, s, written(t, s, f.Name, d, f.Write, report.Options{ByClass: f.Name == "lines"}))
		if !f.Covers {
			written(t, s, f.Name, hostileProbe(d, s), f.Write, report.Options{})
		}
	}
	checkHostileText(t, s, d)
	for _, f := range report.ExplainFormats() {
		checkAnswer(t, s, f.Name, written(t, s, f.Name, hostileExplanation(d, s), f.Write, report.Options{}))
	}
	for _, f := range report.WhoCanFormats() {
		checkAnswer(t, s, f.Name, written(t, s, f.Name, hostileAnswers(d, s), f.Write, report.Options{}))
		checkAnswer(t, s, f.Name, written(t, s, f.Name, hostileAnswers(d, s), f.Write, report.Options{Summary: true}))
	}
	for _, f := range report.ValidationFormats() {
		files := []report.Validation{
			{File: s, Kind: "suite"},
			{File: s, Mistakes: []error{source.Errorf(source.Pos{File: s, Line: 2, Col: 3}, "unknown key %q", s), errors.New(s)}},
		}
		checkAnswer(t, s, f.Name, written(t, s, f.Name, files, f.Write, report.Options{}))
	}
	for _, f := range report.EnforcementPointFormats() {
		checkAnswer(t, s, f.Name, written(t, s, f.Name, hostilePoint(t, s), f.Write, report.Options{}))
	}
}

// written writes something, and holds what is written to what every format has
// to be.
func written[T any](t rapid.TB, s, format string, v T, write func(io.Writer, T, report.Options) error, o report.Options) string {
	t.Helper()
	var b bytes.Buffer
	o.All, o.FailOn = true, authz.SeverityWarning
	if err := write(&b, v, o); err != nil {
		t.Fatalf("%q as %s: %v", s, format, err)
	}
	text := b.String()
	if format == "csv" {
		text = strings.ReplaceAll(text, "\r\n", "\n") // of the rows
	}
	checkVisible(t, s, format, text)
	return b.String()
}

// checkHostileText writes text in the ways that only text has.
func checkHostileText(t rapid.TB, s string, d *report.Document) {
	t.Helper()
	write := func(w io.Writer, d *report.Document, o report.Options) error { return report.Write("text", w, d, o) }
	checkASCII(t, s, written(t, s, "text", d, write, report.Options{ASCII: true, Width: 30}))
	d = &report.Document{Matrix: d.Matrix, Notes: d.Notes}
	plain := written(t, s, "text", d, write, report.Options{})
	checkASCII(t, s, written(t, s, "text", d, write, report.Options{ASCII: true, Width: 120}))
	var b bytes.Buffer
	if err := report.Write("text", &b, d, report.Options{Color: true, All: true}); err != nil {
		t.Fatal(err)
	}
	if got := ansi.ReplaceAllString(b.String(), ""); got != plain {
		t.Errorf("%q as text: colour changes more than colours:\n%s\n%s", s, plain, got)
	}
}

// checkAnswer holds an explanation, or an answer, to how its format is read.
func checkAnswer(t rapid.TB, s, format, got string) {
	t.Helper()
	switch format {
	case "text":
	case "json":
		if !json.Valid([]byte(got)) {
			t.Errorf("%q as JSON: not valid:\n%s", s, got)
		}
	case "markdown":
		checkMarkdown(t, s, got, 1, 1)
	default:
		t.Fatalf("nothing is known of answers in the format %s: how is a stranger's text kept from being more than text in it?", format)
	}
}

func checkLines(t rapid.TB, s, got string) {
	t.Helper()
	for line := range strings.Lines(got) {
		if !json.Valid([]byte(line)) {
			t.Errorf("%q as lines: not JSON: %s", s, line)
		}
	}
}

var ansi = regexp.MustCompile("\x1b\\[[0-9;]*m")

func checkVisible(t rapid.TB, s, format, got string) {
	t.Helper()
	if !utf8.ValidString(got) {
		t.Errorf("%q as %s: not UTF-8", s, format)
	}
	for line := range strings.Lines(got) {
		own := format == "github" && strings.HasPrefix(line, "::")
		if !slices.Contains(forFiles, format) && !own && (strings.Contains(line, "::") || strings.Contains(line, "##")) && ciCommand.MatchString(line) {
			t.Errorf("%q as %s: a command to a CI system: %s", s, format, line)
		}
	}
	for _, r := range got {
		if r >= ' ' && r <= '~' {
			continue // nearly all
		}
		if r != '\n' && (unicode.In(r, unicode.C, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) ||
			unicode.Is(unicode.Zs, r) && r != ' ') {
			t.Errorf("%q as %s: raw %U in\n%s", s, format, r, got)
			return
		}
	}
}

// forFiles are the formats that no log shows.
var forFiles = []string{"json", "lines", "junit", "sarif", "codequality", "markdown", "cobertura"}

// ciCommand is a line of a log that GitHub Actions, Azure Pipelines or TeamCity
// obey.
var ciCommand = regexp.MustCompile(`^\s*::|##\w*\[`)

func checkASCII(t rapid.TB, s, got string) {
	t.Helper()
	for _, r := range got {
		if r > '~' {
			t.Errorf("%q as ASCII: %q in\n%s", s, r, got)
			return
		}
	}
}

func checkJSON(t rapid.TB, s, got string) {
	t.Helper()
	var doc struct {
		Matrix struct {
			Cells []struct{ Principal, Server, Name, Operation, Access string }
		}
		Findings []struct {
			Message, Rule, File string
			Evidence            []string
		}
		Tests struct {
			Suites []struct {
				Name  string
				Cases []struct {
					Test      string
					Arguments map[string]any
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(got), &doc); err != nil {
		t.Fatalf("%q as JSON: %v\n%s", s, err, got)
	}
	want := strings.ToValidUTF8(s, "\ufffd")
	if !utf8.ValidString(s) {
		want = string([]rune(s)) // one replacement a byte
	}
	for what, have := range map[string]string{
		"principal": doc.Matrix.Cells[0].Server, "name": doc.Matrix.Cells[0].Name, "message": doc.Findings[0].Message,
		"evidence": doc.Findings[0].Evidence[0], "test": doc.Tests.Suites[0].Cases[0].Test,
	} {
		if have != want {
			t.Errorf("%q as JSON: %s is %q", s, what, have)
		}
	}
	if n := len(doc.Matrix.Cells); n != 3*5*2 {
		t.Errorf("%q as JSON: %d cells", s, n)
	}
}

func checkXML(t rapid.TB, s, got string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(got))
	counts := map[string]int{}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%q as XML: %v\n%s", s, err, got)
		}
		if e, ok := token.(xml.StartElement); ok {
			counts[e.Name.Local]++
		}
	}
	if counts["testcase"] != 9 || counts["testsuite"] != 4 || counts["failure"] != 4 || counts["error"] != 1 || counts["skipped"] != 2 {
		t.Errorf("%q as XML: %v\n%s", s, counts, got)
	}
}

// allowed are the tags that Markdown reports have of their own.
var allowed = regexp.MustCompile(`^</?(details|details open|summary|b|br|sup|code)>$|^<!-- mcpolicy -->$`)

var (
	tag     = regexp.MustCompile(`<[^>\s][^>]*>?`)
	mention = regexp.MustCompile(`@[\pL\pN]|#[0-9]|(?i:gh-[0-9])|://|(?i:www\.)` + // and GitLab's references
		`|[!$&][0-9]|[%~]["\pL\pN_]|(?i:\^alert|[*[][a-z_]+:)|[{[][+-]`)
	fenced      = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	quickAction = regexp.MustCompile(`(?m)^\s*(- |> )?/[a-z]`)
)

// checkMarkdown parses a report as GitHub does: it has that many headings, and no
// more blocks of code.
func checkMarkdown(t rapid.TB, s, got string, wantHeadings, mostCode int) {
	t.Helper()
	fail := func(format string, args ...any) {
		t.Helper()
		t.Errorf("%q as Markdown: %s in\n%s", s, fmt.Sprintf(format, args...), got)
	}
	src := []byte(got)
	doc := goldmark.New(goldmark.WithExtensions(extension.GFM, extension.Footnote)).Parser().Parse(text.NewReader(src))
	headings, columns := 0, 0
	inCode := false // between <code> and </code>
	err := ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.FencedCodeBlock:
			if mostCode--; mostCode < 0 {
				fail("%s", n.Kind())
			}
		case *ast.Link, *ast.Image, *ast.AutoLink, *ast.CodeBlock, *east.Strikethrough, *east.FootnoteLink, *ast.ThematicBreak:
			fail("%s", n.Kind())
		case *ast.Heading:
			headings++
		case *ast.RawHTML:
			for i := range n.Segments.Len() {
				at := n.Segments.At(i)
				name := string(at.Value(src))
				if !allowed.MatchString(name) {
					fail("tag %s", name)
				}
				inCode = name == "<code>" || inCode && name != "</code>"
			}
		case *ast.HTMLBlock:
			for i := range n.Lines().Len() {
				at := n.Lines().At(i)
				for _, found := range tag.FindAllString(string(at.Value(src)), -1) {
					if !allowed.MatchString(found) {
						fail("tag %s", found)
					}
				}
			}
		case *ast.Text:
			if _, code := n.Parent().(*ast.CodeSpan); !code && !inCode {
				if found := mention.FindString(html.UnescapeString(string(n.Value(src)))); found != "" {
					fail("%q in text", found)
				}
			}
		case *east.TableHeader:
			columns = n.ChildCount()
		case *east.TableRow:
			if n.ChildCount() != columns {
				fail("a row of %d cells below %d", n.ChildCount(), columns)
			}
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if headings != wantHeadings {
		fail("%d headings", headings)
	}
	if found := quickAction.FindString(fenced.ReplaceAllString(got, "")); found != "" {
		fail("%q, which GitLab obeys", found)
	}
	for line := range strings.Lines(got) {
		// goldmark pads and cuts rows, so the pipes are counted too.
		if strings.HasPrefix(line, "| ") && strings.Contains(got, "| item |") && strings.Count(line, "|") != 3 && strings.Count(line, "|") != 5 {
			fail("a row of %d pipes: %s", strings.Count(line, "|"), line)
		}
	}
}

// hostilePoint returns an enforcement point that is called s and sends s, in front of a server
// called s.
func hostilePoint(tb rapid.TB, s string) []report.EnforcementPoint {
	tb.Helper()
	literal := strings.NewReplacer("{", "{{", "}", "}}").Replace("x" + s)
	of := pep.RequestSpec{Kind: literal, ID: literal, Action: literal, Scope: literal, PolicyVersion: literal, Attr: map[string]any{literal: literal}}
	p, err := pep.Custom(s, s, []pep.Spec{
		{Endpoint: "tools/list", Filter: authz.FilterGate, Requests: []pep.RequestSpec{of}},
		{Endpoint: "tools/call", Requests: []pep.RequestSpec{of}},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return []report.EnforcementPoint{{Servers: []string{s}, Profile: p}}
}
