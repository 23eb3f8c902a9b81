package manifest

import (
	"testing"

	"pgregory.net/rapid"
)

// TestCompareVersions holds every pair of these rows, lowest first. The
// spellings of one row are the same version.
func TestCompareVersions(t *testing.T) {
	sorted := [][]string{
		{""},
		{"0", "v0.0", "00"},
		{"0.9"},
		{"1.dev0", "1.0.dev", "1-DEV_0"},
		{"1.dev3"},
		{"1a1.dev1"},
		{"1a1", "1.alpha-1", "v1.0_A1"},
		{"1a1.post2", "1a1-2"},
		{"1b", "1.0-beta", "1beta0"},
		{"1rc1.dev4"},
		{"1rc1", "1-rc.1", "1.c1", "1preview1", "1_pre_1"},
		{"1rc9"},
		{"1rc10"},
		{"1", "1.0", "v1", "V1.0.0", "vv1", " 1 ", "01"},
		{"1+a"},
		{"1+b.a", "1.0+B-a"},
		{"1+1", "1+01"},
		{"1+1.x"},
		{"1+10"},
		{"1.post0.dev1"},
		{"1.post", "1-0", "1.r0", "1rev"},
		{"1.post3", "1-3"},
		{"1.0.1"},
		{"1.9"},
		{"1.10", "v1.10"},
		{"v2"},
		{"v10", "10"},
		{"2024.05.01"},
		{"2025-01", "2025.post1"},
		{"99999999999999999999"},
		{"100000000000000000000"},
		{"1!0.1"},
		{"2!0"},
		{"1.x"},
		{"1rc1 of 2"},
		{"2025-01-15"},
		{"beta"},
		{"latest"},
		{"v"},
		{"v1.x"},
		{"١"},
	}
	for i, row := range sorted {
		for j, other := range sorted {
			for _, a := range row {
				for _, b := range other {
					if got, want := compareVersions(a, b), min(1, max(-1, i-j)); got != want {
						t.Errorf("compareVersions(%q, %q) = %d, want %d", a, b, got, want)
					}
				}
			}
		}
	}
}

// TestVersionsAreInOrder holds that comparing is a total order, whatever
// strangers call a version.
func TestVersionsAreInOrder(t *testing.T) {
	versions := rapid.OneOf(
		rapid.StringMatching(`v?([0-2]!)?[0-2](\.[0-2]){0,2}([._-]?(a|beta|rc)[0-2]?)?((-|\.post)[0-2])?(\.dev[0-2]?)?(\+[01ab](\.[01ab])?)?`),
		rapid.StringMatching(`[0-2v.!a+-]{0,5}`),
		rapid.String(),
	)
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := versions.Draw(t, "a"), versions.Draw(t, "b"), versions.Draw(t, "c")
		if compareVersions(a, a) != 0 || compareVersions(a, b) != -compareVersions(b, a) {
			t.Fatalf("%q and %q: %d and %d", a, b, compareVersions(a, b), compareVersions(b, a))
		}
		if compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0 && compareVersions(a, c) > 0 {
			t.Fatalf("%q <= %q <= %q, but not the first and the last", a, b, c)
		}
	})
}
