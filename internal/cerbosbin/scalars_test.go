package cerbosbin_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/cerbosbin"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/principals"
)

// scalars are values that YAML parsers do not agree about.
var scalars = strings.Fields(`
	1e3 1.5e3 1E+3 -2e-3 0x1F 0o17 017 018 -017 0b11 1_024 _1 +7 +-7 -0 0.0 .5 5. 1.2.3 12:30 yes No on OFF y true False TRUE tRuE null Null ~ nil
	9007199254740993 18446744073709551615 18446744073709551616 -9223372036854775809 1e400 2.5e400 4.9e-324 2026-05-04 2026-05-04T10:00:00Z
	'5' "5" '' "" 'true' "null" "\x35" abc 0x 0o9 1,5 inf .inf -.INF .nan NaN = << - a#b 5a
`)

// probes are conditions that tell values apart.
func probes() []string {
	list := []string{
		"type(P.attr.v) == string", "type(P.attr.v) == double", "type(P.attr.v) == bool", "P.attr.v == null", "has(P.attr.v)",
		"P.attr.v > 7", "P.attr.v < 0", `P.attr.v > "5"`, "size(P.attr.v) == 3", "P.attr.v == P.attr.v", `string(P.attr.v) == "5"`, "int(P.attr.v) == 5", "P.attr.v",
		`timestamp(P.attr.v) < now()`, "double(P.attr.v) > 1e18", `P.attr.v.startsWith("1")`, `P.attr.v.matches("^[0-9e]+$")`,
	}
	for _, v := range []string{
		"0", "3", "5", "7", "15", "17", "18", "31", "-15", "0.5", "1000", "1500", "1024", "true", "false", `""`, `"5"`, `"1e3"`, `"0x1F"`, `"018"`, `"yes"`, `"No"`, `"true"`,
		`"null"`, `"+7"`, `"18446744073709551616"`, `"12:30"`, `"2026-05-04"`, "9007199254740992.0", "18446744073709551616.0", `"tRuE"`, `"_1"`, `"1e400"`,
	} {
		list = append(list, "P.attr.v == dyn("+v+")")
	}
	return list
}

// TestDifferentialScalars has `cerbos compile` decide conditions on values of a
// principals file, and the engine on the same file as it is read here.
func TestDifferentialScalars(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	binary := cerbosbin.Path(t)
	r := rand.New(rand.NewPCG(7, 55))
	tags := []string{"", "", "", "!!str ", "!!int ", "!!float ", "!!null ", "! "}
	text, n := "principals:\n", 0
	for n < rounds.Of(60, 500) {
		entry := fmt.Sprintf("  p%d: {id: p, roles: [A], attr: {v: %s%s}}\n", n, tags[r.IntN(len(tags))], scalars[r.IntN(len(scalars))])
		if _, err := principals.Parse("p.yaml", []byte("principals:\n"+entry)); err != nil {
			continue // refused; package principals holds that Cerbos refuses no more
		}
		text += entry
		n++
	}
	set, err := principals.Parse("principals.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	dir, now := t.TempDir(), time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	conditions := probes()
	policy := "apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: thing\n  version: default\n  rules:\n"
	for i, c := range conditions {
		policy += fmt.Sprintf("    - {actions: [a%d], effect: EFFECT_ALLOW, roles: [A], condition: {match: {expr: %q}}}\n", i, c)
	}
	write(t, filepath.Join(dir, "thing.yaml"), policy)
	write(t, filepath.Join(dir, "testdata", "principals.yaml"), text)
	engine, err := embedded.Open(t.Context(), os.DirFS(dir), pdp.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	var cases []oracleCase
	var requests []authz.Request
	for _, p := range set.Principals {
		for i := range conditions {
			request := authz.Request{Principal: p, Action: fmt.Sprint("a", i), Resource: authz.Resource{Kind: "thing", ID: "t"}}
			requests = append(requests, request)
			cases = append(cases, oracleCase{request: request, resource: fmt.Sprint("r", i)})
		}
	}
	decisions, err := engine.Decide(t.Context(), requests)
	if err != nil {
		t.Fatal(err)
	}
	allowed, differ := 0, 0
	for i, d := range decisions {
		if cases[i].allow = d.Effect == authz.Allow; cases[i].allow {
			allowed++
		}
	}
	s := newSuite(set.Principals, cases)
	s.Principals = nil // they come from the file
	s.Options.Now = now.Format(time.RFC3339)
	s.write(t, dir)
	effects := compile(t, binary, dir, 0)
	for i, c := range cases {
		if effects[c.key()] != c.effect() {
			differ++
			t.Errorf("%s for attr %v of %s: here %s, official %q", conditions[i%len(conditions)], c.request.Principal.Attr, c.request.Principal.Pos, c.effect(), effects[c.key()])
		}
	}
	t.Logf("%d decisions (%d allowed), %d differ", len(cases), allowed, differ)
	if allowed == 0 {
		t.Error("nothing is allowed: the test says nothing")
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
