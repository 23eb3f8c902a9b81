package config_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/source"
)

func mistakes(err error) []string {
	var list []string
	for _, e := range source.Mistakes(err) {
		list = append(list, e.Error())
	}
	return list
}

// badConfigs are refused by Parse with these messages, and by the schema too
// unless it cannot know.
var badConfigs = []struct {
	name, text string
	schema     bool // the schema refuses it as well
	want       []string
}{
	{"empty", "", false, []string{`m.yaml: the config is empty`}},
	{"comments only", "# soon\n", false, []string{`m.yaml: the config is empty`}},
	{"two documents", "{}\n---\n{}\n", false, []string{`m.yaml:3:1: a config is one YAML document, this is another`}},
	{"list", "- a\n", true, []string{`m.yaml:1:1: want a mapping, have a list`}},
	{"syntax", "a: [\n", false, []string{`m.yaml:1:1: not valid YAML: did not find expected node content`}},
	{"unknown keys", "polices: p\nservers: {}\nport: 80\n", true, []string{
		`m.yaml:1:1: unknown key "polices" (did you mean policies?)`,
		`m.yaml:3:1: unknown key "port"; known here: $schema, cerbosTests, coverage, diff, enforcement, engine, lint, policies, principals, probe, servers, tests, waivers`,
	}},
	{"twice", "policies: a\npolicies: b\nservers: {a: {manifest: a}, a: {manifest: b}}\n", false, []string{
		`m.yaml:1:1: key "policies" stands here twice`,
		`m.yaml:3:11: key "a" stands here twice`,
	}},

	{"absolute path", "policies: /etc/policies\n", true, []string{
		`m.yaml:1:11: path "/etc/policies" is absolute; paths here are relative to the config's folder`,
	}},
	{"drive", "policies: C:/policies\n", true, []string{
		`m.yaml:1:11: path "C:/policies" is absolute; paths here are relative to the config's folder`,
	}},
	{"path outside", "tests: [../tests, ./.., ok]\n", true, []string{
		`m.yaml:1:9: path "../tests" leaves the config's folder`,
		`m.yaml:1:19: path "./.." leaves the config's folder`,
	}},
	{"path outside on a detour", "principals: a/../../b\n", false, []string{
		`m.yaml:1:13: path "a/../../b" leaves the config's folder`,
	}},
	{"backslash", `policies: policies\mcp` + "\n", true, []string{
		`m.yaml:1:11: path "policies\\mcp": write / between folders, on every system`,
	}},
	{"paths that are none", "policies: [a]\nprincipals: ''\ntests: [a, {b: c}, null]\n", true, []string{
		`m.yaml:1:11: want a path, have a list`,
		`m.yaml:2:13: the path is empty`,
		`m.yaml:3:12: want a path, have a mapping`,
		`m.yaml:3:20: want a path, have null`,
	}},

	{"no servers", "servers: [a]\n", true, []string{`m.yaml:1:10: servers: want a mapping, have a list`}},
	{"server", `servers:
  "": {manifest: a.json}
  a: {enforcement: tool-as-action}
  b:
  c: x
  d: {manifest: [a.json#, [b], "#x", null], incomplete: accepted, manifests: []}
`, true, []string{
		`m.yaml:2:3: servers: a name is empty`,
		`m.yaml:3:3: server "a" has neither a manifest nor live`,
		`m.yaml:4:3: server "b" has neither a manifest nor live`,
		`m.yaml:5:6: want a mapping, have "x"`,
		`m.yaml:6:18: "a.json#" names no server behind the #`,
		`m.yaml:6:27: want the path of an inventory, have a list`,
		`m.yaml:6:32: the path is empty`,
		`m.yaml:6:38: want a path, have null`,
		`m.yaml:6:57: unknown incomplete "accepted" (did you mean accept?)`,
		`m.yaml:6:67: unknown key "manifests" (did you mean manifest?)`,
	}},
	{"enforcement", `servers:
  a: {manifest: a, enforcement: cerbos-fastmpc}
  b: {manifest: a, enforcement: nginx}
  c: {manifest: a, enforcement: our-gatewy}
  d: {manifest: a, enforcement: [x]}
enforcement: {our-gateway: {tools/call: none}}
`, false, []string{
		`m.yaml:2:33: unknown enforcement point "cerbos-fastmpc" (did you mean cerbos-fastmcp?)`,
		`m.yaml:3:33: unknown enforcement point "nginx"; want cerbos-fastmcp, coaz, synapse-claude, tool-as-action, tool-as-resource, voltagent or our-gateway, or describe it under enforcement`,
		`m.yaml:4:33: unknown enforcement point "our-gatewy" (did you mean our-gateway?)`,
		`m.yaml:5:33: enforcement: want a string, have a list`,
	}},
	{"with", `servers:
  a: {manifest: a, with: {action: x}}
  b: {manifest: a, enforcement: tool-as-resource, with: {action: x, fastmcp: 3}}
  c: {manifest: a, enforcement: gw, with: {resourceKind: x}}
  d: {manifest: a, enforcement: synapse-claude, with: {filterOnDiscovery: true}}
  e: {manifest: a, enforcement: voltagent, with: {aud: x, subject: "", claims: {a: 1}, declaredMappings: false}}
  f: {manifest: a, enforcement: coaz, with: {resourceKind: tool}}
enforcement: {gw: {tools/call: none}}
`, false, []string{
		`m.yaml:2:35: with: action is a setting of tool-as-resource, not of cerbos-fastmcp`,
		`m.yaml:3:78: with: fastmcp is a setting of cerbos-fastmcp, not of tool-as-resource`,
		`m.yaml:4:43: with: gw is described here under enforcement and has no settings`,
		`m.yaml:5:75: with: filterOnDiscovery is a setting of voltagent, not of synapse-claude`,
		`m.yaml:6:56: with: aud is a setting of coaz, not of voltagent`,
		`m.yaml:6:68: with: subject is empty`,
		`m.yaml:6:68: with: subject is a setting of coaz, not of voltagent`,
		`m.yaml:6:80: with: claims is a setting of coaz, not of voltagent`,
		`m.yaml:6:106: with: declaredMappings is a setting of coaz, not of voltagent`,
		`m.yaml:7:60: with: the binding says what the resources of coaz are`,
	}},
	{"meta-tools", `servers:
  a: {manifest: a, metaTools: {call_tool: ask, "[a": asked, "": none, route: [asked], b: null}}
  b: {manifest: a, metaTools: [call_tool]}
`, true, []string{
		`m.yaml:2:43: unknown metaTools.call_tool "ask" (did you mean asked?)`,
		`m.yaml:2:48: metaTools: invalid pattern "[a": a [ is not closed`,
		`m.yaml:2:61: metaTools: a name is empty`,
		`m.yaml:2:78: metaTools: want unasked, asked or none, have a list`,
		`m.yaml:2:90: metaTools: want unasked, asked or none, have ""`,
		`m.yaml:3:31: metaTools: want a mapping, have a list`,
	}},
	{"fallbacks", `servers: {a: {manifest: a}}
enforcement: {gw: {tools/call: none, onNoPolicy: deny, onPDPDown: [pass], onPDPEror: pass, unknownOperations: refused}}
`, true, []string{
		`m.yaml:2:50: onNoPolicy: want unknown, refuse or pass, have "deny"`,
		`m.yaml:2:67: onPDPDown: want unknown, refuse or pass, have a list`,
		`m.yaml:2:75: unknown method "onPDPEror" (did you mean onPDPError?)`,
		`m.yaml:2:111: unknown unknownOperations "refused" (did you mean refuse?)`,
	}},
	{"version", "servers: {a: {manifest: a, with: {fastmcp: latest}}, b: {manifest: a, with: {fastmcp: true}}}\n", true, []string{
		`m.yaml:1:44: want a version like 3 or 2.14.7, have "latest"`,
		`m.yaml:1:87: want a version like 3 or 2.14.7, have "true"`,
	}},
	{"live", `servers:
  a: {live: {}}
  b: {live: {url: "https://a.example", command: [x]}}
  c: {live: {command: [x], headers: {A: {env: B}}}}
  d: {live: {command: []}}
  e: {live: {command: ['']}}
  f: {live: x}
  g: {live: {url: 5, command: x}}
`, true, []string{
		`m.yaml:2:13: live: want a url or a command`,
		`m.yaml:3:13: live: want a url or a command, not both`,
		`m.yaml:4:37: live: a command has no headers`,
		`m.yaml:5:23: command: no program is named`,
		`m.yaml:6:23: command: no program is named`,
		`m.yaml:7:13: want a mapping, have "x"`,
		`m.yaml:8:13: live: want a url or a command, not both`,
		`m.yaml:8:19: url: want a string, have "5"`,
		`m.yaml:8:31: command: want a list, have "x"`,
	}},
	{"URL without a host", "servers: {a: {live: {url: 'https://'}}}\n", true, []string{`m.yaml:1:27: url: the URL has no host`}},
	{"URL of another scheme", "servers: {a: {live: {url: 'file:///x'}}}\n", true, []string{
		`m.yaml:1:27: url: want a URL that begins with https:// or http://`,
	}},
	{"URL with a password", "servers: {a: {live: {url: 'https://u:hunter2@a.example/'}}}\n", true, []string{
		`m.yaml:1:27: url: credentials do not belong into a URL; name an environment variable under headers`,
	}},
	{"URL with a fragment", "servers: {a: {live: {url: 'https://a.example/#x'}}}\n", true, []string{
		`m.yaml:1:27: url: a server's URL has no fragment`,
	}},
	{"URL that is none", "servers: {a: {live: {url: 'https://u:hunter2@[::1'}}}\n", true, []string{`m.yaml:1:27: url: not a URL`}},
	{"headers", `servers:
  a: {live: {url: "https://a.example", headers: {Authorization: Bearer hunter2, "X Y": {env: A}, B: {env: 1A}, C: {}, D: {enf: A}, E: {env: [hunter2]}}}}
`, true, []string{
		`m.yaml:2:65: want {env: NAME}: the value comes from the environment, not from this file`,
		`m.yaml:2:81: headers: "X Y" is no name of a header`,
		`m.yaml:2:107: env: want the name of an environment variable: letters, digits and _`,
		`m.yaml:2:115: want {env: NAME}, the name of an environment variable`,
		`m.yaml:2:123: unknown key "enf" (did you mean env?)`,
		`m.yaml:2:141: env: want the name of an environment variable: letters, digits and _`,
	}},
	{"tokens", "probe: {tokens: {sally: hunter2, '': {env: A}, harry: null}}\n", true, []string{
		`m.yaml:1:25: want {env: NAME}: the value comes from the environment, not from this file`,
		`m.yaml:1:34: tokens: a name is empty`,
		`m.yaml:1:55: want {env: NAME}: the value comes from the environment, not from this file`,
	}},

	{"engine", "engine: {schemaEnforcement: rejct, strictEvaluation: 1, defaultPolicyVersion: v 1, defaultScope: a..b, globals: [], cache: 1}\n", true, []string{
		`m.yaml:1:29: unknown schemaEnforcement "rejct" (did you mean reject?)`,
		`m.yaml:1:54: strictEvaluation: want true or false, have "1"`,
		`m.yaml:1:79: defaultPolicyVersion: "v 1" has characters other than letters, digits and _`,
		`m.yaml:1:98: defaultScope: "a..b" is not a name, or names with dots between them`,
		`m.yaml:1:113: globals: want a mapping, have a list`,
		`m.yaml:1:117: unknown key "cache"; known here: defaultPolicyVersion, defaultScope, globals, lenientScopeSearch, schemaEnforcement, strictEvaluation`,
	}},

	{"profiles", `enforcement:
  cerbos-fastmcp: {tools/call: none}
  empty: {}
  null:
  list: []
  unknown: {tool/call: none, logging/setLevel: none}
`, true, []string{
		`m.yaml:2:3: enforcement point "cerbos-fastmcp" is built in; give yours another name`,
		`m.yaml:3:3: enforcement point "empty" asks about nothing`,
		`m.yaml:4:3: enforcement point "null" asks about nothing`,
		`m.yaml:5:9: enforcement point "list": want a mapping, have a list`,
		`m.yaml:6:13: unknown method "tool/call" (did you mean tools/call?)`,
		`m.yaml:6:30: unknown method "logging/setLevel"; want tools/list, tools/call, prompts/list, prompts/get, resources/list, resources/read or resources/templates/list`,
	}},
	{"answers", `enforcement:
  gw:
    tools/call: none
    refused: [{text: a}, {isError: true, code: 1}, {status: 200}, {code: 1, text: "[a"}, {code: 1, method: tools/list}, {code: x}, {say: a}, no]
    admitted: []
  gx: {refused: [{isError: true}]}
`, true, []string{
		`m.yaml:4:15: an answer has one of isError: true, code and status, which are not 0`,
		`m.yaml:4:26: an answer has one of isError: true, code and status, which are not 0`,
		`m.yaml:4:61: status: want an HTTP status from 400 to 599, have 200`,
		`m.yaml:4:83: text: invalid pattern "[a": a [ is not closed`,
		`m.yaml:4:108: method: want tools/call, prompts/get or resources/read, have "tools/list"`,
		`m.yaml:4:128: code: want a whole number, have "x"`,
		`m.yaml:4:133: unknown key "say"; known here: code, isError, method, status, text`,
		`m.yaml:4:142: want an answer, such as {isError: true, text: Unauthorized}, have "no"`,
		`m.yaml:5:15: the list of answers is empty`,
		`m.yaml:6:3: enforcement point "gx" asks about nothing`,
	}},
	{"rules of a use", `enforcement:
  gw:
    tools/call: []
    prompts/get: own
    resources/read: {filter: own, requests: [{kind: a, id: b, action: c}]}
  gx:
    tools/call: {}
    prompts/get: {requests: []}
    resources/read: [{kind: "", id: b}, null, {kind: a, id: b, action: c, atr: {}}]
`, true, []string{
		`m.yaml:3:17: tools/call: the list of requests is empty; write none`,
		`m.yaml:4:18: prompts/get: want none, a list of requests, or a mapping with filter and requests, have "own"`,
		`m.yaml:5:30: resources/read: only a list has a filter`,
		`m.yaml:7:17: tools/call: no requests; write none`,
		`m.yaml:8:18: prompts/get: no requests; write none`,
		`m.yaml:9:22: request without action`,
		`m.yaml:9:29: request: kind is empty`,
		`m.yaml:9:41: want a request, have null`,
		`m.yaml:9:75: unknown key "atr" (did you mean attr?)`,
	}},
	{"rules of a list", `enforcement:
  gw:
    tools/list: {requests: [{kind: a, id: b, action: c}]}
    prompts/list: {filter: own}
    resources/list: {filter: call, requests: [{kind: a, id: b, action: c}]}
    resources/templates/list: {filter: gates}
  gx: {tools/list: []}
`, true, []string{
		`m.yaml:3:17: tools/list: want a filter: none, own, call, gate, possible or grant`,
		`m.yaml:4:19: prompts/list: filter own needs requests`,
		`m.yaml:5:46: resources/list: filter call asks no requests`,
		`m.yaml:6:40: unknown filter "gates" (did you mean gate?)`,
		`m.yaml:7:20: tools/list: the list of requests is empty; write none`,
	}},

	{"lint", `lint:
  failOn: critical
  administrators: {role: [A], principals: A}
  rules: {a: {severity: warm, confidence: hihg}, b: "off", c: {severity: false}, "": {}}
  separationOfDuties: [{}, {name: x, sets: [[a]]}, {name: x, sets: [[a], []]}, {name: " ", sets: [[a], [b]]}]
`, true, []string{
		`m.yaml:2:11: severity: want off, note, warning or error, have "critical"`,
		`m.yaml:3:20: unknown key "role" (did you mean roles?)`,
		`m.yaml:3:43: principals: want a list, have "A"`,
		`m.yaml:4:25: severity: want off, note, warning or error, have "warm"`,
		`m.yaml:4:43: unknown confidence "hihg" (did you mean high?)`,
		`m.yaml:4:53: want a mapping, have "off"`,
		`m.yaml:4:74: severity: want off, note, warning or error, have "false"`,
		`m.yaml:4:82: rules: a name is empty`,
		`m.yaml:5:24: separationOfDuties without name`,
		`m.yaml:5:24: separationOfDuties without sets`,
		`m.yaml:5:44: sets: want two sets of tools or more, have 1`,
		`m.yaml:5:74: sets: a set has no tools`,
		`m.yaml:5:87: separationOfDuties: name is empty`,
	}},
	{"flows", `lint:
  flows: {untrusted: fetch, privat: [a], private: [" ", b, 1], outbound: [a]}
`, true, []string{
		`m.yaml:2:22: flows: want a list of tools, have a string`,
		`m.yaml:2:29: unknown key "privat" (did you mean private?)`,
		`m.yaml:2:52: flows: the name of a tool is empty`,
		`m.yaml:2:60: flows: want the name of a tool, have a number`,
	}},
	{"no flows", "lint: {flows: {}}", true, []string{`m.yaml:1:15: flows says nothing: want untrusted, private or outbound`}},
	{"servers that are not there", `servers: {crm: {manifest: a}}
lint: {separationOfDuties: [{name: a, server: crn, sets: [[a], [b]]}]}
waivers: [{rule: a, reason: b, server: mail}]
`, false, []string{
		`m.yaml:2:47: no server "crn" (did you mean crm?)`,
		`m.yaml:3:40: no server "mail"`,
	}},
	{"grants", `enforcement:
  a:
    tools/list: {filter: grant}
    prompts/list: {filter: grant, grant: {}, missing: maybe}
    resources/list: {filter: grant, grant: {file: g.yaml, attr: principal.attr.x}, missing: unknown}
    resources/templates/list: {filter: call, grant: {file: g.yaml}}
  b:
    tools/list: {filter: possible, missing: pass}
    prompts/list: {filter: grant, grant: {file: ../g.yaml}, missing: refuse, requests: [{kind: k, id: i, action: a}]}
    resources/list: {filter: grant, grant: {fil: g.yaml}, missing: null}
`, true, []string{
		`m.yaml:3:17: tools/list: filter grant needs a grant: {file: grants.yaml}, or {attr: principal.attr.tools}`,
		`m.yaml:4:42: prompts/list: grant: want either a file or attr, an attribute of the principal`,
		`m.yaml:4:55: prompts/list: missing: want refuse or pass, have "maybe"`,
		`m.yaml:5:44: resources/list: grant: want either a file or attr, an attribute of the principal`,
		`m.yaml:5:93: resources/list: missing: want refuse or pass, have "unknown"`,
		`m.yaml:6:53: resources/templates/list: grant belongs to a list with filter: grant`,
		`m.yaml:8:45: tools/list: missing belongs to a list with filter: grant`,
		`m.yaml:9:49: path "../g.yaml" leaves the config's folder`,
		`m.yaml:9:88: prompts/list: filter grant asks no requests`,
		`m.yaml:10:45: unknown key "fil" (did you mean file?)`,
		`m.yaml:10:68: resources/list: missing: want refuse or pass, have ""`,
	}},
	{"waivers", `waivers:
  - {rule: a}
  - {reason: b}
  - {rule: a, reason: " ", expires: soon}
  - {rule: a, reason: b, tool: x, prompt: y, item: z}
  -
  - {rule: a, reason: b, expires: 2027-02-30, tools: x}
  - {rule: a, reason: b, expires: 2027-01-31T00:00:00Z}
  - x
`, true, []string{
		`m.yaml:2:5: waiver without reason`,
		`m.yaml:3:5: waiver without rule`,
		`m.yaml:4:23: waiver: reason is empty`,
		`m.yaml:4:37: want a date like 2027-01-31, have "soon"`,
		`m.yaml:5:32: waiver: item and tool cannot both be said`,
		`m.yaml:5:43: waiver: item and prompt cannot both be said`,
		`m.yaml:6:4: want a waiver, have null`,
		`m.yaml:7:35: want a date like 2027-01-31, have "2027-02-30"`,
		`m.yaml:7:47: unknown key "tools" (did you mean tool?)`,
		`m.yaml:8:35: want a date like 2027-01-31, have "2027-01-31T00:00:00Z"`,
		`m.yaml:9:5: want a mapping, have "x"`,
	}},
}

func TestMistakes(t *testing.T) {
	for _, tt := range badConfigs {
		t.Run(tt.name, func(t *testing.T) {
			c, err := config.Parse("m.yaml", []byte(tt.text))
			if c != nil {
				t.Error("a config in spite of mistakes")
			}
			if diff := cmp.Diff(tt.want, mistakes(err)); diff != "" {
				t.Errorf("mistakes (-want +got):\n%s", diff)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the secret is told: %v", err)
			}
		})
	}
}

func TestShortWords(t *testing.T) {
	_, err := config.Parse("m.yaml", []byte("lint: {failOn: warn}\nengine: {schemaEnforcement: rej}\n"))
	want := []string{
		`m.yaml:1:16: unknown severity "warn" (did you mean warning?)`,
		`m.yaml:2:29: unknown schemaEnforcement "rej" (did you mean reject?)`,
	}
	if diff := cmp.Diff(want, mistakes(err)); diff != "" {
		t.Errorf("mistakes (-want +got):\n%s", diff)
	}
}

// What a check finds is reported beside the mistakes of the file, and ends it
// alone too.
func TestChecks(t *testing.T) {
	check := func(c *config.Config) error {
		var errs []error
		for _, p := range c.Enforcement {
			for _, r := range p.Methods[config.ToolsCall].Requests {
				errs = append(errs, source.Errorf(r.Node.Get("id").Pos, "%s of %s", r.ID, p.Name))
			}
		}
		return errors.Join(errs...)
	}
	const text = "enforcement: {g: {tools/call: [{kind: k, id: x, action: a}]}}\n"
	_, err := config.Parse("m.yaml", []byte(text+"test: x\n"), check)
	want := []string{`m.yaml:1:46: x of g`, `m.yaml:2:1: unknown key "test" (did you mean tests?)`}
	if diff := cmp.Diff(want, mistakes(err)); diff != "" {
		t.Errorf("mistakes (-want +got):\n%s", diff)
	}
	if c, err := config.Parse("m.yaml", []byte(text), check); c != nil || err == nil {
		t.Errorf("a config in spite of a check, or no mistake: %v", err)
	}
	if c, err := config.Parse("m.yaml", []byte(text), func(*config.Config) error { return nil }); c == nil || err != nil {
		t.Errorf("no config: %v", err)
	}
}

func TestFind(t *testing.T) {
	tree := fstest.MapFS{
		"repo/mcpolicy.yaml":           {},
		"repo/sub/mcpolicy.yaml/x":     {}, // a directory of that name
		"repo/sub/deep/README.md":      {},
		"repo/other/mcpolicy.yaml":     {},
		"elsewhere/deep/mcpolicy.json": {},
	}
	stat := func(name string) (fs.FileInfo, error) {
		return tree.Stat(strings.TrimPrefix(filepath.ToSlash(name), "/"))
	}
	for start, want := range map[string]string{
		"/repo":          "/repo/mcpolicy.yaml",
		"/repo/sub/deep": "/repo/mcpolicy.yaml",
		"/repo/other/":   "/repo/other/mcpolicy.yaml",
	} {
		got, err := config.Find(filepath.FromSlash(start), stat)
		if err != nil || filepath.ToSlash(got) != want {
			t.Errorf("Find(%s) = %q, %v", start, got, err)
		}
	}
	_, err := config.Find("/elsewhere/deep", stat)
	if !errors.Is(err, config.ErrNotFound) || err.Error() != "no mcpolicy.yaml in /elsewhere/deep or above it" {
		t.Errorf("error %v, want ErrNotFound", err)
	}
	_, err = config.Find("/repo", func(string) (fs.FileInfo, error) { return nil, os.ErrPermission })
	if !errors.Is(err, os.ErrPermission) {
		t.Errorf("error %v, want ErrPermission", err)
	}
}

func FuzzParse(f *testing.F) {
	full, err := os.ReadFile(filepath.Join("testdata", "full.yaml"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(full)
	for _, tt := range badConfigs {
		f.Add([]byte(tt.text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := config.Parse("m.yaml", data)
		if (c == nil) == (err == nil) {
			t.Fatalf("config %v, error %v", c, err)
		}
		for _, mistake := range source.Mistakes(err) {
			var at *source.Error
			if !errors.As(mistake, &at) || at.Pos.File != "m.yaml" {
				t.Errorf("a mistake without a position: %v", mistake)
			}
		}
		if c == nil {
			return
		}
		for _, s := range c.Servers {
			for _, m := range s.Manifest {
				if !filepath.IsLocal(m.File) {
					t.Errorf("path %q leads outside", m.File)
				}
			}
		}
	})
}
