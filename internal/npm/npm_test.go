package npm

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

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
			p := Package{
				JSON: []byte(`{"name": "x", "dependencies": {"@cerbos/cerbos-linux-x64": "0.55.0"}}`),
				Lock: []byte(`{"name": "x", "lockfileVersion": 3, "packages": {"": {"dependencies": {"@cerbos/cerbos-linux-x64": "0.55.0"}},
					"node_modules/@cerbos/cerbos-linux-x64": {"version": "0.55.0"}}}`),
			}
			err := p.install(filepath.Join(cache, "package"), "file")
			var unavailable *UnavailableError
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
