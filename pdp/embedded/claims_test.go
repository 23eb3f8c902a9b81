package embedded_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cerbos/cerbos-sdk-go/cerbos"
	enginev1 "github.com/cerbos/cerbos/api/genpb/cerbos/engine/v1"
	requestv1 "github.com/cerbos/cerbos/api/genpb/cerbos/request/v1"
	svcv1 "github.com/cerbos/cerbos/api/genpb/cerbos/svc/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/cerbosbin"
	"github.com/mcpolicy/mcpolicy/internal/pdptest"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
)

const signingKey = "a key for the tests of this package"

// verifying is the configuration of a PDP that wants tokens signed with the
// signing key.
func verifying() map[string]any {
	keys := fmt.Sprintf(`{"keys": [{"kty": "oct", "kid": "k1", "alg": "HS256", "k": %q}]}`, base64.RawURLEncoding.EncodeToString([]byte(signingKey)))
	return map[string]any{"auxData": map[string]any{"jwt": map[string]any{"keySets": []any{map[string]any{
		"id": "tests", "local": map[string]any{"data": base64.StdEncoding.EncodeToString([]byte(keys))},
	}}}}}
}

// signed returns a token with claims, as an identity provider makes it.
func signed(t testing.TB, claims map[string]any) *requestv1.AuxData_JWT {
	t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(`{"alg":"HS256","kid":"k1","typ":"JWT"}`)) + "." + encode(payload)
	mac := hmac.New(sha256.New, []byte(signingKey))
	mac.Write([]byte(text))
	return &requestv1.AuxData_JWT{Token: text + "." + encode(mac.Sum(nil))}
}

// A claimsWorld has conditions, one an action, and a PDP that decides them for
// real tokens.
type claimsWorld struct {
	conditions []string
	engine     *embedded.Engine
	client     svcv1.CerbosServiceClient
}

const actionsAtOnce = 50 // a PDP's limit

func newClaimsWorld(t *testing.T, conditions []string) *claimsWorld {
	t.Helper()
	var b strings.Builder
	for i, c := range conditions {
		fmt.Fprintf(&b, "    - {actions: [a%d], effect: EFFECT_ALLOW, roles: [A], condition: {match: {expr: %q}}}\n", i, c)
	}
	policy := pdptest.Rules(b.String())
	addr := cerbosbin.Serve(t, pdptest.Folder(t, policy), verifying())
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &claimsWorld{conditions, open(t, pdp.Options{}, policy), svcv1.NewCerbosServiceClient(conn)}
}

// official returns whether the PDP allows each action, or that it refuses the
// tokens.
func (w *claimsWorld) official(t *testing.T, tokens *requestv1.AuxData) ([]bool, error) {
	t.Helper()
	request := &requestv1.CheckResourcesRequest{
		RequestId: "r", AuxData: tokens, Principal: &enginev1.Principal{Id: "p", Roles: []string{"A"}},
	}
	for chunk := range slices.Chunk(w.actions(), actionsAtOnce) {
		request.Resources = append(request.Resources, &requestv1.CheckResourcesRequest_ResourceEntry{
			Actions: chunk, Resource: &enginev1.Resource{Kind: "mcp_server", Id: chunk[0]},
		})
	}
	reply, err := w.client.CheckResources(t.Context(), request)
	if err != nil {
		return nil, err
	}
	allowed := map[string]bool{}
	for _, r := range reply.GetResults() {
		one := cerbos.ResourceResult{CheckResourcesResponse_ResultEntry: r}
		for action := range r.GetActions() {
			allowed[action] = one.IsAllowed(action)
		}
	}
	list := make([]bool, len(w.conditions))
	for i, a := range w.actions() {
		list[i] = allowed[a]
	}
	return list, nil
}

func (w *claimsWorld) actions() []string {
	list := make([]string, len(w.conditions))
	for i := range list {
		list[i] = fmt.Sprintf("a%d", i)
	}
	return list
}

// embedded returns whether the engine allows each action to the principal.
func (w *claimsWorld) embedded(t *testing.T, p *authz.Principal) []bool {
	t.Helper()
	requests := make([]authz.Request, len(w.conditions))
	for i, a := range w.actions() {
		requests[i] = authz.Request{Principal: p, Action: a, Resource: authz.Resource{Kind: "mcp_server", ID: "t"}}
	}
	list := make([]bool, len(requests))
	for i, d := range pdptest.Decide(t, w.engine, requests) {
		list[i] = d.Effect == authz.Allow
	}
	return list
}

var claimNames = []string{"aud", "exp", "iat", "nbf", "iss", "jti", "sub", "tier", "scopes", "org", "email_verified", "birthdate", "ünï", ""}

// A claimMaker makes claims and conditions on them.
type claimMaker struct{ *rand.Rand }

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

func (m claimMaker) value(depth int) any {
	switch m.IntN(9 - min(depth, 2)) {
	case 0:
		return nil
	case 1:
		return m.IntN(2) == 0
	case 2:
		return pick(m.Rand, 0, 1, -1, 1.5, 1e3, 1e21, 9007199254740993.0, 4102444800, 1e300, -0.25)
	case 3, 4, 5:
		return pick(m.Rand, "", "x", "billing", "2020-01-01T00:00:00Z", "1700000000", "5", "é\u0000")
	case 6:
		list := make([]any, m.IntN(3))
		for i := range list {
			list[i] = m.value(depth + 1)
		}
		return list
	}
	below := map[string]any{}
	for range m.IntN(3) {
		below[pick(m.Rand, "a", "b", "exp", "aud")] = m.value(depth + 1)
	}
	return below
}

// past and future are times before and after any run, as tokens have them and
// as they do not.
var (
	past = []any{
		0, 1, 1700000000, 1700000000.75, 1699999999.9999999999, 1e9, "1700000000", "1700000000.9", "1.2.3", "007", "00.5",
		"2023-11-14T22:13:20Z", "2023-11-14T22:13:20.987Z", "2023-11-15T00:13:20+02:00", "0001-01-01T00:00:00Z", 0.999999999, 0.9999999999,
	}
	future = []any{
		4102444800, 4102444800.5, 1e10, 253402300799, 253402300800, 4102444800123, 1e15, 9.2e18, "4102444800", "9999-12-31T23:59:59-01:00", "2100-01-01T00:00:00.1Z",
	}
	noTimes = []any{
		nil, true, "", "x", ".5", ".", "-1", -1, -0.5, 1e19, 9.3e18, 1e300, "99999999999999999999", "2100-01-01", "2100-01-01 00:00:00Z", "1e9", " 1",
		[]any{},
		[]any{4102444800},
		map[string]any{},
		"2100-01-01T00:00:00", "2100-13-01T00:00:00Z", "2100-01-01t00:00:00z", "10000-01-01T00:00:00Z",
	}
)

func (m claimMaker) claim(name string) any {
	times := past
	switch name {
	case "aud":
		if m.IntN(20) == 0 {
			return m.value(0)
		}
		return pick[any](m.Rand, "billing", "", []any{}, []any{"billing"}, []any{"x", "billing"}, []any{"billing", "billing"}, []any{"x"})
	case "exp":
		times = future
		fallthrough
	case "iat", "nbf":
		if m.IntN(12) == 0 {
			return pick(m.Rand, noTimes...)
		}
		return pick(m.Rand, times...)
	case "iss", "jti", "sub":
		if m.IntN(20) == 0 {
			return m.value(0)
		}
		return pick[any](m.Rand, "x", "billing", "", nil, "1700000000")
	}
	return m.value(0)
}

func (m claimMaker) claims() map[string]any {
	claims := map[string]any{}
	for range m.IntN(16) {
		name := pick(m.Rand, claimNames...)
		claims[name] = m.claim(name)
	}
	return claims
}

var tokenNames = []string{"app", "user", "a b"}

func (m claimMaker) condition() string {
	token := pick(m.Rand, "request.auxData.jwt", "request.aux_data.jwt")
	if m.IntN(3) == 0 {
		token = pick(m.Rand, "request.auxData", "request.aux_data") + fmt.Sprintf(".jwts[%q].claims", pick(m.Rand, tokenNames...))
		if m.IntN(3) == 0 {
			token = "request.auxData.jwts.app.claims"
		}
	}
	name := pick(m.Rand, claimNames...)
	claim := fmt.Sprintf("%s[%q]", token, name)
	if isWord := strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_") == "" && name != ""; isWord && m.IntN(2) == 0 {
		claim = token + "." + name
		if m.IntN(3) == 0 {
			return "has(" + claim + ")"
		}
	}
	literal := "dyn(" + pick(m.Rand, `"billing"`, `"x"`, `""`, "1", "1700000000", `"2023-11-14T22:13:20Z"`, "null", "true", "[]", `["billing"]`, "1.5", `"1700000000"`, `"2100-01-01T00:00:00Z"`) + ")" // of any type, so that it always compiles
	other := fmt.Sprintf("%s[%q]", token, pick(m.Rand, claimNames...))
	return fmt.Sprintf(pick(m.Rand,
		"%[1]s == %[2]s", "%[1]s == %[2]s", "%[1]s != %[2]s", "%[2]s in %[1]s", "%[1]s > %[2]s", "size(%[1]s) > 0", "size(%[1]s) == 1", "size(%[5]s) > 5", "%[1]s != %[3]s", "!(%[1]s == %[2]s)", "%[1]s == %[3]s",
		"timestamp(%[1]s) > timestamp(\"2026-01-01T00:00:00Z\")", "timestamp(%[1]s) < now()", "timestamp(%[1]s) > timestamp(\"1970-01-01T00:00:00Z\")", "timestamp(%[1]s) < timestamp(\"2023-11-14T22:13:21Z\")", "%[1]s[0] == %[2]s", "%[1]s.exists(x, x == %[2]s)",
		"type(%[1]s) == type(%[2]s)", "string(%[1]s) == %[2]s", "%[1]s.startsWith(\"20\")", "%[1]s.a == %[2]s", "%[1]s.exp == %[2]s", "%[4]q in %[5]s", "size(%[5]s) > 2",
		"int(%[1]s) > 1600000000", "timestamp(%[1]s).getFullYear() == 2023", "%[1]s.a[0] == %[2]s",
	), claim, literal, other, name, token) + pick(m.Rand, "", "", " ? true : false")
}

// TestDifferentialClaims gives tokens to a PDP that verifies them, and their
// claims to the engine, and compares what both decide. Where one refuses a
// token the other has to do so too.
func TestDifferentialClaims(t *testing.T) {
	m := claimMaker{rand.New(rand.NewPCG(11, 55))}
	conditions := make([]string, 250)
	for i := range conditions {
		conditions[i] = m.condition()
	}
	w := newClaimsWorld(t, conditions)
	decisions, allowed, refused, differ := 0, 0, 0, 0
	for range rounds.Of(60, 1000) {
		p, tokens, err := m.principal(t)
		want, wantErr := w.official(t, tokens)
		if (err == nil) != (wantErr == nil) {
			t.Errorf("tokens %v: the engine %v, the PDP %v", tokens, err, wantErr)
			differ++
		}
		if err != nil || wantErr != nil {
			refused++
			continue
		}
		for i, got := range w.embedded(t, p) {
			decisions++
			if got != want[i] {
				differ++
				t.Errorf("%s with %v %v: the engine %t, the PDP %t", conditions[i], p.AuxData, p.JWTs, got, want[i])
			}
			if got {
				allowed++
			}
		}
	}
	t.Logf("%d decisions (%d allowed), %d requests refused by both, %d differ", decisions, allowed, refused, differ)
	if allowed == 0 || refused == 0 {
		t.Error("nothing allowed or nothing refused: the test says nothing")
	}
}

// principal makes somebody with a token, or with several, and these tokens.
func (m claimMaker) principal(t *testing.T) (*authz.Principal, *requestv1.AuxData, error) {
	t.Helper()
	p := &authz.Principal{Key: "p", ID: "p", Roles: []string{"A"}}
	if m.IntN(2) == 0 {
		token := m.claims()
		var err error
		p.AuxData, err = authz.Claims(asJSON(t, token))
		return p, &requestv1.AuxData{Jwt: signed(t, token)}, err
	}
	p.JWTs = map[string]map[string]any{}
	aux := &requestv1.AuxData{Jwts: map[string]*requestv1.AuxData_JWT{}}
	var failed error
	for range 1 + m.IntN(3) {
		name, token := pick(m.Rand, tokenNames...), m.claims()
		claims, err := authz.Claims(asJSON(t, token))
		if _, again := p.JWTs[name]; again {
			continue
		}
		if err != nil {
			failed = err
		}
		p.JWTs[name], aux.Jwts[name] = claims, signed(t, token)
	}
	return p, aux, failed
}

// asJSON returns values as they are in memory after reading them.
func asJSON(t *testing.T, v map[string]any) map[string]any {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var read map[string]any
	if err := json.Unmarshal(data, &read); err != nil {
		t.Fatal(err)
	}
	return read
}
