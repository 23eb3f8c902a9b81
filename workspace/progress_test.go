package workspace_test

import (
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/testrunner"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// stages records what a workspace tells of its work.
type stages struct {
	mu    sync.Mutex
	begun []string
	open  int
	far   map[string][2]int // how far each was said to be last
}

func (s *stages) progress(work string) (report func(done, total int), end func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun, s.open = append(s.begun, work), s.open+1
	return func(done, total int) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.far[work] = [2]int{done, total}
		}, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.open--
		}
}

// TestStages holds that everything that may take long says what it is, and how far it is
// where that is known, and that it ends.
func TestStages(t *testing.T) {
	s := &stages{far: map[string][2]int{}}
	w, err := workspace.Open(t.Context(), os.DirFS("../fixtures/quickstart"), workspace.Options{Progress: s.progress})
	if err != nil {
		t.Fatal(err)
	}
	m, err := w.Matrix(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	server, item, err := w.Item("", "", "create_quote")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		what   string
		do     func() error
		stages []string
	}{
		{"a matrix", func() error { _, err := w.Matrix(t.Context()); return err }, []string{"deciding"}},
		{"its conditions", func() error { return w.Simplify(t.Context(), m) }, []string{"simplifying the conditions"}},
		{"a page", func() error { _, err := w.Details(t.Context(), m); return err }, []string{"looking up what the page shows"}},
		{"lint", func() error { _, err := w.Lint(t.Context(), m, nil, workspace.Rules{}); return err }, []string{"linting"}},
		{"suites", func() error { _, err := w.Test(t.Context(), m, testrunner.Filter{}); return err }, []string{"running the suites"}},
		{"check", func() error { _, err := w.Check(t.Context(), workspace.Everything()); return err }, []string{"deciding", "linting", "running the suites"}},
		{"diff", func() error { _, err := w.Diff(t.Context(), w); return err }, []string{"comparing", "deciding"}},
		{"an export", func() error { _, err := w.ExportCerbos(t.Context(), testrunner.Filter{}); return err }, []string{"exporting the suites"}},
		{"lock", func() error { _, err := w.Lock(t.Context(), nil); return err }, []string{"locking"}},
		{"review", func() error { _, err := w.Review(t.Context()); return err }, []string{"deciding", "linting", "simplifying the conditions"}},
		{"who-can", func() error {
			_, _, err := w.WhoCan(t.Context(), &workspace.Access{Operation: authz.Call})
			return err
		}, []string{"deciding", "asking for roles", "simplifying the conditions"}},
		{"explain", func() error {
			_, err := w.Explain(t.Context(), &workspace.Attempt{Principal: w.Principals.Get("sally"), Server: server, Item: item, Operation: authz.Call})
			return err
		}, []string{"explaining"}},
	} {
		s.begun = nil
		if err := test.do(); err != nil {
			t.Fatalf("%s: %v", test.what, err)
		}
		for _, stage := range test.stages {
			if !slices.Contains(s.begun, stage) {
				t.Errorf("%s does not say that it is %s: %q", test.what, stage, s.begun)
			}
		}
		if s.open != 0 {
			t.Errorf("%s has ended, and not all that it began: %q", test.what, s.begun)
		}
	}
	for _, stage := range []string{"deciding", "running the suites"} {
		if far := s.far[stage]; far[0] == 0 || far[0] != far[1] {
			t.Errorf("%s ended at %d of %d", stage, far[0], far[1])
		}
	}
}
