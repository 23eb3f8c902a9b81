package report

import (
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
)

func TestAnonymizer(t *testing.T) {
	a := newAnonymizer(&matrix.Matrix{Classes: []*matrix.Class{{Principals: []*authz.Principal{
		{Key: "olga", ID: "olga@shop.example", Roles: []string{"CASH"}},
		{Key: "Per Ove", ID: "4711", Roles: []string{"CASH", "KEYS"}},
		{Key: "picker", ID: "picker", Kind: authz.Agent, OnBehalfOf: "olga"},
	}}}})
	for text, want := range map[string]string{
		"olga may call refund.":                      "someone (CASH) may call refund.",
		"picker, acting for olga, may":               "picker, acting for someone (CASH), may",
		"Per Ove and olga can":                       "someone (CASH+KEYS) and someone (CASH) can",
		`principal.id == "olga@shop.example"`:        `principal.id == "someone (CASH)"`,
		`principal.id == "4711" && arguments.n<4711`: `principal.id == "someone (CASH+KEYS)" && arguments.n<4711`,
		"olga_refund of olgas-till":                  "olga_refund of olgas-till",
		"4711":                                       "someone (CASH+KEYS)",
		"":                                           "",
	} {
		if got := a.text(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
