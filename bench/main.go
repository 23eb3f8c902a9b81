// Bench measures mcpolicy as a user runs it, whole processes, and prints
// ratios against Cerbos's own test runner on the same decisions. It needs npm,
// for the official Cerbos binary. docs/performance.md explains the numbers.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	runs := flag.Int("n", 7, "runs of each command")
	cerbos := flag.String("cerbos", "", "the official Cerbos binary; installed with npm unless given")
	scale := flag.Bool("scale", false, "measure how time grows with principals, tools and rules instead; takes some minutes")
	flag.Parse()
	run := func() error { return measure(os.Stdout, *runs, *cerbos) }
	if *scale {
		run = func() error { return measureScale(os.Stdout, *runs) }
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// build makes a folder with the command in it.
func build() (dir, bin string, err error) {
	if dir, err = os.MkdirTemp("", "mcpolicy-bench-"); err != nil {
		return "", "", err
	}
	bin = filepath.Join(dir, "mcpolicy")
	if text, err := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", bin, "./cmd/mcpolicy").CombinedOutput(); err != nil {
		return "", "", errors.Join(fmt.Errorf("build: %w\n%s", err, text), os.RemoveAll(dir))
	}
	return dir, bin, nil
}

func measure(out io.Writer, runs int, cerbos string) (err error) {
	dir, bin, err := build()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if cerbos == "" {
		if cerbos, err = install(dir); err != nil {
			return err
		}
	}
	w := world{tools: 200, principals: 50, classes: 50, rules: 400}
	block, json, theirs := filepath.Join(dir, "block"), filepath.Join(dir, "json"), filepath.Join(dir, "theirs")
	if err := errors.Join(
		w.write(block, false), w.write(json, true),
		writeFile(filepath.Join(theirs, "p.yaml"), w.policy), writeFile(filepath.Join(theirs, "p_test.yaml"), w.cerbosSuite),
	); err != nil {
		return err
	}
	folder := filepath.Join(dir, "company")
	if err := (company{kinds: 140, roles: 20}).write(folder); err != nil {
		return err
	}
	for _, command := range []string{"matrix", "check"} {
		compare(out, runs, command+" of one of 140 kinds",
			[]string{bin, command, "-C", folder}, []string{cerbos, "compile", "--skip-tests", filepath.Join(folder, "policies")})
	}
	quick := filepath.Join("fixtures", "quickstart")
	compare(out, runs, "20,000 decisions, a suite in block YAML",
		[]string{bin, "test", "-C", block}, []string{cerbos, "compile", theirs})
	compare(out, runs, "20,000 decisions, suite and principals in JSON",
		[]string{bin, "test", "-C", json}, []string{cerbos, "compile", theirs})
	compare(out, runs, "fixtures/quickstart",
		[]string{bin, "check", "-C", quick}, []string{cerbos, "compile", filepath.Join(quick, "policies")})
	compare(out, runs, "explain on fixtures/github, to matrix on fixtures/quickstart",
		[]string{bin, "explain", "tariq", "create_issue", "-C", filepath.Join("fixtures", "github")}, []string{bin, "matrix", "-C", quick})
	compare(out, runs, "who-can on fixtures/github, to matrix on fixtures/quickstart",
		[]string{bin, "who-can", "call", "create_issue", "-C", filepath.Join("fixtures", "github")}, []string{bin, "matrix", "-C", quick})
	return nil
}

// A result is what one run of a command took.
type result struct {
	wall time.Duration
	cpu  time.Duration // of all threads, the kernel's work for them included
	peak int64         // bytes
	err  error
}

func run(command []string) result {
	c := exec.Command(command[0], command[1:]...)
	start := time.Now()
	text, err := c.CombinedOutput()
	r := result{wall: time.Since(start), cpu: c.ProcessState.UserTime() + c.ProcessState.SystemTime()}
	var status *exec.ExitError
	if err != nil && !errors.As(err, &status) {
		r.err = err
	}
	if c.ProcessState.ExitCode() > 1 {
		r.err = fmt.Errorf("%s: exit status %d\n%s", strings.Join(command, " "), c.ProcessState.ExitCode(), text)
	}
	r.cpu = c.ProcessState.UserTime() + c.ProcessState.SystemTime()
	if usage, ok := c.ProcessState.SysUsage().(*syscall.Rusage); ok {
		r.peak = usage.Maxrss << 10
	}
	return r
}

// compare runs two commands in turn and prints the median of each and the
// median of the ratios, which do not mind a machine that is busy now and then.
func compare(out io.Writer, runs int, what string, ours, theirs []string) {
	var a, b, wall, cpu, peak []float64
	for i := range runs + 1 {
		x, y := run(ours), run(theirs)
		if err := errors.Join(x.err, y.err); err != nil {
			fmt.Fprintf(out, "%s: %v\n", what, err)
			return
		}
		if i == 0 {
			continue // the files were not in memory
		}
		a, b = append(a, x.wall.Seconds()), append(b, y.wall.Seconds())
		wall, cpu = append(wall, x.wall.Seconds()/y.wall.Seconds()), append(cpu, x.cpu.Seconds()/y.cpu.Seconds())
		peak = append(peak, float64(x.peak)/float64(y.peak))
	}
	fmt.Fprintf(out, "%-60s %6.0f ms to %6.0f ms: wall %.2f, CPU %.2f, peak memory %.2f\n",
		what, median(a)*1000, median(b)*1000, median(wall), median(cpu), median(peak))
}

func median(list []float64) float64 {
	list = slices.Sorted(slices.Values(list))
	return list[len(list)/2]
}

// install gets the official Cerbos binary with npm.
func install(dir string) (string, error) {
	const name = "@cerbos/cerbos-linux-x64"
	c := exec.Command("npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", dir, name+"@0.55.0")
	if text, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm install %s: %w\n%s", name, err, text)
	}
	return filepath.Join(dir, "node_modules", filepath.FromSlash(name), "cerbos-linux-x64"), nil
}
