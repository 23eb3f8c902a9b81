package witness_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/witness"
	"github.com/mcpolicy/mcpolicy/pdp"
)

// A candidate's claims are such as a PDP shows, and what is said of all
// candidates holds for tokens that are none of them.
func TestTokens(t *testing.T) {
	tests := []struct {
		expr string
		met  bool           // by some candidate
		all  bool           // whatever a token comes to, a candidate does
		by   map[string]any // a token that meets it, if any does
	}{
		{expr: `request.auxData.jwt.aud == "billing"`},
		{`"billing" in request.auxData.jwt.aud`, true, false, map[string]any{"aud": "billing"}},
		{expr: `request.auxData.jwt.exp > 5`},
		{`request.auxData.jwt.exp > "2026-01-01T00:00:00Z"`, true, false, map[string]any{"exp": 1800000000.0}},
		{`timestamp(request.aux_data.jwt.nbf) < timestamp("2026-01-01T00:00:00Z")`, true, false, map[string]any{"nbf": 5.0}},
		{`request.auxData.jwt.iat == "2026-01-01T00:00:00Z"`, true, false, map[string]any{"iat": 1767225600.0}},
		{expr: `request.auxData.jwt.sub == 5`, all: true},
		{expr: `request.auxData.jwt.iss == null`, all: true},
		{expr: `request.auxData.jwt.sub.name == "x"`, all: true},
		{`request.auxData.jwt.jti == ""`, true, true, map[string]any{"jti": nil}},
		{expr: `request.auxData.jwt.tier == null`, all: true},
		{`request.auxData.jwt.tier == 5`, true, true, map[string]any{"tier": 5.0}},
		{`request.auxData.jwt.org.name == "x"`, true, true, map[string]any{"org": map[string]any{"name": "x"}}},
		{`request.auxData.jwts.app.claims.tier == 5`, false, false, nil},
	}
	for _, tt := range tests {
		t.Run(tt.expr, func(t *testing.T) {
			e, err := open(t.Context(), "{expr: '"+tt.expr+"'}")
			if err != nil {
				t.Fatal(err)
			}
			q := witness.Search{Parts: e.Conditions()[0].Parts, Request: request}
			candidates := q.Candidates()
			var requests []authz.Request
			for c := range candidates.Each {
				claims, err := authz.Claims(c.Principal.AuxData)
				if diff := cmp.Diff(claims, c.Principal.AuxData); diff != "" || err != nil {
					t.Errorf("no PDP shows these claims: %v (-PDP +candidate):\n%s", err, diff)
				}
				requests = append(requests, bind(c))
			}
			if tt.by != nil {
				claims, err := authz.Claims(tt.by)
				if err != nil {
					t.Fatal(err)
				}
				by := bind(witness.Candidate{Principal: &authz.Principal{ID: "p", Roles: []string{"A"}, AuxData: claims}})
				requests = append(requests, by)
			}
			outcomes, err := try(t.Context(), e, requests)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(outcomes); tt.by != nil {
				if outcomes[n-1] != pdp.Met {
					t.Errorf("%v does not meet it", tt.by)
				}
				outcomes = outcomes[:n-1]
			}
			met := false
			for _, o := range outcomes {
				met = met || o == pdp.Met
			}
			if met != tt.met || candidates.All != tt.all {
				t.Errorf("met %t, all %t; want %t, %t", met, candidates.All, tt.met, tt.all)
			}
		})
	}
}
