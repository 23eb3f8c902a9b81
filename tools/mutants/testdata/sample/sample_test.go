package sample

import "testing"

func TestLeast(t *testing.T) {
	if Least(3, 2, 5) != 2 || Least(1.5) != 1.5 {
		t.Error("not the least")
	}
}

func TestSet(t *testing.T) {
	var s Set
	s.Add("a", 1, 2)
	s.Add("a")
	s.Add("b")
	if len(s.names) != 2 || !s.Always("a", 1) {
		t.Error(s.names)
	}
}

func TestRest(t *testing.T) {
	if Rest(25) != 5 || Rest(3) != 3 {
		t.Error("not the rest")
	}
}

func TestLoose(*testing.T) { Loose(true, false) }

func TestLate(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes long, as it were")
	}
	if Late(3) || !Late(4) {
		t.Error("not late")
	}
}
