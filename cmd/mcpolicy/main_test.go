package main

import (
	"errors"
	"flag"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/mcpolicy/mcpolicy/internal/mcptest"
	"github.com/mcpolicy/mcpolicy/reach"
)

var update = flag.Bool("update", false, "rewrite expected output in scripts")

func TestMain(m *testing.M) {
	testscript.Main(outsideCI{m}, map[string]func(){"mcpolicy": main, "mcpserver": func() { os.Exit(mcptest.Main()) }})
}

// outsideCI runs tests as if no CI system did, which matters to where tokens go and links
// lead.
type outsideCI struct{ *testing.M }

func (m outsideCI) Run() int {
	linked := []string{"GITHUB_REPOSITORY", "CI_COMMIT_SHA"}
	for _, name := range append(append(reach.CIVariables(), reach.LeaveVariable), linked...) {
		if err := os.Unsetenv(name); err != nil {
			panic(err)
		}
	}
	return m.M.Run()
}

func TestScript(t *testing.T) {
	fixtures, err := filepath.Abs(filepath.Join("..", "..", "fixtures"))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("FIXTURES", fixtures)
			env.Setenv("LANG", "C.UTF-8")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exit": exit, "serve": serve},
	})
}

// serve starts a desk on HTTP, whose address $DESK then is: serve
func serve(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: serve")
	}
	desk := httptest.NewServer(mcptest.NewDesk())
	ts.Defer(desk.Close)
	ts.Setenv("DESK", desk.URL)
	ts.Setenv("IAN", mcptest.Ian)
	ts.Setenv("SALLY", mcptest.Sally)
	ts.Setenv("NOBODY", mcptest.Nobody)
	ts.Setenv("WRONG", "wrong-token-1234")
}

// exit runs a command and checks its exit status: exit 1 mcpolicy lint ...
func exit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exit status command [args...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var ee *exec.ExitError
		if !errors.As(err, &ee) {
			ts.Fatalf("%v", err)
		}
		got = ee.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}
