package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/source"
)

// readLog is as much of SARIF as the tests look at.
type readLog struct {
	Runs []struct {
		Tool struct {
			Driver struct {
				Version string
				Rules   []readRule
			}
		}
		Taxonomies []struct {
			Name string
			Taxa []struct{ ID string }
		}
		Invocations []struct {
			ExecutionSuccessful            bool
			ExitCode                       int
			ToolConfigurationNotifications []struct{ Message struct{ Text string } }
			ToolExecutionNotifications     []struct{ Message struct{ Text string } }
		}
		Results []readResult
	}
}

type readRule struct {
	ID         string
	Help       struct{ Text, Markdown string }
	Properties struct {
		SecuritySeverity string `json:"security-severity"`
		Tags             []string
	}
	Relationships []struct {
		Target struct {
			ID            string
			Index         int
			ToolComponent struct {
				Name  string
				Index int
			}
		}
	}
}

type readResult struct {
	RuleID              string
	RuleIndex           int
	Level               string
	Message             struct{ Text string }
	Locations           []readLocation
	RelatedLocations    []readLocation
	PartialFingerprints map[string]string
	Suppressions        []struct{ Kind, Justification string }
}

type readLocation struct {
	PhysicalLocation struct {
		ArtifactLocation struct{ URI, URIBaseID string }
		Region           struct{ StartLine, StartColumn int }
	}
}

var sarifSchema = sync.OnceValues(func() (*jsonschema.Schema, error) {
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	return c.Compile(filepath.Join("testdata", "sarif", "sarif-schema-2.1.0.json"))
})

// sarifOf writes a document and holds it to the schema.
func sarifOf(t rapid.TB, d *report.Document, o report.Options) (*readLog, string) {
	t.Helper()
	var b bytes.Buffer
	if err := report.Write("sarif", &b, d, o); err != nil {
		t.Fatal(err)
	}
	return checkSARIF(t, b.String()), b.String()
}

// checkSARIF holds a log to the schema, and every result to what consumers
// need of it.
func checkSARIF(t rapid.TB, text string) *readLog {
	t.Helper()
	schema, err := sarifSchema()
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(v); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	var log readLog
	if err := json.Unmarshal([]byte(text), &log); err != nil {
		t.Fatal(err)
	}
	run := log.Runs[0]
	seen := map[string]bool{}
	for _, r := range run.Results {
		if rule := run.Tool.Driver.Rules[r.RuleIndex]; rule.ID != r.RuleID {
			t.Errorf("a result of %s points at the rule %s", r.RuleID, rule.ID)
		}
		for _, at := range slices.Concat(r.Locations, r.RelatedLocations) {
			a := at.PhysicalLocation.ArtifactLocation
			u, err := url.Parse(a.URI)
			if err != nil || u.IsAbs() == (a.URIBaseID == "%SRCROOT%") || u.RawQuery != "" || u.Fragment != "" || u.Host != "" || at.PhysicalLocation.Region.StartLine < 1 {
				t.Errorf("location %+v", at)
			}
		}
		for _, f := range r.PartialFingerprints {
			if seen[f] {
				t.Errorf("two results have the fingerprint %s", f)
			}
			seen[f] = true
		}
		if len(r.Locations) != 1 || len(r.PartialFingerprints) != 1 || r.Message.Text == "" {
			t.Errorf("result %+v", r)
		}
	}
	for _, rule := range run.Tool.Driver.Rules {
		for _, rel := range rule.Relationships {
			component := run.Taxonomies[rel.Target.ToolComponent.Index]
			if component.Name != rel.Target.ToolComponent.Name || component.Taxa[rel.Target.Index].ID != rel.Target.ID {
				t.Errorf("%s relates to %+v, which is not there", rule.ID, rel.Target)
			}
		}
		if len(rule.Properties.Tags) > 20 {
			t.Errorf("%s has %d tags, more than GitHub takes", rule.ID, len(rule.Properties.Tags))
		}
	}
	return &log
}

// TestSARIFRules writes a finding of every rule of the catalogue: each has help
// and what GitHub sorts by, and every standard has its taxonomy.
func TestSARIFRules(t *testing.T) {
	d := &report.Document{Linted: true}
	for _, r := range lint.Rules() {
		d.Findings = append(d.Findings, lint.Finding{Rule: r.ID, Severity: r.Severity, Message: "x"})
	}
	log, _ := sarifOf(t, d, report.Options{FailOn: authz.SeverityWarning, Version: "v1.2.3"})
	run := log.Runs[0]
	if len(run.Results) != len(lint.Rules()) || run.Tool.Driver.Version != "1.2.3" || run.Invocations[0].ExitCode != 1 || !run.Invocations[0].ExecutionSuccessful {
		t.Errorf("%d results of %d rules, version %q, invocation %+v", len(run.Results), len(lint.Rules()), run.Tool.Driver.Version, run.Invocations)
	}
	for _, rule := range run.Tool.Driver.Rules {
		r, err := lint.Find(rule.ID)
		if err != nil {
			t.Fatal(err)
		}
		if len(rule.Relationships) != len(r.Doc.Standards) {
			t.Errorf("%s relates to %d of %q: a taxonomy is missing", r.ID, len(rule.Relationships), r.Doc.Standards)
		}
		if (rule.Properties.SecuritySeverity != "") != (len(r.Doc.Standards) > 0) {
			t.Errorf("%s: security-severity %q", r.ID, rule.Properties.SecuritySeverity)
		}
		if rule.Help.Markdown != r.Markdown() || !strings.HasSuffix(rule.Help.Text, r.Doc.Fix) {
			t.Errorf("%s: help %+v", r.ID, rule.Help)
		}
	}
}

// TestFingerprints moves every problem to another line: fingerprints stay, and
// differ between problems.
func TestFingerprints(t *testing.T) {
	moved := checked(t)
	for i := range moved.Findings {
		moved.Findings[i].Pos.Line += 100
		moved.Findings[i].Evidence = append(moved.Findings[i].Evidence, "policies/p.yaml:107:3")
	}
	for _, c := range moved.Tests.Suites[0].Cases {
		c.Pos.Line += 7
		c.Message += ", elsewhere"
	}
	for _, format := range []string{"sarif", "codequality"} {
		a, b := fingerprints(t, format, checked(t)), fingerprints(t, format, moved)
		if !slices.Equal(a, b) || len(a) < 5 || len(slices.Compact(a)) != len(b) {
			t.Errorf("%s: %q and moved %q", format, a, b)
		}
	}
}

func fingerprints(t *testing.T, format string, d *report.Document) []string {
	t.Helper()
	var b bytes.Buffer
	if err := report.Write(format, &b, d, report.Options{}); err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, line := range strings.Split(b.String(), `"`) {
		if len(line) == 32 && strings.Trim(line, "0123456789abcdef") == "" {
			list = append(list, line)
		}
	}
	slices.Sort(list)
	return list
}

// TestSARIFLimit writes more results than GitHub takes: the most severe stay,
// and a notification says how many do not.
func TestSARIFLimit(t *testing.T) {
	d := &report.Document{Linted: true}
	for i := range 25_010 {
		d.Findings = append(d.Findings, lint.Finding{Rule: "role-not-held", Severity: authz.SeverityNote, Message: fmt.Sprint(i)})
	}
	d.Findings = append(d.Findings, lint.Finding{Rule: "wildcard-role", Severity: authz.SeverityError, Message: "last"})
	var b bytes.Buffer
	if err := report.Write("sarif", &b, d, report.Options{}); err != nil {
		t.Fatal(err)
	}
	var log readLog
	if err := json.Unmarshal(b.Bytes(), &log); err != nil {
		t.Fatal(err)
	}
	run := log.Runs[0]
	said := run.Invocations[0].ToolExecutionNotifications
	if len(run.Results) != 25_000 || run.Results[0].Message.Text != "last" || len(said) != 1 || !strings.HasPrefix(said[0].Message.Text, "11 results left out") {
		t.Errorf("%d results, %+v first, %+v said", len(run.Results), run.Results[0], said)
	}
}

// TestPlaces puts problems without a place to the inventory or the config, and
// files to where the options say.
func TestPlaces(t *testing.T) {
	d := checked(t)
	d.Findings = []lint.Finding{
		{Rule: "wildcard-role", Severity: authz.SeverityError, Message: "at the server", Server: "wiki"},
		{Rule: "wildcard-role", Severity: authz.SeverityError, Message: "nowhere"},
		{Rule: "wildcard-role", Severity: authz.SeverityError, Message: "outside", Pos: source.Pos{File: "/srv/a b.yaml", Line: 3}},
		{Rule: "wildcard-role", Severity: authz.SeverityError, Message: "odd", Pos: source.Pos{File: "a:b/100%#?.yaml"}},
	}
	d.Tests, d.Notes = nil, nil
	log, _ := sarifOf(t, d, report.Options{Config: "my.yaml", Path: func(file string) string {
		if path.IsAbs(file) {
			return file
		}
		return path.Join("services/desk", file)
	}})
	want := map[string]string{
		"at the server": "services/desk/manifests/wiki.json", "nowhere": "services/desk/my.yaml",
		"outside": "file:///srv/a%20b.yaml", "odd": "services/desk/a:b/100%25%23%3F.yaml",
	}
	for _, r := range log.Runs[0].Results {
		if uri := r.Locations[0].PhysicalLocation.ArtifactLocation.URI; uri != want[r.Message.Text] {
			t.Errorf("%s: %s, want %s", r.Message.Text, uri, want[r.Message.Text])
		}
	}
}
