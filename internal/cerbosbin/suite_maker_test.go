package cerbosbin_test

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// harbourPolicies are the policies that made suites are about: conditions on attributes,
// claims, the clock and globals, derived roles, scopes and versions, principal and role
// policies, outputs and schemas.
var harbourPolicies = map[string]string{
	"berth.yaml": `apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: berth
  version: default
  importDerivedRoles: [crew]
  schemas:
    resourceSchema: {ref: "cerbos:///berth.json"}
  variables:
    local:
      long: R.attr.metres > 100
  rules:
    - name: watch
      actions: [look, "log:*"]
      effect: EFFECT_ALLOW
      roles: [pilot, captain, clerk]
      output:
        when:
          ruleActivated: '"seen by " + P.id'
          conditionNotMet: '"nobody"'
    - name: moor
      actions: [moor]
      effect: EFFECT_ALLOW
      derivedRoles: [master]
      output:
        when:
          ruleActivated: '{"metres": R.attr.metres, "missing": R.attr.nothing}'
    - name: too-long
      actions: [moor]
      effect: EFFECT_DENY
      roles: ["*"]
      condition: {match: {expr: V.long}}
      output: {when: {conditionNotMet: 'R.attr.metres'}}
    - name: by-day
      actions: [unload]
      effect: EFFECT_ALLOW
      roles: [captain]
      condition: {match: {expr: 'now().getHours() >= 6 && now().getHours() < 20'}}
    - name: licence
      actions: [sail]
      effect: EFFECT_ALLOW
      roles: [pilot]
      condition:
        match:
          any:
            of:
              - expr: request.auxData.jwt.licence == "open"
              - expr: G.open == true
`,
	"berth_north.yaml": `apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: berth
  version: default
  scope: north
  rules:
    - actions: [look]
      effect: EFFECT_DENY
      roles: [clerk]
    - actions: [tow]
      effect: EFFECT_ALLOW
      roles: [pilot]
`,
	"berth_2.yaml": `apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: berth
  version: "2"
  rules:
    - actions: ["*"]
      effect: EFFECT_ALLOW
      roles: [captain]
`,
	"crew.yaml": `apiVersion: api.cerbos.dev/v1
derivedRoles:
  name: crew
  definitions:
    - name: master
      parentRoles: [captain]
      condition: {match: {expr: R.attr.ship in P.attr.ships}}
`,
	"mate.yaml": `apiVersion: api.cerbos.dev/v1
principalPolicy:
  principal: mate
  version: default
  rules:
    - resource: berth
      actions:
        - {action: sail, effect: EFFECT_DENY}
        - {action: paint, effect: EFFECT_ALLOW, output: {when: {ruleActivated: '"paint"'}}}
`,
	"trainee.yaml": `apiVersion: api.cerbos.dev/v1
rolePolicy:
  role: trainee
  scope: north
  parentRoles: [pilot]
  rules:
    - resource: berth
      allowActions: [look, tow]
`,
	"_schemas/berth.json": `{"type": "object", "properties": {"metres": {"type": "number"}, "ship": {"type": "string"}}, "required": ["ship"], "additionalProperties": false}`,
}

// A suiteMaker makes suites about these policies.
type suiteMaker struct{ *rand.Rand }

func newSuiteMaker(seed int64) *suiteMaker {
	return &suiteMaker{rand.New(rand.NewSource(seed))} //nolint:gosec // suites are no secret
}

func (m *suiteMaker) one(of ...any) any { return of[m.Intn(len(of))] }

func (m *suiteMaker) chance(percent int) bool { return m.Intn(100) < percent }

// some returns some of a list, at least one, each once.
func (m *suiteMaker) some(of []string) []string {
	var list []string
	for _, i := range m.Perm(len(of))[:1+m.Intn(len(of))] {
		list = append(list, of[i])
	}
	return list
}

// write writes the policies and folders of suites, some with fixtures.
func (m *suiteMaker) write(t *testing.T, dir string, suites int) {
	t.Helper()
	files := map[string]string{}
	for name, text := range harbourPolicies {
		files[name] = text
	}
	for i := range suites {
		folder := fmt.Sprintf("s%d", i/4)
		if i%4 == 0 && m.chance(60) {
			m.fixtures(files, folder+"/testdata/")
		}
		name := fmt.Sprintf("%s/a%d_test.%s", folder, i, m.one("yaml", "yml", "json", "yaml", "YAML"))
		if m.chance(10) {
			name = strings.Replace(name, "_test", m.one("_Test", "_TEST").(string), 1)
		}
		files[name] = m.spoilt(m.text(m.suite(i)))
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// text writes a value as JSON, which is YAML too.
func (m *suiteMaker) text(v any) string {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		panic(err)
	}
	return string(b)
}

// spoilt has now and then a mistake in a suite that Cerbos does not panic on.
func (m *suiteMaker) spoilt(text string) string {
	if !m.chance(7) {
		return text
	}
	switch m.Intn(6) {
	case 0:
		return text + "\n---\n" + text
	case 1:
		return strings.Replace(text, `"tests"`, `"test"`, 1)
	case 2:
		return strings.Replace(text, `"EFFECT_ALLOW"`, `"ALLOW"`, 1)
	case 3:
		return strings.Replace(text, `"input"`, `"inputs"`, 1)
	case 4:
		return "# a comment\n---\n" + text
	}
	return text[:len(text)-2]
}

type object = map[string]any

var (
	people  = []string{"pia", "cap", "mate", "joe", "*", "tam"}
	berths  = []string{"b1", "b2", "b3", "b4", "*"}
	deeds   = []string{"look", "moor", "log:in", "unload", "sail", "tow", "paint", "*", "sink"}
	rosters = []string{"crew", "shore"}
	quays   = []string{"quay", "pier"}
	rules   = []string{
		"resource.berth.vdefault#watch", "resource.berth.vdefault#moor", "resource.berth.vdefault#too-long",
		"principal.mate.vdefault#lost", "principal.mate.vdefault#berth_rule-002", "resource.berth.vdefault/north#rule-001",
	}
)

func (m *suiteMaker) principals() object {
	all := object{}
	for _, key := range people {
		if m.chance(2) {
			continue
		}
		p := object{"id": m.one(key+"1", key+"1", "mate"), "roles": m.some([]string{"pilot", "captain", "clerk", "trainee", "guest"})}
		if m.chance(70) {
			p["attr"] = object{"ships": m.some([]string{"ida", "ada", "eva"}), "n": m.one(1, 2.5, nil, true, "x")}
		}
		if m.chance(12) {
			p["scope"] = m.one("north", "", "south", ".")
		}
		if m.chance(8) {
			p[m.one("policyVersion", "policy_version").(string)] = m.one("2", "default")
		}
		all[key] = p
	}
	return all
}

func (m *suiteMaker) resources() object {
	all := object{}
	for _, key := range berths {
		if m.chance(2) {
			continue
		}
		r := object{"id": key + "x", "kind": m.one("berth", "berth", "berth", "crane")}
		attr := object{}
		if m.chance(85) {
			attr["ship"] = m.one("ida", "ada", "eva", 3)
		}
		if m.chance(80) {
			attr["metres"] = m.one(40, 100, 101, "long", nil)
		}
		if m.chance(8) {
			attr["colour"] = "red"
		}
		r["attr"] = attr
		if m.chance(20) {
			r["scope"] = m.one("north", "north.west", "", ".")
		}
		if m.chance(10) {
			r["policyVersion"] = m.one("2", "3", "default")
		}
		all[key] = r
	}
	return all
}

func (m *suiteMaker) auxData() object {
	return object{
		"open":   object{"jwt": object{"licence": "open", "exp": 17}},
		"closed": object{"jwt": object{"licence": m.one("closed", 1, nil)}},
		"both":   object{"jwts": object{"first": object{"claims": object{"licence": "open"}}}},
	}
}

func (m *suiteMaker) groups(of []string, members []string, key string) object {
	all := object{}
	for _, name := range of {
		if m.chance(95) {
			all[name] = object{key: m.some(members)}
		}
	}
	return all
}

// fixtures writes what the suites of a folder share.
func (m *suiteMaker) fixtures(files map[string]string, folder string) {
	file := object{"principals": m.principals()}
	if m.chance(60) {
		file["principalGroups"] = m.groups(rosters, people, "principals")
	}
	files[folder+"principals."+m.one("yaml", "json", "yml").(string)] = m.text(file)
	if m.chance(15) {
		files[folder+"principals.json"] = m.text(object{"principals": m.principals()})
	}
	file = object{"resources": m.resources()}
	if m.chance(60) {
		file["resourceGroups"] = m.groups(quays, berths, "resources")
	}
	files[folder+"resources.yaml"] = m.text(file)
	if m.chance(80) {
		files[folder+m.one("auxdata", "auxData", "aux_data").(string)+".yaml"] = m.text(object{"auxData": m.auxData()})
	}
	if m.chance(30) {
		files[folder+"lost_test.yaml"] = "no suite at all"
	}
}

func (m *suiteMaker) options() object {
	o := object{}
	if m.chance(75) {
		o["now"] = m.one("2031-05-04T12:00:00Z", "2031-05-04T23:00:00Z", "2031-05-04T06:00:00.5+02:00")
	}
	if m.chance(30) {
		o["globals"] = object{"open": m.one(true, false, "true")}
	}
	if m.chance(15) {
		o["defaultPolicyVersion"] = m.one("2", "default")
	}
	if m.chance(15) {
		o["defaultScope"] = m.one("north", "north.west")
	}
	if m.chance(15) {
		o[m.one("lenientScopeSearch", "lenient_scope_search").(string)] = true
	}
	if m.chance(15) {
		o["strictEvaluation"] = true
	}
	return o
}

func (m *suiteMaker) suite(i int) object {
	s := object{"name": fmt.Sprintf("suite %d", i)}
	if m.chance(95) {
		s["principals"] = m.principals()
	}
	if m.chance(95) {
		s["resources"] = m.resources()
	}
	if m.chance(60) {
		s[m.one("auxData", "aux_data").(string)] = m.auxData()
	}
	if m.chance(40) {
		s["principalGroups"] = m.groups(rosters, people[:4], "principals")
	}
	if m.chance(40) {
		s["resourceGroups"] = m.groups(quays, berths[:3], "resources")
	}
	if m.chance(60) {
		s["options"] = m.options()
	}
	if m.chance(5) {
		s["skip"], s["skipReason"] = true, m.one("", "not today")
	}
	var tests []any
	for j := range 1 + m.Intn(4) {
		tests = append(tests, m.test(j))
	}
	s["tests"] = tests
	return s
}

func (m *suiteMaker) test(j int) object {
	who, what, actions := m.some(people[:5]), m.some(berths), m.some(deeds)
	if m.chance(70) {
		who, what = m.some(people[:3]), m.some(berths[:3]) // who is nearly always there
	}
	input := object{"principals": who, "resources": what, "actions": actions}
	if m.chance(6) {
		input["principalGroups"] = m.some(rosters)
	}
	if m.chance(6) {
		input["resourceGroups"] = m.some(quays)
	}
	if m.chance(35) {
		input["auxData"] = m.one("open", "closed", "both", "open", "closed", "open", "closed", "open", "closed", m.one("open", "lost"))
	}
	t := object{"name": fmt.Sprintf("test %d", j), "input": input}
	if m.chance(3) {
		t["name"] = "test 0"
	}
	if m.chance(20) {
		t["options"] = m.options()
	}
	if m.chance(8) {
		t["skip"] = true
		t[m.one("skipReason", "skip_reason").(string)] = "later"
	}
	agreed := object{} // expectations that contradict each other make a suite invalid
	for _, a := range actions {
		agreed[a] = m.one("EFFECT_ALLOW", "EFFECT_DENY", 1, 2)
	}
	var expected []any
	for range 1 + m.Intn(3) {
		expected = append(expected, m.expectation(who, what, actions, agreed))
	}
	t["expected"] = expected
	return t
}

func (m *suiteMaker) expectation(who, what, actions []string, agreed object) object {
	effects := object{}
	for _, a := range m.some(actions) {
		effects[a] = agreed[a]
		if m.chance(1) {
			effects[a] = "EFFECT_DENY"
		}
	}
	if m.chance(1) {
		effects["dance"] = "EFFECT_DENY"
	}
	x := object{"actions": effects}
	if m.chance(60) {
		x["principal"] = who[m.Intn(len(who))]
	} else {
		x["principals"] = m.some(who)
	}
	if m.chance(60) {
		x["resource"] = what[m.Intn(len(what))]
	} else {
		x["resources"] = m.some(what)
	}
	if m.chance(1) {
		x["principalGroups"] = m.some(rosters)
	}
	if m.chance(35) {
		x["outputs"] = m.outputs(actions)
	}
	return x
}

// outputs expects outputs of rules, many of which there are.
func (m *suiteMaker) outputs(actions []string) []any {
	action := actions[m.Intn(len(actions))]
	src, val := rules[m.Intn(len(rules))], m.one("seen by pia1", "nobody", 40, 101, nil, "paint", object{"metres": 40})
	switch {
	case action == "paint" && m.chance(70):
		src, val = rules[4], m.one("paint", "paint", "pain")
	case action == "moor" && m.chance(70):
		src, val = rules[2], m.one(40, 100, 40.0, "40")
	case m.chance(70):
		src, val = rules[0], "seen by "+people[m.Intn(len(people))]+"1"
	}
	return []any{object{"action": action, "expected": []any{object{"src": src, "val": val}}}}
}
