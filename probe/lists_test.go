package probe_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/jsonrpc"

	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/probe"
)

// TestRefusedLists holds that a list that is refused is one that shows nothing,
// where the profile knows the refusal, and that all that came before it was
// shown.
func TestRefusedLists(t *testing.T) {
	profile, err := pep.New("cerbos-fastmcp", "desk", pep.With{FastMCP: "3.4.9"}, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := profile.SetAnswers([]pep.Answer{{Code: -32001}, {IsError: true, Text: "Unauthorized"}}, nil); err != nil {
		t.Fatal(err)
	}
	// Sales people have no list of prompts.
	checkout := newWorld(t, replaced(t, "[tools/list, prompts/list, resources/list], effect: EFFECT_ALLOW, roles: [ADMIN, SALES]}",
		"[tools/list, resources/list], effect: EFFECT_ALLOW, roles: [ADMIN, SALES]}\n    - {name: prompts, actions: [prompts/list], effect: EFFECT_ALLOW, roles: [ADMIN]}"), profile)
	refused, undecided := &jsonrpc.Error{Code: -32001, Message: "Access denied"}, &jsonrpc.Error{Code: -32603, Message: "Authorization service unavailable"}
	page := map[string]any{"prompts": []any{map[string]any{"name": "brief"}}, "nextCursor": "2"}
	for name, test := range map[string]struct {
		answers map[string][]any // to prompts/list, by principal, one after the other
		want    []string
	}{
		"to whom they are denied": {map[string][]any{"sally": {refused}, "otto": {refused}}, nil},
		"to one who has them":     {map[string][]any{"ian": {refused}}, []string{"hidden-but-allowed ian list brief"}},
		"after a page":            {map[string][]any{"sally": {page, refused}}, []string{"shown-but-denied sally list brief"}},
		"without a decision":      {map[string][]any{"sally": {undecided}}, []string{"not-probed sally list"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := &desk{deployed: checkout, trouble: func(principal, method, _ string) any {
				left := test.answers[principal]
				if method != "prompts/list" || len(left) == 0 {
					return nil
				}
				test.answers[principal] = left[1:]
				return left[0]
			}}
			result, err := probed(t, checkout, d, func(in *probe.Input) { in.Calls, in.Reads, in.Concurrency = false, false, 1 })
			if err != nil {
				t.Fatal(err)
			}
			got := lines(result.Drifts)
			slices.Sort(got)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("drift (-want +got):\n%s", diff)
			}
		})
	}
}
