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
	{"internal/ordered", "docs/schema", "policies/packs"},
	{"source", "internal/glob"},
	{"authz"},
	{"pdp/expr", "pdp/wire"}, // what the engine and the client of a PDP both need
	{"coaz"},                 // what points that follow the AuthZEN binding send
	{"solver/language"},
	{"solver"}, // it asks the engine through an interface, which pdp/embedded implements
	{"manifest", "policy", "pdp", "pep", "principals", "config", "fix", "internal/clients", "live"}, // pdp: what an engine offers, and its words
	{"mutate"}, // policies with a mistake in them
	{"reach"},  // it brings together what config, clients and live know of running servers
	{"pdp/cel"},
	{"pdp/tables"},
	{"pdp/embedded", "pdp/remote"}, // engines
	{"matrix"},
	{"internal/witness"},  // lint needs requests that show something, and so does whoever probes a server
	{"internal/coverage"}, // lint and explain go by the same index of which rule is about what
	{"internal/universe"}, // prove and diff speak of everybody who could exist
	{"internal/reason", "internal/simplify", "internal/apart", "prove"},
	{"lint", "testrunner", "explain", "drift", "diff", "accesslock", "probe"}, // judges of the matrix; probe is the one that a server tells
	{"testcoverage", "mutation", "testgen", "cerbossuite"},                    // what the cases of testrunner rest on, what they notice, and suites that are written
	{"report/page"}, // knows none of them: it is given plain data
	{"report"},
	{"workspace"}, // the pipeline as a whole
	{"scaffold"},  // it writes projects, and has the pipeline check them
	{"cmd/mcpolicy/heap"},
	{"cmd/mcpolicy"},
}

// bans are imports that only some packages may have, and why.
var bans = []struct {
	path, why string
	allowed   []string
}{
	{"github.com/cerbos/cerbos/api/genpb/", "messages of Cerbos are the engine's business, and that of who talks to a PDP", []string{"pdp/cel", "pdp/tables", "pdp/embedded", "pdp/remote", "pdp/wire"}},
	{"github.com/cerbos/cerbos-sdk-go/", "only remote talks to a PDP", []string{"pdp/remote"}},
	{"github.com/cerbos/", "the engine must be replaceable, so what is below pdp knows it", []string{"pdp/cel", "pdp/tables", "pdp/embedded", "pdp/remote", "pdp/wire"}},
	{module + "pdp/embedded", "who judges takes any engine, so it is opened in one place", []string{"workspace"}},
	{module + "pdp/tables", "tables are how the embedded engine works", []string{"pdp/embedded"}},
	{module + "pdp/cel", "expressions are the engine's business; workspace estimates what they take", []string{"pdp/embedded", "pdp/tables", "workspace"}},
	{"os", "packages take fs.FS, []byte and io.Writer, so that they can be tested and embedded", []string{"cmd/mcpolicy", "cmd/mcpolicy/heap"}},
	{"os/exec", "nothing is started by surprise; live starts what its caller names, and ends it", []string{"cmd/mcpolicy", "live"}},
	{"net", "nothing is contacted by surprise", []string{"cmd/mcpolicy", "pdp/remote"}},
	{"net/http", "nothing is contacted by surprise; live contacts what its caller names", []string{"cmd/mcpolicy", "live"}},
	{"github.com/modelcontextprotocol/", "only live talks to servers, and it hides how", []string{"live"}},
	{"github.com/spf13/", "the command line is cmd's business", []string{"cmd/mcpolicy"}},
	{"github.com/fatih/color", "colour is the reports' business", []string{"report", "cmd/mcpolicy"}},
}

// engine is all of Cerbos but its messages.
const engine, messages = "github.com/cerbos/cerbos/", "github.com/cerbos/cerbos/api/genpb/"

// linking are the packages that link the engine. No other does.
var linking = []string{"pdp/tables", "pdp/embedded", "workspace", "scaffold", "cmd/mcpolicy"}

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
		if layer < 0 && (strings.HasPrefix(name, "internal/") || name == "bench" || name == "packaging") {
			continue // support for tests, measurements of the whole command, and packages of it
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
			if of, ok := strings.CutPrefix(path, module); ok && isPDP(name) && !isPDP(of) && layerOf(of) >= layerOf("pdp") {
				t.Errorf("%s imports %s, which is a sibling of pdp", name, of)
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

// isPDP reports whether a package is pdp or stands below it.
func isPDP(name string) bool { return name == "pdp" || strings.HasPrefix(name, "pdp/") }

// TestEngineless holds that what can do without the engine is without it, whatever it
// might be linked through, and that pdp itself is without all of Cerbos.
func TestEngineless(t *testing.T) {
	var links []string
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		if layerOf(name) < 0 {
			continue
		}
		if slices.ContainsFunc(p.Deps, func(path string) bool {
			return strings.HasPrefix(path, engine) && (name == "pdp" || !strings.HasPrefix(path, messages))
		}) {
			links = append(links, name)
		}
	}
	slices.Sort(links)
	if want := slices.Sorted(slices.Values(linking)); !slices.Equal(links, want) {
		t.Errorf("%q link the engine, want %q", links, want)
	}
}
