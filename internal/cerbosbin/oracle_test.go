package cerbosbin_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/cerbosbin"
	"github.com/mcpolicy/mcpolicy/internal/fixture"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pep"
)

// calls are the arguments that each fixture's conditions are tried with: some
// on either side of each, missing ones, and ones of another type.
var calls = map[string][]map[string]any{
	"fastmcp": {
		{}, {"region": "EMEA"}, {"region": "APAC"}, {"region": "emea"}, {"region": 1.0}, {"region": nil}, {"other": "EMEA"},
	},
	"fastmcp2": {
		{}, {"hall": "north"}, {"hall": "south"}, {"hall": 1.0}, {"article": "north"},
	},
	"fastmcp4": {
		{},
		{"amount": 100.0},
		{"amount": 100.01},
		{"amount": 501.0},
		{"amount": "100"},
		{"language": "de"},
		{"language": "es"},
		{"market": "EU"},
		{"market": "US"},
	},
	"quickstart": {
		{},
		{"region": "EMEA"},
		{"region": "APAC"},
		{"employee_id": "sally"},
		{"employee_id": "harry"},
		{"region": "EMEA", "amount": 50000.0},
		{"region": "EMEA", "amount": 50001.0},
		{"region": "APAC", "amount": 1.0},
		{"region": "EMEA", "amount": "1"},
		{"region": nil, "amount": 1.0},
	},
	"github": {
		{},
		{"owner": "acme"},
		{"owner": "acme-labs"},
		{"owner": "other"},
		{"owner": 1.0},
		{"branch": "topic"},
		{"owner": "acme", "branch": "main"},
		{"owner": "acme", "branch": "topic"},
		{"owner": "other", "branch": "topic"},
		{"owner": "acme-labs", "branch": "release"},
		{"owner": "acme-labs", "branch": "topic", "repo": "site"},
		{"owner": "acme-labs", "repo": "site"},
		{"owner": "acme-labs", "repo": "other"},
		{"owner": "acme", "ref": "main"},
		{"owner": "acme", "ref": "topic"},
		{"owner": "acme", "new_owner": "acme-labs"},
		{"owner": "acme", "new_owner": "other"},
	},
}

// TestDifferentialSuites has `cerbos compile` of the official binary decide every question
// of a fixture, as a suite of Cerbos's own, and compares it with the embedded
// engine case by case. What the matrix says of all arguments has to be true of
// those tried.
func TestDifferentialSuites(t *testing.T) {
	binary := cerbosbin.Path(t)
	for name, arguments := range calls {
		t.Run(name, func(t *testing.T) {
			if name == "github" && testing.Short() {
				t.Skip("the largest fixture")
			}
			f := fixture.Load(t, fixture.Dir(name))
			m := f.Matrix(t, f.Engine)
			cases := ask(t, f, m, arguments)
			s := newSuite(f.Principals, cases)
			effects := s.run(t, binary, f.Policies, 0)
			for _, c := range cases {
				if got := effects[c.key()]; got != c.effect() {
					t.Errorf("%v on %v for %s: embedded %s, official %q", c.request.Action, c.request.Resource, c.request.Principal.Key, c.effect(), got)
				}
			}
			t.Logf("%d cases, %d cells", len(effects), compareMatrix(t, m, cases))

			// A suite that expects the opposite of one case has to fail there.
			flipped := &s.Tests[len(s.Tests)/2].Expected[0]
			opposite := map[string]string{"EFFECT_ALLOW": "EFFECT_DENY", "EFFECT_DENY": "EFFECT_ALLOW"}
			for action, effect := range flipped.Actions {
				flipped.Actions[action] = opposite[effect]
			}
			s.run(t, binary, f.Policies, 1)
		})
	}
}

// An oracleCase is a request with everything known, and what the embedded
// engine says to it.
type oracleCase struct {
	request   authz.Request
	column    *matrix.Column
	arguments int    // which, if the column leaves them open
	resource  string // its name in the suite
	allow     bool
}

// A caseKey names a case in a suite's results.
type caseKey struct{ principal, resource, action string }

func (c *oracleCase) key() caseKey {
	return caseKey{c.request.Principal.Key, c.resource, c.request.Action}
}

func (c *oracleCase) effect() string {
	if c.allow {
		return "EFFECT_ALLOW"
	}
	return "EFFECT_DENY"
}

// ask decides all requests of a matrix, those of operations with arguments for
// each of the given ones.
func ask(t *testing.T, f *fixture.Fixture, m *matrix.Matrix, arguments []map[string]any) []oracleCase {
	t.Helper()
	var cases []oracleCase
	var requests []authz.Request
	names := map[string]string{} // of resources, by what they are and the action
	for _, col := range m.Columns {
		open := slices.ContainsFunc(col.Question.Requests, func(r authz.Request) bool { return r.Unknown != nil })
		for _, of := range col.Question.Requests {
			for _, p := range f.Principals {
				for i, args := range arguments {
					if !open && i > 0 {
						continue
					}
					r := pep.Bind(of, args)
					r.Principal = p
					what := fmt.Sprintf("%s %#v", r.Action, r.Resource) // maps print in the order of their keys
					if names[what] == "" {
						names[what] = "r" + strconv.Itoa(len(names))
					}
					requests = append(requests, r)
					cases = append(cases, oracleCase{request: r, column: col, arguments: i, resource: names[what]})
				}
			}
		}
	}
	decisions, err := f.Engine.Decide(t.Context(), requests)
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range decisions {
		cases[i].allow = d.Effect == authz.Allow
	}
	return cases
}

// compareMatrix holds a matrix against its cases: an operation is allowed if
// all its requests are. It returns the number of cells.
func compareMatrix(t *testing.T, m *matrix.Matrix, cases []oracleCase) int {
	t.Helper()
	type cell struct {
		principal *authz.Principal
		column    *matrix.Column
	}
	outcomes := map[cell]map[int]bool{} // by arguments
	for _, c := range cases {
		at := cell{c.request.Principal, c.column}
		if outcomes[at] == nil {
			outcomes[at] = map[int]bool{}
		}
		before, seen := outcomes[at][c.arguments]
		outcomes[at][c.arguments] = c.allow && (before || !seen)
	}
	for at, of := range outcomes {
		want := matrix.Conditional
		values := slices.Collect(maps.Values(of))
		if !slices.Contains(values, true) {
			want = matrix.Denied
		} else if !slices.Contains(values, false) {
			want = matrix.Allowed
		}
		if got := m.Cell(m.ClassOf(at.principal.Key), at.column).Access; got != want {
			t.Errorf("%s %v %s is %v in the matrix, but %v for the arguments tried",
				at.principal.Key, at.column.Operation, at.column.Item.Name, got, want)
		}
	}
	return len(outcomes)
}

// A suite is a test file of Cerbos's.
type suite struct {
	Name       string                    `yaml:"name"`
	Principals map[string]suitePrincipal `yaml:"principals,omitempty"`
	Resources  map[string]suiteResource  `yaml:"resources"`
	Options    suiteOptions              `yaml:"options,omitempty"`
	Tests      []suiteTest               `yaml:"tests"`
}

type suiteOptions struct {
	Now string `yaml:"now,omitempty"`
}

type suitePrincipal struct {
	ID            string         `yaml:"id"`
	Roles         []string       `yaml:"roles"`
	Attr          map[string]any `yaml:"attr,omitempty"`
	PolicyVersion string         `yaml:"policyVersion,omitempty"`
	Scope         string         `yaml:"scope,omitempty"`
}

type suiteResource struct {
	Kind          string         `yaml:"kind"`
	ID            string         `yaml:"id"`
	Attr          map[string]any `yaml:"attr,omitempty"`
	PolicyVersion string         `yaml:"policyVersion,omitempty"`
	Scope         string         `yaml:"scope,omitempty"`
}

type suiteTest struct {
	Name  string `yaml:"name"`
	Input struct {
		Principals []string `yaml:"principals"`
		Resources  []string `yaml:"resources"`
		Actions    []string `yaml:"actions"`
	} `yaml:"input"`
	Expected []suiteExpected `yaml:"expected"`
}

type suiteExpected struct {
	Principal string            `yaml:"principal"`
	Resource  string            `yaml:"resource"`
	Actions   map[string]string `yaml:"actions"`
}

// newSuite writes a test for each action, in which every principal meets every
// resource. Every pair is listed: what is not, Cerbos silently expects to be
// denied.
func newSuite(principals []*authz.Principal, cases []oracleCase) *suite {
	s := &suite{Name: "oracle", Principals: map[string]suitePrincipal{}, Resources: map[string]suiteResource{}}
	var everybody []string
	for _, p := range principals {
		s.Principals[p.Key] = suitePrincipal{ID: p.ID, Roles: p.Roles, Attr: p.Attr, PolicyVersion: p.PolicyVersion, Scope: p.Scope}
		everybody = append(everybody, p.Key)
	}
	tests := map[string]int{}
	listed := map[caseKey]bool{}
	for _, c := range cases {
		if listed[c.key()] {
			continue // a gate, which is asked for each item of a list
		}
		listed[c.key()] = true
		of, action := c.request.Resource, c.request.Action
		i, ok := tests[action]
		if !ok {
			i = len(s.Tests)
			tests[action] = i
			s.Tests = append(s.Tests, suiteTest{Name: action})
			s.Tests[i].Input.Principals, s.Tests[i].Input.Actions = everybody, []string{action}
		}
		if _, ok := s.Resources[c.resource]; !ok {
			s.Resources[c.resource] = suiteResource{Kind: of.Kind, ID: of.ID, Attr: of.Attr, PolicyVersion: of.PolicyVersion, Scope: of.Scope}
			s.Tests[i].Input.Resources = append(s.Tests[i].Input.Resources, c.resource)
		}
		s.Tests[i].Expected = append(s.Tests[i].Expected, suiteExpected{
			Principal: c.request.Principal.Key, Resource: c.resource, Actions: map[string]string{action: c.effect()},
		})
	}
	return s
}

// testsFailed is the exit status of `cerbos compile` when tests fail.
const testsFailed = 4

// run runs the suite over a copy of the policies and returns the effect of each
// case. It wants a number of them to fail.
func (s *suite) run(t *testing.T, binary, policies string, fail int) map[caseKey]string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(policies)); err != nil {
		t.Fatal(err)
	}
	s.write(t, dir)
	return compile(t, binary, dir, fail)
}

// write writes the suite into a folder of policies.
func (s *suite) write(t *testing.T, dir string) {
	t.Helper()
	data, err := yaml.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "oracle_test.yaml"), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// compile runs the one suite of a folder and returns the effect of each case.
// It wants a number of them to fail.
func compile(t *testing.T, binary, dir string, fail int) map[caseKey]string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, "compile", "--output=json", dir) //nolint:gosec // the pinned binary
	cmd.Env = append(os.Environ(), "CERBOS_NO_TELEMETRY=1")
	var out, diagnostics bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &diagnostics
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == testsFailed {
		err = nil
	}
	if err != nil {
		t.Fatalf("cerbos compile: %v\n%s%s", err, out.String(), diagnostics.String())
	}
	var results struct {
		Suites []struct {
			TestCases []struct {
				Principals []struct {
					Name      string
					Resources []struct {
						Name    string
						Actions []struct {
							Name    string
							Details struct {
								Result  string
								Success struct{ Effect string }
								Failure struct{ Actual string }
							}
						}
					}
				}
			}
		}
	}
	if err := json.Unmarshal(out.Bytes(), &results); err != nil || len(results.Suites) != 1 {
		t.Fatalf("cerbos compile: %v\n%s", err, out.String())
	}
	effects, failed := map[caseKey]string{}, 0
	for _, test := range results.Suites[0].TestCases {
		for _, p := range test.Principals {
			for _, r := range p.Resources {
				for _, a := range r.Actions {
					switch a.Details.Result {
					case "RESULT_PASSED":
						effects[caseKey{p.Name, r.Name, a.Name}] = a.Details.Success.Effect
					case "RESULT_FAILED":
						effects[caseKey{p.Name, r.Name, a.Name}] = a.Details.Failure.Actual
						failed++
					}
				}
			}
		}
	}
	if failed != fail {
		t.Errorf("cerbos compile fails %d cases, want %d", failed, fail)
	}
	return effects
}
