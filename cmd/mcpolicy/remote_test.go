package main

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/internal/cerbosbin"
	"github.com/mcpolicy/mcpolicy/internal/fixture"
)

// elsewhere copies the policies of a fixture, with one text in them replaced.
func elsewhere(t *testing.T, fixture, old, replacement string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("..", "..", "fixtures", fixture, "policies"))); err != nil {
		t.Fatal(err)
	}
	if old == "" {
		return dir
	}
	replaced := 0
	files, _ := filepath.Glob(filepath.Join(dir, "*.yaml"))
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		replaced += strings.Count(string(data), old)
		if err := os.WriteFile(f, []byte(strings.ReplaceAll(string(data), old, replacement)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if replaced == 0 {
		t.Fatalf("no policy of %s says %q", fixture, old)
	}
	return dir
}

// TestCompareEmbedded has a PDP over policies that are not those of the
// checkout, in each format.
func TestCompareEmbedded(t *testing.T) {
	dir := filepath.Join("..", "..", "fixtures", "fastmcp")
	addr := cerbosbin.Serve(t, elsewhere(t, "fastmcp", "R.attr.arguments.region == P.attr.region", "R.attr.arguments.region in [P.attr.region, 'APAC']"), fixture.Load(t, dir).Conf)
	reports := t.TempDir()
	args := []string{"check", "-C", dir, "--pdp", addr, "--pdp-plaintext", "--compare-embedded", "--skip", "operation-not-enforced", "--format", "text"}
	wants := map[string][]string{
		"json": {
			`"drift": {"totals": {"against":"PDP ` + addr + `","cells":42,"differ":1,"unknown":0}`,
			`{"principals":["sally"],"server":"desk","type":"tool","name":"get_sales_data","operation":"call","outcome":"differs"`,
			`"arguments":{"region":"APAC"},"allowedBy":"production"`, `"file":"policies/mcp_server.yaml","line":50`,
		},
		"lines":       {`{"drift":{"against":`, `{"drifted":{"principals":["sally"]`},
		"junit":       {`<testsuite name="mcpolicy drift" tests="1" failures="1"`, `classname="mcpolicy drift.production-drift"`},
		"markdown":    {"not clean", "### Differences from production", "production lets sally call get_sales_data"},
		"sarif":       {`"ruleId": "production-drift"`, `"startLine": 50`},
		"codequality": {`"check_name":"production-drift"`, `"begin":50`},
		"github":      {"::error file=", "title=production-drift::production lets sally call get_sales_data"},
	}
	for format := range wants {
		args = append(args, "--format", format+"="+filepath.Join(reports, format))
	}
	code, out, diagnostics := runIn(t, args...)
	if code != exitFinding || diagnostics != "" {
		t.Errorf("status %d, %s", code, diagnostics)
	}
	wants["text"] = []string{
		"error  production lets sally call get_sales_data, and", "Called with {\"region\": \"APAC\"}.",
		"fixtures/fastmcp/policies/mcp_server.yaml:50:7", `rule "sales-own-region" would allow it`, "1 of 42 cells decided differently by PDP " + addr,
	}
	for format, want := range wants {
		text := out
		if format != "text" {
			data, err := os.ReadFile(filepath.Join(reports, format))
			if err != nil {
				t.Fatal(err)
			}
			text = string(data)
		}
		for _, w := range want {
			if !strings.Contains(strings.Join(strings.Fields(text), " "), strings.Join(strings.Fields(w), " ")) {
				t.Errorf("%s: no %q in\n%s", format, w, text)
			}
		}
	}
}

// TestRemoteFlags has mistakes on the command line.
func TestRemoteFlags(t *testing.T) {
	dir := filepath.Join("..", "..", "fixtures", "fastmcp")
	tests := map[string]struct {
		args []string
		want string
	}{
		"a URL":              {[]string{"--pdp", "http://pdp:3592"}, "not a URL"},
		"nothing":            {[]string{"--pdp", ""}, "want host:port"},
		"the second one":     {[]string{"--pdp", "pdp:3593", "--pdp", "dns:///pdp"}, "want dns:///host:port"},
		"half a certificate": {[]string{"--pdp", "pdp:3593", "--pdp-cert", "c.pem"}, "needed together"},
		"no PDP":             {[]string{"--pdp-plaintext"}, "name it with --pdp"},
		"nothing to compare": {[]string{"--compare-embedded"}, "name it with --pdp"},
		"no time":            {[]string{"--pdp", "pdp:3593", "--pdp-timeout", "-1s"}, "no time"},
		"TLS without TLS":    {[]string{"--pdp", "pdp:3593", "--pdp-plaintext", "--pdp-ca", "ca.pem"}, "without TLS"},
	}
	for name, tt := range tests {
		code, _, diagnostics := runIn(t, append([]string{"check", "-C", dir}, tt.args...)...)
		if code != exitUsage || !strings.Contains(diagnostics, tt.want) {
			t.Errorf("%s: status %d, %q, want %q", name, code, diagnostics, tt.want)
		}
	}
	if code, _, diagnostics := runIn(t, "matrix", "-C", dir, "--pdp", "127.0.0.1:1", "--pdp-timeout", "200ms"); code != exitFailure || !strings.Contains(diagnostics, "PDP 127.0.0.1:1: ") {
		t.Errorf("nobody listens: status %d, %q", code, diagnostics)
	}
}

// TestRemoteTLS has a real PDP that wants a certificate, which localhost leads
// to.
func TestRemoteTLS(t *testing.T) {
	dir := filepath.Join("..", "..", "fixtures", "fastmcp")
	certs := t.TempDir()
	cert, key := cerbosbin.Certificate(t, certs, "pdp")
	ourCert, ourKey := cerbosbin.Certificate(t, certs, "mcpolicy")
	_, stranger := cerbosbin.Certificate(t, t.TempDir(), "mcpolicy")
	strangerCert := strings.TrimSuffix(stranger, ".key") + ".pem"
	addr := cerbosbin.Serve(t, elsewhere(t, "fastmcp", "", ""), map[string]any{"server": map[string]any{"tls": map[string]any{"cert": cert, "key": key, "caCert": ourCert}}})
	_, port, _ := net.SplitHostPort(addr)
	_, want, _ := runIn(t, "matrix", "-C", dir, "--format", "json")
	tests := map[string]struct {
		args []string
		code int
		want string
	}{
		"a certificate that it knows": {[]string{"--pdp-ca", cert, "--pdp-cert", ourCert, "--pdp-key", ourKey}, exitOK, ""},
		"one that it does not":        {[]string{"--pdp-ca", cert, "--pdp-cert", strangerCert, "--pdp-key", stranger}, exitFailure, "localhost:" + port},
		"a PDP that we do not know":   {nil, exitFailure, "unknown authority"},
		"without TLS":                 {[]string{"--pdp-plaintext"}, exitFailure, "does it want TLS?"},
		"no such file":                {[]string{"--pdp-ca", filepath.Join(certs, "none.pem")}, exitFailure, "none.pem"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"matrix", "-C", dir, "--format", "json", "--pdp", "dns:///localhost:" + port, "--pdp-timeout", "30s"}, tt.args...)
			code, out, diagnostics := runIn(t, args...)
			if code != tt.code || !strings.Contains(diagnostics, tt.want) {
				t.Errorf("status %d, want %d; %s", code, tt.code, diagnostics)
			}
			if accesses(out) != accesses(want) && code == exitOK {
				t.Error("the matrix is not the embedded one")
			}
		})
	}
}

// accesses are the accesses of all cells of a JSON report, in order.
func accesses(report string) string {
	return strings.Join(regexp.MustCompile(`"access":"[a-z]+"`).FindAllString(report, -1), " ")
}

// TestDifferentialFixtures has a PDP over the policies of each fixture: production is
// what the checkout says.
func TestDifferentialFixtures(t *testing.T) {
	configs, err := filepath.Glob(filepath.Join("..", "..", "fixtures", "*", "mcpolicy.yaml"))
	if err != nil || len(configs) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	for _, c := range configs {
		dir := filepath.Dir(c)
		if name := filepath.Base(dir); name == "bank" || name == "coaz" {
			continue // a running PDP is not asked about requests that are made of what is open
		}
		t.Run(filepath.Base(dir), func(t *testing.T) {
			if filepath.Base(dir) == "github" && testing.Short() {
				t.Skip("the largest fixture")
			}
			addr := cerbosbin.Serve(t, elsewhere(t, filepath.Base(dir), "", ""), fixture.Load(t, dir).Conf)
			code, out, diagnostics := runIn(t, "check", "-C", dir, "--pdp", addr, "--pdp-plaintext", "--compare-embedded", "--format", "json")
			if code > exitFinding {
				t.Fatalf("status %d: %s", code, diagnostics)
			}
			var d struct {
				Drift struct {
					Totals struct{ Cells, Differ, Unknown int }
					Cells  []json.RawMessage
				}
			}
			if err := json.Unmarshal([]byte(out), &d); err != nil {
				t.Fatal(err)
			}
			if n := d.Drift.Totals; n.Cells == 0 || n.Differ+n.Unknown > 0 {
				t.Errorf("%+v", n)
				for _, c := range d.Drift.Cells[:min(5, len(d.Drift.Cells))] {
					t.Logf("%s", c)
				}
			}
		})
	}
}
