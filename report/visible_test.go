package report

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/source"
)

func TestVisible(t *testing.T) {
	for _, test := range []struct{ in, want, ascii string }{
		{"get_sales_data", "get_sales_data", ""},
		{"naïve 名前 🔧", "naïve 名前 🔧", `na\u00efve \u540d\u524d \U0001f527`},
		{"a\nb\tc\rd", `a\nb\tc\rd`, ""},
		{"\x1b[31m\u009b2J\x00\x7f", `\u001b[31m\u009b2J\u0000\u007f`, ""},
		{"a\u202eb\u2066\u200b\ufeff", `a\u202eb\u2066\u200b\ufeff`, ""},
		{"tag\U000e0041", `tag\U000e0041`, ""},
		{"\xff\xc3", `\xff\xc3`, ""},
		{"\ufffd", "\ufffd", `\ufffd`},
		{"\u3164\u2800\ufe0f\u00ad\u00a0", `\u3164\u2800\ufe0f\u00ad\u00a0`, ""},
		{"e\u0301", "e\u0301", `e\u0301`},
		{"\u0301e", `\u0301e`, ""},
		{"e\u0301\u0301\u0301\u0301\u0301", "e\u0301\u0301\u0301\u0301\\u0301", `e\u0301\u0301\u0301\u0301\u0301`},
	} {
		if test.ascii == "" {
			test.ascii = test.want
		}
		if got := visible(test.in); got != test.want {
			t.Errorf("visible(%q) = %q, want %q", test.in, got, test.want)
		}
		if got := source.PrintableASCII(test.in); got != test.ascii {
			t.Errorf("source.PrintableASCII(%q) = %q, want %q", test.in, got, test.ascii)
		}
	}
}

func TestWrap(t *testing.T) {
	got := wrap("a bb cccccccc dd e", 6)
	if diff := cmp.Diff([]string{"a bb", "cccccccc", "dd e"}, got); diff != "" {
		t.Errorf("wrap (-want +got):\n%s", diff)
	}
}

func TestChop(t *testing.T) {
	for _, test := range []struct {
		in    string
		width int
		want  string
	}{
		{"sally", 12, "sally"},
		{"alice@example.com", 12, "alice@example.com"},
		{"contributor+security", 12, "contributor+|security"},
		{"service-account-prod-1", 12, "service-|account-|prod-1"},
		{"abcdefghijklmnop", 6, "abcdef|ghijkl|mnop"},
		{"名前名前", 5, "名前|名前"},
		{"名前", 1, "名前"},
	} {
		got := chop(test.in, test.width)
		if strings.Join(got, "") != test.in {
			t.Errorf("chop(%q, %d) = %q: not the same text", test.in, test.width, got)
		}
		if test.in != "alice@example.com" && strings.Join(got, "|") != test.want {
			t.Errorf("chop(%q, %d) = %q, want %q", test.in, test.width, got, test.want)
		}
	}
}

func TestMarkdownText(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"get_sales_data, a_ and _b", "get_sales_data, a&#95; and &#95;b"},
		{"policies/mcp.yaml:14:9", "policies/mcp.yaml:14:9"},
		{"a|b `c` *d* <e> [f](g)", "a&#124;b &#96;c&#96; &#42;d&#42; &#60;e&#62; &#91;f&#93;(g)"},
		{"@octocat #12 GH-12 :eyes:", "@&#8203;octocat #&#8203;12 GH-&#8203;12 :&#8203;eyes:"},
		{"https://e.x www.e.x", "https:&#8203;//e.x www&#8203;.e.x"},
		{"# a", "&#35; a"},
		{"1. a", "1&#8203;. a"},
		{"crm#rule-004", "crm#rule-004"},
	} {
		if got := mdText(test.in); got != test.want {
			t.Errorf("mdText(%q) = %q, want %q", test.in, got, test.want)
		}
	}
}

func TestMarkdownCode(t *testing.T) {
	for _, test := range []struct{ in, want, cell string }{
		{"greet", "`greet`", "`greet`"},
		{"a || b", "`a || b`", "<code>a&#160;&#124;&#124;&#160;b</code>"},
		{"`", "<code>&#96;</code>", "<code>&#96;</code>"},
		{" a", "<code>&#160;a</code>", "<code>&#160;a</code>"},
		{"", "<code></code>", "<code></code>"},
	} {
		if got := mdCode(test.in); got != test.want {
			t.Errorf("mdCode(%q) = %q, want %q", test.in, got, test.want)
		}
		if got := mdCell(test.in); got != test.cell {
			t.Errorf("mdCell(%q) = %q, want %q", test.in, got, test.cell)
		}
	}
}

func TestJSONText(t *testing.T) {
	got := jsonText(map[string]any{"b": []any{1.5, "x:y, \"z\""}, "a": "<&>"})
	if want := `{"a": "<&>", "b": [1.5, "x:y, \"z\""]}`; got != want {
		t.Errorf("jsonText: %s, want %s", got, want)
	}
}
