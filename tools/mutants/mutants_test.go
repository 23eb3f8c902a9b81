package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// want has what becomes of each mutant of the sample.
var want = map[string]string{
	"Least `o < first` becomes `!(o < first)`": "killed",
	"Least `o < first` has `<=`":               "survived",
	"(*Set).Add `slices.Contains(s.names, name)` becomes `!(slices.Contains(s.names, name))`": "killed",
	"(*Set).Add `s.names = append(s.names, name)` removed":                                    "killed",
	"(Set).Always `return true` has `false`":                                                  "killed",
	"Rest `n > 10` has `>=`":                                                                  "survived",
	"Rest `n > 10` has `11`":                                                                  "survived",
	"Rest `n -= 10` has `+=`":                                                                 "timed out",
	"Rest `n -= 10` has `11`":                                                                 "killed",
	"Forgotten `a && b` has `||`":                                                             "not covered",
	"Late `n > 3` has `>=`":                                                                   "not covered",
	"Late `n > 3` has `4`":                                                                    "not covered",
	"Loose `a || b` has `&&`":                                                                 "survived",
}

// TestFates runs all mutants of the sample, and holds that no file of it is touched.
func TestFates(t *testing.T) {
	before := snapshot(t)
	o := &options{root: "testdata/sample", grace: 2 * time.Second}
	p, err := load(t.Context(), o.root, ".")
	if err != nil {
		t.Fatal(err)
	}
	all, err := p.mutants()
	if err != nil {
		t.Fatal(err)
	}
	became, err := fates(t.Context(), o, p, all, func(*mutant, fate) {})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for i, m := range all {
		got[m.fn+" "+m.what] = became[i].String()
	}
	for m, f := range got {
		if f != want[m] {
			t.Errorf("%s: %s, want %q", m, f, want[m])
		}
	}
	if len(got) != len(want) || len(got) != len(all) {
		t.Errorf("%d mutants of %d names, want %d", len(all), len(got), len(want))
	}
	if after := snapshot(t); after != before {
		t.Errorf("files were\n%s\nand are\n%s", before, after)
	}
}

func snapshot(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir("testdata/sample", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		fmt.Fprintf(&all, "%s\n%s", path, data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// TestStatus argues one survivor after the other, and then what need not be.
func TestStatus(t *testing.T) {
	page := filepath.Join(t.TempDir(), "page.md")
	tool := func(argued string, args ...string) (string, error) {
		t.Helper()
		if err := os.WriteFile(page, []byte("# A page\n\n| file | function | mutant | why |\n|---|---|---|---|\n"+argued), 0o600); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		err := run(t.Context(), append(args, "-root", "testdata/sample", "-argued", page, "."), &out, io.Discard)
		return out.String(), err
	}
	for arg, want := range map[string]string{".=3": "13 3", ".": "13 5", ".=0": "13 13", ".=99": "13 13"} {
		var out bytes.Buffer
		err := run(t.Context(), []string{"-root", "testdata/sample", "-list", "-sample", "5", arg}, &out, io.Discard)
		if row := strings.SplitN(out.String(), "\n", 3)[1]; err != nil || strings.Join(strings.Fields(row)[1:], " ") != want {
			t.Errorf("%s: %q, %v, want %s", arg, row, err, want)
		}
	}
	for _, arg := range []string{".=x", ".=-1"} {
		if err := run(t.Context(), []string{"-root", "testdata/sample", "-list", arg}, io.Discard, io.Discard); err == nil || errors.Is(err, errFindings) {
			t.Errorf("%s: %v", arg, err)
		}
	}
	out, err := tool("", "-match", "Loose|Always")
	if !errors.Is(err, errFindings) || !strings.Contains(out, "sample.go:42:39: survived: Loose: `a || b` has `&&`\n") || strings.Contains(out, "Always: ") {
		t.Errorf("nothing is argued: %v\n%s", err, out)
	}
	if table := strings.Fields(strings.SplitN(out, "\n", 3)[1]); !slices.Equal(table, []string{".", "13", "2", "1", "0", "1", "0", "0"}) {
		t.Errorf("table: %q", table)
	}
	_, proposed, _ := strings.Cut(out, "\n  |")
	proposed = "|" + strings.TrimSuffix(strings.TrimSpace(proposed), "|")
	if out, err := tool(proposed+"no matter |\n", "-match", "Loose|Always"); err != nil {
		t.Errorf("the survivor is argued: %v\n%s", err, out)
	}
	if out, err := tool("", "-match", "Late", "-full"); err != nil || !strings.Contains(out, "killed") {
		t.Errorf("what -short leaves out: %v\n%s", err, out)
	}
	if _, err := tool(proposed+"|\n", "-list"); err == nil || !strings.Contains(err.Error(), "page.md:5: nothing says why") {
		t.Errorf("a row without a reason: %v", err)
	}
	if _, err := tool(proposed+"x |\n"+proposed+"y |\n", "-list"); err == nil || !strings.Contains(err.Error(), "page.md:6: argued in line 5, too") {
		t.Errorf("a row twice: %v", err)
	}
	if out, err := tool("| `sample.go` | `Loose` | `a - b` has `+` | x |\n", "-list"); !errors.Is(err, errFindings) || !strings.Contains(out, "page.md:5: argued, but there is no such mutant") {
		t.Errorf("a mutant that there is not: %v\n%s", err, out)
	}
	if out, err := tool("| `sample.go` | `(Set).Always` | `return true` has `false` | x |\n", "-match", "Always"); !errors.Is(err, errFindings) || !strings.Contains(out, "argued, but killed") {
		t.Errorf("a mutant that is killed: %v\n%s", err, out)
	}
}

// TestFailures holds that what cannot be judged is no success.
func TestFailures(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"fail without a mutant": {"a.go": "package a\n\nfunc F() bool { return true }\n", "a_test.go": "package a\n\nimport \"testing\"\n\nfunc TestF(t *testing.T) { t.Error() }\n"},
		"no mutants":            {"a.go": "package a\n", "a_test.go": "package a\n"},
		"no tests":              {"a.go": "package a\n\nfunc F() bool { return true }\n"},
		"is not compiled":       {"a.go": "package a\n\nfunc F() bool { return 1 }\n"},
	} {
		dir := t.TempDir()
		files["go.mod"] = "module a\n\ngo 1.26.0\n"
		for f, text := range files {
			if err := os.WriteFile(filepath.Join(dir, f), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := run(t.Context(), []string{"-root", dir, "."}, io.Discard, io.Discard); err == nil || errors.Is(err, errFindings) {
			t.Errorf("%s: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run(ctx, []string{"-root", "testdata/sample", "."}, io.Discard, io.Discard); err == nil || errors.Is(err, errFindings) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestMutants holds what mutants there are of each kind of code.
func TestMutants(t *testing.T) {
	for code, want := range map[string][]string{
		"if a == 1 { f() }":                   {"`a == 1` has `!=`", "`a == 1` has `2`", "`f()` removed"},
		"if !ok { return nil, err }":          {"`!ok` becomes `ok`", "`return nil, err` has `nil`"},
		"if !slices.Contains(a, b) { f(0) }":  {"`!slices.Contains(a, b)` becomes `slices.Contains(a, b)`", "`f(0)` removed", "`f(0)` has `1`"},
		"x := strings.HasPrefix(a, b)":        {"`strings.HasPrefix(a, b)` becomes `!strings.HasPrefix(a, b)`"},
		"return a || b && c":                  {"`a || b && c` has `&&`", "`b && c` has `||`"},
		"a.b = c; a[i] += 2; d = c":           {"`a.b = c` removed", "`a[i] += 2` has `-=`", "`a[i] += 2` removed", "`a[i] += 2` has `3`"},
		"for i := 0; i < n; i++ { continue }": {"`i := 0` has `1`", "`i < n` has `<=`", "`i++` becomes `i--`", "`continue` becomes `break`"},
		"a = make([]int, 0, n+1)":             {"`n+1` has `-`"},
		"f(); f()":                            {"`f()` removed", "`f()` removed (2)"},
		"d = append(d, x)":                    {"`d = append(d, x)` removed"},
	} {
		path := filepath.Join(t.TempDir(), "a.go")
		if err := os.WriteFile(path, []byte("package a\nfunc (x *T[K]) F() { "+code+" }"), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := parseSource(token.NewFileSet(), path, "a/a.go")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range f.mutants() {
			got = append(got, strings.TrimPrefix(m.name(), "a/a.go (*T).F "))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s:\n got %q\nwant %q", code, got, want)
		}
	}
}

// TestKeptTogether holds that an operator is changed between what it is between.
func TestKeptTogether(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.go")
	if err := os.WriteFile(path, []byte("package a\nfunc F(a, b, c bool) bool { return a || b || c }"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := parseSource(token.NewFileSet(), path, "a.go")
	if err != nil {
		t.Fatal(err)
	}
	got := f.mutants()[0].function(1)
	if want := "func F_mutant1(a, b, c bool) bool { return ((a || b) && (c)) }"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestSampled holds that a sample is drawn by names, and that a larger one has the smaller.
func TestSampled(t *testing.T) {
	var all []*mutant
	for i := range 100 {
		all = append(all, &mutant{what: fmt.Sprint(i)})
	}
	ten := sampled(all, 10, 7)
	if len(ten) != 10 || len(sampled(all, 0, 7)) != 100 || len(sampled(all, 200, 7)) != 100 {
		t.Fatalf("%d of 10", len(ten))
	}
	twenty := sampled(all, 20, 7)
	for _, m := range ten {
		if !slices.Contains(twenty, m) {
			t.Errorf("%s is not in the larger sample", m.what)
		}
	}
	if slices.Equal(ten, sampled(all, 10, 8)) {
		t.Error("another seed draws the same")
	}
	more := sampled(append(all, &mutant{what: "another"}), 10, 7)
	kept := 0
	for _, m := range more {
		if slices.Contains(ten, m) {
			kept++
		}
	}
	if kept < 9 {
		t.Errorf("with one mutant more, %d of 10 are drawn again", kept)
	}
}
