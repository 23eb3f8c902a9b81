package witness_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/witness"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/principals"
)

// fixture is the CRM server of a fixture, its engine and its matrix.
func fixture(ctx context.Context, name string) (*embedded.Engine, *matrix.Matrix, error) {
	dir := filepath.Join("..", "..", "fixtures", name)
	engine, err := embedded.Open(ctx, os.DirFS(filepath.Join(dir, "policies")), pdp.Options{})
	if err != nil {
		return nil, nil, err
	}
	data, err := os.ReadFile(filepath.Join(dir, "manifests", "crm.json"))
	if err != nil {
		return nil, nil, err
	}
	inventories, err := manifest.Parse("crm.json", data)
	if err != nil {
		return nil, nil, err
	}
	if data, err = os.ReadFile(filepath.Join(dir, "principals.yaml")); err != nil {
		return nil, nil, err
	}
	people, err := principals.Parse("principals.yaml", data)
	if err != nil {
		return nil, nil, err
	}
	profile, err := pep.New("cerbos-fastmcp", "crm", pep.With{ResourceKind: "mcp_server"}, "")
	if err != nil {
		return nil, nil, err
	}
	m, err := matrix.Build(ctx, &matrix.Input{
		Servers:    []*matrix.Server{{Name: "crm", Inventory: inventories[0], Profile: profile}},
		Principals: people.Principals, Decider: engine, Class: engine.Class,
	})
	return engine, m, err
}

// TestSplit finds, for every cell that depends on arguments, some that meet
// the condition and some that miss it, and asks a fresh engine about them.
func TestSplit(t *testing.T) {
	for _, name := range []string{"quickstart", "insecure"} {
		engine, m, err := fixture(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		fresh, again, err := fixture(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		finder := witness.NewFinder(m, engine.Conditions())
		split := 0
		for ref := range m.All() {
			if ref.Access != matrix.Conditional {
				continue
			}
			split++
			who := ref.Class.First()
			meets, misses, err := finder.Split(t.Context(), ref.Column, who, ref.Cell)
			if err != nil {
				t.Fatal(err)
			}
			of := fmt.Sprintf("%s: %s on %s when %s", name, who.Key, ref.Column.Item.Name, ref.Condition)
			// In the insecure fixture one inputSchema leaves nothing that meets a condition.
			if meets == nil || misses == nil || name == "quickstart" && (!meets.Within || !misses.Within) {
				t.Errorf("%s: have %v and %v", of, meets, misses)
				continue
			}
			for arguments, want := range map[*witness.Candidate]matrix.Access{meets: matrix.Allowed, misses: matrix.Denied} {
				trial := matrix.Trial{Column: ref.Column, Arguments: arguments.Arguments, Principals: []*authz.Principal{who}}
				cells, err := again.Try(t.Context(), fresh, []matrix.Trial{trial})
				if err != nil {
					t.Fatal(err)
				}
				if cells[0][0].Access != want {
					t.Errorf("%s with %v: %v, want %v", of, arguments.Arguments, cells[0][0].Access, want)
				}
			}
		}
		if split < 2 {
			t.Errorf("%s has %d conditional cells", name, split)
		}
	}
}

func ExampleFinder_Split() {
	ctx := context.Background()
	engine, m, err := fixture(ctx, "quickstart")
	if err != nil {
		fmt.Println(err)
		return
	}
	finder := witness.NewFinder(m, engine.Conditions())
	for ref := range m.All() {
		who := ref.Class.First()
		if ref.Access != matrix.Conditional || ref.Column.Item.Name != "get_pipeline_report" {
			continue
		}
		meets, misses, err := finder.Split(ctx, ref.Column, who, ref.Cell)
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, c := range []*witness.Candidate{meets, misses} {
			arguments, err := json.Marshal(c.Arguments)
			if err != nil {
				fmt.Println(err)
				return
			}
			fmt.Printf("%s %s\n", who.Key, arguments)
		}
		break
	}
	// Output:
	// sally {"region":"EMEA"}
	// sally {"region":"APAC"}
}
