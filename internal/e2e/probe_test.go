//go:build e2e && linux

package e2e

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/internal/cerbosbin"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// probe runs mcpolicy probe as everybody, with calls and reads. It returns what
// differs, as "kind principal name", and holds the command to run no tool and
// to tell no token.
func (w *world) probe(t *testing.T, s *server, want int) (drifts []string, said string) {
	t.Helper()
	args := []string{"probe", "--url", s.url, "--call", "--read", "--format", "json"}
	for _, key := range w.keys() {
		args = append(args, "--token-env", key+"="+tokenVariable(key))
	}
	said, status := w.mcpolicy(t, args...)
	if status != want {
		t.Fatalf("exit status %d, want %d\n%s", status, want, said)
	}
	for _, key := range w.keys() {
		if strings.Contains(said, token(key)) {
			t.Errorf("the token of %s is told", key)
		}
	}
	if runs := s.ran(t); len(runs) > 0 {
		t.Errorf("tools have run: %v", runs)
	}
	if status > 1 {
		return nil, said
	}
	var found struct {
		Probe struct {
			Summary struct{ Calls int }
			Drifts  []struct {
				Kind, Principal, Name string
				Task                  bool
			}
		}
	}
	if err := json.Unmarshal([]byte(said), &found); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	for _, d := range found.Probe.Drifts {
		text := strings.TrimSpace(d.Kind + " " + d.Principal + " " + d.Name)
		if d.Task {
			text += " as a task"
		}
		drifts = append(drifts, text)
	}
	slices.Sort(drifts)
	if found.Probe.Summary.Calls < len(w.keys()) {
		t.Errorf("%d calls were made", found.Probe.Summary.Calls)
	}
	return drifts, said
}

// TestProbe holds that mcpolicy probe finds servers behind the right policies
// to do what the matrix says, calls made as tasks included, and runs nothing.
func TestProbe(t *testing.T) {
	t.Parallel()
	for environment, w := range map[string]*world{"fastmcp3": desk(t), "fastmcp2": warehouse(t), "fastmcp4": returns(t)} {
		t.Run(environment, func(t *testing.T) {
			t.Parallel()
			s, pdp := w.run(t, environment)
			if drifts, said := w.probe(t, s, 0); len(drifts) > 0 {
				t.Errorf("drift: %v\n%s", drifts, said)
			}
			pdp.Kill()
			w.probe(t, s, 3)
		})
	}
}

// TestProbeSabotage holds that mcpolicy probe tells a server behind other
// policies by exactly the cells that differ.
func TestProbeSabotage(t *testing.T) {
	t.Parallel()
	w := desk(t)
	other := desk(t, hrForAll)
	pdp := cerbosbin.Start(t, other.Policies, other.Conf)
	s := serve(t, python(t, "fastmcp3"), w.dir, pdp, w.keys())
	var want []string
	for _, key := range []string{"sally", "omar", "dora"} {
		want = append(want, "shown-but-denied "+key+" get_hr_records", "call-admitted "+key+" get_hr_records")
	}
	slices.Sort(want)
	got, said := w.probe(t, s, 1)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("drift (-want +got):\n%s\n%s", diff, said)
	}
}

// TestProbeTask holds that mcpolicy probe finds calls made as tasks that go past
// cerbos-fastmcp, where the config takes the server for a FastMCP 3.
func TestProbeTask(t *testing.T) {
	t.Parallel()
	w := warehouse(t, change{file: "mcpolicy.yaml", old: "fastmcp: 2.14.7", new: "fastmcp: 3.4.9"})
	s, _ := w.run(t, "fastmcp2")
	got, said := w.probe(t, s, 1)
	denied := 0
	for _, key := range w.keys() {
		is := w.access(t, key, "export_wages") == matrix.Denied
		if is {
			denied++
		}
		if has := slices.Contains(got, "call-admitted "+key+" export_wages as a task"); has != is {
			t.Errorf("%s: found %t, want %t\n%s", key, has, is, filepath.Base(w.dir)+"\n"+said)
		}
		if slices.Contains(got, "call-admitted "+key+" export_wages") {
			t.Errorf("%s: a call that is no task is said to be admitted", key)
		}
	}
	if denied == 0 {
		t.Error("nobody is denied the tool")
	}
}
