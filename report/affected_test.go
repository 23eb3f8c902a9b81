package report_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/report"
)

// about makes a finding of what it affects.
func about(groups ...lint.Affected) lint.Finding {
	f := lint.Finding{Affected: groups}
	seen := map[string]bool{}
	for _, g := range groups {
		f.Items = append(f.Items, g.Items...)
		for _, who := range g.Principals {
			if !seen[who] {
				f.Principals = append(f.Principals, who)
			}
			seen[who] = true
		}
	}
	return f
}

func tools(names ...string) []lint.Item {
	var list []lint.Item
	for _, name := range names {
		list = append(list, lint.Item{Server: "desk", Name: name})
	}
	return list
}

func numbered(word string, n int) []string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf("%s%03d", word, i))
	}
	return list
}

// TestAffected holds what a finding says of what it is about, and that it leaves nobody out
// without saying so.
func TestAffected(t *testing.T) {
	explained := about(lint.Affected{Items: tools("wipe"), Principals: []string{"bot"}})
	explained.Explains = []lint.Explained{
		{Rule: "agent-destructive", Severity: authz.SeverityWarning, Items: tools("wipe"), Principals: []string{"bot", "mia"}},
		{Rule: "tool-untested", Items: tools("purge")},
		{Rule: "tool-untested", Items: tools("erase", "wipe")},
		{Rule: "wildcard-action", Items: tools("wipe"), Principals: []string{"bot"}},
	}
	elsewhere := about(lint.Affected{Items: []lint.Item{{Server: "a", Name: "find"}, {Server: "b", Name: "find"}}})
	for _, test := range []struct {
		f    lint.Finding
		all  bool
		want []string
		not  []string
	}{
		{about(lint.Affected{Items: tools("something")}), false, nil, []string{"       something\n"}}, // as the message says
		{about(lint.Affected{Items: tools("wipe", "purge"), Principals: []string{"mia", "ola"}}), false, []string{"       wipe, purge\n       for mia, ola\n"}, nil},
		{about(lint.Affected{Items: tools("wipe"), Principals: []string{"mia"}}, lint.Affected{Items: tools("purge"), Principals: []string{"ola", "mia"}}), false, []string{"       mia: wipe\n       ola, mia: purge\n"}, nil},
		{about(lint.Affected{Principals: numbered("p", 40)}), false, []string{"for p000, p001,", "p011, ...", "(all 40 with --all)"}, []string{"p012"}},
		{about(lint.Affected{Principals: numbered("p", 13)}), false, []string{"p012"}, []string{"--all"}},
		{about(lint.Affected{Principals: numbered("p", 40)}), true, []string{"p039"}, []string{"--all"}},
		{about(lint.Affected{Items: tools(numbered("t", 300)...)}), false, []string{"t000, t001", "t299"}, []string{"more", "--all"}},
		{explained, false, []string{"settles 5 findings: also agent-destructive (bot, mia), 2 tool-untested\n       (purge, erase), wildcard-action\n"}, nil},
		{elsewhere, false, []string{"find on a, find on b"}, nil},
	} {
		text := shown(t, "text", "", test.f, report.Options{All: test.all})
		for _, want := range test.want {
			if !strings.Contains(text, want) {
				t.Errorf("no %q in\n%s", want, text)
			}
		}
		for _, not := range test.not {
			if strings.Contains(text, not) {
				t.Errorf("%q in\n%s", not, text)
			}
		}
	}
	if text := shown(t, "text", "", explained, report.Options{}); !strings.Contains(text, "1 error (1 cause, 5 findings)") {
		t.Errorf("no count of causes in\n%s", text)
	}
}

// TestManyPairs names all items and the principals where who goes with which takes more
// lines than a screen has.
func TestManyPairs(t *testing.T) {
	var groups []lint.Affected
	for i, name := range numbered("t", 9) {
		groups = append(groups, lint.Affected{Items: tools(name), Principals: numbered("p", i+1)})
	}
	text := shown(t, "text", "", about(groups...), report.Options{})
	if !strings.Contains(text, "       t000, t001, t002, t003, t004, t005, t006, t007, t008\n") || !strings.Contains(text, "for p000, p001, p002, p003, p004, p005, p006, p007, p008; --all says for\n") {
		t.Errorf("not all are named in\n%s", text)
	}
	if text := shown(t, "text", "", about(groups...), report.Options{All: true}); !strings.Contains(text, "       p000, p001, p002: t002\n") {
		t.Errorf("not who with which in\n%s", text)
	}
}
