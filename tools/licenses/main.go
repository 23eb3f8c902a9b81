// Licenses finds out under which licences everything is that is linked into a release.
// It holds docs/licenses.md to that, or writes it with -update, and with -texts it writes
// the texts, which go along with what is released. A licence that is not allowed, or not
// recognised, is a failure.
package main

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"

	classifier "github.com/google/licenseclassifier/v2"
	"github.com/google/licenseclassifier/v2/assets"
)

// platforms are those that are released.
var platforms = []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64", "windows/arm64"}

// allowed are the licences that what is released may be under: those that ask for no
// more than that they go along, and MPL-2.0, whose files are linked as they are.
var allowed = []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0", "MPL-2.0", "Unlicense", "Zlib"}

// A module is what has licences: a Go module, or the standard library.
type module struct {
	path     string
	texts    []text
	licences []string
}

type text struct {
	name string
	data []byte
}

func main() {
	root := flag.String("root", ".", "the `folder` of the project")
	update := flag.Bool("update", false, "write docs/licenses.md")
	texts := flag.String("texts", "", "write all the texts to a `file`")
	flag.Parse()
	if err := run(*root, *update, *texts); err != nil {
		fmt.Fprintln(os.Stderr, "licenses:", err)
		os.Exit(1)
	}
}

func run(root string, update bool, texts string) error {
	modules, err := linked(root)
	if err != nil {
		return err
	}
	c, err := assets.DefaultClassifier()
	if err != nil {
		return err
	}
	var errs []error
	for _, m := range modules {
		if err := m.classify(c); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", m.path, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if texts != "" {
		if err := os.WriteFile(texts, together(modules), 0o644); err != nil {
			return err
		}
	}
	page := filepath.Join(root, "docs", "licenses.md")
	want := table(modules)
	if update {
		return os.WriteFile(page, want, 0o644)
	}
	have, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	if !bytes.Equal(have, want) {
		return fmt.Errorf("%s is not what it should be: go generate ./packaging writes it anew", page)
	}
	fmt.Printf("%d modules, all under licences that are allowed\n", len(modules))
	return nil
}

// linked returns the modules that are linked into the command on some platform, by their
// paths.
func linked(root string) ([]*module, error) {
	dirs := map[string]string{"Go's standard library": runtime.GOROOT()}
	for _, p := range platforms {
		goos, goarch, _ := strings.Cut(p, "/")
		cmd := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Dir}}{{end}}{{end}}", "./cmd/mcpolicy")
		cmd.Dir, cmd.Stderr = root, os.Stderr
		cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0")
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("go list for %s: %w", p, err)
		}
		for line := range strings.Lines(string(out)) {
			if path, dir, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok {
				dirs[path] = dir
			}
		}
	}
	if len(dirs) < 20 {
		return nil, fmt.Errorf("only %d modules are linked", len(dirs))
	}
	var modules []*module
	for _, path := range slices.Sorted(maps.Keys(dirs)) {
		m := &module{path: path}
		if err := m.read(dirs[path]); err != nil {
			return nil, err
		}
		modules = append(modules, m)
	}
	return modules, nil
}

// legal are the names of files that say under which licence something is, or what has to
// go along with it.
var legal = regexp.MustCompile(`(?i)^(licen[cs]e|copying|copyright|notice|unlicense|patents)([.-].*)?$`)

// notice are the names of those that tell of parts, like fonts of a page that is not
// linked: they go along, and do not say under which licence the module is.
var notice = regexp.MustCompile(`(?i)^notice`)

// read reads the texts of a module; where it has no file with its licence, what its
// sources say.
func (m *module) read(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() || !legal.MatchString(e.Name()) || strings.HasSuffix(e.Name(), ".go") {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		m.texts = append(m.texts, text{e.Name(), data})
	}
	if len(m.texts) > 0 {
		return nil
	}
	said, err := spdx(dir)
	m.licences = said
	return err
}

var identifier = regexp.MustCompile(`^// SPDX-License-Identifier: ([A-Za-z0-9.-]+)\s*$`)

// spdx returns the licences that the first lines of a module's sources name.
func spdx(dir string) ([]string, error) {
	names := map[string]bool{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || filepath.Ext(path) != ".go" {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }() // it was only read
		lines := bufio.NewScanner(io.LimitReader(f, 4096))
		for lines.Scan() {
			if s := identifier.FindStringSubmatch(lines.Text()); s != nil {
				names[s[1]] = true
			}
		}
		return nil
	})
	return slices.Sorted(maps.Keys(names)), err
}

// classify says which licences the texts are.
func (m *module) classify(c *classifier.Classifier) error {
	names := map[string]bool{}
	for _, n := range m.licences {
		names[n] = true
	}
	for _, t := range m.texts {
		if notice.MatchString(t.name) {
			continue
		}
		if bytes.HasPrefix(t.data, []byte("MIT No Attribution\n")) { // which the classifier does not know
			names["MIT-0"] = true
		}
		for _, match := range c.Match(t.data).Matches {
			if match.MatchType == "License" {
				names[match.Name] = true
			}
		}
	}
	m.licences = slices.Sorted(maps.Keys(names))
	if len(m.licences) == 0 {
		return errors.New("no licence is recognised")
	}
	for _, n := range m.licences {
		if !slices.Contains(allowed, n) {
			return fmt.Errorf("%s is not among the licences that are allowed", n)
		}
	}
	return nil
}

// table is the page. It has no versions: an update changes it only if it changes what is
// linked, or a licence.
func table(modules []*module) []byte {
	var b bytes.Buffer
	b.WriteString(`# Licences

Under which licences everything is that is linked into a release for some platform: written by
` + "`go generate ./packaging`" + `, and held to what is linked by CI. The texts are in each archive, as
` + "`THIRD_PARTY_LICENSES.txt`" + `. Modules that only tests and tools need are not here. Of some of these a release links
a package or two; [dependencies.md](dependencies.md) says what each is for.

| module | licence |
|---|---|
`)
	for _, m := range modules {
		fmt.Fprintf(&b, "| %s | %s |\n", m.path, strings.Join(m.licences, ", "))
	}
	return b.Bytes()
}

// together is all the texts, each once, with the modules that it is of.
func together(modules []*module) []byte {
	var b bytes.Buffer
	b.WriteString("What mcpolicy links, by its licences, and then the texts.\n\n")
	of := map[string][]string{}
	var order []string
	for _, m := range modules {
		fmt.Fprintf(&b, "%s: %s\n", m.path, strings.Join(m.licences, ", "))
		for _, t := range m.texts {
			words := strings.TrimSpace(string(t.data))
			if of[words] == nil {
				order = append(order, words)
			}
			of[words] = append(of[words], m.path+", "+t.name)
		}
	}
	for _, words := range order {
		fmt.Fprintf(&b, "\n%s\n%s\n\n%s\n", strings.Repeat("=", 80), strings.Join(of[words], "\n"), words)
	}
	return b.Bytes()
}
