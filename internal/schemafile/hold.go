package schemafile

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Hold reports where a file in docs/schema is not what is made from the source, or writes it.
func Hold(t *testing.T, name string, write bool, s Source) {
	t.Helper()
	want, err := Generate(s)
	if err != nil {
		t.Fatal(err)
	}
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(root, "docs", "schema", name)
	if write {
		if err := os.WriteFile(file, want, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(have)); diff != "" {
		t.Errorf("%s: run go generate ./... (-want +have):\n%s", name, diff)
	}
}
