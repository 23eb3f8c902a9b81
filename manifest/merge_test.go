package manifest_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/manifest"
)

// TestMerge merges the inventories of some texts and compares the items and
// the reasons for gaps.
func TestMerge(t *testing.T) {
	const (
		tools     = `{"server": "crm", "tools": [{"name": "a"}]}`
		moreTools = `{"tools": [{"name": "b"}, {"name": "a"}]}`
		page      = `{"tools": [{"name": "a"}], "nextCursor": "2"}`
		prompts   = `{"prompts": [{"name": "p"}]}`
		none      = `{"prompts": []}`
		guarded   = `{"environment": {"fastmcp": "3.4.9"}, "serverInfo": {"name": "crm"}, "tools": [], "prompts": [], "resources": []}`
		inspect   = `{"environment": {"fastmcp": "2.14.7"}, "serverInfo": {"name": "Front"}, "tools": [{"name": "c"}]}`
		inspect3  = `{"environment": {"fastmcp": "3.4.9"}, "serverInfo": {"name": "Front"}, "resourceTemplates": [{"uriTemplate": "t"}], "tools": []}`
		own       = `{"environment": {"fastmcp": "2.14.7"}, "server": {"name": "Front"}, "tools": [{"key": "c", "name": "c"}, {"key": "stock_count", "name": "count"}]}`
		card      = `{"tools": [{"name": "c"}], "prompts": "dynamic"}`
		generated = `{"manifest_version": "0.3", "server": {}, "name": "x", "tools": [{"name": "m"}], "tools_generated": true}`
	)
	tests := []struct {
		name    string
		parts   []string
		want    string // items, then reasons for gaps
		server  string
		fastMCP string
		notes   int
	}{
		{"nothing", nil, "| empty", "", "", 0},
		{"one", []string{tools}, "a |", "crm", "", 0},
		{"types in order, files in order", []string{prompts, tools, moreTools}, "a b a p |", "crm", "", 0},
		{"pages", []string{page, moreTools}, "a b a |", "", "", 0},
		{"pages the wrong way round", []string{moreTools, page}, "b a a | truncated", "", "", 0},
		{"cut", []string{page, prompts}, "a p | truncated", "", "", 0},
		{"an empty answer", []string{tools, none}, "a |", "crm", "", 0},
		{"empty answers only", []string{none, none}, "| empty empty", "", "", 0},
		{"an empty array proves nothing", []string{tools, "[]"}, "a | dynamic", "crm", "", 0},
		{"guarded", []string{guarded, tools}, "a | guarded", "crm", "3.4.9", 0},
		{"a promise kept", []string{card, prompts}, "c p |", "", "", 0},
		{"a promise kept before", []string{prompts, card}, "c p |", "", "", 0},
		{"a promise", []string{card, tools}, "c a | dynamic", "crm", "", 0},
		{"generated", []string{generated, tools}, "m a | generated", "x", "", 0},
		{"two formats of one server", []string{inspect, own}, "c stock_count |", "Front", "2.14.7", 0},
		{"the same format twice", []string{inspect, inspect}, "c c |", "Front", "2.14.7", 0},
		{"two versions of FastMCP", []string{inspect, inspect3}, "c t | guarded", "Front", "2.14.7", 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var parts []*manifest.Inventory
			for _, text := range test.parts {
				list, err := manifest.Parse("part.json", []byte(text))
				if err != nil {
					t.Fatal(err)
				}
				parts = append(parts, list...)
			}
			before := summaries(parts)

			got := manifest.Merge(parts...)

			if diff := cmp.Diff(strings.TrimSpace(test.want), summary(got)); diff != "" {
				t.Errorf("items and gaps (-want +got):\n%s", diff)
			}
			if got.Server != test.server || got.FastMCP != test.fastMCP || len(got.Notes) != test.notes {
				t.Errorf("server %q, FastMCP %q, %d notes; want %q, %q, %d",
					got.Server, got.FastMCP, len(got.Notes), test.server, test.fastMCP, test.notes)
			}
			if diff := cmp.Diff(before, summaries(parts)); diff != "" {
				t.Errorf("Merge changed its parts (-before +after):\n%s", diff)
			}
		})
	}
}

func summaries(list []*manifest.Inventory) []string {
	var s []string
	for _, inv := range list {
		s = append(s, summary(inv))
	}
	return s
}

func summary(inv *manifest.Inventory) string {
	var words []string
	for _, it := range inv.Items {
		words = append(words, it.Name)
	}
	words = append(words, "|")
	for _, g := range inv.Gaps {
		words = append(words, g.Reason.String())
	}
	return strings.Join(words, " ")
}

// TestMergeInspected holds that the two formats of fastmcp inspect make up for
// what each leaves out, whichever comes first.
func TestMergeInspected(t *testing.T) {
	texts := []string{
		`{"environment": {"fastmcp": "2.14.7"}, "serverInfo": {"name": "Front"}, "tools": [
			{"name": "stock_count", "description": "Count", "execution": {"taskSupport": "optional"}}, {"name": "hours"}]}`,
		`{"environment": {"fastmcp": "2.14.7"}, "server": {"name": "Front"}, "tools": [
			{"key": "hours", "name": "hours"}, {"key": "stock_count", "name": "count", "description": "Count"}]}`,
	}
	for range 2 {
		texts[0], texts[1] = texts[1], texts[0]
		var parts []*manifest.Inventory
		for _, text := range texts {
			list, err := manifest.Parse("part.json", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			parts = append(parts, list...)
		}
		for _, part := range parts {
			if len(part.Notes) != 1 || len(manifest.Merge(part).Notes) != 1 {
				t.Errorf("%v: notes %v, want one about what it leaves out", part.Format, part.Notes)
			}
		}
		whole := manifest.Merge(parts...)
		if len(whole.Notes) > 0 {
			t.Errorf("notes: %v", whole.Notes)
		}
		got := map[string][2]string{}
		for _, it := range whole.Items {
			if _, twice := got[it.Name]; twice {
				t.Errorf("%s is there twice", it.Name)
			}
			got[it.Name] = [2]string{it.OwnName, it.TaskSupport}
		}
		want := map[string][2]string{"stock_count": {"count", "optional"}, "hours": {"", ""}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("own names and task support (-want +got):\n%s", diff)
		}
	}
}
