package pdp_test

import (
	"os"
	"testing"

	"github.com/mcpolicy/mcpolicy/pdp"
)

func BenchmarkOpen(b *testing.B) {
	fsys := os.DirFS("../fixtures/quickstart/policies")
	for b.Loop() {
		if _, err := pdp.Open(b.Context(), fsys, pdp.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
