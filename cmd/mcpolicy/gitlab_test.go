package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// component is what there is to know of GitLab's template.
type component struct {
	inputs map[string]struct {
		Description, Default, Regex string
		Options                     []string
	}
	job struct {
		Stage, Image string
		Rules        []map[string]string
		Variables    map[string]string
		Script       []string
		Artifacts    struct {
			When    string
			Paths   []string
			Reports map[string]string
		}
	}
	text string
}

// readComponent reads both documents of the template, and knows every key of them.
func readComponent(t *testing.T) *component {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "templates", "check.yml"))
	if err != nil {
		t.Fatal(err)
	}
	c := component{text: string(data)}
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	var head struct{ Spec struct{ Inputs yaml.Node } }
	if err := d.Decode(&head); err != nil {
		t.Fatal(err)
	}
	if err := head.Spec.Inputs.Decode(&c.inputs); err != nil {
		t.Fatal(err)
	}
	jobs := map[string]yaml.Node{}
	if err := d.Decode(&jobs); err != nil || len(jobs) != 1 {
		t.Fatalf("%v, %d jobs", err, len(jobs))
	}
	job := jobs["$[[ inputs.job ]]"]
	again, err := yaml.Marshal(&job)
	if err != nil {
		t.Fatal(err)
	}
	strict := yaml.NewDecoder(bytes.NewReader(again))
	strict.KnownFields(true)
	if err := strict.Decode(&c.job); err != nil {
		t.Fatal(err)
	}
	return &c
}

var componentInput = regexp.MustCompile(`\$\[\[ inputs\.([a-z-]+) ]]`)

// TestGitLabIsInert holds that no input is part of a script, and that all are used.
func TestGitLabIsInert(t *testing.T) {
	c := readComponent(t)
	if script := strings.Join(c.job.Script, "\n"); strings.Contains(script, "$[[") || strings.Contains(script, "_REF_NAME") || strings.Contains(script, "_TITLE") {
		t.Errorf("an input, a branch's name or a title is part of the script:\n%s", script)
	}
	used := map[string]bool{}
	for _, m := range componentInput.FindAllStringSubmatch(c.text, -1) {
		used[m[1]] = true
		if _, ok := c.inputs[m[1]]; !ok {
			t.Errorf("there is no input %s", m[1])
		}
	}
	for name, in := range c.inputs {
		if !used[name] || in.Description == "" {
			t.Errorf("input %s is not used, or not described", name)
		}
	}
}

// TestGitLabJob runs the job's script in a shallow clone as a runner does, with a base that
// is to be fetched, and reads what it leaves.
func TestGitLabJob(t *testing.T) {
	t.Parallel()
	clone, base := pullRequest(t, nil)
	r := newRunner(t, clone)
	r.shim("go", `[ "$1 $2" = "install github.com/mcpolicy/mcpolicy/cmd/mcpolicy@v1.2.3" ]
mkdir -p "$GOBIN"
printf '#!/bin/sh\nexec mcpolicy "$@"\n' >"$GOBIN/mcpolicy"; chmod +x "$GOBIN/mcpolicy"
`)
	c := readComponent(t)
	run := func(inputs, variables map[string]string) (status int, log string) {
		env := []string{"PATH=" + r.path + string(os.PathListSeparator) + os.Getenv("PATH"), "HOME=" + r.temp, "LANG=C.UTF-8", "CI=true", "GITLAB_CI=true", "CI_PROJECT_DIR=" + clone}
		for name, v := range c.job.Variables {
			env = append(env, name+"="+componentInput.ReplaceAllStringFunc(v, func(m string) string {
				name := componentInput.FindStringSubmatch(m)[1]
				if v, ok := inputs[name]; ok {
					return v
				}
				return c.inputs[name].Default
			}))
		}
		for name, v := range variables {
			env = append(env, name+"="+v)
		}
		cmd := exec.CommandContext(t.Context(), "bash", "-eo", "pipefail", "-c", strings.Join(c.job.Script, "\n")) //nolint:gosec // the template's own
		cmd.Dir, cmd.Env = clone, env
		out, _ := cmd.CombinedOutput() // its status says it
		r.inert()
		return cmd.ProcessState.ExitCode(), string(out)
	}
	desk := map[string]string{"version": "v1.2.3", "directory": "desk", "marker": "desk"}
	status, log := run(desk, map[string]string{"CI_MERGE_REQUEST_DIFF_BASE_SHA": base, "CI_COMMIT_REF_NAME": hostileBranch, "CI_MERGE_REQUEST_TITLE": "$(touch pwned)"})
	if status != 1 || !strings.Contains(log, "may now list and call cancel_order") {
		t.Fatalf("status %d:\n%s", status, log)
	}
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join(clone, name)) //nolint:gosec // the test's own
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	if note := string(read(c.job.Artifacts.Paths[0])); !strings.HasPrefix(note, "<!-- mcpolicy desk -->\n## ❌ mcpolicy: access widened beyond the budget") {
		t.Errorf("the note:\n%s", note)
	}
	if !json.Valid(read(c.job.Artifacts.Reports["codequality"])) || xml.Unmarshal(read(c.job.Artifacts.Reports["junit"]), new(struct{ XMLName xml.Name })) != nil {
		t.Error("the reports are not what they should be")
	}
	if status, log := run(desk, nil); status != 1 || strings.Contains(log, "may now") {
		t.Errorf("status %d without a base:\n%s", status, log)
	}
	for _, base := range []string{"--upload-pack=touch pwned;", "$(touch pwned)", "+main:refs/heads/pwned", strings.Repeat("0123456789", 4)} {
		desk["base"] = base
		if status, log := run(desk, nil); status != 3 || !strings.Contains(log, "is not in this clone") {
			t.Errorf("base %q: status %d:\n%s", base, status, log)
		}
	}
}
