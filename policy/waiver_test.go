package policy_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/source"
)

const waived = `apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: album
  version: default
  rules:
    # mcpolicy:waive wildcard-role until 2027-01-31: everybody may look: agreed
    # A word about it.

    #mcpolicy:waive wildcard-action:because
    - actions: ["view*"]
      effect: EFFECT_ALLOW
      roles: ["*"]
    - name: text
      actions: [edit]
      effect: EFFECT_DENY
      roles:
        - "*"
      condition:
        match:
          expr: |
            "a" == "b" ||
            # mcpolicy:waiv is text here
            true
`

func TestWaivers(t *testing.T) {
	at := func(line, col int) source.Pos { return source.Pos{File: "p.yaml", Line: line, Col: col} }
	want := []policy.Waiver{
		{
			Pos: at(6, 5), Rule: "wildcard-role", Reason: "everybody may look: agreed",
			Expires: time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC), From: at(10, 7), To: at(12, 15),
		},
		{Pos: at(9, 5), Rule: "wildcard-action", Reason: "because", From: at(10, 7), To: at(12, 15)},
	}
	for name, text := range map[string]string{
		"unix": waived, "windows": strings.ReplaceAll(waived, "\n", "\r\n"), "marked": "\ufeff" + waived,
	} {
		set := load(t, files("p.yaml", text), "")
		var got []policy.Waiver
		for w := range set.Waivers() {
			got = append(got, *w)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: waivers (-want +got):\n%s", name, diff)
		}
	}
}

// TestWaiversElsewhere attaches waivers to derived roles and to the actions of
// principal policies; a disabled policy has none.
func TestWaiversElsewhere(t *testing.T) {
	set := load(t, files(
		"roles.yaml", "derivedRoles:\n  name: r\n  definitions:\n    # mcpolicy:waive derived-role-inert: soon\n    - name: owner\n      parentRoles: [USER]\n",
		"ian.yaml", "principalPolicy:\n  principal: ian\n  version: default\n  rules:\n    - resource: album\n      actions:\n"+
			"        - {action: view, effect: EFFECT_ALLOW}\n        # mcpolicy:waive role-not-held: he left\n        -\n          action: edit\n          effect: EFFECT_DENY\n",
		"off.yaml", "disabled: true\n"+waived,
	), "")
	var got []string
	for w := range set.Waivers() {
		got = append(got, w.Pos.String()+" "+w.From.String()+" "+w.To.String())
	}
	want := []string{"ian.yaml:8:9 ian.yaml:10:11 ian.yaml:11:19", "roles.yaml:4:5 roles.yaml:5:7 roles.yaml:6:21"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("waivers (-want +got):\n%s", diff)
	}
}

// TestWaiverMistakes holds that what looks like a waiver and is none is an
// error: it would accept nothing.
func TestWaiverMistakes(t *testing.T) {
	const form = "# mcpolicy:waive RULE until 2027-01-31: reason (the date may be left out)"
	const nowhere = "a waiver stands on a line of its own right above a rule: below this one there is none"
	for comment, want := range map[string]string{
		"# mcpolicy:waive":                                    "a waiver without a rule: write " + form,
		"# mcpolicy:waive: because":                           "a waiver without a rule: write " + form,
		"# mcpolicy:waive wildcard-role":                      "a waiver without a reason: write " + form,
		"# mcpolicy:waive wildcard-role: ":                    "a waiver without a reason: write " + form,
		"# mcpolicy:waive wildcard-role until 2027-01-31":     "a waiver without a reason: write " + form,
		"# mcpolicy:waive wildcard-role 2027-01-31: because":  "not a waiver: write " + form,
		"# mcpolicy:waive wildcard-role untill 2027-01-31: x": "not a waiver: write " + form,
		"# mcpolicy:waive wildcard-role until 2027-02-30: x":  `waiver: want a date like 2027-01-31, have "2027-02-30"`,
		"# mcpolicy:waive wildcard-role until soon: x":        `waiver: want a date like 2027-01-31, have "soon"`,
		"# mcpolicy:waiv wildcard-role: x":                    `unknown comment "mcpolicy:waiv"; a waiver is written ` + form,
		"# mcpolicy:ignore wildcard-role: x":                  `unknown comment "mcpolicy:ignore"; a waiver is written ` + form,
		"# mcpolicy: waive wildcard-role: x":                  `unknown comment "mcpolicy:"; a waiver is written ` + form,
		"# MCPolicy:waive wildcard-role: x":                   `unknown comment "MCPolicy:waive"; a waiver is written ` + form,
		"# mcpolicy:waiver wildcard-role: x":                  `unknown comment "mcpolicy:waiver"; a waiver is written ` + form,
		"# mcpolicy-waive wildcard-role: x":                   `unknown comment "mcpolicy-waive"; a waiver is written ` + form,
	} {
		text := strings.Replace(waived, "# A word about it.", comment, 1)
		if _, err := policy.Load(files("p.yaml", text), ""); err == nil || err.Error() != "p.yaml:7:5: "+want {
			t.Errorf("%s: error %v, want %s", comment, err, want)
		}
	}
	const good = "# mcpolicy:waive wildcard-role: because"
	for name, text := range map[string]string{
		"p.yaml:24:1":  waived + good + "\n",
		"p.yaml:5:10":  strings.Replace(waived, "rules:", "rules: "+good, 1),
		"p.yaml:2:1":   strings.Replace(waived, "resourcePolicy", good+"\nresourcePolicy", 1),
		"p.yaml:11:7":  strings.Replace(waived, "      effect: EFFECT_ALLOW", "      "+good+"\n      effect: EFFECT_ALLOW", 1),
		"p.yaml:6:3":   "resourcePolicy:\n  resource: album\n  version: default\n\n\n  " + good + "\n  rules: [{actions: [a], effect: EFFECT_ALLOW, roles: [b]}]\n",
		"p.yaml:11:29": strings.Replace(waived, "effect: EFFECT_ALLOW", "effect: EFFECT_ALLOW  "+good, 1),
	} {
		if _, err := policy.Load(files("p.yaml", text), ""); err == nil || err.Error() != name+": "+nowhere {
			t.Errorf("error %v, want %s: %s", err, name, nowhere)
		}
	}
	for _, prose := range []string{
		"# mcpolicy: see the README", "# what mcpolicy:waive means is in the README", "# mcpolicy waives nothing here", "# mcpolicy.yaml has more",
	} {
		load(t, files("p.yaml", strings.Replace(waived, "# A word about it.", prose, 1)), "")
	}
}
