package cerbosbin_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/internal/cerbosbin"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/source"
)

// wholePolicies are sound policies, one of each kind, with everything that a policy
// may say. The name of each has %d in it, as JSON, which is YAML too.
var wholePolicies = []string{
	`{"apiVersion": "api.cerbos.dev/v1", "description": "d", "metadata": {"annotations": {"a": "b"}}, "resourcePolicy": {"resource": "parcel_%d", "version": "default", "scope": "",
	"variables": {"local": {"late": "R.attr.days > 3"}}, "constants": {"local": {"most": 3}},
	"schemas": {"resourceSchema": {"ref": "cerbos:///parcel.json", "ignoreWhen": {"actions": ["peek"]}}},
	"rules": [{"name": "own", "actions": ["send", "track"], "effect": "EFFECT_ALLOW", "roles": ["sender"], "condition": {"match": {"all": {"of": [{"expr": "V.late"}, {"expr": "P.id == R.id"}]}}},
	"output": {"when": {"ruleActivated": "'yes'", "conditionNotMet": "'no'"}}}, {"actions": ["*"], "effect": "EFFECT_DENY", "derivedRoles": ["stranger"]}]}}`,
	`{"apiVersion": "api.cerbos.dev/v1", "principalPolicy": {"principal": "ines_%d", "version": "default", "scopePermissions": "SCOPE_PERMISSIONS_OVERRIDE_PARENT",
	"rules": [{"resource": "parcel", "actions": [{"name": "n", "action": "send", "effect": "EFFECT_DENY", "condition": {"match": {"any": {"of": [{"expr": "true"}]}}}, "output": {"expr": "1"}}]}]}}`,
	`{"apiVersion": "api.cerbos.dev/v1", "rolePolicy": {"role": "porter_%d", "version": "default", "scope": "", "parentRoles": ["sender"],
	"rules": [{"name": "lift", "resource": "parcel", "allowActions": ["lift"], "condition": {"match": {"none": {"of": [{"expr": "false"}]}}}}]}}`,
	`{"apiVersion": "api.cerbos.dev/v1", "derivedRoles": {"name": "guests_%d", "definitions": [{"name": "stranger", "parentRoles": ["sender"], "condition": {"match": {"expr": "P.attr.new"}}}]}}`,
	`{"apiVersion": "api.cerbos.dev/v1", "exportVariables": {"name": "sums_%d", "definitions": {"total": "R.attr.a + R.attr.b"}}}`,
	`{"apiVersion": "api.cerbos.dev/v1", "exportConstants": {"name": "limits_%d", "definitions": {"most": 7}}}`,
}

// oddities are what a value of a policy is replaced by.
func oddities() []any {
	list := []any{0, -1, 1.5, true, nil, []any{}, map[string]any{}, []any{""}, []any{"a", "a"}, []any{"a", nil}, []any{1}, map[string]any{"": ""}, map[string]any{"a b": 1}}
	for _, text := range strings.Split("|a| |a b|a:b|*|a*|**|a/b|a.b|a..b|.a|a.|ä|9a|_a|-a|A|a-b|a_b|a@b|default|EFFECT_ALLOW|EFFECT_UNSPECIFIED|EFFECT_NO|SCOPE_PERMISSIONS_UNSPECIFIED|api.cerbos.dev/v2|cerbos:///x|true|\n|a\nb", "|") {
		list = append(list, text)
	}
	return append(list, strings.Repeat("x", 300), strings.Repeat("a.", 200)+"a")
}

// A spoiler changes one thing in a policy.
type spoiler struct{ *rand.Rand }

// oddity returns a new one each time, as it may be spoilt in turn.
func (s spoiler) oddity() any {
	list := oddities()
	return list[s.IntN(len(list))]
}

func (s spoiler) spoil(v any) any {
	switch v := v.(type) {
	case map[string]any:
		keys := slices.Sorted(maps.Keys(v))
		if len(keys) == 0 {
			return map[string]any{"more": 1}
		}
		key := keys[s.IntN(len(keys))]
		switch s.IntN(12) {
		case 0:
			delete(v, key)
		case 1:
			v["more"] = v[key]
		case 2:
			v[key] = s.oddity()
		default:
			v[key] = s.spoil(v[key])
		}
		return v
	case []any:
		i := s.IntN(max(1, len(v)))
		switch n := s.IntN(8); {
		case len(v) == 0 || n == 0:
			return append(v, s.oddity())
		case n == 1:
			return append(v, v[i])
		case n == 2:
			return slices.Delete(v, i, i+1)
		default:
			v[i] = s.spoil(v[i])
			return v
		}
	}
	return s.oddity()
}

// TestDifferentialRefusals spoils policies, and has the official compiler and the
// engine read them: they refuse the same files, for the same reasons.
func TestDifferentialRefusals(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	binary := cerbosbin.Path(t)
	s := spoiler{rand.New(rand.NewPCG(11, 12))}
	dir := t.TempDir()
	const inFolder = 500
	refusals := 0
	for world := range rounds.Of(2, 40) {
		below := filepath.Join(dir, fmt.Sprint(world))
		for i := range inFolder {
			var policy any
			if err := json.Unmarshal([]byte(strings.ReplaceAll(wholePolicies[i%len(wholePolicies)], "%d", fmt.Sprint(i))), &policy); err != nil {
				t.Fatal(err)
			}
			for range 1 + s.IntN(3) {
				policy = s.spoil(policy)
			}
			text, err := json.MarshalIndent(policy, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(below, fmt.Sprintf("p%d.yaml", i)), string(text))
		}
		official := loadFailures(t, binary, below)
		_, err := embedded.Open(t.Context(), os.DirFS(below), pdp.Options{})
		var embedded []string
		for _, m := range source.Mistakes(err) {
			var at *source.Error
			if !errors.As(m, &at) {
				t.Fatalf("no position: %v", m)
			}
			embedded = append(embedded, m.Error())
		}
		slices.Sort(embedded)
		embedded = slices.DeleteFunc(embedded, func(m string) bool { return !slices.Contains(official, m) && ofTwoFiles(m) })
		if diff := cmp.Diff(official, embedded); diff != "" {
			t.Errorf("refusals of %s (-official +embedded):\n%s", below, diff)
		}
		refusals += len(official)
	}
	t.Logf("%d policies, %d refusals", inFolder*rounds.Of(2, 40), refusals)
	if refusals < inFolder {
		t.Errorf("only %d refusals", refusals)
	}
}

// ofTwoFiles reports whether a mistake is one that is told apart from those that a
// file has alone.
func ofTwoFiles(m string) bool {
	return strings.Contains(m, " is defined in ") || strings.Contains(m, " is missing, which ") || strings.Contains(m, "disagree on scopePermissions")
}

// loadFailures returns what `cerbos compile` says of files that it cannot read.
func loadFailures(t *testing.T, binary, dir string) []string {
	t.Helper()
	out, _ := exec.CommandContext(t.Context(), binary, "compile", "--output=json", "--skip-tests", dir).Output() //nolint:gosec // the status says that there are errors
	var reply struct {
		LintErrors struct {
			LoadFailures []struct {
				File, Error  string
				ErrorDetails *struct {
					Position struct{ Line, Column int }
					Message  string
				} `json:"error_details"`
			} `json:"load_failures"`
		}
	}
	if err := json.Unmarshal(out, &reply); err != nil {
		t.Fatalf("%v in %q", err, out)
	}
	var list []string
	for _, f := range reply.LintErrors.LoadFailures {
		at, message := source.Pos{File: f.File}, f.Error
		if d := f.ErrorDetails; d != nil {
			at.Line, at.Col, message = d.Position.Line, d.Position.Column, d.Message
		}
		list = append(list, fmt.Sprintf("%s: %s", at, strings.TrimSuffix(strings.Join(strings.Fields(message), " "), ".")))
	}
	slices.Sort(list)
	return list
}
