// Package imports holds the direction in which packages may import each other.
package imports

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/mcpolicy/mcpolicy/"

// layers are the packages from left to right. A package may import those of
// the layers before its own, and no others of the module: siblings do not know
// each other, so that each can be read, tested and replaced alone.
var layers = [][]string{
	{"internal/ordered"},
	{"source", "glob"},
	{"authz"},
	{"pdp/expr", "pdp/wire"}, // what the engine and the client of a PDP both need
	{"manifest", "policy", "pdp", "pdp/remote", "pep", "principals", "config", "fix", "clients", "live"},
	{"matrix"},
	{"witness"},  // lint needs requests that show something, and so does whoever probes a server
	{"coverage"}, // lint and explain go by the same index of which rule is about what
	{"reason"},
	{"lint", "testrunner", "explain", "drift", "probe"}, // judges of the matrix; probe is the one that a server tells
	{"report"},
	{"workspace"}, // the pipeline as a whole
	{"cmd/mcpolicy/heap"},
	{"cmd/mcpolicy"},
}

// bans are imports that only some packages may have, and why.
var bans = []struct {
	path, why string
	allowed   []string
}{
	{"github.com/cerbos/cerbos/api/genpb/", "messages of Cerbos are the engine's business, and that of who talks to a PDP", []string{"pdp", "pdp/remote", "pdp/wire"}},
	{"github.com/cerbos/cerbos-sdk-go/", "only remote talks to a PDP", []string{"pdp/remote"}},
	{"github.com/cerbos/", "the engine must be replaceable, so one package knows it", []string{"pdp", "pdp/remote", "pdp/wire"}},
	{"os", "packages take fs.FS, []byte and io.Writer, so that they can be tested and embedded", []string{"cmd/mcpolicy", "cmd/mcpolicy/heap"}},
	{"os/exec", "nothing is started by surprise; live starts what its caller names, and ends it", []string{"cmd/mcpolicy", "live"}},
	{"net", "nothing is contacted by surprise", []string{"cmd/mcpolicy", "pdp/remote"}},
	{"net/http", "nothing is contacted by surprise; live contacts what its caller names", []string{"cmd/mcpolicy", "live"}},
	{"github.com/modelcontextprotocol/", "only live talks to servers, and it hides how", []string{"live"}},
	{"github.com/spf13/", "the command line is cmd's business", []string{"cmd/mcpolicy"}},
	{"github.com/fatih/color", "colour is the reports' business", []string{"report", "cmd/mcpolicy"}},
}

// engine is what only pdp may link, whatever it is linked through: all of Cerbos but
// its messages.
const engine, messages = "github.com/cerbos/cerbos/", "github.com/cerbos/cerbos/api/genpb/"

// engineless are packages that must not link the engine.
var engineless = []string{"pdp/remote", "pdp/expr", "pdp/wire"}

type goPackage struct {
	ImportPath, Dir string
	Imports, Deps   []string
	GoFiles         []string
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Dir,Imports,Deps,GoFiles", module+"...").Output()
	if err != nil {
		t.Fatal(err)
	}
	var list []goPackage
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		switch err := d.Decode(&p); {
		case errors.Is(err, io.EOF):
			return list
		case err != nil:
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

func layerOf(name string) int {
	return slices.IndexFunc(layers, func(l []string) bool { return slices.Contains(l, name) })
}

func TestImports(t *testing.T) {
	seen := 0
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		layer := layerOf(name)
		if layer < 0 && (strings.HasPrefix(name, "internal/") || name == "bench") {
			continue // support for tests, and measurements of the whole command
		}
		if layer < 0 {
			t.Errorf("package %s stands in no layer", name)
			continue
		}
		seen++
		for _, path := range p.Imports {
			if of, ok := strings.CutPrefix(path, module); ok && layerOf(of) >= layer {
				t.Errorf("%s imports %s: imports go from right to left of the layers only", name, of)
			}
			for _, ban := range bans {
				banned := path == ban.path || strings.HasSuffix(ban.path, "/") && strings.HasPrefix(path, ban.path)
				if banned && !slices.Contains(ban.allowed, name) {
					t.Errorf("%s imports %s: %s", name, path, ban.why)
				}
			}
		}
	}
	if seen < 10 {
		t.Errorf("only %d packages were looked at", seen)
	}
}

// TestEngineless holds that what can do without the engine is without it.
func TestEngineless(t *testing.T) {
	seen := 0
	for _, p := range packages(t) {
		if !slices.Contains(engineless, strings.TrimPrefix(p.ImportPath, module)) {
			continue
		}
		seen++
		for _, path := range p.Deps {
			if strings.HasPrefix(path, engine) && !strings.HasPrefix(path, messages) {
				t.Errorf("%s links %s", p.ImportPath, path)
			}
		}
	}
	if seen != len(engineless) {
		t.Errorf("%d of %d packages were looked at", seen, len(engineless))
	}
}
