package report_test

import (
	"bytes"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// loom is a project whose only suites are Cerbos's own: one with a case of each outcome,
// and one that cannot be run.
func loom(t *testing.T) *report.Document {
	t.Helper()
	text := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	w, err := workspace.Open(t.Context(), fstest.MapFS{
		"mcpolicy.yaml": text("servers: {hall: {manifest: hall.json, with: {resourceKind: loom}}}\npolicies: policies\nprincipals: who.yaml\n"),
		"hall.json":     text(`{"tools": [{"name": "weave"}]}`),
		"who.yaml":      text("principals: {pat: {id: pat, roles: [weaver]}}\n"),
		"policies/loom.yaml": text(`apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: loom
  version: default
  rules:
    - {name: all, actions: [weave], effect: EFFECT_ALLOW, roles: [weaver], output: {when: {ruleActivated: '"ok"'}}}
    - {name: early, actions: [dye], effect: EFFECT_ALLOW, roles: [weaver], condition: {match: {expr: now().getHours() < 9}}}
`),
		"policies/loom_test.yaml": text(`name: Loom
principals: {pat: {id: pat1, roles: [weaver]}}
resources: {one: {id: l1, kind: loom}}
tests:
  - name: weaves
    input: {principals: [pat], resources: [one], actions: [weave]}
    expected: [{principal: pat, resource: one, actions: {weave: EFFECT_ALLOW}}]
  - name: says so
    input: {principals: [pat], resources: [one], actions: [weave]}
    expected: [{principal: pat, resource: one, actions: {weave: EFFECT_ALLOW}, outputs: [{action: weave, expected: [{src: resource.loom.vdefault#all, val: no}]}]}]
  - name: implied
    input: {principals: [pat], resources: [one], actions: [weave, cut]}
    expected: [{principal: pat, resource: one, actions: {cut: EFFECT_DENY}}]
  - name: dyes
    input: {principals: [pat], resources: [one], actions: [dye]}
    expected: [{principal: pat, resource: one, actions: {dye: EFFECT_ALLOW}}]
  - name: later
    skip: true
    input: {principals: [pat], resources: [one], actions: [dye]}
    expected: [{principal: pat, resource: one, actions: {dye: EFFECT_ALLOW}}]
`),
		"policies/void_test.yaml": text(""),
	}, workspace.Options{})
	if err != nil {
		t.Fatal(err)
	}
	d, err := w.Check(t.Context(), workspace.Everything())
	if err != nil {
		t.Fatal(err)
	}
	d.Elapsed = 0
	return d
}

// TestCerbosSuites holds that every format but those of coverage tells of cases and suites of Cerbos's own.
func TestCerbosSuites(t *testing.T) {
	d := loom(t)
	if n := d.Tests.Counts(); n.Passed != 2 || n.Failed != 2 || n.Errored != 1 || n.Skipped != 1 {
		t.Errorf("counts: %+v", n)
	}
	if d.Doubt == nil || !strings.Contains(d.Doubt.Error(), "policies/void_test.yaml:1: this Cerbos suite cannot be run") {
		t.Errorf("doubt: %v", d.Doubt)
	}
	for _, f := range report.Formats() {
		if f.Covers {
			continue // it tells of coverage alone
		}
		var b bytes.Buffer
		if err := report.Write(f.Name, &b, d, report.Options{Width: 200, All: true}); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
		for _, want := range []string{"void_test.yaml", "resource.loom.vdefault#all", "`now` was not provided"} {
			if f.Name == "markdown" && strings.Contains(want, "`") {
				continue // it is escaped there
			}
			if !strings.Contains(strings.ReplaceAll(b.String(), "&#96;", "`"), want) {
				t.Errorf("%s does not say %q:\n%s", f.Name, want, b.String())
			}
		}
	}
}

// TestCerbosSuitesMerged holds that a report with Cerbos suites is read back as it was.
func TestCerbosSuitesMerged(t *testing.T) {
	var once, again bytes.Buffer
	if err := report.Write("json", &once, loom(t), report.Options{}); err != nil {
		t.Fatal(err)
	}
	m, err := report.Merge([]report.MergeFile{{Name: "a.json", Data: once.Bytes()}})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Write("json", &again, report.Options{}); err != nil {
		t.Fatal(err)
	}
	tests := func(b []byte) string {
		_, rest, _ := strings.Cut(string(b), `"tests"`)
		return rest
	}
	if tests(once.Bytes()) != tests(again.Bytes()) {
		t.Errorf("written:\n%s\nread and written:\n%s", once.Bytes(), again.Bytes())
	}
	for _, f := range []string{"text", "junit", "markdown"} {
		var b bytes.Buffer
		if err := m.Write(f, &b, report.Options{Width: 200}); err != nil || !strings.Contains(b.String(), "pat asks for weave on one (loom l1)") {
			t.Errorf("%s: %v\n%s", f, err, b.String())
		}
	}
}
