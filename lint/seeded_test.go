package lint_test

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"golang.org/x/tools/txtar"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/source"
)

// A defect is what is wrong with a seeded world: the file defect of its
// archive. A world without one is clean.
type defect struct {
	Rule      string   `yaml:"rule"`
	At        string   `yaml:"at"`        // "file: text": the line with that text, and the deeper ones below it
	Item      string   `yaml:"item"`      // that the finding is about or names
	Principal string   `yaml:"principal"` // that the finding is about or names
	Severity  string   `yaml:"severity"`  // where the catalogue has more than one
	Also      []string `yaml:"also"`      // rules that may report what the defect implies

	file        string
	first, last int
}

// An outcome is how one seeded world came out.
type outcome struct {
	rule       string // of its defect
	found      bool
	unexpected int // findings
}

// TestSeeded lints the worlds in testdata/seeded with all rules together. Each
// has one defect or none; they were written from what the catalogue promises,
// without regard to how a rule does it. What is found and nothing else is
// wanted.
func TestSeeded(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "seeded", "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatal("no archives", err)
	}
	outcomes := make([]outcome, len(files))
	t.Run("worlds", func(t *testing.T) {
		for i, file := range files {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
				t.Parallel()
				runSeeded(t, file, &outcomes[i])
			})
		}
	})
	t.Log("\n" + scores(outcomes))
	for _, r := range lint.Rules() {
		if !slices.ContainsFunc(outcomes, func(o outcome) bool { return o.rule == r.ID }) {
			t.Errorf("%s: no seeded world has that defect", r.ID)
		}
	}
}

func runSeeded(t *testing.T, file string, o *outcome) {
	t.Helper()
	ar, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	fsys := archiveFS(t, ar)
	d, err := readDefect(fsys)
	if err != nil {
		t.Fatal(err)
	}
	if kind := cmp.Or(d.Rule, "clean"); !strings.HasPrefix(filepath.Base(file), kind+"-") {
		t.Fatalf("a world is named after its defect, this one %s-", kind)
	}
	o.rule = d.Rule
	list, err := findings(t.Context(), fsys)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		switch {
		case d.is(&f):
			o.found = true
		case !f.Waived && !slices.Contains(d.Also, f.Rule):
			o.unexpected++
			t.Errorf("unexpected: %s", print([]lint.Finding{f}))
		}
	}
	if !o.found && d.Rule != "" {
		t.Errorf("missed: %s at %q, item %q, principal %q", d.Rule, d.At, d.Item, d.Principal)
	}
}

// readDefect reads the defect of a world and finds the place that it names.
func readDefect(fsys fs.FS) (*defect, error) {
	d := &defect{}
	data, err := fs.ReadFile(fsys, "defect")
	if errors.Is(err, fs.ErrNotExist) {
		return d, nil
	} else if err != nil {
		return nil, err
	}
	docs, err := source.ParseYAML("defect", data)
	if err != nil {
		return nil, err
	}
	if err := source.Decode(docs[0], d); err != nil {
		return nil, err
	}
	switch {
	case d.Rule == "":
		return nil, errors.New("the defect names no rule")
	case d.Severity != "" && !slices.Contains(authz.Severities(), d.Severity):
		return nil, fmt.Errorf("no severity is called %q", d.Severity)
	case d.At == "" && d.Item == "":
		return nil, errors.New("the defect says neither where it is nor in which item")
	case d.At == "":
		return d, nil
	}
	return d, d.locate(fsys)
}

// locate finds the lines that the defect may be reported at.
func (d *defect) locate(fsys fs.FS) error {
	file, text, _ := strings.Cut(d.At, ": ")
	data, err := fs.ReadFile(fsys, file)
	if err != nil {
		return err
	}
	if n := strings.Count(string(data), text); n != 1 {
		return fmt.Errorf("%s holds %q %d times, want it once", file, text, n)
	}
	lines := strings.Split(string(data), "\n")
	depth := func(i int) int { return len(lines[i]) - len(strings.TrimLeft(lines[i], " ")) }
	i := slices.IndexFunc(lines, func(l string) bool { return strings.Contains(l, text) })
	d.file, d.first, d.last = file, i+1, i+1
	for j := i + 1; j < len(lines) && depth(j) > depth(i); j++ {
		d.last = j + 1
	}
	return nil
}

// is reports whether the finding is the defect.
func (d *defect) is(f *lint.Finding) bool {
	if f.Rule != d.Rule || d.Severity != "" && d.Severity != f.Severity.String() {
		return false
	}
	there := func(p source.Pos) bool { return p.File == d.file && d.first <= p.Line && p.Line <= d.last }
	if d.At != "" && !there(f.Pos) && !slices.ContainsFunc(f.Related, func(r lint.Related) bool { return there(r.Pos) }) {
		return false
	}
	said := string(print([]lint.Finding{*f}))
	return (d.Item == "" || f.Name == d.Item || strings.Contains(said, d.Item)) &&
		(d.Principal == "" || f.Principal == d.Principal || strings.Contains(said, d.Principal))
}

// scores tabulates the outcomes: recall over the worlds with a defect, false
// positives over all.
func scores(outcomes []outcome) string {
	type score struct{ worlds, found, unexpected int }
	byRule := map[string]score{}
	var all, clean score // all have a defect
	unexpected := 0
	for _, o := range outcomes {
		s := byRule[o.rule]
		s.worlds++
		s.unexpected += o.unexpected
		if o.found {
			s.found++
		}
		byRule[o.rule] = s
		unexpected += o.unexpected
	}
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "rule\tworlds\tfound\tmissed\tunexpected")
	for _, id := range slices.Sorted(maps.Keys(byRule)) {
		s := byRule[id]
		if id == "" {
			clean = s
		} else {
			all.worlds += s.worlds
			all.found += s.found
			fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\n", id, s.worlds, s.found, s.worlds-s.found, s.unexpected)
		}
	}
	fmt.Fprintf(w, "(clean)\t%d\t\t\t%d\n", clean.worlds, clean.unexpected)
	_ = w.Flush() // a buffer takes everything
	fmt.Fprintf(&b, "%d worlds, %d of them clean; %d have a defect, and %d of these are found\n",
		len(outcomes), clean.worlds, all.worlds, all.found)
	fmt.Fprintf(&b, "recall %.3f, false positives %d, of them in clean worlds %d\n",
		float64(all.found)/float64(max(1, all.worlds)), unexpected, clean.unexpected)
	return b.String()
}
