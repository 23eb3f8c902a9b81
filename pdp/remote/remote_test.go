package remote_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	enginev1 "github.com/cerbos/cerbos/api/genpb/cerbos/engine/v1"
	responsev1 "github.com/cerbos/cerbos/api/genpb/cerbos/response/v1"
	"github.com/google/go-cmp/cmp"
	_ "google.golang.org/grpc/encoding/gzip" // which the SDK uses

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/cerbosbin"
	"github.com/mcpolicy/mcpolicy/internal/pdptest"
	"github.com/mcpolicy/mcpolicy/pdp/remote"
)

// requestsFor makes n different requests, half of them with unknown arguments.
func requestsFor(n int, principals ...*authz.Principal) []authz.Request {
	var list []authz.Request
	for i := range n {
		r := authz.Request{
			Principal: principals[i%len(principals)], Action: fmt.Sprintf("call::%d", i%7),
			Resource: authz.Resource{Kind: "mcp_server", ID: fmt.Sprintf("tool%d", i/10), Attr: map[string]any{
				"tool_name": fmt.Sprintf("tool%d", i/10), "arguments": map[string]any{"region": []any{"EMEA", "APAC"}[i%2]},
			}},
		}
		if i%2 == 0 {
			delete(r.Resource.Attr, "arguments")
			r.Unknown = []string{"arguments"}
		}
		list = append(list, r)
	}
	return list
}

var (
	sally = &authz.Principal{Key: "sally", ID: "sally", Roles: []string{"SALES", "SALES"}, Attr: map[string]any{"region": "EMEA"}}
	ian   = &authz.Principal{Key: "ian", ID: "ian", Roles: []string{"ADMIN", "SALES"}}

	salesPolicy = pdptest.Rules(`
    - {actions: ["call::1", "call::2"], effect: EFFECT_ALLOW, roles: [SALES], condition: {match: {expr: R.attr.arguments.region == P.attr.region}}}
    - {actions: ["call::*"], effect: EFFECT_ALLOW, roles: [ADMIN]}
    - {actions: ["call::3"], effect: EFFECT_ALLOW, roles: [SALES]}
`)
)

func TestWithinLimits(t *testing.T) {
	want := pdptest.Decide(t, open(t, salesPolicy), requestsFor(300, sally, ian))
	addr := cerbosbin.Serve(t, pdptest.Folder(t, salesPolicy), map[string]any{"server": map[string]any{
		"requestLimits": map[string]any{"maxActionsPerResource": 2, "maxResourcesPerRequest": 3},
	}})
	running := pdptest.Dial(t, addr, remote.Options{MaxActions: 2, MaxResources: 3})
	if running.Version() != cerbosbin.Version {
		t.Errorf("version %q, want %q", running.Version(), cerbosbin.Version)
	}
	got := pdptest.Decide(t, running, requestsFor(300, sally, ian))
	for i := range want {
		want[i].Rules, want[i].Errors = nil, nil // which a PDP does not tell
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("decisions (-embedded +remote):\n%s", diff)
	}

	_, err := pdptest.Dial(t, addr, remote.Options{}).Decide(t.Context(), requestsFor(300, sally, ian))
	var undecided *authz.UndecidedError
	if !errors.As(err, &undecided) || !strings.Contains(err.Error(), "exceeds configured limit (3)") {
		t.Errorf("beyond the limits: %v", err)
	}
}

func TestCannotReach(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // connects, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })

	tests := map[string]struct{ target, want string }{
		"nobody listens":  {closed.Addr().String(), "connection refused"},
		"nobody answers":  {silent.Addr().String(), "no answer within 500ms"},
		"no such host":    {"pdp.invalid:3593", "pdp.invalid"},
		"a URL":           {"https://127.0.0.1:3592", "not a URL"},
		"nothing":         {"", "want host:port"},
		"a strange shape": {"dns:///%zz", "%zz"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			_, err := remote.Dial(t.Context(), tt.target, remote.Options{Plaintext: true, Timeout: 500 * time.Millisecond})
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), tt.target) {
				t.Errorf("error %v, want one about %q that names %q", err, tt.want, tt.target)
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestDies(t *testing.T) {
	server := cerbosbin.Start(t, pdptest.Folder(t, salesPolicy), nil)
	running := pdptest.Dial(t, server.Addr, remote.Options{Retries: 1, Concurrency: 1})
	requests := requestsFor(40_000, sally)
	pdptest.Decide(t, running, requests[:100])

	result := make(chan error)
	go func() {
		_, err := running.Decide(t.Context(), requests)
		result <- err
	}()
	time.Sleep(300 * time.Millisecond) // in the middle: all of it takes seconds
	server.Kill()
	err := <-result
	var undecided *authz.UndecidedError
	switch {
	case !errors.As(err, &undecided):
		t.Fatalf("error %v, want an UndecidedError", err)
	case len(undecided.Undecided) == 0 || len(undecided.Undecided) > len(requests) || undecided.Requests != len(requests):
		t.Errorf("%d of %d requests undecided", len(undecided.Undecided), undecided.Requests)
	case !strings.Contains(err.Error(), server.Addr) || !strings.Contains(err.Error(), "for sally"):
		t.Errorf("%q names neither the PDP nor a request", err)
	}
	if _, err := running.Decide(t.Context(), requests[:1]); !errors.As(err, &undecided) {
		t.Errorf("after its death: %v", err)
	}
}

func TestReplicas(t *testing.T) {
	dir := pdptest.Folder(t, salesPolicy)
	first, second := cerbosbin.Start(t, dir, nil), cerbosbin.Start(t, dir, nil)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	options := remote.Options{Replicas: []string{closed.Addr().String(), second.Addr}, Retries: 1}
	running := pdptest.Dial(t, first.Addr, options)
	want := pdptest.Decide(t, running, requestsFor(500, sally, ian))
	first.Kill()
	if diff := cmp.Diff(want, pdptest.Decide(t, running, requestsFor(500, sally, ian))); diff != "" {
		t.Errorf("with one PDP left (-before +after):\n%s", diff)
	}
	second.Kill()
	_, err = running.Decide(t.Context(), requestsFor(10, sally))
	if err == nil || !strings.Contains(err.Error(), first.Addr) || !strings.Contains(err.Error(), second.Addr) {
		t.Errorf("with no PDP left: %v", err)
	}
}

func TestTLS(t *testing.T) {
	dir := t.TempDir()
	pdpCert, pdpKey := cerbosbin.Certificate(t, dir, "pdp")
	ourCert, ourKey := cerbosbin.Certificate(t, dir, "mcpolicy")
	policies := pdptest.Folder(t, salesPolicy)
	plain := cerbosbin.Serve(t, policies, nil)
	secured := cerbosbin.Serve(t, policies, map[string]any{"server": map[string]any{"tls": map[string]any{"cert": pdpCert, "key": pdpKey}}})

	tests := map[string]struct {
		target  string
		options remote.Options
		want    string // of the error
	}{
		"with its certificate":     {secured, remote.Options{CAFile: pdpCert}, ""},
		"whoever it is":            {secured, remote.Options{SkipVerify: true}, ""},
		"unknown authority":        {secured, remote.Options{}, "certificate signed by unknown authority"},
		"another's certificate":    {secured, remote.Options{CAFile: ourCert}, "certificate"},
		"for another":              {secured, remote.Options{CAFile: pdpCert, ServerName: "pdp.example.com"}, "pdp.example.com"},
		"plaintext to TLS":         {secured, remote.Options{Plaintext: true}, "does it want TLS?"},
		"TLS to plaintext":         {plain, remote.Options{}, "does it speak plaintext?"},
		"no such file":             {secured, remote.Options{CAFile: filepath.Join(dir, "none.pem")}, "none.pem"},
		"not a certificate":        {secured, remote.Options{CAFile: pdpKey}, "CA"},
		"a certificate and no key": {secured, remote.Options{CertFile: ourCert}, "needed together"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.options.Timeout, tt.options.Retries = 2*time.Second, -1
			running, err := remote.Dial(t.Context(), tt.target, tt.options)
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Fatalf("error %v, want one about %q", err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = running.Close() })
			pdptest.Decide(t, running, requestsFor(20, sally))
		})
	}

	t.Run("mutual", func(t *testing.T) {
		mutual := cerbosbin.Serve(t, policies, map[string]any{"server": map[string]any{"tls": map[string]any{"cert": pdpCert, "key": pdpKey, "caCert": ourCert}}})
		options := remote.Options{CAFile: pdpCert, Timeout: 2 * time.Second, Retries: -1}
		options.CertFile, options.KeyFile = cerbosbin.Certificate(t, t.TempDir(), "mcpolicy") // of the same name, with another key
		if _, err := remote.Dial(t.Context(), mutual, options); err == nil {
			t.Error("let in with somebody else's certificate")
		}
		options.CertFile, options.KeyFile = ourCert, ourKey
		running, err := remote.Dial(t.Context(), mutual, options)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = running.Close() })
		pdptest.Decide(t, running, requestsFor(20, sally))
	})
	t.Run("mutual or nothing", func(t *testing.T) { // which a gateway in front of a PDP wants, and a PDP does not
		gate := tlsGate(t, plain, pdpCert, pdpKey, ourCert)
		options := remote.Options{CAFile: pdpCert, Timeout: 2 * time.Second, Retries: -1}
		if _, err := remote.Dial(t.Context(), gate, options); err == nil {
			t.Error("let in without a certificate")
		}
		options.CertFile, options.KeyFile = ourCert, ourKey
		running, err := remote.Dial(t.Context(), gate, options)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = running.Close() })
		pdptest.Decide(t, running, requestsFor(20, sally))
	})
}

// tlsGate stands in front of a PDP without TLS and wants clients to have one
// certificate.
func tlsGate(t *testing.T, target, cert, key, client string) string {
	t.Helper()
	own, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(client)
	if err != nil {
		t.Fatal(err)
	}
	clients := x509.NewCertPool()
	clients.AppendCertsFromPEM(data)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{own}, ClientCAs: clients, ClientAuth: tls.RequireAndVerifyClientCert, NextProtos: []string{"h2"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			down, err := l.Accept()
			if err != nil {
				return // the end of the test
			}
			up, err := net.Dial("tcp", target)
			if err != nil {
				_ = down.Close()
				continue
			}
			for _, pair := range [][2]net.Conn{{down, up}, {up, down}} {
				go func() {
					_, _ = io.Copy(pair[0], pair[1]) // until one of them ends
					_ = pair[0].Close()
				}()
			}
		}
	}()
	return l.Addr().String()
}

func TestSchemas(t *testing.T) {
	const policy = `
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: %s
  version: default
  schemas: {resourceSchema: {ref: "cerbos:///%s.json", ignoreWhen: {actions: [free]}}}
  rules:
    - {actions: ["*"], effect: EFFECT_ALLOW, roles: [SALES]}
`
	conditional := authz.Decision{Effect: authz.Conditional, Condition: authz.Unwritten("valid(arguments)")}
	tests := map[string]struct {
		schema string
		want   authz.Decision
	}{
		"closed":   {`{"properties": {"arguments": {"type": "object", "properties": {"n": {}}, "additionalProperties": false}}}`, conditional},
		"required": {`{"properties": {"arguments": {"type": "object", "required": ["n"]}}}`, conditional},
		"refused":  {`{"properties": {"tool_name": {"type": "number"}}}`, authz.Decision{Effect: authz.Deny}},
		"open":     {`{"properties": {"arguments": {"type": "object"}}}`, authz.Decision{Effect: authz.Allow}},
	}
	var files []string
	var requests []authz.Request
	kinds := slices.Sorted(maps.Keys(tests))
	for _, kind := range kinds {
		files = append(files, fmt.Sprintf(policy, kind, kind), "// _schemas/"+kind+".json\n"+tests[kind].schema)
		for _, action := range []string{"call", "free"} { // of one resource, so in one check
			requests = append(requests, authz.Request{
				Principal: sally, Action: action, Unknown: []string{"arguments"},
				Resource: authz.Resource{Kind: kind, ID: "t", Attr: map[string]any{"tool_name": "t"}},
			})
		}
	}
	conf := map[string]any{"schema": map[string]any{"enforcement": "reject"}}
	got := pdptest.Decide(t, pdptest.Dial(t, cerbosbin.Serve(t, pdptest.Folder(t, files...), conf), remote.Options{}), requests)
	for i, kind := range kinds {
		call, free := got[2*i], got[2*i+1]
		if want := tests[kind].want; call.Effect != want.Effect || call.Condition.String() != want.Condition.String() {
			t.Errorf("%s: %v %q, want %v %q", kind, call.Effect, call.Condition, want.Effect, want.Condition)
		}
		if free.Effect != authz.Allow {
			t.Errorf("%s, for an action that the schema is not for: %v %q", kind, free.Effect, free.Condition)
		}
	}
}

func TestAuxData(t *testing.T) {
	policies := []string{pdptest.Rules(
		pdptest.Rule("ALLOW", "A", "{expr: request.auxData.jwt.team == 'x'}") + pdptest.Rule("ALLOW", "B", "{expr: request.auxData.jwts.app.claims.team == 'x'}"),
	)}
	requests := []authz.Request{
		{Principal: &authz.Principal{Key: "in by name", ID: "p", Roles: []string{"B"}, JWTs: map[string]map[string]any{"app": {"team": "x"}, "user": {}}}},
		{Principal: &authz.Principal{Key: "out by name", ID: "p", Roles: []string{"B"}, JWTs: map[string]map[string]any{"user": {"team": "x"}}}},
		{Principal: &authz.Principal{Key: "in", ID: "p", Roles: []string{"A"}, AuxData: map[string]any{"team": "x"}}},
		{Principal: &authz.Principal{Key: "out", ID: "p", Roles: []string{"A"}, AuxData: map[string]any{"team": "y"}}},
	}
	for i := range requests {
		requests[i].Action, requests[i].Resource = "call", authz.Resource{Kind: "mcp_server", ID: "t"}
	}
	dir := pdptest.Folder(t, policies...)
	trusting := pdptest.Dial(t, cerbosbin.Serve(t, dir, map[string]any{"auxData": map[string]any{"jwt": map[string]any{"disableVerification": true}}}), remote.Options{})
	want, got := pdptest.Decide(t, open(t, policies...), requests), pdptest.Decide(t, trusting, requests)
	for i := range requests {
		if want[i].Effect != got[i].Effect || want[i].Effect != []authz.Effect{authz.Allow, authz.Deny}[i%2] {
			t.Errorf("%s: embedded %v, remote %v", requests[i].Principal.Key, want[i].Effect, got[i].Effect)
		}
	}
	_, err := pdptest.Dial(t, cerbosbin.Serve(t, dir, nil), remote.Options{}).Decide(t.Context(), requests)
	if err == nil || !strings.Contains(err.Error(), "auxData") {
		t.Errorf("a PDP that verifies: %v", err)
	}
}

func TestInvalidRequest(t *testing.T) {
	running := pdptest.Dial(t, cerbosbin.Serve(t, pdptest.Folder(t, salesPolicy), nil), remote.Options{})
	requests := requestsFor(2, sally)
	for i := range requests {
		requests[i].Resource.PolicyVersion = "no version"
		if _, err := running.Decide(t.Context(), requests[i:i+1]); err == nil || !strings.Contains(err.Error(), "policy_version") {
			t.Errorf("error %v, want one about the policy version", err)
		}
	}
}

func TestCannotPlan(t *testing.T) {
	running := pdptest.Dial(t, cerbosbin.Serve(t, pdptest.Folder(t, pdptest.Rules(pdptest.Rule("ALLOW", "SALES", "{expr: 'R.attr.arguments.?x.orValue(1) == 1'}"))), nil), remote.Options{})
	_, err := running.Decide(t.Context(), []authz.Request{{
		Principal: sally, Action: "call", Unknown: []string{"arguments"}, Resource: authz.Resource{Kind: "mcp_server", ID: "t"},
	}})
	if err == nil || !strings.Contains(err.Error(), "optional values") {
		t.Errorf("error %v, want one about optional values", err)
	}
}

func TestRefusesRequests(t *testing.T) {
	running := pdptest.Dial(t, fake(t, &pdpFake{}), remote.Options{})
	valid := authz.Request{Principal: sally, Action: "call", Resource: authz.Resource{Kind: "mcp_server", ID: "t"}}
	tests := map[string]struct {
		change func(*authz.Request)
		want   string
	}{
		"no roles":   {func(r *authz.Request) { r.Principal = &authz.Principal{Key: "joe", ID: "joe"} }, "joe has no roles"},
		"no id":      {func(r *authz.Request) { r.Principal = &authz.Principal{Key: "joe", Roles: []string{"A"}} }, "joe has no id"},
		"no action":  {func(r *authz.Request) { r.Action = "" }, "wants an action"},
		"not JSON":   {func(r *authz.Request) { r.Resource.Attr = map[string]any{"x": make(chan int)} }, "resource t"},
		"anybody":    {func(r *authz.Request) { r.AnyPrincipal = true }, "anybody"},
		"bad claims": {func(r *authz.Request) { p := *sally; p.AuxData = map[string]any{"x": make(chan int)}; r.Principal = &p }, "auxData"},
		"a bad token": {func(r *authz.Request) {
			p := *sally
			p.JWTs = map[string]map[string]any{"app": {"x": make(chan int)}}
			r.Principal = &p
		}, "auxData: app"},
		"a time that no token has": {func(r *authz.Request) {
			p := *sally
			p.AuxData = map[string]any{"exp": "61971-03-27T00:00:00Z"}
			r.Principal = &p
		}, "auxData: exp"},
	}
	for name, tt := range tests {
		r := valid
		tt.change(&r)
		if _, err := running.Decide(t.Context(), []authz.Request{valid, r}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want one about %q", name, err, tt.want)
		}
	}
	if got := pdptest.Decide(t, running, nil); len(got) != 0 {
		t.Errorf("no requests: %v", got)
	}
}

// TestRemoteHalfAnswers has a PDP that answers what no PDP should. Only faults
// are made up here; decisions come from the real one.
func TestHalfAnswers(t *testing.T) {
	known := authz.Request{Principal: sally, Action: "call", Resource: authz.Resource{Kind: "mcp_server", ID: "t"}}
	open := known
	open.Unknown = []string{"arguments"}
	tests := map[string]struct {
		pdp  *pdpFake
		want string
	}{
		"fewer resources":  {&pdpFake{check: func(r *responsev1.CheckResourcesResponse) { r.Results = nil }}, "about 0 resources"},
		"another resource": {&pdpFake{check: func(r *responsev1.CheckResourcesResponse) { r.Results[0].Resource.Id = "u" }}, "in place of mcp_server t"},
		"fewer actions":    {&pdpFake{check: func(r *responsev1.CheckResourcesResponse) { r.Results[0].Actions = nil }}, "nothing about call"},
		"no effect":        {&pdpFake{check: func(r *responsev1.CheckResourcesResponse) { r.Results[0].Actions["call"] = 0 }}, "EFFECT_UNSPECIFIED"},
		"no plan":          {&pdpFake{plan: func(r *responsev1.PlanResourcesResponse) { r.Filter = nil }}, "no plan"},
		"no condition": {&pdpFake{plan: func(r *responsev1.PlanResourcesResponse) {
			r.Filter.Kind = enginev1.PlanResourcesFilter_KIND_CONDITIONAL
		}}, "without its condition"},
		"another version": {&pdpFake{versions: []string{"0.55.0", "0.56.0"}}, "replaced by 0.56.0"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			addr := fake(t, tt.pdp)
			_, err := pdptest.Dial(t, addr, remote.Options{}).Decide(t.Context(), []authz.Request{known, open})
			var undecided *authz.UndecidedError
			if !errors.As(err, &undecided) || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), addr) {
				t.Errorf("error %v, want one about %q", err, tt.want)
			}
		})
	}
}

func TestRetries(t *testing.T) {
	requests := requestsFor(1, sally)
	flaky := &pdpFake{unavailable: 2}
	if d := pdptest.Decide(t, pdptest.Dial(t, fake(t, flaky), remote.Options{}), requests); d[0].Effect != authz.Deny {
		t.Errorf("after two failures: %+v", d)
	}
	flaky = &pdpFake{unavailable: 100}
	if _, err := pdptest.Dial(t, fake(t, flaky), remote.Options{Retries: 1, Concurrency: 1}).Decide(t.Context(), requests); err == nil {
		t.Error("no error from a PDP that is never available")
	}
	if n := flaky.calls.Load(); n != 2 {
		t.Errorf("%d calls, want 2", n)
	}
	slow := &pdpFake{check: func(*responsev1.CheckResourcesResponse) { time.Sleep(20 * time.Second) }}
	running := pdptest.Dial(t, fake(t, slow), remote.Options{Timeout: 300 * time.Millisecond})
	start := time.Now()
	if _, err := running.Decide(t.Context(), requests); err == nil || !strings.Contains(err.Error(), "no answer within 300ms") || time.Since(start) > 10*time.Second {
		t.Errorf("a PDP that hangs, after %v: %v", time.Since(start), err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := running.Decide(ctx, requests); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
