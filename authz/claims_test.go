package authz_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

func ExampleClaims() {
	claims, err := authz.Claims(map[string]any{"aud": "desk", "exp": 1893456000.0, "team": "red", "manager": nil})
	fmt.Println(claims, err)
	_, err = authz.Claims(map[string]any{"exp": "soon"})
	fmt.Println(err)
	// Output:
	// map[aud:[desk] exp:2030-01-01T00:00:00Z team:red] <nil>
	// exp: a PDP refuses a token with this claim: want a time in seconds since 1970, or in the form 2026-01-31T12:00:00Z
}

// The expectations were taken from a PDP; package pdp holds generated tokens
// against one.
func TestClaim(t *testing.T) {
	type result struct {
		Seen  any
		Shown bool
		OK    bool
	}
	tests := []struct {
		name string
		v    any
		want result
	}{
		{"aud", "a", result{[]any{"a"}, true, true}},
		{"aud", []any{"a", "b"}, result{[]any{"a", "b"}, true, true}},
		{"aud", []any{}, result{[]any{}, true, true}},
		{"aud", nil, result{}},
		{"aud", []any{"a", 1.0}, result{}},
		{"aud", map[string]any{}, result{}},
		{"exp", 1893456000.0, result{"2030-01-01T00:00:00Z", true, true}},
		{"iat", 1893456000.999, result{"2030-01-01T00:00:00Z", true, true}},
		{"nbf", "1893456000.5", result{"2030-01-01T00:00:00Z", true, true}},
		{"nbf", "2030-01-01T02:00:00.5+02:00", result{"2030-01-01T00:00:00Z", true, true}},
		{"exp", 0.0, result{"1970-01-01T00:00:00Z", true, true}},
		{"exp", 1893456000000.0, result{"61971-03-27T00:00:00Z", true, true}},
		{"exp", -1.0, result{}},
		{"exp", math.Copysign(0, -1), result{}},
		{"exp", 1e30, result{}},
		{"exp", "", result{}},
		{"exp", "2030-01-01", result{}},
		{"iat", nil, result{}},
		{"nbf", true, result{}},
		{"sub", "x", result{"x", true, true}},
		{"sub", nil, result{"", true, true}},
		{"iss", 1.0, result{}},
		{"jti", []any{}, result{}},
		{"auth_time", 1893456000.0, result{1893456000.0, true, true}},
		{"scope", nil, result{nil, false, true}},
		{"org", map[string]any{"exp": 1.0, "aud": "a", "x": nil}, result{map[string]any{"exp": 1.0, "aud": "a", "x": nil}, true, true}},
	}
	for _, tt := range tests {
		seen, shown, err := authz.Claim(tt.name, tt.v)
		got := result{seen, shown, err == nil}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", tt.name, tt.v, diff)
		}
		if !shown || len(fmt.Sprint(seen)) > len("2030-01-01T00:00:00Z") { // far in the future
			continue
		}
		again, shown, err := authz.Claim(tt.name, seen)
		if diff := cmp.Diff(result{seen, true, true}, result{again, shown, err == nil}); diff != "" {
			t.Errorf("%s: %v is not stable:\n%s", tt.name, seen, diff)
		}
	}
}

func TestReadAuxData(t *testing.T) {
	tests := map[string]struct {
		text string
		want authz.AuxData
		errs []string
	}{
		"none": {"null", authz.AuxData{}, nil},
		"one":  {`{"jwt": {"aud": "desk", "x": null}}`, authz.AuxData{JWT: map[string]any{"aud": []any{"desk"}}}, nil},
		"several": {
			`{"jwts": {"app": {"claims": {"exp": 0}}, "user": {"claims": {}}, "empty": {}}}`,
			authz.AuxData{JWTs: map[string]map[string]any{"app": {"exp": "1970-01-01T00:00:00Z"}, "user": {}, "empty": {}}},
			nil,
		},
		"both": {`{"jwt": {}, "jwts": {}}`, authz.AuxData{}, []string{"f:1:1: auxData: a request has either jwt or jwts, not both"}},
		"mistakes": {`{"jwt": {"exp": "soon", "sub": 1, "n": 1e999, "o": {"a": 1, "a": 2}}, "jwt2": 1}`, authz.AuxData{}, []string{
			`f:1:17: exp: a PDP refuses a token with this claim: want a time in seconds since 1970, or in the form 2026-01-31T12:00:00Z`,
			`f:1:32: sub: a PDP refuses a token with this claim: want a text`,
			`f:1:40: 1e999 is not a number that a policy can work with`,
			`f:1:53: key "a" stands here twice`,
			`f:1:71: unknown key "jwt2" (did you mean jwt?)`,
		}},
		"mistakes in several": {`{"jwts": {"": {"claims": {}}, "app": {"sub": "x"}, "b": 1, "c": {"claims": []}}}`, authz.AuxData{}, []string{
			`f:1:11: jwts: a token without a name`,
			`f:1:39: jwts: token app: unknown key "sub"; its claims stand under the key claims`,
			`f:1:57: jwts: token b: want a mapping with the key claims, have a number`,
			`f:1:76: claims: want a mapping with claims, have a list`,
		}},
		"a list":         {`[]`, authz.AuxData{}, []string{`f:1:1: auxData: want a mapping with the key jwt or jwts, have a list`}},
		"a list of jwts": {`{"jwts": []}`, authz.AuxData{}, []string{`f:1:10: jwts: want a mapping with tokens by their names, have a list`}},
	}
	for name, tt := range tests {
		n, err := source.ParseJSON("f", []byte(tt.text))
		if err != nil {
			t.Fatal(err)
		}
		got, errs := authz.ReadAuxData(n)
		var list []string
		for _, err := range errs {
			list = append(list, err.Error())
		}
		if diff := cmp.Diff(tt.errs, list); diff != "" {
			t.Errorf("%s: mistakes (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" && tt.errs == nil {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
