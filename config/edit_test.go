package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/config"
)

var added = config.Waiver{
	Rule: "wildcard-role", Server: "crm", Item: "purge_*", Types: []authz.ItemType{authz.ToolItem}, Reason: "Cache only: agreed # 7",
	Expires: config.Date{Time: time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)},
}

const (
	asBlock = `  - rule: wildcard-role
    server: crm
    tool: "purge_*"
    reason: "Cache only: agreed # 7"
    expires: 2027-01-31
`
	asFlow = `{rule: wildcard-role, server: crm, tool: "purge_*", reason: "Cache only: agreed # 7", expires: 2027-01-31}`
	head   = "# Ours.\nservers: {crm: {manifest: a}} # one\n"
)

// AddWaiver adds what it should, where it should, and nothing else.
func TestAddWaiver(t *testing.T) {
	dedented := strings.ReplaceAll(asBlock[2:], "\n  ", "\n")
	for name, tt := range map[string]struct{ before, after string }{
		"no key":          {head, head + "\nwaivers:\n" + asBlock},
		"no line end":     {strings.TrimSuffix(head, "\n"), head + "\nwaivers:\n" + asBlock},
		"blank lines":     {head + "\n\n", head + "\nwaivers:\n" + asBlock + "\n\n"},
		"empty":           {head + "waivers: [] # none\ntests: t\n", head + "waivers: # none\n" + asBlock + "tests: t\n"},
		"null":            {head + "waivers:\n# end\n", head + "waivers:\n" + asBlock + "# end\n"},
		"written null":    {head + "'waivers': ~\n", head + "'waivers':\n" + asBlock},
		"flow":            {head + "waivers: [ {rule: a, reason: b} ]\n", head + "waivers: [" + asFlow + ",  {rule: a, reason: b} ]\n"},
		"flow of several": {head + "waivers:\n  [\n    {rule: a, reason: b}, # x\n  ]\n", head + "waivers:\n  [" + asFlow + ", \n    {rule: a, reason: b}, # x\n  ]\n"},
		"block": {
			head + "waivers:\n  # Old.\n  - rule: a\n    reason: >\n      b\n\n      c\n  # Still about it.\n\n# About tests.\ntests: t\n",
			head + "waivers:\n  # Old.\n  - rule: a\n    reason: >\n      b\n\n      c\n  # Still about it.\n" + asBlock + "\n# About tests.\ntests: t\n",
		},
		"block at the end": {head + "waivers:\n  - rule: a\n    reason: b # why\n", head + "waivers:\n  - rule: a\n    reason: b # why\n" + asBlock},
		"not indented":     {head + "waivers:\n- rule: a\n  reason: b\n\ntests: t\n", head + "waivers:\n- rule: a\n  reason: b\n" + dedented + "\ntests: t\n"},
		"flow in block":    {head + "waivers:\n  - {rule: a, reason: b}\ntests: t\n", head + "waivers:\n  - {rule: a, reason: b}\n  - " + asFlow + "\ntests: t\n"},
		"deep dashes":      {head + "waivers:\n      - {rule: a, reason: b}", head + "waivers:\n      - {rule: a, reason: b}\n      - " + asFlow + "\n"},
	} {
		for end, text := range map[string]string{"unix": "\n", "windows": "\r\n"} {
			before, after := strings.ReplaceAll(tt.before, "\n", text), strings.ReplaceAll(tt.after, "\n", text)
			if end == "windows" && name == "no line end" {
				continue // there is one line, of which nobody knows
			}
			got, err := config.AddWaiver("m.yaml", []byte(before), &added)
			if err != nil {
				t.Errorf("%s, %s: %v", name, end, err)
			}
			if diff := cmp.Diff(after, string(got)); diff != "" {
				t.Errorf("%s, %s (-want +got):\n%s", name, end, diff)
			}
		}
	}
}

// Where a text is written so that a waiver has no place, AddWaiver says what to
// write, and what is wrong with the waiver it says too.
func TestAddWaiverByHand(t *testing.T) {
	byHand := "m.yaml: this text cannot be edited without rewriting it; add to the waivers by hand: - " + asFlow
	for _, text := range []string{
		"{servers: {crm: {manifest: a}}}\n",
		`{"servers": {"crm": {"manifest": "a"}}, "waivers": []}`,
		head + "waivers: &w\n  - {rule: a, reason: b}\n",
		head + "...\n",
		head + "waivers: [\n]\n",
	} {
		if got, err := config.AddWaiver("m.yaml", []byte(text), &added); err == nil || err.Error() != byHand {
			t.Errorf("%s\nbecame %s, error %v, want %s", text, got, err, byHand)
		}
	}
	other := added
	other.Server = "crn"
	if _, err := config.AddWaiver("m.yaml", []byte(head), &other); err == nil || err.Error() != `m.yaml:6:13: no server "crn" (did you mean crm?)` {
		t.Errorf("error %v", err)
	}
}

// Whatever a waiver says, it is read back, and added again behind itself.
func TestAddWaiverReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"yes", "~", "1e3", "a: b", "- x", "# y", "a\nb", "*", "0x1", "2027-01-31", "a, b", "'", `"`}))
		w := config.Waiver{
			Rule: "wildcard-role", Item: text.Draw(t, "item"), Principal: text.Draw(t, "principal"), File: text.Draw(t, "file"),
			Reason: text.Filter(func(s string) bool { return strings.TrimSpace(s) != "" }).Draw(t, "reason"),
		}
		data := []byte(rapid.SampledFrom([]string{head, head + "waivers: []\n", head + "waivers:\n  - {rule: a, reason: b}\n", head + "waivers: [{rule: a, reason: b}]\n"}).Draw(t, "config"))
		once, err := config.AddWaiver("m.yaml", data, &w)
		if err != nil {
			t.Fatalf("%v", err)
		}
		twice, err := config.AddWaiver("m.yaml", once, &w)
		if err != nil {
			t.Fatalf("%v in\n%s", err, once)
		}
		c, err := config.Parse("m.yaml", twice)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, got := range c.Waivers {
			got.Pos = w.Pos
			if got.Rule == w.Rule {
				n++
				if diff := cmp.Diff(w, got); diff != "" {
					t.Fatalf("waiver (-want +got):\n%s", diff)
				}
			}
		}
		if n != 2 {
			t.Fatalf("%d waivers in\n%s", n, twice)
		}
	})
}
