package testrunner_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/tools/txtar"

	"github.com/mcpolicy/mcpolicy/docs/schema"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// test wraps what a test says into a suite of three lines; it stands on the
// third, after two spaces and a dash.
func test(text string) string { return "name: n\ntests:\n  - " + text + "\n" }

// A badSuite is a text, and what is wrong with it.
type badSuite struct {
	name, text string
	schema     bool // the schema refuses it as well
	want       []string
}

// badSuites are refused by Parse with these messages, and by the schema too
// where a schema can tell.
var badSuites = []badSuite{
	{"nothing", "", false, []string{`t.yaml: the file holds no suite`}},
	{"nothing but a marker", "---\n# later\n", false, []string{`t.yaml: the file holds no suite`}},
	{"a list", "- a\n", true, []string{`t.yaml:1:1: want a suite, have a list`}},
	{"broken YAML", "name: [\n", false, []string{`t.yaml:1:1: not valid YAML: did not find expected node content`}},
	{"second document", "name: n\ntests: [{name: t, never: {principals: {}, call: {tools: {}}}}]\n---\nnames: x\n", true, []string{
		`t.yaml:4:1: unknown key "names" (did you mean name?)`,
		`t.yaml:4:1: suite without name`,
		`t.yaml:4:1: suite without tests`,
	}},
	{"claims that say nothing", "name: n\ntests:\n  - {name: a, prove: {}}\n  - {name: b, prove: [never]}\n  - {name: c, prove: {nevr: {call: {tools: {}}}}}\n  - {name: d, prove: {never: {principals: {}}}}\n", true, []string{
		`t.yaml:3:22: prove: nothing is said: want never, always, needs, implies, within, apart, somebody, delegated`,
		`t.yaml:4:22: prove: want a mapping with never, always, needs, implies, within, apart, somebody, delegated, have a list`,
		`t.yaml:5:23: unknown key "nevr" (did you mean never?)`,
		`t.yaml:6:30: never: nothing is said: want list, call, get, read`,
	}},
	{"claims about declared principals", "name: n\ntests:\n  - {name: a, prove: {never: {principals: {keys: [ada]}, call: {tools: {}}}}}\n  - {name: b, prove: {never: {principals: [ada], call: {tools: {}}}}}\n", true, []string{
		`t.yaml:3:44: keys: those are declared, and this is said of everybody who could exist: want roles, kind, where, not`,
		`t.yaml:4:43: principals: want a selector (roles, kind, where, not; {} is everybody), have a list`,
	}},
	{"claims without a part", "name: n\ntests:\n  - {name: a, prove: {needs: {call: {tools: {}}}}}\n  - {name: b, prove: {implies: {call: {tools: {}}, then: lst}}}\n  - {name: c, prove: {within: {roles: [A], call: {tools: {}}}}}\n", true, []string{
		`t.yaml:3:30: needs without condition`,
		`t.yaml:4:58: then: want list, for the same item, or a mapping with list, call, get or read, have "lst"`,
		`t.yaml:5:31: within without of`,
	}},
	{"conditions of claims", "name: n\ntests:\n  - {name: a, prove: {needs: {call: {tools: {}}, condition: 'arguments.x <'}}}\n  - {name: b, prove: {needs: {call: {tools: {}}, condition: R.attr.arguments.x == 1}}}\n  - {name: c, prove: {never: {principals: {where: arguments.x == 1}, call: {tools: {}}}}}\n  - {name: d, prove: {never: {principals: {where: 'true'}, call: {tools: {}}}}}\n", false, []string{
		`t.yaml:3:61: condition: "arguments.x <" is no expression of CEL: mismatched input '<EOF>'`,
		`t.yaml:4:61: condition: want an expression over arguments and principal: arguments.amount <= 500, have "R.attr.arguments.x == 1"`,
		`t.yaml:5:51: where: it is about principals, and "arguments.x == 1" looks at arguments`,
		`t.yaml:6:51: where: "true" looks at nothing: want an expression over principal: principal.suspended == true`,
	}},
	{"conditional without a part", test(`{name: t, principals: {}, call: {conditional: [a, {tool: b}, {when: arguments.x == 1}, {tol: c, when: arguments.x == 1}, [d], {}]}}`), true, []string{
		`t.yaml:3:55: conditional: want a name, or tool and when; when is missing`,
		`t.yaml:3:66: conditional: want a name, or tool and when; tool is missing`,
		`t.yaml:3:93: unknown key "tol" (did you mean tool?)`,
		`t.yaml:3:126: want a name, have a list`,
		`t.yaml:3:131: conditional: want a name, or tool and when; tool is missing`,
		`t.yaml:3:131: conditional: want a name, or tool and when; when is missing`,
	}},
	{"conditions of what has no arguments", test(`{name: t, principals: {}, list: {conditional: [{tool: b, when: arguments.x == 1}]}, resources: {list: {conditional: [{resource: b, when: arguments.x == 1}]}}}`), true, []string{
		`t.yaml:3:62: when: a list has no arguments`,
		`t.yaml:3:136: when: a list has no arguments`,
	}},
	{"conditions of cells that say nothing", test(`{name: t, principals: {}, call: {conditional: [{tool: b, when: ''}, {tool: b, when: [x]}, {tool: b, when}]}}`), true, []string{
		`t.yaml:3:68: when: want an expression, have ""`,
		`t.yaml:3:89: when: want an expression, have a list`,
		`t.yaml:3:105: when: the value is missing`,
	}},
	{"conditions of cells", test(`{name: t, principals: {}, call: {conditional: [{tool: b, when: 'arguments.x <'}, {tool: b, when: V.limit > arguments.x}, {tool: b, when: timestamp(arguments.x) < now()}, {tool: b, when: principal.x == 1}, {tool: b, when: valid(arguments)}]}}`), false, []string{
		`t.yaml:3:68: when: "arguments.x <" is no expression of CEL: mismatched input '<EOF>'`,
		`t.yaml:3:102: when: variables, constants, globals and derived roles are the policies' own: write out what they stand for`,
		`t.yaml:3:142: when: it looks at the clock, and a condition is held against one at the time of the run: want an expression over arguments and principal: arguments.amount <= 500`,
		`t.yaml:3:191: when: "principal.x == 1" looks at no arguments: want an expression over arguments and principal: arguments.amount <= 500`,
		`t.yaml:3:226: when: valid is what reports say of schemas, and no function of CEL`,
	}},
	{"no name, no tests", "server: crm\n", true, []string{
		`t.yaml:1:1: suite without name`,
		`t.yaml:1:1: suite without tests`,
	}},
	{"empty values", "name:\nserver:\noptions:\nskip:\ntests:\n", true, []string{
		`t.yaml:1:1: name: the value is missing`,
		`t.yaml:2:1: server: the value is missing`,
		`t.yaml:3:1: options: the value is missing`,
		`t.yaml:4:1: skip: the value is missing`,
		`t.yaml:5:1: tests: the value is missing`,
	}},
	{"wrong kinds", "name: 1\nserver: [a]\noptions: x\nskip: []\ntests: {}\n", true, []string{
		`t.yaml:1:7: name: want a string, have "1"`,
		`t.yaml:2:9: want a name, have a list`,
		`t.yaml:3:10: want a mapping, have "x"`,
		`t.yaml:4:7: skip: want the reason, have a list`,
		`t.yaml:5:8: tests: want a list, have a mapping`,
	}},
	{"blank", "name: ' '\nserver: ''\ntests: []\n", true, []string{
		`t.yaml:1:7: name: it is empty`,
		`t.yaml:2:9: a name is empty`,
		`t.yaml:3:8: tests: the list is empty`,
	}},
	{"slips", "name: n\nserer: crm\noption: {}\ntest: []\n", true, []string{
		`t.yaml:2:1: unknown key "serer" (did you mean server?)`,
		`t.yaml:3:1: unknown key "option" (did you mean options?)`,
		`t.yaml:4:1: unknown key "test" (did you mean tests?)`,
	}},
	{"keys that stand twice", "name: n\nname: m\ntests: [{name: t, never: {principals: {}, principals: [a], call: {tools: {}, tools: {}}}}]\n", false, []string{
		`t.yaml:1:1: key "name" stands here twice`,
		`t.yaml:3:27: key "principals" stands here twice`,
		`t.yaml:3:67: key "tools" stands here twice`,
	}},
	{"options", "name: n\noptions: {now: today, globals: [], auxData: {aud: x}, clock: 1}\ntests: [{name: t, never: {principals: {}, call: {tools: {}}}}]\n", true, []string{
		`t.yaml:2:16: now: want a date (2027-01-31) or a time (2027-01-31T12:00:00Z), have "today"`,
		`t.yaml:2:32: globals: want a mapping, have a list`,
		`t.yaml:2:45: auxData without jwt or jwts`,
		`t.yaml:2:46: unknown key "aud"; known here: jwt, jwts`,
		`t.yaml:2:55: unknown key "clock"; known here: auxData, claims, globals, now`,
	}},
	{"auxData", "name: n\noptions: {auxData: [a]}\ntests: [{name: t, never: {principals: {}, call: {tools: {}}}}]\n", true, []string{
		`t.yaml:2:20: auxData: want a mapping with the key jwt or jwts, have a list`,
	}},
	{"values", "name: n\noptions: {globals: {a: .nan, b: {c: 1, c: 2}}}\ntests: [{name: t, never: {principals: {}, call: {tools: {}}}}]\n", false, []string{
		`t.yaml:2:24: NaN is not a number that a policy can work with`,
		`t.yaml:2:34: key "c" stands here twice`,
	}},
	{"no such day", "name: n\noptions: {now: 2026-02-30}\ntests: [{name: t, never: {principals: {}, call: {tools: {}}}}]\n", false, []string{
		`t.yaml:2:16: now: want a date (2027-01-31) or a time (2027-01-31T12:00:00Z), have "2026-02-30"`,
	}},

	{"tests that are none", "name: n\ntests: [a, null, {}]\n", true, []string{
		`t.yaml:2:9: want a test, have "a"`,
		`t.yaml:2:12: want a test, have null`,
		`t.yaml:2:18: test without name`,
		`t.yaml:2:18: test without an expectation: want list, call, prompts, resources, never, always, prove`,
	}},
	{"names that stand twice", "name: n\ntests:\n  - &a {name: t, never: {principals: {}, call: {tools: {}}}}\n  - {name: u, never: {principals: {}, call: {tools: {}}}}\n  - *a\n---\nname: m\ntests: [{name: u, never: {principals: {}, call: {tools: {}}}}]\n---\nname: n\ntests: [{name: u, never: {principals: {}, call: {tools: {}}}}]\n", false, []string{
		`t.yaml:5:5: a test of suite "n" is called "t" already, at t.yaml:3:5: give one of them another name`,
		`t.yaml:10:1: a suite is called "n" already, at t.yaml:1:1: give one of them another name`,
	}},
	{"no expectation", test(`{name: t, principals: [a]}`), true, []string{
		`t.yaml:3:5: test without an expectation: want list, call, prompts, resources, never, always, prove`,
	}},
	{"misspelt expectation", test(`{name: t, principals: [a], cal: {}}`), true, []string{
		`t.yaml:3:32: unknown key "cal" (did you mean call?)`,
	}},
	{"no principals", test(`{name: t, list: {allow: [a]}}`), true, []string{`t.yaml:3:5: test without principals`}},
	{"needless principals", test(`{name: t, principals: [a], never: {principals: {}, call: {tools: {}}}}`), true, []string{
		`t.yaml:3:27: principals: nothing is expected of them here; never, always and prove name their own`,
	}},
	{"principals of a wrong kind", test(`{name: t, principals: sally, list: {allow: [a]}}`), true, []string{
		`t.yaml:3:27: principals: want a list of keys and @groups, or a selector (keys, roles, groups, kind, not, allowEmpty), have "sally"`,
	}},
	{"no principals in the list", test(`{name: t, principals: [], list: {allow: [a]}}`), true, []string{
		`t.yaml:3:27: principals: the list is empty; {} selects everybody`,
	}},
	{"names", test(`{name: t, principals: [null, "", 1.5, [a], {roles: [x]}], list: {allow: a, deny: {}}}`), true, []string{
		`t.yaml:3:28: want a name, have null`,
		`t.yaml:3:34: a name is empty`,
		`t.yaml:3:38: want a name, have "1.5"`,
		`t.yaml:3:43: want a name, have a list`,
		`t.yaml:3:48: want a name, have a mapping`,
		`t.yaml:3:77: want a list of names, have "a"`,
		`t.yaml:3:86: want a list of names, have a mapping`,
	}},
	{"selector", test(`{name: t, principals: {role: [A], roles: [], kind: agnet, groups: a, keys: , not: {}}, list: {allow: [a]}}`), true, []string{
		`t.yaml:3:28: unknown key "role" (did you mean roles?); a selector has keys, roles, groups, kind, not, allowEmpty`,
		`t.yaml:3:46: roles: the list is empty`,
		`t.yaml:3:56: unknown kind "agnet" (did you mean agent?)`,
		`t.yaml:3:71: want a list of names, have "a"`,
		`t.yaml:3:74: keys: the value is missing`,
		`t.yaml:3:87: not: {} excludes everything`,
	}},
	{"kinds", test(`{name: t, principals: {kind: [human, robots, 1], not: {kind: []}}, list: {allow: [a]}}`), true, []string{
		`t.yaml:3:42: kind: want human, workload, agent, have "robots"`,
		`t.yaml:3:50: kind: want human, workload, agent, have "1"`,
		`t.yaml:3:66: kind: the list is empty`,
	}},
	{"allowEmpty", test(`{name: t, allowEmpty: yes please, never: {allowEmpty: , principals: {not: {allowEmpty: true}}, call: {tools: {allowEmpty: [a]}, tags: {}}}}`), true, []string{
		`t.yaml:3:27: allowEmpty: want true or false, have "yes please"`,
		`t.yaml:3:47: allowEmpty: the value is missing`,
		`t.yaml:3:79: not: {} excludes everything`,
		`t.yaml:3:127: allowEmpty: want true or false, have a list`,
		`t.yaml:3:133: unknown key "tags"; known here: tools`,
	}},
	{"not is no selector", test(`{name: t, principals: {not: [a]}, list: {allow: [a]}}`), true, []string{
		`t.yaml:3:33: want a mapping, have a list`,
	}},

	{"operations of a wrong kind", test(`{name: t, principals: [a], list: [x], call: x, prompts: [], resources: {list: a}}`), true, []string{
		`t.yaml:3:38: list: want a mapping with exactly, allow, deny, conditional, refuse, cases or table, have a list`,
		`t.yaml:3:49: call: want a mapping with exactly, allow, deny, conditional, refuse, cases or table, have "x"`,
		`t.yaml:3:61: prompts: want a mapping with list or get, have a list`,
		`t.yaml:3:83: list: want a mapping with exactly, allow, deny, conditional, refuse, cases or table, have "a"`,
	}},
	{"empty operations", test(`{name: t, principals: [a], list: {}, call: , prompts: {}, resources: {read: {}, list: }}`), true, []string{
		`t.yaml:3:38: list: nothing is expected: want exactly, allow, deny, conditional, refuse, cases or table`,
		`t.yaml:3:42: call: the value is missing`,
		`t.yaml:3:59: prompts: nothing is expected: want list or get`,
		`t.yaml:3:81: read: nothing is expected: want exactly, allow, deny, conditional, refuse, cases or table`,
		`t.yaml:3:85: list: the value is missing`,
	}},
	{"empty lists", test(`{name: t, principals: [a], call: {exactly: , allow: [], deny: [], conditional: [], cases: []}}`), true, []string{
		`t.yaml:3:39: exactly: the value is missing`,
		`t.yaml:3:57: allow: the list is empty`,
		`t.yaml:3:67: deny: the list is empty`,
		`t.yaml:3:84: conditional: the list is empty`,
		`t.yaml:3:95: cases: the list is empty`,
	}},
	{"unknown keys", test(`{name: t, principals: [a], list: {allows: [a]}, prompts: {read: {allow: [a]}}, resources: {get: {deny: [a]}}}`), true, []string{
		`t.yaml:3:39: unknown key "allows" (did you mean allow?)`,
		`t.yaml:3:63: unknown key "read"; known here: get, list`,
		`t.yaml:3:96: unknown key "get"; known here: list, read`,
	}},

	{"cases of a wrong kind", test(`{name: t, principals: [a], call: {cases: [a, null, {}]}, list: {cases: a}}`), true, []string{
		`t.yaml:3:47: want a case, have "a"`,
		`t.yaml:3:50: want a case, have null`,
		`t.yaml:3:56: case without tool`,
		`t.yaml:3:56: case without expect`,
		`t.yaml:3:76: cases: want a list, have "a"`,
	}},
	{"case", test(`{name: t, principals: [a], call: {cases: [{tool: [a], arguments: a, expect: alow}, {prompt: a, args: {}, expect: 1, tool: }]}}`), true, []string{
		`t.yaml:3:54: want a name, have a list`,
		`t.yaml:3:70: arguments: want a mapping, have "a"`,
		`t.yaml:3:81: expect: unknown "alow" (did you mean allow?)`,
		`t.yaml:3:89: unknown key "prompt"; known here: arguments, because, by, expect, lookedUp, skip, skipReason, tool, why`,
		`t.yaml:3:100: unknown key "args"; known here: arguments, because, by, expect, lookedUp, skip, skipReason, tool, why`,
		`t.yaml:3:118: expect: want allow, deny or refuse, have "1"`,
		`t.yaml:3:121: tool: the value is missing`,
	}},
	{"expect and arguments without a value", test(`{name: t, principals: [a], call: {cases: [{tool: a, arguments: , expect: }]}}`), true, []string{
		`t.yaml:3:57: arguments: the value is missing`,
		`t.yaml:3:70: expect: the value is missing`,
	}},
	{"arguments where there are none", test(`{name: t, principals: [a], list: {cases: [{tool: a, arguments: {}, expect: deny}]}, resources: {list: {cases: [{resource: a, arguments: {a: 1}, expect: deny}]}}}`), true, []string{
		`t.yaml:3:57: arguments: a list has none`,
		`t.yaml:3:130: arguments: a list has none`,
	}},
	{"arguments", test(`{name: t, principals: [a], call: {cases: [{tool: a, arguments: {a: .inf, b: [{c: 1, c: 1}]}, expect: deny}]}}`), false, []string{
		`t.yaml:3:72: +Inf is not a number that a policy can work with`,
		`t.yaml:3:83: key "c" stands here twice`,
	}},

	{"property of a wrong kind", test(`{name: t, never: [a], always: {}}`), true, []string{
		`t.yaml:3:22: never: want a mapping with principals and list, call, get or read, have a list`,
		`t.yaml:3:35: always without principals; {} selects everybody`,
		`t.yaml:3:35: always: nothing is said: want list, call, get or read`,
	}},
	{"empty property", test(`{name: t, never: , always: {principals: , call: , get: {}}}`), true, []string{
		`t.yaml:3:15: never: the value is missing`,
		`t.yaml:3:33: principals: the value is missing`,
		`t.yaml:3:47: call: the value is missing`,
		`t.yaml:3:60: get: nothing is selected: want prompts`,
	}},
	{"items of a property", test(`{name: t, never: {principals: {}, call: {prompts: {}, tools: [a]}, list: {tool: {}, prompts: }, reads: {}}}`), true, []string{
		`t.yaml:3:46: unknown key "prompts"; known here: tools`,
		`t.yaml:3:66: tools: want a selector (names, tags, destructive, readOnly, not, allowEmpty; {} selects all), have a list`,
		`t.yaml:3:79: unknown key "tool" (did you mean tools?)`,
		`t.yaml:3:89: prompts: the value is missing`,
		`t.yaml:3:101: unknown key "reads" (did you mean read?)`,
	}},
	{"item selector", test(`{name: t, never: {principals: {}, call: {tools: {destructive: maybe, readOnly: , name: [a], tags: [], names: a, not: {}}}, read: {resources: {readOnly: true, not: {tags: x}}}}}`), true, []string{
		`t.yaml:3:67: destructive: want true or false, have "maybe"`,
		`t.yaml:3:74: readOnly: the value is missing`,
		`t.yaml:3:86: unknown key "name" (did you mean names?); a selector has names, tags, destructive, readOnly, not, allowEmpty`,
		`t.yaml:3:103: tags: the list is empty`,
		`t.yaml:3:114: want a list of names, have "a"`,
		`t.yaml:3:122: not: {} excludes everything`,
		`t.yaml:3:147: unknown key "readOnly"; a selector has names, tags, not, allowEmpty`,
		`t.yaml:3:175: want a list of names, have "x"`,
	}},

	{"skip without a reason", "name: n\nskip: true\ntests:\n  - {name: t, skip: '', never: {principals: {}, call: {tools: {}}}}\n", true, []string{
		`t.yaml:2:7: skip: say why: skip: "the reason"`,
		`t.yaml:4:21: skip: the reason is empty`,
	}},
	{"skipReason", "name: n\nskip: a\nskipReason: b\ntests:\n  - {name: t, skipReason: c, never: {principals: {}, call: {tools: {}}}}\n  - {name: u, skip: true, skipReason: ' ', never: {principals: {}, call: {tools: {}}}}\n  - {name: v, skip: true, skipReason: 1, never: {principals: {}, call: {tools: {}}}}\n", true, []string{
		`t.yaml:3:13: skipReason: skip has a reason already`,
		`t.yaml:5:27: skipReason: skip: true is missing`,
		`t.yaml:6:39: skipReason: it is empty`,
		`t.yaml:7:39: skipReason: want a string, have "1"`,
	}},
}

func TestMistakes(t *testing.T) {
	s := compileSchema(t)
	for _, tt := range slices.Concat(badSuites, badTables) {
		t.Run(tt.name, func(t *testing.T) {
			suites, err := testrunner.Parse("t.yaml", []byte(tt.text))
			if suites != nil {
				t.Error("suites in spite of an error")
			}
			var got []string
			for _, m := range source.Mistakes(err) {
				got = append(got, m.Error())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("mistakes (-want +got):\n%s", diff)
			}
			if refused := validate(t, s, []byte(tt.text)) != nil; refused != tt.schema {
				t.Errorf("refused by the schema: %v, want %v", refused, tt.schema)
			}
		})
	}
}

// TestSchemaTakesSuites holds the schema to the suites that Parse takes.
func TestSchemaTakesSuites(t *testing.T) {
	s := compileSchema(t)
	files, err := filepath.Glob(filepath.Join("..", "fixtures", "*", "tests", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range append(files, filepath.Join("testdata", "full.yaml")) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := testrunner.Parse(file, data); err != nil {
			t.Error(err)
		}
		if err := validate(t, s, data); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// TestSchemaTakesArchives holds the schema to the suites of the archives in testdata, of
// which Parse takes all.
func TestSchemaTakesArchives(t *testing.T) {
	s := compileSchema(t)
	files, err := filepath.Glob(filepath.Join("testdata", "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	taken := 0
	for _, file := range files {
		ar, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range ar.Files {
			if !strings.HasPrefix(f.Name, "tests/") && !strings.HasPrefix(f.Name, "shared/") {
				continue
			}
			if _, err := testrunner.Parse(f.Name, f.Data); err != nil && !errors.Is(err, testrunner.ErrOnlyGroups) {
				continue
			}
			taken++
			if err := validate(t, s, f.Data); err != nil {
				t.Errorf("%s: %s: %v", file, f.Name, err)
			}
		}
	}
	if taken < 20 {
		t.Errorf("only %d suites were looked at", taken)
	}
}

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema.Text("suite.json")))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("suite.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("suite.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// validate holds each document against the schema. Text that is no YAML, or
// nothing, is no document.
func validate(t *testing.T, s *jsonschema.Schema, data []byte) error {
	t.Helper()
	docs, err := source.ParseYAML("t.yaml", data)
	if err != nil {
		return nil
	}
	for _, n := range docs {
		if n.Is(source.Null) {
			continue
		}
		if err := s.Validate(n.Value()); err != nil {
			return err
		}
	}
	return nil
}
