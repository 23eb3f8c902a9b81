package embedded_test

import (
	"os"
	"testing"

	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
)

func BenchmarkOpen(b *testing.B) {
	fsys := os.DirFS("../fixtures/quickstart/policies")
	for b.Loop() {
		if _, err := embedded.Open(b.Context(), fsys, pdp.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
