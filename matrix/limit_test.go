package matrix_test

import (
	"testing"
)

// TestEngineCalls and TestAllocations hold what a matrix costs, in figures that
// do not depend on the machine. A change that makes it cheaper lowers them.
func TestEngineCalls(t *testing.T) {
	in := largeWorld(t, 200, 50)
	before := callsOf(in)
	build(t, in)
	// Ten roles. 201 list actions and 133 calls have no condition, nor have most of
	// 67 calls for a role, as each is for one: with 64 actions to a check, seven
	// checks a role. For the role that it is for each of the 67 is asked about
	// alone, and twice more, what it comes to if its condition is met and if it is
	// not. The condition is the same everywhere, so that what is left of it is
	// worked out once for each of 50 regions.
	const want = 10*7 + 67 + 67*2 + 50
	if got := callsOf(in) - before; got != want {
		t.Errorf("%d checks for a matrix of 20,050 questions, want %d", got, want)
	}
	before = callsOf(in)
	build(t, in)
	if got := callsOf(in) - before; got != 0 {
		t.Errorf("%d checks for what is known already", got)
	}
}

func TestAllocations(t *testing.T) {
	if testing.Short() {
		t.Skip("the race detector allocates, too")
	}
	in := largeWorld(t, 200, 50)
	build(t, in) // what is made once
	got := testing.AllocsPerRun(3, func() { build(t, in) })
	const want = 52_000
	t.Logf("%.0f allocations", got)
	if got > want {
		t.Errorf("%.0f allocations for a matrix of 20,050 questions that are all known, want at most %d", got, want)
	}
}
