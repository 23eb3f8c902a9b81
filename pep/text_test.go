package pep_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/source"
)

// What a text may be, and what it comes to, said once more and in another way:
// braces that are meant stand twice, and the others hold a placeholder.
var (
	goodText = regexp.MustCompile(`^(?:[^{}]|\{\{|\}\}|\{(?:server|name|type)\})*$`)
	goodName = regexp.MustCompile(`^(?:[^{}]|\{\{|\}\})*$`)
	special  = regexp.MustCompile(`\{\{|\}\}|\{(?:server|name|type)\}`)
)

func expand(s string, of map[string]string) string {
	return special.ReplaceAllStringFunc(s, func(m string) string {
		if filled, ok := of[strings.Trim(m, "{}")]; ok {
			return filled
		}
		return m[:1]
	})
}

// texts are strings of braces, placeholders, what looks like them, and letters.
func texts() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		good := rapid.SampledFrom([]string{"{{", "}}", "{name}", "{server}", "{type}", "{{name}}", "name", "arguments", ".", " ", "\n", "ü", "::"})
		whole := rapid.SampledFrom([]string{"{tags}", "{arguments}"})
		bad := rapid.SampledFrom([]string{"{", "}", "{arguments.}", "{principal}", "{ name }", "{Name}", "{tool-name}", "{}", "{name1}", "{größe}"})
		var b strings.Builder
		for range rapid.IntRange(0, 4).Draw(t, "parts") {
			of := good
			switch rapid.IntRange(0, 30).Draw(t, "of") {
			case 0:
				of = bad
			case 1:
				return whole.Draw(t, "whole")
			}
			b.WriteString(of.Draw(t, "part"))
		}
		return b.String()
	})
}

// Either a profile is refused, or what it sends is what its texts say: nothing
// in braces goes out because nobody knew it.
func TestTextsAreFilledInOrRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind, id, action := texts().Draw(t, "kind"), texts().Draw(t, "id"), texts().Draw(t, "action")
		version, scope := texts().Draw(t, "version"), texts().Draw(t, "scope")
		whole, listed, name := texts().Draw(t, "whole"), texts().Draw(t, "listed"), texts().Draw(t, "attribute")
		p, err := pep.Custom("gateway", "s{name}", []pep.Spec{{Endpoint: "tools/call", Requests: []pep.RequestSpec{{
			Kind: "k" + kind, ID: "i" + id, Action: "a" + action, PolicyVersion: version, Scope: scope,
			Attr: map[string]any{"whole": whole, "below": map[string]any{"list": []any{listed, map[string]any{name: 1.0}}}},
		}}}})
		good := goodName.MatchString(name)
		for _, s := range []string{kind, id, action, version, scope} {
			good = good && goodText.MatchString(s)
		}
		good = good && (goodText.MatchString(whole) || whole == "{arguments}" || whole == "{tags}")
		good = good && (goodText.MatchString(listed) || listed == "{tags}")
		if good != (err == nil) {
			t.Fatalf("refused: %v, want %v", err, !good)
		}
		if err != nil {
			return
		}
		item := pep.Item{Name: "{{t}}{type}", Tags: []string{"{name}", "}"}}
		of := map[string]string{"server": "s{name}", "name": item.Name, "type": "tool"}
		value := func(s string) any {
			if s == "{tags}" {
				return []any{"{name}", "}"}
			}
			return expand(s, of)
		}
		want := authz.Request{Action: "a" + expand(action, of), Resource: authz.Resource{
			Kind: "k" + expand(kind, of), ID: "i" + expand(id, of), PolicyVersion: expand(version, of), Scope: expand(scope, of),
			Attr: map[string]any{"below": map[string]any{"list": []any{value(listed), map[string]any{expand(name, of): 1.0}}}},
		}}
		if whole == "{arguments}" {
			want.Unknown = []string{"whole"}
		} else {
			want.Resource.Attr["whole"] = value(whole)
		}
		if diff := cmp.Diff(want, p.Ask(item, authz.Call).Requests[0]); diff != "" {
			t.Fatalf("request (-want +got):\n%s", diff)
		}
	})
}

// Every text of up to so many braces and words: refused, or sent as it says.
func TestEveryShortText(t *testing.T) {
	item, of := pep.Item{Name: "}{type}{{"}, map[string]string{"server": "crm", "name": "}{type}{{", "type": "tool"}
	refused, sent := 0, 0
	var try func(s string, left int)
	try = func(s string, left int) {
		p, err := pep.Custom("gateway", "crm", []pep.Spec{{Endpoint: "tools/call", Requests: []pep.RequestSpec{{Kind: "k", ID: "x" + s, Action: "a"}}}})
		switch good := goodText.MatchString(s); {
		case good != (err == nil):
			t.Fatalf("%q: refused: %v, want %v", s, err, !good)
		case err != nil:
			refused++
		default:
			sent++
			if got, want := p.Ask(item, authz.Call).Requests[0].Resource.ID, "x"+expand(s, of); got != want {
				t.Fatalf("%q: sends %q, want %q", s, got, want)
			}
		}
		if left > 0 {
			for _, part := range []string{"{", "}", "name", "."} {
				try(s+part, left-1)
			}
		}
	}
	try("", rounds.Of(7, 10))
	t.Logf("%d texts are refused, %d are sent", refused, sent)
}

func TestPlaceholderMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"{nmae}":               "unknown placeholder {nmae} (did you mean {name}?)",
		"{ name }":             "unknown placeholder { name } (did you mean {name}?)",
		"{Name}":               "unknown placeholder {Name} (did you mean {name}?)",
		"{name1}":              "unknown placeholder {name1} (did you mean {name}?)",
		"{tool-name}":          "unknown placeholder {tool-name} (did you mean {name}?)",
		"{toolName}":           "unknown placeholder {toolName} (did you mean {name}?)",
		"{server.name}":        "unknown placeholder {server.name} (did you mean {server}?)",
		"{argument.id}":        "unknown placeholder {argument.id} (did you mean {arguments.id}?)",
		"{größe}":              "unknown placeholder {größe}; there are {server}, {name}, {type}, {principal.id}, {principal.scope}, {principal.policyVersion}, {arguments.NAME}, {principal.attr.NAME}, {annotations.NAME} and {_meta.NAME}; a brace that is meant stands twice: {{ or }}",
		"{}":                   "unknown placeholder {}; there are {server}, {name}, {type}, {principal.id}, {principal.scope}, {principal.policyVersion}, {arguments.NAME}, {principal.attr.NAME}, {annotations.NAME} and {_meta.NAME}; a brace that is meant stands twice: {{ or }}",
		"{arguments..owner}":   "unknown placeholder {arguments..owner} (did you mean {arguments.NAME.owner}?)",
		"{principal.attr}":     "unknown placeholder {principal.attr} (did you mean {principal.attr.NAME}?)",
		"{principal.Scope}":    "unknown placeholder {principal.Scope} (did you mean {principal.scope}?)",
		"{principal.tenant}":   "unknown placeholder {principal.tenant} (did you mean {principal.attr.tenant}?)",
		"{unknown}":            "{unknown} can only be the whole of an attribute's value",
		"{unkown}":             "unknown placeholder {unkown} (did you mean {unknown}?)",
		"{arguments['owner']}": "unknown placeholder {arguments['owner']} (did you mean {arguments.owner}?)",
		"{arguments}":          "{arguments} can only be the whole of an attribute's value",
		"{tags}":               "{tags} can only be the whole of an attribute's value",
		"{name":                "{name is not closed with a }; a { that is meant is written {{",
		"x{":                   "{ is not closed with a }; a { that is meant is written {{",
		"name}":                "a } closes nothing; one that is meant is written }}",
		"{{name}":              "a } closes nothing; one that is meant is written }}",
		"{" + strings.Repeat("x", 99) + "}": "unknown placeholder {" + strings.Repeat("x", 40) +
			"...}; there are {server}, {name}, {type}, {principal.id}, {principal.scope}, {principal.policyVersion}, {arguments.NAME}, {principal.attr.NAME}, {annotations.NAME} and {_meta.NAME}; a brace that is meant stands twice: {{ or }}",
	} {
		_, err := pep.Custom("gateway", "crm", []pep.Spec{{Endpoint: "tools/call", Requests: []pep.RequestSpec{{Kind: "k", ID: text, Action: "a"}}}})
		if err == nil || err.Error() != "tools/call: "+want {
			t.Errorf("%s:\nhave %v\nwant tools/call: %s", text, err, want)
		}
	}
}

// Each mistake has the position of the text that it is in.
func TestPlaceholderPositions(t *testing.T) {
	docs, err := source.ParseYAML("c", []byte(`kind: "{knid}"
id: "{tags}"
action: "ok {name}"
policyVersion: "{v"
scope: "}"
attr:
  a: "{arguments.a}"
  "{server}": 1
  b:
    - "{tags}"
    - x: "{arguments}"
      "y{": {z: "{Type}"}
  c: "{arguments}"
  d:
    e: "{arguments}"
`))
	if err != nil {
		t.Fatal(err)
	}
	n := docs[0]
	spec := pep.Spec{Endpoint: "tools/list", Filter: authz.FilterGate, Requests: []pep.RequestSpec{{
		Kind: n.Get("kind").Text, ID: n.Get("id").Text, Action: n.Get("action").Text, PolicyVersion: n.Get("policyVersion").Text,
		Scope: n.Get("scope").Text, Attr: n.Get("attr").Value().(map[string]any), Node: n,
	}}}
	var got []string
	for _, e := range source.Mistakes(spec.CheckPlaceholders()) {
		text, _, _ := strings.Cut(e.Error(), ";")
		got = append(got, text)
	}
	want := []string{
		`c:1:7: tools/list: unknown placeholder {knid}`,
		`c:2:5: tools/list: {tags} can only be the whole of an attribute's value`,
		`c:3:9: tools/list: a gate is asked about once for the list, so there is no {name}`,
		`c:4:16: tools/list: {v is not closed with a }`,
		`c:5:8: tools/list: a } closes nothing`,
		`c:7:6: tools/list: a list has no arguments, so there is no {arguments.a}`,
		`c:8:3: tools/list: {server} cannot stand in the name of an attribute, which is the same for every item`,
		`c:10:7: tools/list: a gate is asked about once for the list, so there is no {tags}`,
		`c:11:10: tools/list: {arguments} cannot stand in a list`,
		`c:12:7: tools/list: { is not closed with a }`,
		`c:12:17: tools/list: unknown placeholder {Type} (did you mean {type}?)`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("mistakes (-want +got):\n%s", diff)
	}
}

// The settings of a built-in profile are texts too, and names are not.
func TestBuiltInTexts(t *testing.T) {
	tool := pep.Item{Name: "{server}"}
	for _, tt := range []struct {
		profile string
		with    pep.With
		want    string // kind id action
	}{
		{"tool-as-action", pep.With{}, "mcp::a{name} session {server}"},
		{"tool-as-action", pep.With{ResourceKind: "{server}/{{x}}"}, "a{name}/{x} session {server}"},
		{"tool-as-resource", pep.With{Action: "use:{type}"}, "mcp_tool {server} use:tool"},
		{"cerbos-fastmcp", pep.With{ResourceKind: "mcp:{server}"}, "mcp:a{name} {server} tools/call::{server}"},
	} {
		p, err := pep.New(tt.profile, "a{name}", tt.with, "")
		if err != nil {
			t.Fatal(err)
		}
		r := p.Ask(tool, authz.Call).Requests[0]
		if got := r.Resource.Kind + " " + r.Resource.ID + " " + r.Action; got != tt.want {
			t.Errorf("%s %+v: %s, want %s", tt.profile, tt.with, got, tt.want)
		}
	}
	docs, err := source.ParseYAML("c", []byte("resourceKind: mcp_{sever}\naction: \"{arguments.verb}\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = pep.New("tool-as-resource", "crm", pep.With{ResourceKind: "mcp_{sever}", Action: "{arguments.verb}", Node: docs[0]}, "")
	var got []string
	for _, e := range source.Mistakes(err) {
		got = append(got, e.Error())
	}
	if diff := cmp.Diff([]string{
		"c:1:15: unknown placeholder {sever} (did you mean {server}?)",
	}, got); diff != "" {
		t.Errorf("mistakes (-want +got):\n%s", diff)
	}
	if _, err := pep.New("cerbos-fastmcp", "crm", pep.With{ResourceKind: "{name}"}, ""); err == nil {
		t.Error("the kind of a gate has the name of an item")
	}
}
