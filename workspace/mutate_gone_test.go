package workspace_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/workspace"
)

// TestMutateFileGone holds that a policy that cannot be read again is an error of the run, with
// its name, and not a file without mutants.
func TestMutateFileGone(t *testing.T) {
	folder := fstest.MapFS{
		"mcpolicy.yaml":        {Data: []byte("policies: policies\nprincipals: principals.yaml\ntests: tests\nservers:\n  shop: {manifest: shop.json}\n")},
		"principals.yaml":      {Data: []byte("principals: {ada: {id: ada, roles: [clerk]}}\n")},
		"shop.json":            {Data: []byte(`{"tools": [{"name": "refund"}]}`)},
		"tests/shop.yaml":      {Data: []byte("name: shop\ntests: [{name: refunds, principals: [ada], call: {allow: [refund]}}]\n")},
		"policies/shop.yaml":   {Data: []byte("apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n  rules:\n    - {actions: ['*'], effect: EFFECT_ALLOW, roles: [clerk]}\n")},
		"policies/second.yaml": {Data: []byte("apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: other\n  version: default\n  rules:\n    - {actions: ['*'], effect: EFFECT_ALLOW, roles: [clerk]}\n")},
	}
	w, err := workspace.Open(t.Context(), folder, workspace.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if m, err := w.Mutate(t.Context(), &workspace.Mutating{}); err != nil || m.Made < 4 {
		t.Fatalf("%+v, %v", m, err)
	}
	delete(folder, "policies/second.yaml")
	m, err := w.Mutate(t.Context(), &workspace.Mutating{})
	if err == nil || !strings.Contains(err.Error(), "policies/second.yaml") {
		t.Errorf("%+v, %v", m, err)
	}
}
