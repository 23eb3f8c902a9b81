package manifest_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/internal/inventories"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/manifest"
)

// TestContainersAreReadWhole wraps generated inventories into every shape that
// the package knows. What comes out is what went in.
func TestContainersAreReadWhole(t *testing.T) {
	for seed := range rounds.Of(600, 30_000) {
		m := inventories.New(seed)
		name, v, servers := m.Container()
		text := m.Text(v)
		read, err := manifest.Parse("made", text)
		if err != nil || inventories.IsIncomplete(read) {
			t.Fatalf("seed %d, %s: %v %v\n%s", seed, name, err, gaps(read), text)
		}
		if diff := cmp.Diff(inventories.Wanted(servers), inventories.Found(read)); diff != "" {
			t.Fatalf("seed %d, %s (-made +read):\n%s\n%s", seed, name, diff, text)
		}
	}
}

// TestNothingIsDroppedSilently puts containers together as nobody does. They
// are read whole, or refused, or say that they may be incomplete.
func TestNothingIsDroppedSilently(t *testing.T) {
	whole := 0
	n := rounds.Of(1000, 40_000)
	for seed := range n {
		m := inventories.New(seed)
		v, servers := m.Disguised()
		text := m.Text(v)
		read, err := manifest.Parse("made", text)
		if err != nil || inventories.IsIncomplete(read) {
			continue
		}
		whole++
		// What replaced something else in the making is not there to be read.
		made, found := withoutServers(inventories.Wanted(servers)), withoutServers(inventories.Found(read))
		for _, name := range inventories.Names.FindAllString(string(text), -1) {
			if line := made[name]; line == "" || found[name] != line {
				t.Fatalf("seed %d: %q is read as %q, and nothing says so\n%s", seed, line, found[name], text)
			}
		}
	}
	t.Logf("%d of %d read whole", whole, n)
	if whole < n/100 {
		t.Errorf("only %d of %d are read whole", whole, n)
	}
}

// withoutServers returns the lines by the names of the items.
func withoutServers(lines []string) map[string]string {
	m := make(map[string]string, len(lines))
	for _, line := range lines {
		parts := strings.SplitN(line, " | ", 4)
		m[parts[2]] = strings.Join(parts[1:], " | ")
	}
	return m
}

func gaps(read []*manifest.Inventory) []manifest.Gap {
	var list []manifest.Gap
	for _, inv := range read {
		list = append(list, inv.Gaps...)
	}
	return list
}
