package tables_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
)

// TestSchemasLoadNothing opens engines over schemas that refer to a server and to
// a file, without the check that comes before.
func TestSchemasLoadNothing(t *testing.T) {
	asked := false
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer server.Close()
	file := filepath.Join(t.TempDir(), "outside.json")
	if err := os.WriteFile(file, []byte(`{}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{server.URL + "/x.json", "file://" + file} {
		_, err := embedded.Open(t.Context(), fstest.MapFS{
			"p.yaml": {Data: []byte(`apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: orders
  version: default
  schemas: {resourceSchema: {ref: "cerbos:///order.json"}}
  rules: [{actions: [ship], effect: EFFECT_ALLOW, roles: [CLERK]}]
`)},
			"_schemas/order.json": {Data: []byte(`{"$ref": "` + target + `"}`)},
		}, pdp.Options{Schemas: pdp.EnforceReject})
		if err == nil || !strings.Contains(err.Error(), "it refers to "+target+", which is not read") {
			t.Errorf("%s: have %v", target, err)
		}
	}
	if asked {
		t.Error("the server was asked")
	}
}
