package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/internal/cerbosbin"
	"github.com/mcpolicy/mcpolicy/internal/fixture"
)

// TestFaults makes a real PDP fail in the middle of a run.
func TestFaults(t *testing.T) {
	dir := filepath.Join("..", "..", "fixtures", "github")
	conf := fixture.Load(t, dir).Conf
	addr := cerbosbin.Serve(t, elsewhere(t, "github", "", ""), conf)
	other := cerbosbin.Serve(t, elsewhere(t, "github", "EFFECT_DENY", "EFFECT_ALLOW"), conf)
	next, halved := cerbosbin.NewFront(t, addr, "0.56.0"), cerbosbin.NewFront(t, addr, "")
	healthy := cerbosbin.NewProxy(t, "127.0.0.1:0", addr)

	report := filepath.Join(t.TempDir(), "report.json")
	check := func(target string, more ...string) (int, string, string) {
		args := []string{"matrix", "-C", dir, "--pdp", target, "--pdp-plaintext", "--pdp-timeout", "2s", "--format", "text", "--format", "json=" + report}
		return runIn(t, append(args, more...)...)
	}
	code, want, diagnostics := check(healthy.Addr)
	if code != exitOK {
		t.Fatalf("without a fault: status %d, %s", code, diagnostics)
	}
	whole := healthy.Replies()
	middle := whole / 2

	tests := map[string]struct {
		target func(p *cerbosbin.Proxy) string
		fault  func(p *cerbosbin.Proxy)
		want   string
	}{
		"dies":               {fault: (*cerbosbin.Proxy).Cut, want: "of 2736 cells not decided"},
		"hangs":              {fault: (*cerbosbin.Proxy).Hang, want: "no answer within 2s"},
		"is another version": {fault: func(p *cerbosbin.Proxy) { p.To(next.Addr) }, want: "0.55.0 was replaced by 0.56.0"},
		"has other policies": {fault: func(p *cerbosbin.Proxy) { p.To(other) }, want: "otherwise than it did before"},
	}
	named := regexp.MustCompile(`^mcpolicy: (\d+) of \d+ cells not decided \(\S+ (list|call) \S+ on github`)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(report, []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
			p := cerbosbin.NewProxy(t, "127.0.0.1:0", addr)
			p.After(middle, func() { tt.fault(p) })
			code, out, diagnostics := check(p.Addr)
			if code != exitFailure || out != "" {
				t.Errorf("status %d, want %d; output %.80q", code, exitFailure, out)
			}
			if !strings.Contains(diagnostics, tt.want) || !named.MatchString(diagnostics) || len(diagnostics) > 1000 {
				t.Errorf("diagnostics %.1000q, want some about %q that name cells", diagnostics, tt.want)
			}
			if data, err := os.ReadFile(report); err != nil || string(data) != "old" {
				t.Errorf("a report was written: %v %.80q", err, data)
			}
		})
	}

	t.Run("answers half", func(t *testing.T) {
		if code, _, diagnostics := check(halved.Addr); code != exitOK {
			t.Fatalf("before: %d %s", code, diagnostics)
		}
		halved.Half.Store(true)
		code, out, diagnostics := check(halved.Addr)
		if code != exitFailure || out != "" || !strings.Contains(diagnostics, "the reply is about ") || !named.MatchString(diagnostics) {
			t.Errorf("status %d, output %.80q, diagnostics %.1000q", code, out, diagnostics)
		}
	})

	t.Run("comes back", func(t *testing.T) {
		p := cerbosbin.NewProxy(t, "127.0.0.1:0", addr)
		p.After(middle, func() { p.To(addr) })
		if code, out, diagnostics := check(p.Addr, "--pdp-timeout", "30s"); code != exitOK || out != want {
			t.Errorf("status %d, %s", code, diagnostics)
		}
	})

	t.Run("one of three dies", func(t *testing.T) {
		proxies := []*cerbosbin.Proxy{cerbosbin.NewProxy(t, "127.0.0.1:0", addr), cerbosbin.NewProxy(t, "127.0.0.1:0", addr), cerbosbin.NewProxy(t, "127.0.0.1:0", addr)}
		proxies[1].After(middle/6, proxies[1].Cut)
		code, out, diagnostics := check(proxies[0].Addr, "--pdp", proxies[1].Addr, "--pdp", proxies[2].Addr, "--pdp-timeout", "30s")
		if code != exitOK || out != want {
			t.Errorf("status %d, %s; the same output: %v", code, diagnostics, out == want)
		}
		if proxies[1].Replies() < middle/6 || proxies[0].Replies() == 0 || proxies[2].Replies() == 0 {
			t.Error("not all of them were asked")
		}
	})

	t.Run("one of three is dead", func(t *testing.T) {
		dead := cerbosbin.NewProxy(t, "127.0.0.1:0", addr)
		dead.Cut()
		code, out, diagnostics := check(dead.Addr, "--pdp", addr, "--pdp", healthy.Addr, "--pdp-timeout", "30s")
		if code != exitOK || out != want {
			t.Errorf("status %d, %s; the same output: %v", code, diagnostics, out == want)
		}
	})

	t.Run("during the comparison", func(t *testing.T) {
		p := cerbosbin.NewProxy(t, "127.0.0.1:0", addr)
		p.After(whole*5/4, p.Cut)
		code, out, diagnostics := runIn(t, "check", "-C", dir, "--pdp", p.Addr, "--pdp-plaintext", "--pdp-timeout", "2s", "--compare-embedded")
		if code != exitFailure || out != "" || !strings.Contains(diagnostics, "not decided") {
			t.Errorf("status %d, output %.80q, diagnostics %.1000q", code, out, diagnostics)
		}
	})
}
