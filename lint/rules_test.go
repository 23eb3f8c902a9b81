package lint_test

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/lint"
)

var update = flag.Bool("update", false, "rewrite the want sections of testdata, and docs/rules")

// print writes findings as the archives have them: a line each, and below it
// what the finding says besides.
func print(list []lint.Finding) []byte {
	var b bytes.Buffer
	for _, f := range list {
		fmt.Fprintf(&b, "%v: %v: %s [%s]\n", f.Pos, f.Severity, f.Message, f.Rule)
		if f.Waived {
			fmt.Fprintf(&b, "\twaived: %s\n", f.Reason)
		}
		for _, e := range f.Evidence {
			fmt.Fprintf(&b, "\t%s\n", e)
		}
		for _, r := range f.Related {
			fmt.Fprintf(&b, "\t(%v: %s)\n", r.Pos, r.Text)
		}
		for _, e := range f.Edits {
			fmt.Fprintf(&b, "\tfix at %v: %q becomes %q\n", e.Pos, e.Old, e.New)
		}
	}
	return b.Bytes()
}

// TestRules runs each rule on the archives in testdata/<rule ID>. An archive
// holds a world and the findings wanted; the clean ones want none.
func TestRules(t *testing.T) {
	for _, rule := range lint.Rules() {
		files, err := filepath.Glob(filepath.Join("testdata", rule.ID, "*.txtar"))
		if err != nil {
			t.Fatal(err)
		}
		clean := 0
		for _, file := range files {
			isClean := strings.HasPrefix(filepath.Base(file), "clean")
			if isClean {
				clean++
			}
			t.Run(rule.ID+"/"+filepath.Base(file), func(t *testing.T) {
				t.Parallel()
				runArchive(t, file, isClean, rule.ID)
			})
		}
		if clean == 0 || len(files)-clean < 2 {
			t.Errorf("%s: want a clean archive and two others, have %q", rule.ID, files)
		}
	}
}

// TestWhole runs all rules together on the archives in testdata/whole.
func TestWhole(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "whole", "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatal("no archives", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			runArchive(t, file, false)
		})
	}
}

func runArchive(t *testing.T, file string, clean bool, only ...string) {
	t.Helper()
	ar, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	list, err := findings(t.Context(), archiveFS(t, ar), only...)
	if err != nil {
		t.Fatal(err)
	}
	got := print(list)
	i := slices.IndexFunc(ar.Files, func(f txtar.File) bool { return f.Name == "want" })
	if i < 0 {
		i = len(ar.Files)
		ar.Files = append(ar.Files, txtar.File{Name: "want"})
	}
	if *update {
		ar.Files[i].Data = got
		if err := os.WriteFile(file, txtar.Format(ar), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if clean != (len(ar.Files[i].Data) == 0) && len(only) > 0 {
		t.Errorf("an archive is called clean if and only if it wants no findings")
	}
	if diff := cmp.Diff(string(ar.Files[i].Data), string(got)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func archiveFS(t *testing.T, ar *txtar.Archive) fs.FS {
	t.Helper()
	fsys, err := txtar.FS(ar)
	if err != nil {
		t.Fatal(err)
	}
	return fsys
}

// TestCatalogue holds the rules to what is asked of each.
func TestCatalogue(t *testing.T) {
	rules := lint.Rules()
	if !slices.IsSortedFunc(rules, func(a, b *lint.Rule) int { return strings.Compare(a.ID, b.ID) }) {
		t.Error("the rules are not sorted")
	}
	seen := map[string]bool{}
	for _, r := range rules {
		if seen[r.ID] {
			t.Errorf("%s: the id stands twice", r.ID)
		}
		seen[r.ID] = true
		if !slices.Contains(lint.Families(), r.Family) {
			t.Errorf("%s: unknown family %q", r.ID, r.Family)
		}
		if r.Severity == authz.SeverityOff || (r.Check == nil) == (r.Ask == nil) {
			t.Errorf("%s: no severity or no check", r.ID)
		}
		d := r.Doc
		for name, text := range map[string]string{
			"summary": d.Summary, "rationale": d.Rationale, "bad": d.Bad, "good": d.Good, "fix": d.Fix,
		} {
			if strings.TrimSpace(text) == "" {
				t.Errorf("%s: no %s", r.ID, name)
			}
		}
		if strings.HasSuffix(d.Summary, ".") || !strings.HasSuffix(d.Fix, ".") {
			t.Errorf("%s: a summary has no period, a fix has one", r.ID)
		}
		for _, s := range d.Standards {
			if lint.StandardTitle(s) == "" {
				t.Errorf("%s: unknown standard %q", r.ID, s)
			}
		}
	}
}

// TestExamples runs the examples of the documentation.
func TestExamples(t *testing.T) {
	for _, r := range lint.Rules() {
		for name, example := range map[string]string{"bad": r.Doc.Bad, "good": r.Doc.Good} {
			t.Run(r.ID+"/"+name, func(t *testing.T) {
				t.Parallel()
				list, err := findings(t.Context(), archiveFS(t, txtar.Parse([]byte(example))), r.ID)
				if err != nil {
					t.Fatal(err)
				}
				if (len(list) > 0) != (name == "bad") {
					t.Errorf("findings on the %s example:\n%s", name, print(list))
				}
			})
		}
	}
}

// TestDocs holds docs/rules to the rules.
func TestDocs(t *testing.T) {
	dir := filepath.Join("..", "docs", "rules")
	want := map[string]string{"README.md": lint.Index()}
	for _, r := range lint.Rules() {
		want[r.ID+".md"] = r.Markdown()
	}
	have, err := filepath.Glob(filepath.Join(dir, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range have {
		if want[filepath.Base(file)] != "" {
			continue
		}
		if !*update {
			t.Errorf("%s: no rule has that name", file)
		} else if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range want {
		file := filepath.Join(dir, name)
		if *update {
			if err := os.MkdirAll(dir, 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(text, string(data)); diff != "" {
			t.Errorf("%s: run go generate ./lint (-want +got):\n%s", name, diff)
		}
	}
}
