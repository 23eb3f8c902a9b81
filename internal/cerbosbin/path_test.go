package cerbosbin

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPath(t *testing.T) {
	out, err := exec.Command(Path(t), "--version").Output()
	if err != nil || !strings.HasPrefix(string(out), Version) {
		t.Errorf("cerbos --version: %q, %v; want %s", out, err, Version)
	}
	if s := string(packageLock); !strings.Contains(s, `"integrity": "sha512-`) || strings.Contains(s, "resolved") {
		t.Error("package-lock.json: want a hash and no registry")
	}
}

func TestUnavailable(t *testing.T) {
	tests := map[string]map[string]string{
		"no npm":      {"PATH": ""},
		"no registry": {"npm_config_registry": "http://127.0.0.1:1", "npm_config_cache": filepath.Join(t.TempDir(), "npm")},
	}
	for name, env := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := exec.LookPath("npm"); err != nil && name == "no registry" {
				t.Skip(err)
			}
			for k, v := range env {
				t.Setenv(k, v)
			}
			cache := t.TempDir()
			err := install(filepath.Join(cache, "cerbos"), "cerbos-linux-x64")
			var unavailable *unavailableError
			if !errors.As(err, &unavailable) {
				t.Errorf("error %v, want one that skips tests", err)
			}
			if left, _ := os.ReadDir(cache); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestNPMCode(t *testing.T) {
	tests := map[string]string{
		"npm warn x\nnpm error code EINTEGRITY\nnpm error sha512-x": "EINTEGRITY",
		"npm ERR! code ENOTFOUND\n":                                 "ENOTFOUND",
		"killed":                                                    "",
	}
	for output, want := range tests {
		if got := npmCode(output); got != want {
			t.Errorf("%q: code %q, want %q", output, got, want)
		}
	}
}

func TestMerged(t *testing.T) {
	base := map[string]any{"server": map[string]any{"tls": "x", "grpcListenAddr": "y"}, "schema": "z"}
	got := merged(base, map[string]any{"server": map[string]any{"grpcListenAddr": "w"}, "storage": "v"})
	want := map[string]any{"server": map[string]any{"tls": "x", "grpcListenAddr": "w"}, "schema": "z", "storage": "v"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("merged (-want +got):\n%s", diff)
	}
	if base["server"].(map[string]any)["grpcListenAddr"] != "y" {
		t.Error("the base has changed")
	}
}
