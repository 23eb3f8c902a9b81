package workspace

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/fix"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/source"
)

func quickstart(t *testing.T) (*Workspace, fs.FS) {
	t.Helper()
	folder := os.DirFS(filepath.Join("..", "fixtures", "quickstart"))
	w, err := Open(t.Context(), folder, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return w, folder
}

// TestTryOut holds that policies which no longer load are found out before
// anything is written: what is no YAML, no policy, and what only the compiler
// refuses.
func TestTryOut(t *testing.T) {
	w, folder := quickstart(t)
	policies := w.Policies.Policies
	file := strings.TrimPrefix(policies[0].File, w.engine.Prefix+"/")
	good, err := fs.ReadFile(folder, policies[0].File)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"YAML": "a: [", "policy": "a: 1\n", "compiler": "apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: x\n  version: default\n  importDerivedRoles: [none]\n",
	} {
		_, err := w.TryOut(t.Context(), []*Correction{{Name: file, New: []byte(text)}})
		if err == nil || !strings.HasPrefix(err.Error(), "nothing is fixed: ") || !strings.Contains(err.Error(), policies[0].File) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w.TryOut(t.Context(), []*Correction{{Name: file, New: good}}); err != nil {
		t.Error(err)
	}
}

// TestLacking holds that a report says which of the rules that are wanted could not
// look, and that with the embedded engine all can.
func TestLacking(t *testing.T) {
	w, _ := quickstart(t)
	rules := Rules{Only: []string{"argument-optional", "wildcard-role"}}
	if notes, err := w.lacking(w.Engine, Rules{}); err != nil || len(notes) > 0 {
		t.Errorf("%v, %v", notes, err)
	}
	notes, err := w.lacking(struct{ pdp.Decider }{w.Engine}, rules)
	const want = "argument-optional could not look into all that it is about: the engine does not say what conditions read"
	if err != nil || len(notes) != 1 || notes[0].Rule != "argument-optional" || notes[0].Message != want {
		t.Errorf("%+v, %v, want %q", notes, err, want)
	}
}

// TestCorrections holds edits to the policies: files elsewhere are refused, and
// waived findings are left alone.
func TestCorrections(t *testing.T) {
	w, _ := quickstart(t)
	at := func(file string) []fix.Edit {
		return []fix.Edit{{Pos: source.Pos{File: file, Line: 1, Col: 1}, Old: "apiVersion", New: "x"}}
	}
	list := w.proposals([]lint.Finding{
		{Rule: "r", Edits: at("principals.yaml")},
		{Rule: "r", Edits: at(w.engine.Prefix + "/../principals.yaml")},
		{Rule: "r", Edits: at(w.engine.Prefix + "/none.yaml")},
		{Rule: "r", Edits: at(w.Policies.Policies[0].File), Waived: true},
	})
	made, refused := w.Correct(list)
	if len(made) > 0 || len(list) != 3 || len(refused) != 3 {
		t.Errorf("%d corrections of %d, %v", len(made), len(list), refused)
	}
}

// TestBesides holds that what is changed already is no part of what is changed besides.
func TestBesides(t *testing.T) {
	first := []*Correction{{File: "a", Old: []byte("1"), New: []byte("2")}, {File: "b", Old: []byte("1"), New: []byte("2")}}
	all := []*Correction{{File: "a", Old: []byte("1"), New: []byte("3")}, first[1], {File: "c", Old: []byte("1"), New: []byte("2")}}
	var got []string
	for _, c := range Besides(first, all) {
		got = append(got, c.File+string(c.Old)+string(c.New))
	}
	if want := "a23 c12"; strings.Join(got, " ") != want {
		t.Errorf("have %q, want %s", got, want)
	}
	if string(all[0].Old) != "1" {
		t.Error("a correction was changed")
	}
}
