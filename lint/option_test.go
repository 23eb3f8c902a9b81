package lint_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/docs/schema"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/source"
)

// TestConfidence asks for surer and surer findings.
func TestConfidence(t *testing.T) {
	t.Parallel()
	in, err := insecure(t).input(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	before := 0
	for _, least := range []authz.Confidence{authz.ConfidenceHigh, authz.ConfidenceMedium, authz.ConfidenceLow} {
		o := lint.Options{Now: now, Confidence: map[string]authz.Confidence{}}
		for _, id := range lint.IDs() {
			o.Confidence[id] = least
		}
		list := run(t, in, o)
		for _, f := range list {
			if f.Confidence > least {
				t.Errorf("%v asked for: %s is of %v confidence", least, f.Message, f.Confidence)
			}
		}
		if len(list) < before {
			t.Errorf("%v: %d findings, and %d of more confidence", least, len(list), before)
		}
		before = len(list)
	}
}

// TestOptions decodes options, strictly.
func TestOptions(t *testing.T) {
	t.Parallel()
	in, err := insecure(t).input(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ rule, options, want string }{
		{"broad-principal", "{share: 0.5, tools: 20}", ""},
		{"broad-principal", "{}", ""},
		{"broad-principal", "", ""},
		{"broad-principal", "{shares: 0.5}", `m.yaml:1:2: unknown key "shares" (did you mean share?)`},
		{"broad-principal", "{share: much}", `m.yaml:1:9: share: want a number, have "much"`},
		{"broad-principal", "{share: 0, tools: 0}", "m.yaml:1:9: share: want a number above 0 and up to 1, have \"0\"\nm.yaml:1:19: tools: want 1 or more, have \"0\""},
		{"broad-principal", "{share: .nan}", `m.yaml:1:9: share: want a number above 0 and up to 1, have "NaN"`},
		{"broad-principal", "[1]", "m.yaml:1:1: want a mapping, have a list"},
		{"name-not-portable", "{longest: 0}", `m.yaml:1:11: longest: want 1 or more, have "0"`},
		{"agent-destructive", "{words: [decommission]}", ""},
		{"agent-destructive", "{words: [shut down, x]}", `m.yaml:1:10: words: want single words, have "shut down"`},
		{"annotations-missing", "{words: decommission}", `m.yaml:1:9: words: want a list, have "decommission"`},
		{"wildcard-role", "{}", "m.yaml:1:1: the rule wildcard-role has no options"},
	} {
		o := lint.Options{Settings: map[string]*source.Node{}}
		if test.options != "" {
			o.Settings[test.rule] = node(t, test.options)
		}
		got := ""
		if err := o.Check(in.Matrix); err != nil {
			got = err.Error()
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", test.rule, test.options, diff)
		}
	}
}

func node(t *testing.T, text string) *source.Node {
	t.Helper()
	docs, err := source.ParseYAML("m.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return docs[0]
}

// TestDutyMistakes holds that a set about no tool is a mistake.
func TestDutyMistakes(t *testing.T) {
	t.Parallel()
	in, err := insecure(t).input(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pos := source.Pos{File: "mcpolicy.yaml", Line: 3, Col: 7}
	o := lint.Options{Duties: []lint.Duty{
		{Name: "pay", Server: "crm", Sets: [][]string{{"create_qoute"}, {"delete_*", "approve_*"}}, Pos: pos},
		{Name: "all", Sets: [][]string{{"create_quote"}, {"approve_order"}}, Pos: pos},
	}}
	want := "mcpolicy.yaml:3:7: separation of duties \"pay\": no tool is called \"create_qoute\" (did you mean create_quote?)\n" +
		"mcpolicy.yaml:3:7: separation of duties \"pay\": no tool is called \"approve_*\""
	if _, err := lint.Run(t.Context(), in, o); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// TestFlowMistakes holds that a label of no tool is a mistake, unless it is of a server
// that the run is not about.
func TestFlowMistakes(t *testing.T) {
	t.Parallel()
	in, err := insecure(t).input(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	label := func(tools string) lint.Label {
		return lint.Label{Pos: source.Pos{File: "mcpolicy.yaml", Line: 3, Col: 7}, Tools: tools}
	}
	o := lint.Options{Flows: lint.Flows{
		Untrusted: []lint.Label{label("create_qoute"), label("create_*")}, Private: []lint.Label{label("crm:create_qoute"), label("crm:create_quote")},
		Outbound: []lint.Label{label("mail:send"), label("mial:send")}, Servers: []string{"crm", "mail"},
	}}
	want := "mcpolicy.yaml:3:7: flows: untrusted: no tool is called \"create_qoute\" (did you mean create_quote?)\n" +
		"mcpolicy.yaml:3:7: flows: private: no tool is called \"crm:create_qoute\" (did you mean crm:create_quote?)\n" +
		"mcpolicy.yaml:3:7: flows: outbound: no tool is called \"mial:send\""
	if err := o.Check(in.Matrix); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// TestSchemaHasTheOptions holds the schema of the config to the options of the
// rules.
func TestSchemaHasTheOptions(t *testing.T) {
	t.Parallel()
	type property struct {
		Description string `json:"description"`
		Default     any    `json:"default"`
	}
	type options struct {
		Ref                  string              `json:"$ref"`
		AdditionalProperties any                 `json:"additionalProperties"`
		Properties           map[string]property `json:"properties"`
	}
	var doc struct {
		Defs struct {
			RuleID struct {
				Enum []string `json:"enum"`
			} `json:"ruleID"`
			RuleSettings struct {
				Properties map[string]struct {
					Properties struct {
						Options options `json:"options"`
					} `json:"properties"`
				} `json:"properties"`
			} `json:"ruleSettings"`
			Destructive options `json:"destructiveOptions"`
		} `json:"$defs"`
	}
	if err := json.Unmarshal(schema.Text("config.json"), &doc); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(lint.IDs())), doc.Defs.RuleID.Enum); diff != "" {
		t.Errorf("IDs of rules (-catalogue +schema); they stand in config/schema_rules.json:\n%s", diff)
	}
	have := doc.Defs.RuleSettings.Properties
	var want []string
	for _, r := range lint.Rules() {
		list := r.OptionList()
		if len(list) == 0 {
			continue
		}
		want = append(want, r.ID)
		o := have[r.ID].Properties.Options
		if o.Ref == "#/$defs/destructiveOptions" {
			o = doc.Defs.Destructive
		}
		if len(o.Properties) != len(list) || o.AdditionalProperties != false {
			t.Errorf("%s: the schema has options %v", r.ID, slices.Sorted(maps.Keys(o.Properties)))
		}
		for _, option := range list {
			p := o.Properties[option.Name]
			byDefault, err := json.Marshal(p.Default)
			if err != nil || string(byDefault) != option.Default || !strings.EqualFold(strings.TrimSuffix(p.Description, "."), option.Doc) {
				t.Errorf("%s.%s: the schema says %s, %q; the rule %s, %q", r.ID, option.Name, byDefault, p.Description, option.Default, option.Doc)
			}
		}
	}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(have))); diff != "" {
		t.Errorf("rules with options (-catalogue +schema):\n%s", diff)
	}
}
