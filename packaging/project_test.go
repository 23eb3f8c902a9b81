package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestDependencies holds that docs/dependencies.md has a row for each module that go.mod
// requires by itself, and for no other.
func TestDependencies(t *testing.T) {
	read(t, "go.mod") // go test runs again when it changes
	list := exec.Command("go", "mod", "edit", "-json")
	list.Dir = ".."
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, r := range mod.Require {
		if !r.Indirect {
			want = append(want, r.Path)
		}
	}
	var have []string
	for _, row := range regexp.MustCompile(`(?m)^\| ((?:(?:, )?[a-z.]+(?:/[\w.-]+)+)+) \|`).FindAllStringSubmatch(read(t, "docs/dependencies.md"), -1) {
		have = append(have, strings.Split(row[1], ", ")...)
	}
	slices.Sort(want)
	slices.Sort(have)
	if diff := cmp.Diff(want, have); diff != "" || len(want) < 20 {
		t.Errorf("docs/dependencies.md (-go.mod +rows):\n%s", diff)
	}
}

// TestSameBuild holds that packaging/build, which is built twice and compared, builds as
// goreleaser does, and that archives are called as the action and the packages look for them.
func TestSameBuild(t *testing.T) {
	var config struct {
		Builds []struct {
			Main                                                string
			Env, Goos, Goarch, Goamd64, Goarm64, Flags, Ldflags []string
		}
		Archives []struct {
			NameTemplate string `yaml:"name_template"`
		}
		Checksum struct {
			NameTemplate string `yaml:"name_template"`
			Algorithm    string
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, ".goreleaser.yaml")), &config); err != nil {
		t.Fatal(err)
	}
	if len(config.Builds) != 1 || len(config.Archives) != 1 {
		t.Fatalf("%d builds, %d archives", len(config.Builds), len(config.Archives))
	}
	b := config.Builds[0]
	ldflags := strings.NewReplacer("v{{ .Version }}", "$2", "{{ .FullCommit }}", "$3").Replace(strings.Join(b.Ldflags, " "))
	want := strings.Join(b.Env, " ") + " GOAMD64=" + b.Goamd64[0] + " GOARM64=" + b.Goarm64[0] + " go build " +
		strings.Join(b.Flags, " ") + ` -ldflags "` + ldflags + `" -o "$1" ` + b.Main
	script := strings.ReplaceAll(read(t, "packaging/build"), " \\\n\t", " ")
	if !strings.Contains(script, want+"\n") {
		t.Errorf("packaging/build does not build as goreleaser does:\n%s", want)
	}
	var have []string
	for _, p := range platforms {
		have = append(have, p.os+"/"+p.arch)
	}
	var built []string
	for _, os := range b.Goos {
		for _, arch := range b.Goarch {
			built = append(built, os+"/"+arch)
		}
	}
	slices.Sort(have)
	slices.Sort(built)
	if diff := cmp.Diff(built, have); diff != "" {
		t.Errorf("packages (-goreleaser +packages):\n%s", diff)
	}
	for _, p := range built {
		if !strings.Contains(read(t, "tools/licenses/main.go"), `"`+p+`"`) {
			t.Errorf("licences of %s are not listed", p)
		}
	}
	if config.Archives[0].NameTemplate != "mcpolicy_{{ .Version }}_{{ .Os }}_{{ .Arch }}" || config.Checksum.NameTemplate != "checksums.txt" || config.Checksum.Algorithm != "sha256" ||
		!strings.Contains(read(t, ".github/actions/check/install.sh"), "archive=mcpolicy_${VERSION#v}_${os}_${arch}.tar.gz\n") {
		t.Error("archives are not called as the action looks for them")
	}
}

// TestNotes holds that the changelog says something of each version that it names, the
// newest first, and that a version that it does not name has no notes.
func TestNotes(t *testing.T) {
	headings := regexp.MustCompile(`(?m)^## (.*)$`).FindAllStringSubmatch(read(t, "CHANGELOG.md"), -1)
	if len(headings) < 2 || headings[0][1] != "Unreleased" {
		t.Fatalf("headings: %q", headings)
	}
	form := regexp.MustCompile(`^(\d+\.\d+\.\d+) - 20\d\d-\d\d-\d\d$`)
	for _, h := range headings[1:] {
		m := form.FindStringSubmatch(h[1])
		if m == nil {
			t.Fatalf("want a version and a day, have %q", h[1])
		}
		read(t, "packaging/notes")
		out, err := exec.Command("./notes", "v"+m[1]).Output() //nolint:gosec // it is beside this
		if err != nil || len(out) < 100 || strings.Contains(string(out), "\n## ") {
			t.Errorf("notes of %s: %v\n%s", m[1], err, out)
		}
	}
	if out, err := exec.Command("./notes", "v9.9.9").Output(); err == nil || len(out) > 0 {
		t.Errorf("notes of a version that there is not: %s", out)
	}
}

// TestSecurity holds that the tests that SECURITY.md goes by are there.
func TestSecurity(t *testing.T) {
	sources(t)
	names := regexp.MustCompile("`(Test[A-Za-z]+)`").FindAllStringSubmatch(read(t, "SECURITY.md"), -1)
	if len(names) < 15 {
		t.Errorf("%d tests", len(names))
	}
	for _, n := range names {
		find := exec.Command("git", "grep", "-q", "^func "+n[1]+"(t \\*testing.T)", "--", "*_test.go") //nolint:gosec // a name of letters
		find.Dir = ".."
		if err := find.Run(); err != nil {
			t.Errorf("there is no %s", n[1])
		}
	}
}
