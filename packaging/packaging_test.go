package main

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// sources looks at what the project is made of, so that go test runs again when any of it
// changes: it does not see what the programs read that tests start.
func sources(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir("..", func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && (e.Name() == ".git" || e.Name() == "testdata"):
			return filepath.SkipDir
		case filepath.Ext(path) == ".go" || e.Name() == "go.mod":
			_, err = os.Stat(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// built is the command, as go build makes it of the sources at hand.
func built(t *testing.T) []byte {
	t.Helper()
	sources(t)
	path := filepath.Join(t.TempDir(), "mcpolicy")
	build := exec.Command("go", "build", "-buildvcs=false", "-ldflags=-s -w", "-o", path, "./cmd/mcpolicy")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// archive is an archive of a release for one system.
func archive(t *testing.T, files ...file) []byte {
	t.Helper()
	var b bytes.Buffer
	gz, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(gz)
	for _, f := range files {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: f.name, Mode: int64(f.mode), Size: int64(len(f.data))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(f.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), gz.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// zipped is an archive for Windows.
func zipped(t *testing.T, files ...file) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range files {
		w, err := z.Create(f.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(f.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// dist is what goreleaser leaves: archives, and their digests.
func dist(archives map[string][]byte) fstest.MapFS {
	fsys := fstest.MapFS{}
	sums := ""
	for name, data := range archives {
		fsys[name] = &fstest.MapFile{Data: data}
		sums += fmt.Sprintf("%x  %s\n", sha256.Sum256(data), name)
	}
	fsys["checksums.txt"] = &fstest.MapFile{Data: []byte(sums)}
	return fsys
}

var legal = []file{{"LICENSE", []byte("terms\n"), 0o644}, {"THIRD_PARTY_LICENSES.txt", []byte("others' terms\n"), 0o644}}

// packages makes the packages of this system's binary, and returns their folder.
func packages(t *testing.T) string {
	t.Helper()
	name := fmt.Sprintf("mcpolicy_1.2.3_%s_%s.tar.gz", runtime.GOOS, runtime.GOARCH)
	from, to := t.TempDir(), filepath.Join(t.TempDir(), "packages")
	if err := os.CopyFS(from, dist(map[string][]byte{name: archive(t, append(legal, file{"mcpolicy", built(t), 0o755})...)})); err != nil {
		t.Fatal(err)
	}
	if err := run([]string{from, to}, io.Discard); err != nil {
		t.Fatal(err)
	}
	return to
}

// need finds a program, or skips the test; CI requires what it has.
func need(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil && os.Getenv("MCPOLICY_REQUIRE_PACKAGERS") == "" {
		t.Skipf("there is no %s", name)
	} else if err != nil {
		t.Fatal(err)
	}
	return path
}

func do(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

// works holds that an installed command does what the binary does, statuses included.
func works(t *testing.T, command string) {
	t.Helper()
	for _, tt := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"version"}, 0, "engine    Cerbos v"},
		{[]string{"check", "-C", "../fixtures/quickstart"}, 0, "no findings; "},
		{[]string{"check", "-C", "../fixtures/insecure"}, 1, "error  "},
		{[]string{"chekc"}, 2, "did you mean check?"},
		{[]string{"matrix", "--policies", "gone", "--manifest", "gone", "--principals", "gone"}, 3, "gone"},
	} {
		out, err := exec.Command(command, tt.args...).CombinedOutput()
		if status := statusOf(t, err); status != tt.status || !strings.Contains(string(out), tt.want) {
			t.Errorf("%s %v: status %d, not %d with %q:\n%s", command, tt.args, status, tt.status, tt.want, out)
		}
	}
}

func statusOf(t *testing.T, err error) int {
	t.Helper()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	t.Fatal(err)
	return 0
}

// TestPackages installs the packages with npm and pip, which contact nobody, and runs what
// they installed.
func TestPackages(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in other processes")
	}
	if runtime.GOOS == "windows" {
		t.Skip("archives for Windows are of another kind")
	}
	folder := packages(t)
	t.Run("npm", func(t *testing.T) {
		npm := need(t, "npm")
		node := need(t, "node")
		dir := t.TempDir()
		one := platforms[0]
		for _, p := range platforms {
			if p.os == runtime.GOOS && p.arch == runtime.GOARCH {
				one = p
			}
		}
		do(t, dir, npm, "install", "--offline", "--ignore-scripts", "--no-audit", "--no-fund", "--cache", t.TempDir(),
			filepath.Join(folder, "mcpolicy-"+one.node+"-1.2.3.tgz"), filepath.Join(folder, "mcpolicy-1.2.3.tgz"))
		command := filepath.Join(dir, "node_modules", ".bin", "mcpolicy")
		works(t, command)
		stops(t, command)

		// Without the package of the platform nothing passes.
		if err := os.RemoveAll(filepath.Join(dir, "node_modules", "@mcpolicy")); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(node, command, "check", "-C", "../fixtures/quickstart").CombinedOutput() //nolint:gosec // node
		if status := statusOf(t, err); status != 3 || !strings.Contains(string(out), "mcpolicy: there is no binary for "+one.node) {
			t.Errorf("status %d:\n%s", status, out)
		}
	})
	t.Run("pip", func(t *testing.T) {
		python := need(t, "python3")
		dir := t.TempDir()
		do(t, dir, python, "-m", "venv", dir)
		do(t, dir, filepath.Join(dir, "bin", "pip"), "install", "--no-index", "--disable-pip-version-check", "--find-links", folder, "mcpolicy==1.2.3")
		command := filepath.Join(dir, "bin", "mcpolicy")
		works(t, command)
		stops(t, command)
	})
}

// stops holds that a signal to the installed command reaches the binary, which ends by itself
// once it has decided something.
func stops(t *testing.T, command string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, command, "check", "-C", "../fixtures/quickstart", "--watch")
	cmd.WaitDelay = time.Second
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "no findings; ") {
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	for lines.Scan() {
		// until nobody writes any more
	}
	err = cmd.Wait()
	if ctx.Err() != nil || cmd.ProcessState.ExitCode() < 0 {
		t.Errorf("%s does not end by itself when it gets a signal: %v", command, err)
	}
}

// TestReleases holds that what is not what was released is packed into nothing.
func TestReleases(t *testing.T) {
	good := archive(t, append(legal, file{"mcpolicy", []byte("binary"), 0o755})...)
	const name = "mcpolicy_1.2.3_linux_amd64.tar.gz"
	changed := dist(map[string][]byte{name: good})
	changed[name].Data = archive(t, append(legal, file{"mcpolicy", []byte("another"), 0o755})...)
	missing := dist(map[string][]byte{name: good})
	delete(missing, name)
	for what, tt := range map[string]struct {
		dist fstest.MapFS
		want string
	}{
		"another digest":    {changed, name + ": its digest is not the one in checksums.txt"},
		"no such archive":   {missing, name + ": open " + name + ": file does not exist"},
		"no archive":        {dist(map[string][]byte{"mcpolicy_1.2.3_linux_amd64.deb": good}), "checksums.txt names no archive"},
		"another system":    {dist(map[string][]byte{"mcpolicy_1.2.3_plan9_amd64.tar.gz": good}), "mcpolicy_1.2.3_plan9_amd64.tar.gz: there are no packages for plan9 on amd64"},
		"no version":        {dist(map[string][]byte{"mcpolicy_1.2_linux_amd64.tar.gz": good}), `want a version like 1.2.3, have "1.2"`},
		"no binary":         {dist(map[string][]byte{name: archive(t, legal...)}), name + ": there is no mcpolicy in it"},
		"no licences":       {dist(map[string][]byte{name: archive(t, file{"mcpolicy", []byte("binary"), 0o755})}), name + ": it does not have LICENSE and THIRD_PARTY_LICENSES.txt"},
		"no checksums":      {fstest.MapFS{}, "open checksums.txt: file does not exist"},
		"unreadable digest": {fstest.MapFS{"checksums.txt": {Data: []byte("x\n")}}, `checksums.txt: want a digest and a name, have "x\n"`},
		"not an archive":    {dist(map[string][]byte{name: []byte("text")}), name + ": unexpected EOF"},
	} {
		t.Run(what, func(t *testing.T) {
			_, err := readRelease(tt.dist)
			if err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

// TestVersions holds how a version is written for Python.
func TestVersions(t *testing.T) {
	for version, want := range map[string]string{
		"1.2.3": "1.2.3", "1.2.3-rc.1": "1.2.3rc1", "1.0.0-beta2": "1.0.0b2", "0.0.1-snapshot.da77693": "0.0.1.dev0+snapshot.da77693",
	} {
		if got := (&release{version: version}).pep440(); got != want {
			t.Errorf("%s is %s, not %s", version, got, want)
		}
	}
}

// TestSameBytes holds that packages of the same archives are the same, for all systems.
func TestSameBytes(t *testing.T) {
	archives := map[string][]byte{}
	for _, p := range platforms {
		if p.os == "windows" {
			archives[fmt.Sprintf("mcpolicy_1.2.3_%s_%s.zip", p.os, p.arch)] = zipped(t, append(legal, file{"mcpolicy.exe", []byte(p.node), 0o755})...)
		} else {
			archives[fmt.Sprintf("mcpolicy_1.2.3_%s_%s.tar.gz", p.os, p.arch)] = archive(t, append(legal, file{"mcpolicy", []byte(p.node), 0o755})...)
		}
	}
	all := func() map[string]string {
		r, err := readRelease(dist(archives))
		if err != nil {
			t.Fatal(err)
		}
		packages, err := r.npm()
		if err != nil {
			t.Fatal(err)
		}
		wheels, err := r.wheels()
		if err != nil {
			t.Fatal(err)
		}
		sums := map[string]string{}
		for _, p := range append(packages, wheels...) {
			sums[p.name] = fmt.Sprintf("%x", sha256.Sum256(p.data))
		}
		return sums
	}
	first := all()
	if len(first) != 6+1+6 || first["mcpolicy-win32-x64-1.2.3.tgz"] == "" || first["mcpolicy-1.2.3-py3-none-win_amd64.whl"] == "" {
		t.Errorf("packages: %v", first)
	}
	if diff := cmp.Diff(first, all()); diff != "" {
		t.Errorf("packages made twice (-first +second):\n%s", diff)
	}
}
