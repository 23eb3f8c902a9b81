package cerbosbin_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/cerbosbin"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
)

// A verified is what came of suites: of each suite how it ended, and of each check what
// was expected and got.
type verified map[string]string

// compileSuites has `cerbos compile` run the suites of a folder.
func compileSuites(t *testing.T, binary, dir string, flags ...string) verified {
	t.Helper()
	args := append([]string{"compile", "--output=json"}, flags...)
	cmd := exec.CommandContext(t.Context(), binary, append(args, dir)...) //nolint:gosec // the pinned binary
	cmd.Env = append(os.Environ(), "CERBOS_NO_TELEMETRY=1")
	var out, diagnostics bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &diagnostics
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == testsFailed {
		err = nil
	}
	var results struct {
		Suites []struct {
			File, Name, Error, SkipReason string
			Summary                       struct{ OverallResult string }
			TestCases                     []struct {
				Name       string
				Principals []struct {
					Name      string
					Resources []struct {
						Name    string
						Actions []struct {
							Name    string
							Details struct {
								Result, Error, SkipReason string
								Success                   struct{ Effect string }
								Failure                   struct {
									Expected, Actual string
									Outputs          []json.RawMessage
								}
							}
						}
					}
				}
			}
		}
	}
	if err == nil {
		err = json.Unmarshal(out.Bytes(), &results)
	}
	if err != nil {
		t.Fatalf("cerbos compile: %v\n%s%s", err, out.String(), diagnostics.String())
	}
	got := verified{}
	for _, s := range results.Suites {
		how := "run"
		switch {
		case s.Error != "":
			how = "invalid"
		case s.Summary.OverallResult == "RESULT_SKIPPED" && len(s.TestCases) == 0:
			how = "skipped " + s.SkipReason
		}
		got[s.File] = how
		for _, test := range s.TestCases {
			for _, p := range test.Principals {
				for _, r := range p.Resources {
					for _, a := range r.Actions {
						key, d := strings.Join([]string{s.File, test.Name, p.Name, r.Name, a.Name}, " | "), a.Details
						switch d.Result {
						case "RESULT_PASSED":
							got[key] = "passed " + d.Success.Effect
						case "RESULT_FAILED":
							got[key] = fmt.Sprintf("failed %s %s %d", d.Failure.Expected, d.Failure.Actual, len(d.Failure.Outputs))
						case "RESULT_SKIPPED":
							got[key] = "skipped " + d.SkipReason
						default:
							got[key] = "errored " + strings.Join(strings.Fields(d.Error), " ")
						}
					}
				}
			}
		}
	}
	return got
}

// verifiedHere has the embedded engine run the same.
func verifiedHere(t *testing.T, dir string, o pdp.VerifyOptions) verified {
	t.Helper()
	e, err := embedded.Open(t.Context(), os.DirFS(dir), pdp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	suites, err := e.Verify(t.Context(), os.DirFS(dir), o)
	if err != nil {
		t.Fatal(err)
	}
	effect := func(e authz.Effect) string {
		return map[authz.Effect]string{authz.Allow: "EFFECT_ALLOW", authz.Deny: "EFFECT_DENY"}[e]
	}
	got := verified{}
	for _, s := range suites {
		how := "run"
		switch {
		case s.Err != nil:
			how = "invalid"
		case s.Skipped:
			how = "skipped " + s.SkipReason
		}
		got[s.Pos.File] = how
		for _, c := range s.Checks {
			key := strings.Join([]string{s.Pos.File, c.Test, c.Principal, c.Resource, c.Request.Action}, " | ")
			switch c.Outcome {
			case pdp.CheckPassed:
				got[key] = "passed " + effect(c.Got)
				if c.Want != c.Got {
					t.Errorf("%s passed, wanted %v and got %v", key, c.Want, c.Got)
				}
			case pdp.CheckFailed:
				got[key] = fmt.Sprintf("failed %s %s %d", effect(c.Want), effect(c.Got), len(c.Outputs))
			case pdp.CheckErrored:
				got[key] = "errored " + c.Message
			case pdp.CheckSkipped:
				got[key] = "skipped " + c.Message
			}
		}
	}
	return got
}

// compareVerified reports the differences and returns how many checks and invalid suites
// there are.
func compareVerified(t *testing.T, dir string, official, here verified) (checks, invalid, failed, errored int) {
	t.Helper()
	for key, want := range official {
		if got, ok := here[key]; !ok || got != want {
			file, _, _ := strings.Cut(key, " | ")
			text, _ := os.ReadFile(filepath.Join(dir, file)) //nolint:gosec // it was generated
			t.Errorf("%s: official %q, here %q\n%s", key, want, got, text)
		}
		if strings.Contains(key, " | ") {
			checks++
		}
		switch {
		case want == "invalid":
			invalid++
		case strings.HasPrefix(want, "failed"):
			failed++
		case strings.HasPrefix(want, "errored"):
			errored++
		}
	}
	for key, got := range here {
		if _, ok := official[key]; !ok {
			t.Errorf("%s: %q here, and unknown to the official binary", key, got)
		}
	}
	return checks, invalid, failed, errored
}

// TestDifferentialCerbosSuites has the official compiler and the embedded engine run made
// suites: of each the same has to come. Half of the folders are run with the flags.
func TestDifferentialCerbosSuites(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	binary := cerbosbin.Path(t)
	checks, invalid, failed, errored, suites := 0, 0, 0, 0, 0
	for n := range rounds.Of(2, 20) {
		dir := t.TempDir()
		m := newSuiteMaker(int64(n))
		m.write(t, dir, rounds.Of(60, 250))
		var flags []string
		o := pdp.VerifyOptions{IgnoreSchemas: n%2 == 1, StrictEvaluation: n%4 == 3}
		if o.IgnoreSchemas {
			flags = append(flags, "--ignore-schemas")
		}
		if o.StrictEvaluation {
			flags = append(flags, "--strict-evaluation")
		}
		official := compileSuites(t, binary, dir, flags...)
		c, i, f, e := compareVerified(t, dir, official, verifiedHere(t, dir, o))
		checks, invalid, failed, errored = checks+c, invalid+i, failed+f, errored+e
		for key := range official {
			if !strings.Contains(key, " | ") {
				suites++
			}
		}
	}
	t.Logf("%d suites, %d of them invalid; %d checks, %d failed, %d errored", suites, invalid, checks, failed, errored)
	if failed < checks/20 || errored == 0 || invalid == 0 || invalid > suites/2 {
		t.Error("the suites are too much alike")
	}
}

// TestSuiteFailureIsSeen holds that the comparison finds a check that is decided otherwise.
func TestSuiteFailureIsSeen(t *testing.T) {
	one, other := verified{"a": "run", "a | t | p | r | x": "passed EFFECT_ALLOW"}, verified{"a": "run", "a | t | p | r | x": "failed EFFECT_ALLOW EFFECT_DENY 0"}
	if slices.Equal(keysAndValues(one), keysAndValues(other)) {
		t.Error("no difference is seen")
	}
}

func keysAndValues(v verified) []string {
	var list []string
	for key, text := range v {
		list = append(list, key+"="+text)
	}
	slices.Sort(list)
	return list
}
