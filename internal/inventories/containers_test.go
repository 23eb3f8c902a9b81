package inventories

import (
	"testing"
)

// TestEveryShapeIsMade checks that the generator uses what it can: a test that
// generates nothing finds nothing.
func TestEveryShapeIsMade(t *testing.T) {
	made := map[string]int{}
	for seed := range 300 {
		m := New(seed)
		shape, _, servers := m.Container()
		made[shape] += len(servers)
	}
	for _, c := range containers {
		if made[c.name] == 0 {
			t.Errorf("no server in %s, only %v", c.name, made)
		}
	}
}
