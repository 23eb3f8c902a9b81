package explain_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/explain"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/solver"
	"github.com/mcpolicy/mcpolicy/source"
)

// The property: the engine allows what the smallest change makes of a denied request, and
// in a small world, of which every request is tried, it allows none with fewer changes,
// none whose changes come first, and none at all where no change is said to be enough.

// What arguments and attributes may be in the small world. They may be absent, too.
var (
	dials  = map[string][]any{"force": {true, false}, "level": {1.0, 2.0, 3.0}, "mode": {"dry", "wet"}}
	traits = map[string][]any{"grade": {1.0, 2.0}, "team": {"dry", "wet"}}
	claims = map[string][]any{"tier": {"dry", "wet"}}
)

const (
	dialSchema  = `{"type": "object", "properties": {"force": {"type": "boolean"}, "level": {"enum": [1, 2, 3]}, "mode": {"enum": ["dry", "wet"]}}, "additionalProperties": false%s}`
	traitSchema = `{"type": "object", "properties": {"grade": {"enum": [1, 2]}, "team": {"enum": ["dry", "wet"]}}, "additionalProperties": false%s}`
)

var kilnConditions = []string{
	`R.attr.arguments.level == 1`, `R.attr.arguments.level < P.attr.grade`, `R.attr.arguments.mode == P.attr.team`, `has(R.attr.arguments.level)`,
	`R.attr.arguments.level > 1 && R.attr.arguments.mode == "wet"`, `!has(R.attr.arguments.force)`, `R.attr.arguments.force`, `R.attr.arguments.force != true`,
	`P.attr.grade >= 2`, `P.attr.team == "wet" || R.attr.arguments.level == 3`, `"mode" in R.attr.arguments`,
	`(P.attr.grade > 1 ? R.attr.arguments.mode == "dry" : R.attr.arguments.level > 2)`, `P.attr.team in ["wet", "odd"]`, `R.attr.arguments.level in [1, 3]`,
	`R.attr.arguments.mode.startsWith("w")`, `!(R.attr.arguments.level < 3)`, `size(R.attr.arguments) == 2`, `R.attr.arguments.level + P.attr.grade > 3.0`,
	`R.attr.arguments.mode == "dry" && R.attr.arguments.mode == "wet"`, `has(P.attr.team) && has(P.attr.grade)`, `P.id == "kai"`,
	`P.attr.grade == 1 && P.attr.team == "dry" && R.attr.arguments.force == true`, `P.attr.kind == "own"`,
	`R.attr.arguments.level * P.attr.grade > 20.0`, `request.auxData.jwt.tier == "wet"`, `size(P.attr) == 1`, `R.attr.arguments.mode in P.attr`, `P.attr[R.attr.arguments.mode == "wet" ? "grade" : "team"] == 1`,
	`R.attr.arguments.mode == request.auxData.jwt.tier || P.attr.grade == 2`,
}

// A kiln is a random world with one tool.
type kiln struct {
	kind      string
	policies  fstest.MapFS
	arguments string // their schema
	reject    bool   // principals who are not as their schema says
	strict    bool
	principal *authz.Principal
	given     map[string]any // nil leaves the arguments open

	*world
	column     *matrix.Column
	attributes *source.Node
	judge      pdp.Decider // of all changes; nil is the engine that explained
	decisions  int
}

func kilnRule(t *rapid.T, number int) string {
	rule := fmt.Sprintf("    - {name: r%d, actions: [fire], effect: EFFECT_%s, roles: [%s]", number,
		rapid.SampledFrom([]string{"ALLOW", "ALLOW", "DENY"}).Draw(t, "effect"), rapid.SampledFrom([]string{"A", "B", "A, B", `"*"`}).Draw(t, "roles"))
	if rapid.IntRange(0, 7).Draw(t, "always") == 0 {
		return rule + "}\n"
	}
	var of []string
	for range rapid.IntRange(1, 3).Draw(t, "n") {
		of = append(of, fmt.Sprintf("{expr: %q}", rapid.SampledFrom(kilnConditions).Draw(t, "expr")))
	}
	return rule + fmt.Sprintf(", condition: {match: {%s: {of: [%s]}}}}\n", rapid.SampledFrom([]string{"all", "all", "any", "none"}).Draw(t, "match"), strings.Join(of, ", "))
}

var kilns = rapid.Custom(func(t *rapid.T) *kiln {
	k := &kiln{
		kind:      "kiln",
		arguments: fmt.Sprintf(dialSchema, rapid.SampledFrom([]string{"", "", `, "required": ["level"]`, `, "dependentRequired": {"force": ["mode"]}`, `, "minProperties": 2`}).Draw(t, "asks")),
		reject:    rapid.Bool().Draw(t, "reject"),
		strict:    rapid.IntRange(0, 3).Draw(t, "strict") == 0,
		principal: &authz.Principal{
			Key: "kim", ID: "kim", Roles: rapid.SampledFrom([][]string{{"A"}, {"B"}, {"A", "B"}}).Draw(t, "held"), Attr: pick(t, traits), AuxData: pick(t, claims),
		},
	}
	traits := fmt.Sprintf(traitSchema, rapid.SampledFrom([]string{"", `, "required": ["team"]`}).Draw(t, "has to have"))
	var rules strings.Builder
	for i := range rapid.IntRange(1, 4).Draw(t, "rules") {
		rules.WriteString(kilnRule(t, i))
	}
	schemas := ""
	if k.reject {
		schemas = "  schemas: {principalSchema: {ref: \"cerbos:///traits.json\"}}\n"
		n, err := source.ParseJSON("traits.json", []byte(traits))
		if err != nil {
			panic(err)
		}
		k.attributes = n
	}
	k.policies = fstest.MapFS{
		"p.yaml":               {Data: []byte("apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: kiln\n  version: default\n" + schemas + "  rules:\n" + rules.String())},
		"_schemas/traits.json": {Data: []byte(traits)},
	}
	if rapid.IntRange(0, 3).Draw(t, "open") > 0 {
		k.given = pick(t, dials)
	}
	return k
})

// pick chooses a value for each name, or none.
func pick(t *rapid.T, of map[string][]any) map[string]any {
	m := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(of)) {
		if i := rapid.IntRange(0, len(of[name])).Draw(t, name); i < len(of[name]) {
			m[name] = of[name][i]
		}
	}
	return m
}

func (k *kiln) open(t *testing.T) bool {
	t.Helper()
	options := pdp.Options{StrictEvaluation: k.strict}
	if k.reject {
		options.Schemas = pdp.EnforceReject
	}
	engine, err := embedded.Open(t.Context(), k.policies, options)
	if err != nil || len(engine.Confused()) > 0 {
		return false
	}
	set, err := policy.Load(k.policies, "policies")
	if err != nil {
		t.Fatal(err)
	}
	inventories, err := manifest.Parse("pottery.json", []byte(`{"tools": [{"name": "kiln", "inputSchema": `+k.arguments+`}]}`))
	if err != nil {
		t.Fatal(err)
	}
	profile, err := pep.Custom("gate", "pottery", []pep.Spec{{Endpoint: "tools/call", Requests: []pep.RequestSpec{{
		Kind: k.kind, ID: "{name}", Action: "fire", Attr: map[string]any{"arguments": "{arguments}"},
	}}}})
	if err != nil {
		t.Fatal(err)
	}
	m, err := matrix.Build(t.Context(), &matrix.Input{
		Servers:    []*matrix.Server{{Name: "pottery", Inventory: inventories[0], Profile: profile}},
		Principals: []*authz.Principal{k.principal}, Decider: engine, Policies: set,
	})
	if err != nil {
		t.Fatal(err)
	}
	k.world = &world{engine, m, set}
	if k.judge == nil {
		k.judge = engine
	}
	k.column = k.world.column("kiln", authz.Call)
	return true
}

// String shows the world of a failure.
func (k *kiln) String() string {
	return fmt.Sprintf("%s\narguments %s\nstrict %v, reject %v, roles %q, attributes %v, given %v", k.policies["p.yaml"].Data, k.arguments, k.strict, k.reject,
		k.principal.Roles, k.principal.Attr, k.given)
}

// every returns all mappings of the small world.
func every(of map[string][]any) []map[string]any {
	list := []map[string]any{{}}
	for _, name := range slices.Sorted(maps.Keys(of)) {
		for _, m := range slices.Clone(list) {
			for _, v := range of[name] {
				with := maps.Clone(m)
				with[name] = v
				list = append(list, with)
			}
		}
	}
	return list
}

// changedPlaces lists what differs, in the order of preference.
func changedPlaces(root string, old, changed map[string]any) []string {
	var list []string
	for _, name := range []string{"force", "grade", "level", "mode", "team", "tier"} {
		v, there := changed[name]
		if was, before := old[name]; there != before || !reflect.DeepEqual(v, was) {
			list = append(list, root+"."+name)
		}
	}
	return list
}

// brute returns the places of all changes that are allowed, the smallest and first of them
// first.
func (k *kiln) brute(t *testing.T, fits func(map[string]any) bool) (list [][]string) {
	t.Helper()
	var attempts []matrix.Attempt
	tiers := []map[string]any{k.principal.AuxData}
	if strings.Contains(string(k.policies["p.yaml"].Data), "tier") {
		tiers = every(claims)
	}
	for _, attr := range every(traits) {
		for _, tier := range tiers {
			who := *k.principal
			who.Attr, who.AuxData = attr, tier
			for _, args := range every(dials) {
				if fits(args) {
					attempts = append(attempts, matrix.Attempt{Principal: &who, Column: k.column, Arguments: args})
				}
			}
		}
	}
	for i, c := range k.ask(t, attempts) {
		if c == matrix.Allowed {
			var places []string
			if k.given != nil {
				places = changedPlaces("arguments", k.given, attempts[i].Arguments)
			}
			places = append(places, changedPlaces("principal", k.principal.Attr, attempts[i].Principal.Attr)...)
			list = append(list, append(places, changedPlaces("request.auxData.jwt", k.principal.AuxData, attempts[i].Principal.AuxData)...))
		}
	}
	slices.SortFunc(list, byPreference)
	return list
}

// ask has the judge decide.
func (k *kiln) ask(t *testing.T, attempts []matrix.Attempt) []matrix.Access {
	t.Helper()
	trials := make([]matrix.Trial, len(attempts))
	for i, a := range attempts {
		trials[i] = matrix.Trial{Column: a.Column, Arguments: a.Arguments, Principals: []*authz.Principal{a.Principal}}
	}
	cells, err := k.matrix.Try(t.Context(), k.judge, trials)
	if err != nil {
		t.Fatal(err)
	}
	k.decisions += len(trials)
	list := make([]matrix.Access, len(cells))
	for i := range cells {
		list[i] = cells[i][0].Access
	}
	return list
}

// byPreference orders sets of places: fewer first, and arguments before attributes.
func byPreference(a, b []string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return slices.Compare(a, b) // "arguments" comes before "principal", and that before "request"
}

func TestSmallestChange(t *testing.T) {
	verdicts := map[string]int{}
	for seed := range rounds.Of(30, 3000) {
		k := kilns.Example(seed)
		if !k.open(t) {
			continue
		}
		if k.explain(t, verdicts); t.Failed() {
			t.Fatalf("world %d", seed)
		}
	}
	t.Log(verdicts)
	if verdicts["possible"] == 0 || verdicts["impossible"] == 0 || verdicts["unknown"]*5 > verdicts["possible"] {
		t.Errorf("the worlds show too little: %v", verdicts)
	}
}

// explain has the kiln explained, and holds what is said of a denial to the judge.
func (k *kiln) explain(t *testing.T, verdicts map[string]int) {
	t.Helper()
	x, err := explain.Explain(t.Context(), &explain.Input{
		Matrix: k.matrix, Engine: k.engine, Policies: k.set, Principal: k.principal, Column: k.column, Arguments: k.given, Attributes: k.attributes,
	})
	if err != nil {
		t.Fatal(err)
	}
	if x.Cell.Access != matrix.Denied {
		return
	}
	if k.check(t, x, verdicts); t.Failed() {
		t.Logf("%v\n%v", k, x.Smallest)
	}
}

func (k *kiln) check(t *testing.T, x *explain.Explanation, verdicts map[string]int) {
	t.Helper()
	fits := k.fits
	if k.given != nil && !fits(k.given) {
		fits = func(map[string]any) bool { return true } // what is wrong already may stay so
	}
	all := k.brute(t, fits)
	s := x.Smallest
	verdicts[s.Verdict.String()]++
	switch {
	case s.Verdict == solver.Impossible && len(all) > 0:
		t.Errorf("said to be impossible, and changing %v is enough", all[0])
	case s.Verdict == solver.Possible:
		verdicts[fmt.Sprintf("of %d", len(s.Change.Values))]++
		k.checkChange(t, s.Change, fits)
		k.checkLeast(t, s, all)
	}
	if s.Arguments != nil {
		verdicts["arguments alone"]++
		k.checkChange(t, s.Arguments, fits)
	}
}

// fits reports whether arguments are as the inputSchema says.
func (k *kiln) fits(args map[string]any) bool {
	_, level := args["level"]
	_, mode := args["mode"]
	_, force := args["force"]
	switch {
	case strings.Contains(k.arguments, "dependentRequired"):
		return !force || mode
	case strings.Contains(k.arguments, "required"):
		return level
	case strings.Contains(k.arguments, "minProperties"):
		return len(args) >= 2
	}
	return true
}

// checkChange holds a change to the engine, and to what was given.
func (k *kiln) checkChange(t *testing.T, c *explain.Change, fits func(map[string]any) bool) {
	t.Helper()
	access := k.ask(t, []matrix.Attempt{{Principal: c.Principal, Column: k.column, Arguments: c.Arguments}})[0]
	if access != matrix.Allowed || !fits(c.Arguments) {
		t.Errorf("%v with %v and %v, of which the schema says %v", access, c.Arguments, c.Principal.Attr, fits(c.Arguments))
	}
	of := map[explain.ValueKind]map[string]any{explain.Argument: maps.Clone(k.given), explain.Attribute: maps.Clone(k.principal.Attr), explain.Claim: maps.Clone(k.principal.AuxData)}
	for _, v := range c.Values {
		if of[v.Kind][v.Name] = v.To; v.Removed {
			delete(of[v.Kind], v.Name)
		}
	}
	same := func(kind explain.ValueKind, changed map[string]any) bool {
		return len(of[kind])+len(changed) == 0 || reflect.DeepEqual(of[kind], changed)
	}
	if k.given != nil && !same(explain.Argument, c.Arguments) || !same(explain.Attribute, c.Principal.Attr) || !same(explain.Claim, c.Principal.AuxData) {
		t.Errorf("with %v it is %v and %v", c.Values, c.Arguments, c.Principal.Attr)
	}
}

// checkLeast holds a change to all that are enough. Where the world has all values that
// may be chosen, it has to be the first of them.
func (k *kiln) checkLeast(t *testing.T, s *explain.Smallest, all [][]string) {
	t.Helper()
	var places []string
	for i := range s.Change.Values {
		places = append(places, s.Change.Values[i].Place())
	}
	if !s.Least {
		return
	}
	if len(all) == 0 {
		if k.reject {
			t.Errorf("nothing is enough, and %v is said to be", places)
		}
		return
	}
	if len(all[0]) == 0 {
		t.Error("it is said to be denied, and is allowed as it is")
		return
	}
	if len(all[0]) < len(places) || len(s.Open) == 0 && byPreference(all[0], places) < 0 {
		t.Errorf("changing %v is said to be the smallest, and %v is enough", places, all[0])
	}
	if k.reject && len(all[0]) > len(places) {
		t.Errorf("changing %v is said to be enough, and it takes %v", places, all[0])
	}
	isOfArguments := func(of []string) bool { return strings.HasPrefix(of[len(of)-1], "arguments") }
	alone := slices.IndexFunc(all, isOfArguments)
	if alone < 0 || isOfArguments(places) || len(s.Open) > 0 {
		return
	}
	if s.Arguments == nil || len(s.Arguments.Values) > len(all[alone]) {
		t.Errorf("of arguments alone %v is said, and %v is enough", s.Arguments, all[alone])
	}
}
