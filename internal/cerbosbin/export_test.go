package cerbosbin_test

import (
	"fmt"
	"maps"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mcpolicy/mcpolicy/internal/cerbosbin"
	"github.com/mcpolicy/mcpolicy/internal/fixture"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/testrunner"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// exported exports the suites of a project, has the official compiler run them, and
// returns how many decisions there are and how many of them fail.
func exported(t *testing.T, binary, project, policies string) (x *workspace.CerbosExport, decisions, failing int) {
	t.Helper()
	w, err := workspace.Open(t.Context(), os.DirFS(project), workspace.Options{Now: time.Date(2030, 5, 4, 12, 0, 0, 0, time.UTC), AcceptIncomplete: true})
	if err != nil {
		t.Fatal(err)
	}
	x, err = w.ExportCerbos(t.Context(), testrunner.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "policies"), os.DirFS(filepath.Join(project, policies))); err != nil {
		t.Fatal(err)
	}
	tests := filepath.Join(dir, "tests")
	if err := os.Mkdir(tests, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, s := range x.Suites {
		if err := os.WriteFile(filepath.Join(tests, s.File), s.Data(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	flags := []string{"--tests", tests}
	if x.IgnoreSchemas {
		flags = append(flags, "--ignore-schemas")
	}
	of := map[string][2]int{}
	for key, how := range compileSuites(t, binary, filepath.Join(dir, "policies"), flags...) {
		file, _, isCheck := strings.Cut(key, " | ")
		n := of[file]
		switch {
		case !isCheck && how == "invalid":
			t.Errorf("%s: the official compiler refuses it", file)
		case isCheck && strings.HasPrefix(how, "failed"):
			n[1]++
			n[0]++
		case isCheck && strings.HasPrefix(how, "passed"):
			n[0]++
		case isCheck:
			t.Errorf("%s: %s", key, how)
		}
		of[file] = n
	}
	for _, s := range x.Suites {
		if n := of[s.File]; n != [2]int{s.Decisions, s.Failing} {
			t.Errorf("%s has %d decisions of which %d fail, and %d of which %d fail by the official compiler\n%s", s.File, s.Decisions, s.Failing, n[0], n[1], s.Data())
		}
		decisions, failing = decisions+s.Decisions, failing+s.Failing
	}
	return x, decisions, failing
}

// TestExportedFixtures has the official compiler run what the suites of the fixtures are
// exported as.
func TestExportedFixtures(t *testing.T) {
	binary := cerbosbin.Path(t)
	for _, name := range []string{"fastmcp", "fastmcp2", "fastmcp4", "github", "insecure", "quickstart"} {
		t.Run(name, func(t *testing.T) {
			dir := fixture.Dir(name)
			if found, _ := filepath.Glob(filepath.Join(dir, "tests", "*")); len(found) == 0 {
				t.Skip("it has no suites")
			}
			x, decisions, failing := exported(t, binary, dir, "policies")
			if failing > 0 && name != "insecure" {
				t.Errorf("%d decisions fail", failing)
			}
			for _, l := range x.Left {
				if l.Case.Sentence == "" && l.Case.Outcome != testrunner.Skipped && l.Why != "no policy is asked" {
					t.Errorf("%s: %s is left out: %s", l.Case.Pos, l.Case.Test, l.Why)
				}
			}
			written, _, left := x.Cases()
			t.Logf("%d cases, %d decisions, %d failing; %d cases left out", written, decisions, failing, left)
		})
	}
}

// A shopMaker makes projects of many servers, each with policies and a suite of its own.
type shopMaker struct{ *rand.Rand }

func (m *shopMaker) pick(of ...string) string { return of[m.Intn(len(of))] }

// some returns some of a list, maybe none.
func (m *shopMaker) some(of []string, percent int) []string {
	var list []string
	for _, s := range of {
		if m.Intn(100) < percent {
			list = append(list, s)
		}
	}
	return list
}

var (
	shopTools  = []string{"weigh", "wrap", "re fund", "pay::out", "é-mail", "open"}
	shopPeople = []string{"ann", "bo", "cy d", "4711"}
	shopTests  = []string{
		`R.attr.arguments.town == P.attr.town`, `R.attr.arguments.n <= 50`, `P.attr.level > 2`, `has(R.attr.arguments.town)`,
		`now() > timestamp("2030-05-04T11:00:00Z")`, `request.auxData.jwt.team == "a"`, `R.attr.arguments.n > 10 && R.attr.arguments.n < P.attr.level * 20`,
		`R.attr.arguments.town in ["Ulm", "Köln \"2\""]`, `R.attr.arguments.town.startsWith("U")`,
	}
)

// write writes a project of some servers.
func (m *shopMaker) write(t *testing.T, dir string, servers int) {
	t.Helper()
	var config strings.Builder
	files := map[string]string{}
	config.WriteString("policies: policies\nprincipals: principals.yaml\ntests: tests\nservers:\n")
	for i := range servers {
		profile := m.pick("cerbos-fastmcp", "cerbos-fastmcp", "tool-as-action")
		fmt.Fprintf(&config, "  s%d: {manifest: tools.json, enforcement: %s, with: {resourceKind: shop%d}}\n", i, profile, i)
		files[fmt.Sprintf("policies/shop%d.yaml", i)] = m.policy(i, profile)
		files[fmt.Sprintf("tests/shop%d.yaml", i)] = m.suite(i)
	}
	if m.Intn(2) == 0 {
		config.WriteString("engine: {strictEvaluation: true, globals: {x: 1e3}}\n")
	}
	var tools []string
	for _, name := range shopTools {
		tools = append(tools, fmt.Sprintf(`{"name": %q, "inputSchema": {"type": "object", "properties": {"town": {"type": "string"}, "n": {"type": "number"}}}}`, name))
	}
	files["tools.json"] = `{"tools": [` + strings.Join(tools, ",") + `]}`
	files["principals.yaml"] = `principals:
  ann: {id: ann, roles: [maker, seller], attr: {town: Ulm, level: 3, odd: "1e3", list: [1.5, null, "no"]}, auxData: {jwt: {team: a, aud: [x]}}}
  bo: {id: "0x1F", roles: [seller], attr: {town: "Köln \"2\"", level: 1}, auxData: {jwt: {team: b}}}
  "cy d": {id: "cy: #d", roles: [guest], attr: {level: 9}}
  "4711": {id: "4711", roles: [maker], attr: {town: "a\nb", level: 2}, auxData: {jwt: {team: a}}}
`
	files["mcpolicy.yaml"] = config.String()
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

func (m *shopMaker) policy(i int, profile string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: shop%d\n  version: default\n  rules:\n", i)
	rule := func(actions []string, effect string, conditional int) {
		if len(actions) == 0 {
			return
		}
		roles := m.some([]string{"maker", "seller", "guest"}, 50)
		if len(roles) == 0 {
			roles = []string{"*"}
		}
		fmt.Fprintf(&b, "    - actions: %q\n      effect: %s\n      roles: %q\n", actions, effect, roles)
		if m.Intn(100) < conditional {
			// The same expressions always have the same operator: otherwise it is chance by
			// which condition Cerbos decides.
			i, j := m.Intn(len(shopTests)), m.Intn(len(shopTests))
			fmt.Fprintf(&b, "      condition: {match: {%s: {of: [{expr: %q}, {expr: %q}]}}}\n",
				[]string{"any", "all"}[(i+j)%2], shopTests[i], shopTests[j])
		}
	}
	named := func(prefix string) []string {
		list := m.some(shopTools, 50)
		for i := range list {
			list[i] = prefix + list[i]
		}
		return list
	}
	for range 3 {
		if profile == "tool-as-action" {
			rule(named(""), "EFFECT_ALLOW", 60)
			continue
		}
		rule([]string{"tools/list"}, "EFFECT_ALLOW", 20)
		rule(named("tools/list::"), "EFFECT_ALLOW", 30)
		rule(named("tools/call::"), "EFFECT_ALLOW", 60)
	}
	rule(named(map[bool]string{true: "", false: "tools/call::"}[profile == "tool-as-action"]), "EFFECT_DENY", 80)
	rule([]string{"never"}, "EFFECT_DENY", 0)
	return strings.ReplaceAll(b.String(), `" "`, `", "`)
}

func (m *shopMaker) suite(i int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "name: %s\nserver: s%d\n", fmt.Sprintf(m.pick("Shop %d", "\"Shop: #%d\"", "'é %d'"), i), i)
	switch m.Intn(4) {
	case 0:
		b.WriteString("options: {now: \"2030-05-04T10:00:00Z\", globals: {y: [1, {z: no}]}}\n")
	case 1:
		b.WriteString("options: {auxData: {jwt: {team: a}}}\n")
	}
	b.WriteString("tests:\n")
	for j := range 3 {
		fmt.Fprintf(&b, "  - name: %q\n    principals: %s\n", fmt.Sprintf("%s %d", m.pick("who does", "what: is #1"), j), flow(m.atLeastOne(shopPeople)))
		for _, operation := range []string{"list", "call"} {
			m.operation(&b, operation)
		}
	}
	fmt.Fprintf(&b, "  - name: nobody\n    never:\n      principals: {}\n      call: {tools: {names: %s}}\n", flow(m.atLeastOne(shopTools)))
	return b.String()
}

func (m *shopMaker) operation(b *strings.Builder, operation string) {
	fmt.Fprintf(b, "    %s:\n", operation)
	if m.Intn(4) == 0 {
		fmt.Fprintf(b, "      exactly: %s\n", flow(m.some(shopTools, 60)))
		return
	}
	lists := map[string][]string{}
	for _, tool := range m.atLeastOne(shopTools) {
		how := m.pick("allow", "deny", "deny", "conditional")
		lists[how] = append(lists[how], tool)
	}
	for _, how := range []string{"allow", "deny", "conditional"} {
		if len(lists[how]) > 0 {
			fmt.Fprintf(b, "      %s: %s\n", how, flow(lists[how]))
		}
	}
	if operation == "list" {
		return
	}
	b.WriteString("      cases:\n")
	said := map[string]bool{}
	for range 3 {
		call := fmt.Sprintf("tool: %q, arguments: %s", m.pick(shopTools...),
			m.pick("{}", "{town: Ulm}", "{n: 50, town: 'Köln \"2\"'}", "{n: 50.5}", "{n: 1.5e3, town: \"a\\nb\", more: [1, {a: null}]}", "{town: null}", "{n: '11'}"))
		if !said[call] {
			said[call] = true
			fmt.Fprintf(b, "        - {%s, expect: %s}\n", call, m.pick("allow", "deny"))
		}
	}
}

func (m *shopMaker) atLeastOne(of []string) []string {
	list := m.some(of, 50)
	if len(list) == 0 {
		list = []string{of[m.Intn(len(of))]}
	}
	return list
}

func flow(list []string) string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = fmt.Sprintf("%q", s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// TestDifferentialExport exports made suites, many cases of which fail, and has the
// official compiler run them: each suite has the decisions that it says, and as many fail.
func TestDifferentialExport(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	binary := cerbosbin.Path(t)
	decisions, failing, written, left := 0, 0, 0, 0
	whys := map[string]int{}
	for n := range rounds.Of(1, 20) {
		dir := t.TempDir()
		(&shopMaker{rand.New(rand.NewSource(int64(n)))}).write(t, dir, rounds.Of(8, 25)) //nolint:gosec // suites are no secret
		x, d, f := exported(t, binary, dir, "policies")
		decisions, failing = decisions+d, failing+f
		w, _, l := x.Cases()
		written, left = written+w, left+l
		for _, l := range x.Left {
			whys[l.Why]++
		}
	}
	t.Logf("%d cases, %d decisions, %d failing; %d cases left out", written, decisions, failing, left)
	for _, why := range slices.Sorted(maps.Keys(whys)) {
		t.Logf("%d: %s", whys[why], why)
	}
	if failing < decisions/20 || left > written/5 {
		t.Error("the suites are too much alike, or too few of their cases can be written")
	}
}
