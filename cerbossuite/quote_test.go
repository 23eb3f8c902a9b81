package cerbossuite_test

import (
	"fmt"
	"reflect"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/source"
)

// TestCerbosReadsQuoted holds that Cerbos reads the texts of the suites that are written as
// they are: as names, as keys and as values.
func TestCerbosReadsQuoted(t *testing.T) {
	const policy = "apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: r\n  version: default\n  rules:\n    - {actions: [a], effect: EFFECT_ALLOW, roles: [\"*\"]}\n"
	ctx := t.Context()
	e, err := embedded.Open(ctx, fstest.MapFS{"p.yaml": {Data: []byte(policy)}}, pdp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	check := func(t rapid.TB, s string) {
		q := source.Quote(s)
		attr := map[string]any{s: s, "numbers": []any{1e21, -1.5, 1e-7, 0.0}, "others": []any{true, nil, map[string]any{}}}
		text := fmt.Sprintf("name: %[1]s\nprincipals:\n  %[1]s:\n    id: %[1]s\n    roles: [%[1]s]\n    attr: {%[1]s: %[2]s}\nresources: {%[1]s: {id: %[1]s, kind: r}}\ntests:\n  - name: %[1]s\n    input: {principals: [%[1]s], resources: [%[1]s], actions: [a]}\n    expected: [{principal: %[1]s, resource: %[1]s, actions: {a: EFFECT_ALLOW}}]\n", q, source.Flow(attr))
		suites, err := e.Verify(ctx, embedded.Files(map[string][]byte{"s_test.yaml": []byte(text)}), pdp.VerifyOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if suites[0].Err != nil || len(suites[0].Checks) != 1 {
			t.Errorf("%q is written %s: %v", s, q, suites[0].Err)
			return
		}
		c := suites[0].Checks[0]
		p := c.Request.Principal
		if suites[0].Name != s || c.Test != s || p.ID != s || p.Roles[0] != s || !reflect.DeepEqual(p.Attr[s], attr) || c.Principal != s || c.Resource != s || c.Outcome != pdp.CheckPassed {
			t.Errorf("%q is written %s, and read as %+v, %+v", s, q, c, p)
		}
	}
	for _, s := range []string{
		"a", "true", "Null", "nan", ".nan", "inf", ".inf", "~", "y", "<<", "1", "1e3", "0x1", "1_000", "2026-01-01", "a b", " a ", "a: b", "a #b", "# a", "- a", "? a", "[a]", "{a}", "*", "&a", "!a", "|", ">", "%", "@a", "`a", "it's", `"`, `\`, `\n`, "'", "''",
		"a\nb", "a\tb", "a\rb", "\r\n", "\x00", "\x07", "\x1b", "\x7f", "\u0085", "\u00a0", "\u2028", "\u200b", "\ufeff", "\ufffd", "\U0001f600", "\U000e0001", "\U0010ffff", "de\u0301", "a\\u0041", "${a}", "=", "a,b", "a:", ":a", "a/b", "tools/call::x",
	} {
		check(t, s)
	}
	rapid.Check(t, func(t *rapid.T) {
		check(t, rapid.StringN(1, 12, -1).Draw(t, "text"))
	})
}
