package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// composite is what there is to know of an action.
type composite struct {
	Inputs  map[string]struct{ Description, Default string }
	Outputs map[string]struct{ Description, Value string }
	Runs    struct {
		Using string
		Steps []struct {
			ID, If, Uses, Run, Shell string
			Env, With                map[string]string
		}
	}
}

const actionFolder = "../../.github/actions/check"

func readAction(t *testing.T) *composite {
	t.Helper()
	var data []byte
	for _, name := range []string{"check.sh", "install.sh", "action.yml"} { // go test runs again when one changes
		var err error
		if data, err = os.ReadFile(filepath.Join(actionFolder, name)); err != nil {
			t.Fatal(err)
		}
	}
	var a composite
	d := yaml.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(&a); err != nil {
		t.Fatal(err)
	}
	return &a
}

// TestActionIsInert holds that no text from outside is ever part of a script, that what
// runs is pinned, and that inputs and outputs are all used and described.
func TestActionIsInert(t *testing.T) {
	a := readAction(t)
	readme, err := os.ReadFile(filepath.Join(actionFolder, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	used := ""
	for _, s := range a.Runs.Steps {
		if strings.Contains(s.Run, "${{") || s.Run != "" && s.Shell != "bash" {
			t.Errorf("step %s: a script with an expression in it, or not of bash: %s", s.ID, s.Run)
		}
		if s.Uses != "" && !regexp.MustCompile(`@[0-9a-f]{40}$`).MatchString(s.Uses) {
			t.Errorf("%s is not pinned to a commit", s.Uses)
		}
		used += s.If + "\n"
		for _, v := range s.Env {
			used += v + "\n"
		}
	}
	for name, in := range a.Inputs {
		if !strings.Contains(used, "inputs."+name) || in.Description == "" || !strings.Contains(string(readme), "| `"+name+"` |") {
			t.Errorf("input %s is not used, or not described", name)
		}
	}
	for name, out := range a.Outputs {
		if out.Value != "${{ steps.check.outputs."+name+" }}" || out.Description == "" || !strings.Contains(string(readme), "| `"+name+"` |") {
			t.Errorf("output %s has no value, or is not described", name)
		}
	}
}

// A runner runs the action's steps as GitHub's does, in a clone.
type runner struct {
	t       *testing.T
	clone   string
	temp    string // RUNNER_TEMP
	path    string // folders before those of PATH
	inputs  map[string]string
	event   string // the pull request's base
	summary string
	env     []string
}

// result is what a run of the action leaves.
type result struct {
	status  int
	log     string
	outputs map[string]string // of the action
}

func newRunner(t *testing.T, clone string) *runner {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the scripts are for bash")
	}
	r := &runner{t: t, clone: clone, temp: filepath.Join(t.TempDir(), "a b"), path: t.TempDir(), inputs: map[string]string{}}
	if err := os.Mkdir(r.temp, 0o700); err != nil {
		t.Fatal(err)
	}
	r.summary = filepath.Join(r.temp, "summary.md")
	return r
}

// shim puts a script before the commands of that name.
func (r *runner) shim(name, script string) {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.path, name), []byte("#!/usr/bin/env bash\nset -eu\n"+script), 0o700); err != nil { //nolint:gosec // it is run
		r.t.Fatal(err)
	}
}

// built makes go build put mcpolicy where it is told to.
func (r *runner) built() *runner {
	r.t.Helper()
	r.shim("go", `for last; do :; done
[ "$1 $last" = "build ./cmd/mcpolicy" ]
while [ "$1" != -o ]; do shift; done
printf '#!/bin/sh\nexec mcpolicy "$@"\n' >"$2"; chmod +x "$2"
`)
	return r
}

// run runs the steps that are scripts, until one fails.
func (r *runner) run() *result {
	r.t.Helper()
	a := readAction(r.t)
	steps := map[string]string{}
	action, err := filepath.Abs(actionFolder)
	if err != nil {
		r.t.Fatal(err)
	}
	res := &result{outputs: map[string]string{}}
	value := func(text string) string {
		return regexp.MustCompile(`\$\{\{ ([^}]*) }}`).ReplaceAllStringFunc(text, func(e string) string {
			switch e = strings.TrimSuffix(strings.TrimPrefix(e, "${{ "), " }}"); {
			case e == "github.action_path":
				return action
			case e == "github.event.pull_request.base.sha":
				return r.event
			case strings.HasPrefix(e, "steps."):
				return steps[e]
			}
			r.t.Fatalf("the action uses %s", e)
			return ""
		})
	}
	inputs := regexp.MustCompile(`^\$\{\{ inputs\.([a-z0-9-]+) }}$`)
	for _, s := range a.Runs.Steps {
		if s.Run == "" || res.status != 0 {
			continue
		}
		output := filepath.Join(r.temp, "output-"+s.ID)
		env := []string{
			"PATH=" + r.path + string(os.PathListSeparator) + os.Getenv("PATH"), "HOME=" + r.temp, "LANG=C.UTF-8",
			"RUNNER_TEMP=" + r.temp, "RUNNER_OS=Linux", "RUNNER_ARCH=X64", "GITHUB_OUTPUT=" + output, "GITHUB_WORKSPACE=" + r.clone,
			"GITHUB_STEP_SUMMARY=" + r.summary, "GITHUB_ACTIONS=true", "CI=true", "GIT_CONFIG_NOSYSTEM=1",
		}
		for name, v := range s.Env {
			if m := inputs.FindStringSubmatch(v); m != nil {
				given, ok := r.inputs[m[1]]
				if v = given; !ok {
					v = value(a.Inputs[m[1]].Default)
				}
			} else {
				v = value(v)
			}
			env = append(env, name+"="+v)
		}
		cmd := exec.CommandContext(r.t.Context(), "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", s.Run) //nolint:gosec // the action's own
		cmd.Dir, cmd.Env = r.clone, append(env, r.env...)
		log, err := cmd.CombinedOutput()
		res.log += string(log)
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			res.status = exit.ExitCode()
		} else if err != nil {
			r.t.Fatal(err)
		}
		written, err := os.ReadFile(output) //nolint:gosec // the test's own
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			r.t.Fatal(err)
		}
		for line := range strings.Lines(string(written)) {
			name, v, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
			steps["steps."+s.ID+".outputs."+name] = v
		}
	}
	for name, out := range a.Outputs {
		res.outputs[name] = value(out.Value)
	}
	return res
}

// text reads a file that an output names.
func (r *result) text(t *testing.T, output string) string {
	t.Helper()
	data, err := os.ReadFile(r.outputs[output])
	if err != nil {
		t.Fatalf("output %s: %v; the log:\n%s", output, err, r.log)
	}
	return string(data)
}
