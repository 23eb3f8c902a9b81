package testgen_test

import (
	"os"
	"testing"
	"time"

	"github.com/mcpolicy/mcpolicy/internal/fixture"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/testgen"
	"github.com/mcpolicy/mcpolicy/testrunner"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// TestFixtures holds that suites of the fixtures notice every slip in a condition that a call
// of somebody declared shows.
func TestFixtures(t *testing.T) {
	t.Parallel()
	names := []string{"quickstart", "fastmcp", "fastmcp2", "fastmcp4"}
	if rounds.Of(0, 1) > 0 {
		names = append(names, "insecure", "github")
	}
	for _, name := range names {
		w, err := workspace.Open(t.Context(), os.DirFS(fixture.Dir(name)[len("../"):]), workspace.Options{AcceptIncomplete: true, Now: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)})
		if err != nil {
			t.Fatal(err)
		}
		in, err := w.Generation(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		made, err := testgen.Generate(t.Context(), in)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		suites, err := testrunner.Parse("generated.yaml", made.Text)
		if err != nil {
			t.Fatal(err)
		}
		ran, err := testrunner.Run(t.Context(), &testrunner.Input{Suites: suites, Matrix: in.Matrix, Groups: in.Groups, Reopen: in.Reopen})
		if err != nil {
			t.Fatal(err)
		}
		gaps, unknown, err := in.Unnoticed(t.Context(), ran)
		if err != nil {
			t.Fatal(err)
		}
		if len(gaps)+len(unknown)+len(made.Unnoticed) > 0 {
			t.Errorf("%s: not noticed: %v, %v; said: %q", name, gaps, unknown, made.Unnoticed)
		}
	}
}
