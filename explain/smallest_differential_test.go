package explain_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/internal/cerbosbin"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/pdp/remote"
)

// TestDifferentialSmallest has the official PDP decide all changes in small worlds, each
// of a kind of its own, and holds the smallest changes to that.
func TestDifferentialSmallest(t *testing.T) {
	dir := t.TempDir()
	var list []*kiln
	for seed, n := 0, rounds.Of(8, 170); len(list) < n; seed++ {
		k := kilns.Example(seed + 1_000_000)
		if k.strict || strings.Contains(string(k.policies["p.yaml"].Data), "tier") {
			continue // how strict the PDP is is its own, and it takes no claims without tokens
		}
		k.principal.AuxData = nil
		k.rename(len(list))
		if k.open(t) {
			list = append(list, k)
			k.write(t, dir)
		}
	}
	official, err := remote.Dial(t.Context(), cerbosbin.Serve(t, dir, map[string]any{"schema": map[string]any{"enforcement": "reject"}}), remote.Options{Plaintext: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = official.Close() })
	verdicts, decisions := map[string]int{}, 0
	for _, k := range list {
		k.judge = official
		if k.explain(t, verdicts); t.Failed() {
			t.Fatalf("the PDP decides otherwise")
		}
		decisions += k.decisions
	}
	t.Log(decisions, "decisions", verdicts)
}

// rename gives a kiln a kind, a schema and expressions of its own: of rules that have the
// same expressions Cerbos may take one for another.
func (k *kiln) rename(number int) {
	k.kind = fmt.Sprintf("kiln%d", number)
	schema := fmt.Sprintf("traits%d.json", number)
	k.policies["p.yaml"].Data = []byte(strings.NewReplacer("resource: kiln\n", "resource: "+k.kind+"\n", `{expr: "`, fmt.Sprintf(`{expr: "%d > 0 && `, number+1), "traits.json", schema).Replace(string(k.policies["p.yaml"].Data)))
	k.policies["_schemas/"+schema] = k.policies["_schemas/traits.json"]
	delete(k.policies, "_schemas/traits.json")
}

// write adds the policies to a folder of many.
func (k *kiln) write(t *testing.T, dir string) {
	t.Helper()
	for name, f := range k.policies {
		at := filepath.Join(dir, name)
		if name == "p.yaml" {
			at = filepath.Join(dir, k.kind+".yaml")
		}
		if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
