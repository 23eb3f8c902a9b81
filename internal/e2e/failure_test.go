//go:build e2e && linux

package e2e

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/cerbosbin"
)

// hrForAll opens the personnel files to sales people.
var hrForAll = change{
	file: "policies/mcp_server.yaml",
	old:  "      effect: EFFECT_ALLOW\n      roles: [HR]\n",
	new:  "      effect: EFFECT_ALLOW\n      roles: [HR, SALES]\n",
}

// TestSabotage holds that a server behind other policies than those that the
// matrix was built from is told by exactly the cells that differ.
func TestSabotage(t *testing.T) {
	t.Parallel()
	w := desk(t)
	other := desk(t, hrForAll)
	pdp := cerbosbin.Start(t, other.Policies, other.Conf)
	s := serve(t, python(t, "fastmcp3"), w.dir, pdp, w.keys())
	var got []string
	for _, d := range w.differences(t, s) {
		got = append(got, d.cell)
	}
	var want []string
	for _, key := range []string{"sally", "omar", "dora"} {
		want = append(want, key+" list get_hr_records")
		for range w.tries(w.item(t, "get_hr_records")) {
			want = append(want, key+" call get_hr_records")
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("cells that differ (-want +got):\n%s", diff)
	}
}

// TestOutage stops the PDP below a running server. cerbos-fastmcp then looks
// like one that denies everything, and still lets anybody read; the guard of
// FastMCP 4 answers lists with errors. Neither runs a tool.
func TestOutage(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, environment string
		world             *world
		listsFail         bool
		unguarded         []string
	}{
		{"cerbos-fastmcp", "fastmcp3", desk(t), false, []string{"sampleprompt", "prompt://sample"}},
		{"guard.py", "fastmcp4", returns(t), true, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := test.world
			s, pdp := w.run(t, test.environment)
			// The first principal may do most.
			session := connect(t, s, w.keys()[0])
			before, err := list(t.Context(), session)
			if err != nil || before.size() == 0 {
				t.Fatalf("shown with a PDP: %v, %v", before, err)
			}
			pdp.Kill()

			shown, err := list(t.Context(), session)
			switch {
			case test.listsFail && err == nil:
				t.Errorf("lists are answered: %v", shown)
			case !test.listsFail && err != nil:
				t.Error(err)
			case !test.listsFail && shown.size() > 0:
				t.Errorf("shown: %v", shown)
			}
			open := map[string]bool{}
			for _, item := range w.Servers[0].Inventory.Items {
				for _, arguments := range w.tries(item) {
					got, said := use(t.Context(), session, item, arguments)
					switch {
					case got == done:
						open[item.Name] = true
					case got == admitted && item.Type == authz.ToolItem && fits(item, arguments):
						t.Errorf("%s %v: %v: %s", item.Name, arguments, got, said)
					}
				}
			}
			want := map[string]bool{}
			for _, name := range test.unguarded {
				want[name] = true
			}
			if diff := cmp.Diff(want, open); diff != "" {
				t.Errorf("usable without a PDP (-want +got):\n%s", diff)
			}
			if runs := s.ran(t); len(runs) > 0 {
				t.Errorf("tools have run: %v", runs)
			}
		})
	}
}

// TestUnguarded holds that cerbos-fastmcp lets a principal without any rights
// read the resource and get the prompt, which the matrix calls unguarded.
func TestUnguarded(t *testing.T) {
	t.Parallel()
	w := desk(t)
	s, _ := w.run(t, "fastmcp3")
	session := connect(t, s, "vera")
	shown, err := list(t.Context(), session)
	if err != nil || shown.size() > 0 {
		t.Errorf("shown: %v, %v", shown, err)
	}
	for _, col := range w.matrix.Columns {
		if col.Operation == authz.List {
			continue
		}
		want := refused
		if !col.Question.Guarded() {
			want = done
		}
		arguments := w.trials[col.Item.Name]
		if len(arguments) == 0 {
			arguments = append(arguments, nil)
		}
		if got, said := use(t.Context(), session, col.Item, arguments[0]); got != want {
			t.Errorf("%v %s: %v, want %v: %s", col.Operation, col.Item.Name, got, want, said)
		}
	}
}
