//go:build e2e && linux && coaz

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/coaz"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/source"
)

// A resolution is a mapping and a request, and what is made of them.
type resolution struct {
	Method  string          `json:"method"`
	Params  map[string]any  `json:"params"`
	Token   map[string]any  `json:"token"`
	Mapping json.RawMessage `json:"mapping,omitempty"`
}

// resolved is what the gateway makes of it.
type resolved struct {
	Evaluations []coaz.Evaluation
	Refused     *string
	Unlisted    bool
}

// TestDifferentialMappings holds what package coaz makes of made-up mappings and
// requests, with CEL in Go, to what the gateway makes of them, with CEL in C++.
func TestDifferentialMappings(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 20)) //nolint:gosec // no secret
	cases := make([]resolution, rounds.Of(1000, 40_000))
	var lines bytes.Buffer
	encoder := json.NewEncoder(&lines)
	for i := range cases {
		cases[i] = madeUp(r)
		if err := encoder.Encode(cases[i]); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), python(t, "coaz"), "resolve.py")
	var diagnostics strings.Builder
	cmd.Dir, cmd.Stdin, cmd.Stderr = copied(t, gateDir), &lines, &diagnostics
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, diagnostics.String())
	}
	told := json.NewDecoder(bytes.NewReader(out))
	point := coaz.Point{}
	kinds := map[string]int{}
	differ := 0
	for _, c := range cases {
		var want resolved
		if err := told.Decode(&want); err != nil {
			t.Fatal(err)
		}
		var declared *coaz.Mapping
		if c.Mapping != nil {
			schema, err := source.ParseJSON("schema.json", fmt.Appendf(nil, `{"type": "object", %q: %s}`, coaz.Key, c.Mapping))
			if err != nil {
				t.Fatal(err)
			}
			declared, _ = coaz.Parse(schema) // mistakes are part of it
		}
		got := point.Resolve(declared, c.Method, c.Params, c.Token)
		kinds[fmt.Sprint(got.Kind, got.Code)]++
		text, _ := json.Marshal(c) // it was marshalled
		switch {
		case got.Kind == coaz.Unknown:
		case got.Kind == coaz.Asked && want.Refused == nil && !want.Unlisted:
			if diff := cmp.Diff(plain(t, want.Evaluations), plain(t, got.Evaluations)); diff != "" {
				differ++
				t.Errorf("%s\n(-gateway +coaz):\n%s", text, diff)
			}
		case got.Kind == coaz.Refused && (got.Code == coaz.CodeMapping && want.Refused != nil || got.Code == coaz.CodeDenied && want.Unlisted):
		default:
			differ++
			said := "asks"
			if want.Refused != nil {
				said = *want.Refused
			}
			t.Errorf("%s\n%v %d %v, the gateway: %s", text, got.Kind, got.Code, got.Cause, said)
		}
		if differ > 20 {
			t.Fatal("and more")
		}
	}
	t.Logf("%v, %d differ", kinds, differ)
}

// plain is a value as JSON has it.
func plain(t *testing.T, v any) any {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return decoded(t, text)
}
