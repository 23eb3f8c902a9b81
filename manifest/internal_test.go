package manifest

import (
	"slices"
	"testing"
)

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
