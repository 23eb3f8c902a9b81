package manifest

import (
	"slices"
	"testing"
)

func TestCompareVersions(t *testing.T) {
	sorted := []string{"", "0.9", "1", "1.0.1", "1.9", "v1.10", "2", "10", "2025-01-15", "beta", "v"}
	for i, a := range sorted {
		for j, b := range sorted {
			if got, want := compareVersions(a, b), min(1, max(-1, i-j)); got != want {
				t.Errorf("compareVersions(%q, %q) = %d, want %d", a, b, got, want)
			}
		}
	}
	for _, same := range [][2]string{{"1", "1.0"}, {"v2", "2.0.0"}, {"x", "x"}} {
		if got := compareVersions(same[0], same[1]); got != 0 {
			t.Errorf("compareVersions(%q, %q) = %d, want 0", same[0], same[1], got)
		}
	}
}

func TestSplit(t *testing.T) {
	tests := map[string][]string{
		"":                 nil,
		"__":               nil,
		"read_file":        {"read", "file"},
		"API-patch-page":   {"api", "patch", "page"},
		"getHTTPStatus":    {"get", "http", "status"},
		"HTTPDelete":       {"http", "delete"},
		"k8sDelete2Things": {"k", "s", "delete", "things"},
		"löscheÄpfel":      {"lösche", "äpfel"},
	}
	for name, want := range tests {
		if got := Words(name); !slices.Equal(got, want) {
			t.Errorf("Words(%q) = %q, want %q", name, got, want)
		}
	}
}
