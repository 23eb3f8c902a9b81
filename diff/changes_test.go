package diff_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/diff"
	"github.com/mcpolicy/mcpolicy/internal/cutoff"
	"github.com/mcpolicy/mcpolicy/internal/fixture"
	"github.com/mcpolicy/mcpolicy/workspace"
)

var update = flag.Bool("update", false, "rewrite the want sections of testdata")

// TestChanges compares the folders base and head of each archive, both ways, with no base and
// with one of which only the cells are known, and holds all that is said of them.
func TestChanges(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d archives, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			base, head := opened(t, ar, "base"), opened(t, ar, "head")
			var got bytes.Buffer
			for _, way := range []struct {
				name       string
				base, head *workspace.Workspace
			}{{"there", base, head}, {"back", head, base}, {"nothing", head, head}, {"no base", nil, head}} {
				r, err := way.head.Diff(t.Context(), way.base)
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(&got, "# %s\n", way.name)
				describe(&got, r)
			}
			fmt.Fprintln(&got, "# from saved cells")
			r, err := head.DiffSaved(t.Context(), &workspace.Saved{Matrix: saved(t, base)})
			if err != nil {
				t.Fatal(err)
			}
			describe(&got, r)
			want := slices.IndexFunc(ar.Files, func(f txtar.File) bool { return f.Name == "want" })
			if *update {
				ar.Files[want].Data = got.Bytes()
				if err := os.WriteFile(file, txtar.Format(ar), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(ar.Files[want].Data), got.String()); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
		})
	}
}

func opened(t *testing.T, ar *txtar.Archive, side string) *workspace.Workspace {
	t.Helper()
	all, err := txtar.FS(ar)
	if err != nil {
		t.Fatal(err)
	}
	folder, err := fs.Sub(all, side)
	if err != nil {
		t.Fatal(err)
	}
	w, err := fixture.Open(t.Context(), folder, "", workspace.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// saved keeps of a matrix what a report in JSON has.
func saved(t *testing.T, w *workspace.Workspace) diff.Saved {
	t.Helper()
	m, err := w.Matrix(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	of := diff.Saved{}
	for _, col := range m.Columns {
		for _, class := range m.Classes {
			cell := m.Cell(class, col)
			for _, p := range class.Principals {
				key := diff.SavedKey{Principal: p.Key, Server: col.Server.Name, Type: col.Item.Type, Name: col.Item.Name, Operation: col.Operation}
				of[key] = diff.SavedCell{Access: cell.Access, Condition: cell.Condition.String()}
			}
		}
	}
	return of
}

// describe writes all that a comparison says, a line for each thing.
func describe(w io.Writer, r *diff.Result) {
	fmt.Fprintf(w, "%s, widens %t, differs %t, compared %d, reach %+v\n", r.Verdict(), r.Widens(), r.Differs(), r.Compared, r.Reach())
	for _, x := range r.Cells {
		fmt.Fprintf(w, "cell %s: %s %s, %s to %s%s%s\n", keys(x.Principals), x.Column.Operation, x.Column.Item.Name, diff.Access(x.Base), diff.Access(x.Head), compared(&x.Comparison), causes(x.Causes))
	}
	for _, x := range r.Roles {
		fmt.Fprintf(w, "role %s%s: %s %s, %s to %s%s%s\n", strings.Join(x.Roles, "+"), x.ID, x.Column.Operation, x.Column.Item.Name, diff.Access(x.Base), diff.Access(x.Head), compared(&x.Comparison), causes(x.Causes))
	}
	for _, x := range r.Items {
		like := ""
		if x.Like != nil {
			like = " like " + x.Like.Name
		}
		fmt.Fprintf(w, "item %s %s %s%s, was there %t\n", x.Item.Type, x.Item.Name, x.Change, like, x.Before != nil)
	}
	for _, x := range r.Principals {
		fmt.Fprintf(w, "principal %s %s\n", x.Principal.Key, x.Change)
	}
	for _, x := range r.Future {
		fmt.Fprintf(w, "future %s: %v %s %s, roles %s%s%s\n", keys(x.Principals), x.Operations, x.Column.Item.Type, x.Column.Item.Name, strings.Join(x.Roles, "+"), compared(&x.Comparison), causes(x.Causes))
	}
	for _, x := range r.Beyond {
		fmt.Fprintf(w, "beyond %s %s\n", x.Operation, x.Item.Name)
	}
	fmt.Fprintf(w, "settings%s\n", causes(r.Settings))
	for _, g := range r.Groups() {
		var uses []string
		for _, u := range g.Uses {
			uses = append(uses, fmt.Sprintf("%v %s new %t gone %t", u.Operations, u.Column.Item.Name, u.New, u.Gone))
		}
		fmt.Fprintf(w, "group %s%s role %q all %t roles %q, destructive %t: %s; %s to %s, %q to %q%s\n", keys(g.Who.Principals), g.Who.ID, g.Who.Role, g.Who.All,
			g.Who.Roles, g.Destructive(), strings.Join(uses, ", "), g.From, g.To, g.Was, g.Is, causes(g.Causes))
	}
}

func keys(list []*authz.Principal) string {
	var all []string
	for _, p := range list {
		all = append(all, p.Key)
	}
	return strings.Join(all, ",")
}

func compared(c *diff.Comparison) string {
	text := fmt.Sprintf(", %s, %s", c.Kind, c.Relation)
	for i, w := range []*diff.Witness{c.Gained, c.Lost} {
		if w == nil {
			continue
		}
		text += [...]string{", gained", ", lost"}[i] + fmt.Sprintf(" %v", w.Arguments)
		if w.Principal != nil {
			text += fmt.Sprintf(" by %s %v %v", w.Principal.ID, w.Principal.Roles, w.Principal.Attr)
		}
		if !w.Now.IsZero() {
			text += " at " + w.Now.UTC().Format(time.DateTime)
		}
	}
	if len(c.Open) > 0 {
		text += fmt.Sprintf(", open %q", c.Open)
	}
	return text
}

func causes(list []diff.Cause) string {
	text := ""
	for _, c := range list {
		side := "head"
		if c.Base {
			side = "base"
		}
		text += fmt.Sprintf("; %s %s", side, c.Pos)
		if c.What != "" {
			text += " " + c.What
		}
	}
	return text
}

// TestComparingFails holds that a comparison that is cut short is an error, whatever was
// decided before.
func TestComparingFails(t *testing.T) {
	t.Parallel()
	ar, err := txtar.ParseFile(filepath.Join("testdata", "till.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	cut, cancel := context.WithCancel(t.Context())
	cancel()
	for _, decided := range []bool{false, true} {
		base, head := opened(t, ar, "base"), opened(t, ar, "head")
		if decided {
			for _, w := range []*workspace.Workspace{base, head} {
				if _, err := w.Matrix(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		if r, err := head.Diff(cut, base); err == nil {
			t.Errorf("decided %t: verdict %s", decided, r.Verdict())
		}
		if r, err := head.DiffSaved(cut, &workspace.Saved{Matrix: saved(t, base)}); err == nil && !decided {
			t.Errorf("from saved cells: verdict %s", r.Verdict())
		}
	}
}

// TestComparingIsCutAnywhere holds that a comparison that is cut short anywhere is an error, or
// says all that it says otherwise.
func TestComparingIsCutAnywhere(t *testing.T) {
	t.Parallel()
	upTo := func(most, condition string) *world {
		return someone(`{"type": "object", "properties": {"x": {"type": "integer", "maximum": `+most+`}}, "required": ["x"]}`, allow("A", condition))
	}
	there, renamed := someone(`{"type": "object"}`, allow("vendor", "P.attr.tier == 1")), someone(`{"type": "object"}`, allow("vendor", "P.attr.tier == 1"))
	renamed.tools = []string{"dump"}
	for name, sides := range map[string][2]*world{
		"a tool goes that nobody used":         {there, renamed},
		"a schema that takes more":             {upTo("10", "R.attr.arguments.x != 3"), upTo("20", "R.attr.arguments.x != 3")},
		"a schema that takes more for others":  {upTo("10", "R.attr.arguments.x != 3").of("ed: {id: ed, roles: [x]}"), upTo("20", "R.attr.arguments.x != 3").of("ed: {id: ed, roles: [x]}")},
		"a limit beyond what the schema takes": {upTo("10", "R.attr.arguments.x <= 10"), upTo("10", "R.attr.arguments.x <= 20")},
		"a grant ends later":                   {upTo("10", `now() < timestamp("2040-01-01T00:00:00Z")`), upTo("10", `now() < timestamp("2050-01-01T00:00:00Z")`)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base, head := sides[0].open(t), sides[1].open(t)
			said := func(ctx context.Context) (string, error) {
				var text bytes.Buffer
				r, err := head.Diff(ctx, base)
				if err == nil {
					describe(&text, r)
				}
				return text.String(), err
			}
			want, err := said(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for n := 0; ; n++ {
				ctx := cutoff.After(t.Context(), n)
				got, err := said(ctx)
				if diff := cmp.Diff(want, got); err == nil && diff != "" {
					t.Errorf("cut after %d looks (-want +got):\n%s", n, diff)
				}
				if !ctx.End() {
					return
				}
			}
		})
	}
}
