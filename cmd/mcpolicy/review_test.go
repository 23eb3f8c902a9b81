package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/internal/gittest"
)

// A depot is a git repository with a config below its top.
type depot struct {
	t   *testing.T
	dir string
}

func newDepot(t *testing.T) *depot {
	t.Helper()
	d := &depot{t, filepath.Join(t.TempDir(), "depot")}
	d.write(map[string]string{
		"gate/mcpolicy.yaml": "servers: {dock: {manifest: dock.json, enforcement: cerbos-fastmcp, with: {resourceKind: dock, fastmcp: '3'}}}\npolicies: rules\nprincipals: people.yaml\n",
		"gate/dock.json":     `{"tools": [{"name": "weigh", "annotations": {"readOnlyHint": true}}, {"name": "unload"}]}`,
		"gate/people.yaml":   "principals:\n  ada: {id: ada, roles: [CRANE]}\n",
	})
	d.git("init", "-q", "-b", "main")
	return d
}

func (d *depot) write(files map[string]string) {
	d.t.Helper()
	for name, text := range files {
		path := filepath.Join(d.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			d.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			d.t.Fatal(err)
		}
	}
}

func (d *depot) git(args ...string) string {
	d.t.Helper()
	return gittest.Git(d.t, d.dir, args...)
}

// commit writes files, commits everything and returns the commit.
func (d *depot) commit(files map[string]string) string {
	d.t.Helper()
	d.write(files)
	d.git("add", "-A")
	d.git("commit", "-q", "--allow-empty", "-m", "x")
	return d.git("rev-parse", "HEAD")
}

// rules returns the policy, with a rule for each of the texts.
func rules(list ...string) map[string]string {
	text := "apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: dock\n  version: default\n  rules:\n"
	for _, r := range list {
		text += "    - {" + r + ", effect: EFFECT_ALLOW, roles: [CRANE]}\n"
	}
	return map[string]string{"gate/rules/dock.yaml": text}
}

const (
	weighs      = "name: weighs, actions: ['tools/call::weigh']"
	unloads     = "name: unloads, actions: ['tools/call::unload']"
	unloadsHalf = "name: unloads, actions: ['tools/call::unload'], condition: {match: {expr: R.attr.arguments.tons < 5}}"
)

type reviewed struct {
	HoldsFor struct {
		Engine, Revision, History string
		Dirty                     []string
		Digests                   map[string]string
	}
	Grants []struct {
		Principal, Name, Operation, Access, Condition string
		Since, UnchangedSince                         *struct {
			Commit, Author, Time string
			OrBefore             bool
		}
		Reviewed []struct{ By, Rule, Reason string }
	}
	Diff *struct{ Verdict string }
}

func (d *depot) review(args ...string) *reviewed {
	d.t.Helper()
	status, stdout, stderr := runIn(d.t, append([]string{"report", "access", "-C", filepath.Join(d.dir, "gate"), "--format", "json"}, args...)...)
	if status != exitOK {
		d.t.Fatalf("status %d: %s", status, stderr)
	}
	var r reviewed
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		d.t.Fatal(err)
	}
	return &r
}

// since says of each call since when it is granted, and since when as it is.
func (r *reviewed) since(t *testing.T, names map[string]string) map[string]string {
	t.Helper()
	list := map[string]string{}
	for _, g := range r.Grants {
		if g.Operation != "call" {
			continue
		}
		text := ""
		if g.Since != nil && g.UnchangedSince != nil {
			text = names[g.Since.Commit] + " " + names[g.UnchangedSince.Commit]
			if g.Since.OrBefore {
				text += " or before"
			}
		}
		list[g.Principal+" "+g.Name] = text
	}
	return list
}

func (d *depot) want(names map[string]string, want map[string]string, args ...string) *reviewed {
	d.t.Helper()
	r := d.review(args...)
	if got := r.since(d.t, names); fmt.Sprint(got) != fmt.Sprint(want) {
		d.t.Errorf("%v:\nhave %v\nwant %v\n%s", args, got, want, r.HoldsFor.History)
	}
	return r
}

// TestReviewHistory holds since when access is granted: given, bound to a condition, taken
// and given again, by a new principal, behind commits that are about something else.
func TestReviewHistory(t *testing.T) {
	d := newDepot(t)
	names := map[string]string{"": "now"}
	commit := func(name string, files map[string]string) { names[d.commit(files)] = name }
	commit("elsewhere", rules("name: none, actions: [none]"))
	commit("first", rules(weighs, unloads))
	commit("half", rules(weighs, unloadsHalf))
	commit("readme", map[string]string{"README": "2", "gate/NOTES": "x"})
	commit("second", map[string]string{"gate/people.yaml": "principals:\n  ada: {id: ada, roles: [CRANE]}\n  bo: {id: bo, roles: [CRANE]}\n"})
	commit("taken", rules(unloadsHalf))
	commit("again", rules(weighs, unloadsHalf))
	commit("last", map[string]string{"README": "3"})
	want := map[string]string{
		"ada weigh": "again again", "bo weigh": "again again",
		"ada unload": "first half", "bo unload": "second second",
	}
	r := d.want(names, want)
	if names[r.HoldsFor.Revision] != "last" || len(r.HoldsFor.Dirty) > 0 || len(r.HoldsFor.Digests) != 4 {
		t.Errorf("holds for %+v", r.HoldsFor)
	}

	// The newest revision is read, and no other: what was before stays open.
	d.want(names, map[string]string{"ada weigh": "again again or before", "bo weigh": "again again or before", "ada unload": "again again or before", "bo unload": "again again or before"}, "--history", "1")
	d.want(names, map[string]string{"ada weigh": "", "bo weigh": "", "ada unload": "", "bo unload": ""}, "--history", "0")

	// What is not committed is said, with the file.
	d.write(rules(weighs, unloadsHalf, "name: all, actions: ['tools/call::**']"))
	want["ada unload"], want["bo unload"] = "first now", "second now"
	if r := d.want(names, want, "--since", "HEAD"); !slices.Equal(r.HoldsFor.Dirty, []string{"rules/dock.yaml"}) || r.Diff == nil || r.Diff.Verdict != "widened" {
		t.Errorf("dirty %v, diff %v", r.HoldsFor.Dirty, r.Diff)
	}
	d.git("checkout", "-q", "--", ".")

	// A clone that ends somewhere says so.
	clone := &depot{t, filepath.Join(t.TempDir(), "clone")}
	d.git("clone", "-q", "--depth", "3", "file://"+d.dir, clone.dir)
	clone.want(names, map[string]string{"ada weigh": "again again", "bo weigh": "again again", "ada unload": "taken taken or before", "bo unload": "taken taken or before"})

	// A revision that cannot be loaded ends the history.
	d.commit(rules("name: broken, actions: [], condition: {match: {expr: '('}}"))
	commit("mended", rules(weighs, unloadsHalf))
	r = d.want(names, map[string]string{"ada weigh": "mended mended or before", "bo weigh": "mended mended or before", "ada unload": "mended mended or before", "bo unload": "mended mended or before"})
	if !strings.Contains(r.HoldsFor.History, "not known: at ") {
		t.Errorf("history: %s", r.HoldsFor.History)
	}
}

// TestReviewLinked reads policies through a link, whose target the config does not name.
func TestReviewLinked(t *testing.T) {
	d := newDepot(t)
	names := map[string]string{"": "now"}
	gittest.Link(t, "shared", filepath.Join(d.dir, "gate", "rules"))
	shared := func(list ...string) map[string]string {
		return map[string]string{"gate/shared/dock.yaml": rules(list...)["gate/rules/dock.yaml"]}
	}
	names[d.commit(shared(weighs))] = "first"
	names[d.commit(shared(weighs, unloads))] = "second"
	names[d.commit(shared(weighs, unloadsHalf))] = "third"
	d.want(names, map[string]string{"ada weigh": "first first", "ada unload": "second third"})
}

// TestReviewWaived names the waivers of findings about what is granted, and about nothing
// else, and reads the table back.
func TestReviewWaived(t *testing.T) {
	d := newDepot(t)
	d.write(rules(weighs, unloads))
	d.write(map[string]string{"gate/people.yaml": "principals:\n  =ada: {id: ada, roles: [CRANE]}\n  bo: {id: bo, roles: [CRANE]}\n"})
	config, err := os.ReadFile(filepath.Join(d.dir, "gate/mcpolicy.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	d.write(map[string]string{"gate/mcpolicy.yaml": string(config) + "waivers:\n  - {rule: annotations-missing, item: unload, reason: '=the crane, agreed'}\n"})
	r := d.review()
	n := 0
	for _, g := range r.Grants {
		switch waived := len(g.Reviewed) > 0; {
		case waived != (g.Name == "unload"):
			t.Errorf("%s %s: reviewed %v", g.Operation, g.Name, g.Reviewed)
		case waived:
			n++
		}
	}
	if n == 0 {
		t.Errorf("nothing is reviewed: %+v", r.Grants)
	}
	status, stdout, stderr := runIn(t, "report", "access", "-C", filepath.Join(d.dir, "gate"), "--format", "csv")
	rows, err := csv.NewReader(strings.NewReader(stdout)).ReadAll()
	if status != exitOK || err != nil {
		t.Fatalf("status %d: %s%v", status, stderr, err)
	}
	if !strings.Contains(stdout, "grant,'=ada,") || strings.Contains(stdout, ",=") {
		t.Errorf("formulas:\n%s", stdout)
	}
	grants := slices.DeleteFunc(rows, func(row []string) bool { return row[0] != "grant" })
	if len(grants) != len(r.Grants) {
		t.Errorf("%d rows for %d grants", len(grants), len(r.Grants))
	}
}
