package testgen_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/internal/fixture"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// parts are what conditions are made of.
var parts = []string{
	`R.attr.arguments.hours < 3`, `R.attr.arguments.hours <= 2`, `R.attr.arguments.hours >= 5`, `R.attr.arguments.hours == P.attr.shift`,
	`has(R.attr.arguments.bay)`, `R.attr.arguments.bay == "east"`, `R.attr.arguments.bay in ["east", "west"]`, `R.attr.arguments.bay.startsWith("ea")`,
	`P.attr.shift < 2`, `R.attr.arguments.bay != P.attr.bay`, `V.brief`, `"chief" in P.roles`, `size(R.attr.arguments.crew) > 1`, `"ann" in R.attr.arguments.crew`,
	`R.attr.arguments.urgent`, `P.id == R.attr.arguments.bay`,
}

var schemas = []string{
	`{"type": "object"}`,
	`{"type": "object", "properties": {"hours": {"type": "integer", "minimum": 1}, "bay": {"type": "string"}, "crew": {"type": "array", "items": {"type": "string"}}}, "required": ["hours"]}`,
	`{"type": "object", "properties": {"hours": {"type": "number"}, "bay": {"enum": ["east", "north"]}, "urgent": {"type": "boolean"}}, "additionalProperties": false}`,
}

const people = `principals:
  ann: {id: ann, roles: [hand], attr: {shift: 1, bay: east}}
  ben: {id: ben, roles: [hand], attr: {shift: 2, bay: west}}
  cat: {id: cat, roles: [hand, chief], attr: {shift: 1}}
  dan: {id: dan, roles: [guest]}
  eve: {id: eve, roles: [chief], attr: {bay: north}}
`

// A world is policies over two servers' worth of tools and the people above.
type world struct {
	rules, schemas []string
	brief          string
	strict         bool
	kind           string
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

func newWorld(seed uint64) *world {
	r := rand.New(rand.NewPCG(seed, 29))
	w := &world{kind: "mcp_server", brief: pick(r, parts[:4]), strict: r.IntN(4) == 0, schemas: []string{pick(r, schemas), pick(r, schemas)}}
	for range 2 + r.IntN(3) {
		w.rules = append(w.rules, rule(r))
	}
	return w
}

func rule(r *rand.Rand) string {
	return fmt.Sprintf("{actions: [%q], effect: EFFECT_%s, roles: [%s]%s}",
		pick(r, []string{"tools/call::load", "tools/call::load", "tools/call::haul", "tools/call::haul", "tools/call::*", "tools/list::*"}),
		pick(r, []string{"ALLOW", "ALLOW", "ALLOW", "DENY"}), pick(r, []string{"hand", "chief", `"*"`, "hand, chief"}), condition(r))
}

func condition(r *rand.Rand) string {
	one := func() string {
		text := pick(r, parts)
		switch r.IntN(6) {
		case 0:
			text = "!(" + text + ")"
		case 1, 2:
			text += pick(r, []string{" && ", " || "}) + pick(r, parts)
		}
		return "expr: '" + text + "'"
	}
	switch r.IntN(5) {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf(", condition: {match: {%s: {of: [{%s}, {%s}]}}}", pick(r, []string{"all", "any", "none"}), one(), one())
	}
	return ", condition: {match: {" + one() + "}}"
}

func (w *world) String() string {
	return fmt.Sprintf("strict %t, brief %s, %s\n%s", w.strict, w.brief, strings.Join(w.schemas, " "), strings.Join(w.rules, "\n"))
}

func (w *world) files() fstest.MapFS {
	return fstest.MapFS{
		"manifest.json": {Data: fmt.Appendf(nil, `{"tools": [{"name": "load", "inputSchema": %s}, {"name": "haul", "inputSchema": %s}], "resources": [{"uri": "dock://plan", "name": "plan"}]}`, w.schemas[0], w.schemas[1])},
		"mcpolicy.yaml": {Data: fmt.Appendf(nil, "servers: {dock: {manifest: manifest.json, enforcement: cerbos-fastmcp, with: {resourceKind: %s}}}\npolicies: policies\nprincipals: principals.yaml\nengine: {strictEvaluation: %t}\n", w.kind, w.strict)},
		"policies/p.yaml": {Data: []byte("apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: " + w.kind + "\n  version: default\n  variables: {local: {brief: '" + w.brief +
			"'}}\n  rules:\n    - " + strings.Join(w.rules, "\n    - ") + "\n")},
		"principals.yaml": {Data: []byte(people)},
	}
}

func (w *world) open(t *testing.T) *workspace.Workspace {
	t.Helper()
	opened, err := fixture.Open(t.Context(), w.files(), "", workspace.Options{})
	if err != nil {
		t.Fatalf("%v\n%s", err, w)
	}
	return opened
}

var number = regexp.MustCompile(`\b\d+\b`)

// slips are what people get wrong in conditions.
var slips = [][2]string{
	{" < ", " <= "},
	{" <= ", " < "},
	{" >= ", " > "},
	{" > ", " >= "},
	{" == ", " != "},
	{" != ", " == "},
	{" < ", " > "},
	{" && ", " || "},
	{" || ", " && "},
	{"{all:", "{any:"},
	{"{any:", "{none:"},
	{"{none:", "{all:"},
	{"{any:", "{all:"},
	{"expr: 'has(R.attr.arguments.bay)", "expr: 'true"},
	{"east", "eastern"},
	{"!(", "("},
	{`, "west"`, ""},
}

// mutants returns the world with one condition wrong, by what is wrong.
func (w *world) mutants() map[string]*world {
	all := map[string]*world{}
	for i, rule := range w.rules {
		before, when, conditional := strings.Cut(rule, ", condition: ")
		if !conditional {
			continue
		}
		add := func(what, text string) {
			if text != when {
				changed := *w
				changed.rules = slices.Clone(w.rules)
				changed.rules[i] = before + ", condition: " + text
				all[fmt.Sprintf("rule %d: %s", i+1, what)] = &changed
			}
		}
		for _, s := range slips {
			add(s[0]+" for "+s[1], strings.Replace(when, s[0], s[1], 1))
		}
		for _, at := range number.FindAllStringIndex(when, -1) {
			n, _ := strconv.Atoi(when[at[0]:at[1]])
			for _, other := range []int{n - 1, n + 1} {
				add(fmt.Sprintf("%d for %d", other, n), when[:at[0]]+strconv.Itoa(other)+when[at[1]:])
			}
		}
		if start := strings.Index(when, "expr: '"); start >= 0 {
			start += len("expr: '")
			end := start + strings.Index(when[start:], "'")
			text := when[start:end]
			add("negated", when[:start]+"!("+text+")"+when[end:])
			add("true", when[:start]+"true"+when[end:])
			for _, operator := range []string{" && ", " || "} {
				if left, right, ok := strings.Cut(text, operator); ok {
					add("without "+right, when[:start]+left+when[end:])
					add("without "+left, when[:start]+right+when[end:])
				}
			}
		}
		changed := *w
		changed.rules = slices.Clone(w.rules)
		changed.rules[i] = before + "}"
		all[fmt.Sprintf("rule %d: no condition", i+1)] = &changed
	}
	return all
}

func sortedKeys(m map[string]*world) []string { return slices.Sorted(maps.Keys(m)) }
