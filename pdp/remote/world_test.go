package remote_test

import (
	"os"
	"testing"

	"github.com/mcpolicy/mcpolicy/internal/pdptest"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
)

// open opens the embedded engine over policies.
func open(t testing.TB, policies ...string) *embedded.Engine {
	t.Helper()
	e, err := embedded.Open(t.Context(), os.DirFS(pdptest.Folder(t, policies...)), pdp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return e
}
