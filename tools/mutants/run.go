package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// memory is what a test binary may take of the address space, in KiB: a mutant that takes
// more without end fails, and nothing else does.
const memory = 6 << 20

// A fate is what became of a mutant.
type fate int

const (
	survived fate = iota
	notCovered
	timedOut
	killed
)

func (f fate) String() string {
	return [...]string{"survived", "not covered", "timed out", "killed"}[f]
}

// A trial is a test binary and how it is run.
type trial struct {
	pkg    *pkg
	binary string
	grace  time.Duration // what each run may take besides
	stages []stage
}

// A stage is a part of the tests. The first has many that take little time, so that most
// mutants are killed before the others are run.
type stage struct {
	args []string
	took time.Duration
	full bool // without -short
}

// fates are those of mutants of a package, in their order.
func fates(ctx context.Context, o *options, p *pkg, mutants []*mutant, progress func(*mutant, fate)) ([]fate, error) {
	work, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(work) //nolint:errcheck // it is temporary
	covered, err := p.covered(ctx, o, work)
	if err != nil {
		return nil, err
	}
	binary, err := p.build(ctx, o.root, work, mutants)
	if err != nil {
		return nil, err
	}
	t := &trial{pkg: p, binary: binary, grace: o.grace}
	if err := t.prepare(ctx, o.full); err != nil {
		return nil, err
	}
	all := make([]fate, len(mutants))
	for i, m := range mutants {
		all[i] = notCovered
		if covered(m) {
			if all[i], err = t.fate(ctx, i+1); err != nil {
				return nil, fmt.Errorf("%s: %w", m.name(), err)
			}
		}
		progress(m, all[i])
	}
	return all, nil
}

// prepare runs the tests on no mutant, which they have to pass, and divides them by the time
// that they take. What -short leaves out comes last, where it is asked for.
func (t *trial) prepare(ctx context.Context, full bool) error {
	quick, short, err := t.divided(ctx)
	if err != nil {
		return err
	}
	t.stages = []stage{{took: short}}
	if quick != "" {
		t.stages = []stage{{args: []string{"-test.run=" + quick}, took: short / 4}, {args: []string{"-test.skip=" + quick}, took: short}}
	}
	if full {
		out, took, err := t.run(ctx, 0, stage{took: 20 * time.Minute, full: true})
		if err != nil {
			return fmt.Errorf("the tests of %s fail without -short: %w\n%s", t.pkg.name, err, out)
		}
		t.stages = append(t.stages, stage{took: took, full: true})
	}
	return nil
}

// divided runs the tests, and returns a pattern of those that together take a small part of the time;
// none where they take little anyway.
func (t *trial) divided(ctx context.Context) (quick string, took time.Duration, err error) {
	out, took, err := t.run(ctx, 0, stage{args: []string{"-test.v"}, took: 10 * time.Minute})
	if err != nil {
		return "", 0, fmt.Errorf("the tests of %s fail without a mutant: %w\n%s", t.pkg.name, err, out)
	}
	type test struct {
		name string
		took float64
	}
	var tests []test
	var whole, sum float64
	for _, m := range regexp.MustCompile(`(?m)^--- PASS: (\w+) \(([0-9.]+)s\)$`).FindAllStringSubmatch(string(out), -1) {
		s, err := strconv.ParseFloat(m[2], 64)
		if err != nil {
			return "", 0, err
		}
		tests = append(tests, test{m[1], s})
		whole += s
	}
	if len(tests) == 0 {
		return "", 0, fmt.Errorf("%s has no tests that pass", t.pkg.name)
	}
	if whole < 2 {
		return "", took, nil
	}
	slices.SortStableFunc(tests, func(a, b test) int { return cmp.Compare(a.took, b.took) })
	var names []string
	for _, test := range tests {
		if sum += test.took; sum > whole/4 {
			break
		}
		names = append(names, test.name)
	}
	return "^(" + strings.Join(names, "|") + ")$", took, nil
}

// fate runs the tests on a mutant.
func (t *trial) fate(ctx context.Context, number int) (fate, error) {
	for _, s := range t.stages {
		out, _, err := t.run(ctx, number, s)
		var exit *exec.ExitError
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return 0, ctx.Err()
		case errors.Is(err, context.DeadlineExceeded), bytes.Contains(out, []byte("panic: test timed out after")):
			return timedOut, nil
		case errors.As(err, &exit):
			return killed, nil
		default:
			return 0, err
		}
	}
	return survived, nil
}

// run runs a part of the tests, for as long as they may take. What they draw is drawn from
// one seed, and what fails is written nowhere.
func (t *trial) run(ctx context.Context, number int, s stage) ([]byte, time.Duration, error) {
	limit := 4*s.took + t.grace
	ctx, cancel := context.WithTimeoutCause(ctx, limit+10*time.Second, context.DeadlineExceeded)
	defer cancel()
	args := []string{
		"-c", fmt.Sprintf(`ulimit -v %d && exec "$0" "$@"`, memory), t.binary,
		"-test.failfast", "-test.paniconexit0", "-test.timeout=" + limit.String(), fmt.Sprintf("-test.short=%t", !s.full),
	}
	if t.pkg.rapid {
		args = append(args, "-rapid.nofailfile", "-rapid.seed=1")
	}
	cmd := exec.CommandContext(ctx, "sh", append(args, s.args...)...) //nolint:gosec // the binary is the tool's own
	cmd.Dir = t.pkg.dir
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", variable, number))
	cmd.WaitDelay = time.Second
	start := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	return out, time.Since(start), err
}

// covered runs the package's own tests with a profile, and says which mutants they get to.
// A place that no profile speaks of, as what a case compares with, may be got to.
func (p *pkg) covered(ctx context.Context, o *options, work string) (func(*mutant) bool, error) {
	profile := filepath.Join(work, "profile")
	args := []string{"test", fmt.Sprintf("-short=%t", !o.full), "-count=1", "-coverprofile=" + profile, "./" + p.name}
	if p.rapid {
		args = append(args, "-rapid.nofailfile", "-rapid.seed=1")
	}
	if _, err := command(ctx, o.root, args...); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(profile) //nolint:gosec // it is the tool's own
	if err != nil {
		return nil, err
	}
	blocks, err := parseProfile(data)
	if err != nil {
		return nil, err
	}
	return func(m *mutant) bool {
		known := false
		for _, b := range blocks[p.path+"/"+filepath.Base(m.file)] {
			if b.has(m.pos.Line, m.pos.Column) {
				if b.count > 0 {
					return true
				}
				known = true
			}
		}
		return !known
	}, nil
}

// A block is a piece of code in a profile, and how often it was run.
type block struct{ line, column, endLine, endColumn, count int }

func (b block) has(line, column int) bool {
	return (line > b.line || line == b.line && column >= b.column) && (line < b.endLine || line == b.endLine && column < b.endColumn)
}

func parseProfile(data []byte) (map[string][]block, error) {
	blocks := map[string][]block{}
	s := bufio.NewScanner(bytes.NewReader(data))
	for s.Scan() {
		line := s.Text()
		if strings.HasPrefix(line, "mode:") {
			continue
		}
		colon := strings.LastIndex(line, ":")
		var b block
		var statements int
		if colon < 0 {
			return nil, fmt.Errorf("read profile: %q", line)
		}
		if _, err := fmt.Sscanf(line[colon+1:], "%d.%d,%d.%d %d %d", &b.line, &b.column, &b.endLine, &b.endColumn, &statements, &b.count); err != nil {
			return nil, fmt.Errorf("read profile: %q: %w", line, err)
		}
		blocks[line[:colon]] = append(blocks[line[:colon]], b)
	}
	return blocks, s.Err()
}
