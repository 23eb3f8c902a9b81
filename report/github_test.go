package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/report"
)

// TestAnnotationLimit writes more problems than GitHub keeps: errors come
// first, no level has more than ten, and the rest is counted and listed.
func TestAnnotationLimit(t *testing.T) {
	for _, test := range []struct {
		errors, warnings, notes int
		said                    string
	}{
		{3, 10, 10, ""},
		{12, 3, 0, "2 more errors"},
		{0, 0, 11, "2 more notices"},
		{25, 11, 30, "15 more errors, 1 more warning, 21 more notices"},
		{11, 0, 10, "1 more error, 1 more notice"},
	} {
		d := &report.Document{Linted: true}
		for s, n := range map[authz.Severity]int{authz.SeverityError: test.errors, authz.SeverityWarning: test.warnings, authz.SeverityNote: test.notes} {
			for i := range n {
				d.Findings = append(d.Findings, lint.Finding{Rule: "r", Severity: s, Message: fmt.Sprintf("%v %d", s, i)})
			}
		}
		var b bytes.Buffer
		if err := report.Write("github", &b, d, report.Options{}); err != nil {
			t.Fatal(err)
		}
		commands, order := map[string]int{}, ""
		plain := 0
		for line := range strings.Lines(b.String()) {
			m := regexp.MustCompile(`^::(\w+) `).FindStringSubmatch(line)
			if m == nil {
				plain++
				continue
			}
			commands[m[1]]++
			if !strings.HasSuffix(order, m[1]) {
				order += " " + m[1]
			}
		}
		all := test.errors + test.warnings + test.notes
		if commands["error"] > 10 || commands["warning"] > 10 || commands["notice"] > 10 || !strings.HasPrefix(" error warning notice", order) && !strings.HasSuffix(" error warning notice", order) && order != " error notice" {
			t.Errorf("%+v: %v in the order%s", test, commands, order)
		}
		_, said, _ := strings.Cut(b.String(), "::notice title=mcpolicy::")
		said, _, _ = strings.Cut(said, ": GitHub")
		if said != test.said {
			t.Errorf("%+v: said %q", test, said)
		}
		shown := commands["error"] + commands["warning"] + commands["notice"]
		if said != "" {
			shown--
		}
		if shown+plain-1 != all {
			t.Errorf("%+v: %d shown and %d listed of %d", test, shown, plain-1, all)
		}
	}
}

// command is what GitHub reads a workflow command from.
var command = regexp.MustCompile(`^::(error|warning|notice) file=([^,:]+),line=[1-9][0-9]*(,col=[1-9][0-9]*)?,title=([^,:]+)::(.*)$`)

// checkGitHub holds every line to be one annotation or plain text.
func checkGitHub(t rapid.TB, s, got string) {
	t.Helper()
	n := 0
	for line := range strings.Lines(got) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case command.MatchString(line):
			n++
			message := command.FindStringSubmatch(line)[5]
			for _, escape := range regexp.MustCompile(`%..?`).FindAllString(message, -1) {
				if escape != "%0A" && escape != "%25" {
					t.Errorf("%q as annotations: %s in %s", s, escape, line)
				}
			}
		case strings.HasPrefix(line, "mcpolicy: "):
		default:
			t.Errorf("%q as annotations: %s", s, line)
		}
	}
	if n != 7 { // a finding, two differences, a threshold, two cases, a note
		t.Errorf("%q: %d annotations in\n%s", s, n, got)
	}
}

// checkCodeQuality holds a report to what GitLab asks of it.
func checkCodeQuality(t rapid.TB, s, got string) {
	t.Helper()
	var list []struct {
		Description string `json:"description"`
		CheckName   string `json:"check_name"`
		Fingerprint string `json:"fingerprint"`
		Severity    string `json:"severity"`
		Location    struct {
			Path  string              `json:"path"`
			Lines struct{ Begin int } `json:"lines"`
		} `json:"location"`
	}
	d := json.NewDecoder(strings.NewReader(got))
	d.DisallowUnknownFields()
	if err := d.Decode(&list); err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	seen := map[string]bool{}
	for _, issue := range list {
		if issue.Description == "" || issue.CheckName == "" || issue.Location.Path == "" || issue.Location.Lines.Begin < 1 ||
			!strings.Contains(" info minor major critical blocker ", " "+issue.Severity+" ") || issue.Fingerprint == "" || seen[issue.Fingerprint] {
			t.Errorf("%q: %+v", s, issue)
		}
		seen[issue.Fingerprint] = true
	}
	if len(list) != 7 {
		t.Errorf("%q: %d issues", s, len(list))
	}
}
