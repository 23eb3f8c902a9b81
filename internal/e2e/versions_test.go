//go:build e2e && linux

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/manifest"
)

// compareInPython has FastMCP itself compare pairs of versions.
const compareInPython = `
import json, sys
from fastmcp.utilities.versions import compare_versions
json.dump([compare_versions(a or None, b or None) for a, b in json.load(sys.stdin)], sys.stdout)
`

// TestDifferentialVersions holds which of two versions of a tool an inventory
// is left with against what FastMCP says of the two.
func TestDifferentialVersions(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7)) //nolint:gosec // no secret
	pairs := make([][2]string, rounds.Of(2000, 40_000))
	for i := range pairs {
		pairs[i] = [2]string{version(r), version(r)}
		if r.IntN(2) == 0 {
			pairs[i][1] = misspelled(r, pairs[i][0])
		}
	}
	cmd := exec.CommandContext(t.Context(), python(t, "fastmcp4"), "-c", compareInPython)
	input, err := json.Marshal(pairs)
	if err != nil {
		t.Fatal(err)
	}
	var diagnostics strings.Builder
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), &diagnostics
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, diagnostics.String())
	}
	var want []int
	if err := json.Unmarshal(out, &want); err != nil {
		t.Fatal(err)
	}
	differ, decided := 0, map[int]int{}
	for i, left := range versionsLeft(t, pairs) {
		decided[want[i]]++
		if left != want[i] {
			differ++
			t.Errorf("%q and %q: %d, FastMCP says %d", pairs[i][0], pairs[i][1], left, want[i])
		}
	}
	if len(decided) != 3 {
		t.Errorf("only one side is tried: %v", decided)
	}
	t.Logf("%d pairs, %d differ", len(pairs), differ)
}

// versionsLeft reads an inventory with two versions of each tool, and returns
// how the first is to the second: none of them may be left out, or either.
func versionsLeft(t *testing.T, pairs [][2]string) []int {
	t.Helper()
	var tools []any
	for i, pair := range pairs {
		for j, version := range pair {
			own := map[string]any{}
			if version != "" {
				own["version"] = version
			}
			tools = append(tools, map[string]any{"name": "t" + strconv.Itoa(i), "description": strconv.Itoa(j), "_meta": map[string]any{"fastmcp": own}})
		}
	}
	data, err := json.Marshal(map[string]any{
		"environment": map[string]any{"fastmcp": "4.1.0"}, "serverInfo": map[string]any{"name": "x"}, "tools": tools,
	})
	if err != nil {
		t.Fatal(err)
	}
	inventories, err := manifest.Parse("made.json", data)
	if err != nil {
		t.Fatal(err)
	}
	left := make([]int, len(pairs))
	for _, it := range inventories[0].Items {
		i, err := strconv.Atoi(it.Name[1:])
		if err != nil {
			t.Fatal(err)
		}
		left[i] += map[string]int{"0": 1, "1": -1}[it.Description] // both make nothing
	}
	return left
}

func one(r *rand.Rand, of ...string) string { return of[r.IntN(len(of))] }

// version makes up a version, mostly one of PEP 440.
func version(r *rand.Rand) string {
	number := func() string { return one(r, "0", "1", "2", "9", "10", "01", "2025", "99999999999999999999") }
	separator := func() string { return one(r, "", ".", "-", "_") }
	if r.IntN(8) == 0 {
		return one(r, "", "latest", "2025-01-15", "beta", "v", "1.x", "É", "1e3")
	}
	s := one(r, "", "", "v", "V", "vv", " ")
	if r.IntN(6) == 0 {
		s += number() + "!"
	}
	s += number()
	for range r.IntN(3) {
		s += "." + number()
	}
	if r.IntN(2) == 0 {
		s += separator() + one(r, "a", "b", "rc", "alpha", "beta", "c", "pre", "preview", "RC") + separator() + one(r, "", number())
	}
	if r.IntN(3) == 0 {
		s += one(r, "-"+number(), separator()+one(r, "post", "rev", "r", "poſt")+separator()+one(r, "", number()))
	}
	if r.IntN(3) == 0 {
		s += separator() + "dev" + one(r, "", number())
	}
	if r.IntN(4) == 0 {
		s += fmt.Sprintf("+%s%s%s", one(r, "a", "1", "01", "Z"), separator(), one(r, "b", "2"))
	}
	return s
}

// misspelled changes one letter of a version.
func misspelled(r *rand.Rand, s string) string {
	i := r.IntN(len([]rune(s)) + 1)
	before, after := string([]rune(s)[:i]), string([]rune(s)[i:])
	return before + one(r, "0", "1", ".", "-", "_", "+", "!", "a", "v", "rc", " ") + after
}
