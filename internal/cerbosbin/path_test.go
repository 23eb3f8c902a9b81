package cerbosbin

import (
	"os/exec"
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
