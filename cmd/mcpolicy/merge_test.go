package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const mergeClock = "2026-11-23T09:00:00Z"

// told runs a command and keeps its JSON in a file.
func toldIn(t *testing.T, name string, args ...string) (file, text string, status int) {
	t.Helper()
	status, text, stderr := runIn(t, append(args, "--format", "json", "--now", mergeClock)...)
	if text == "" {
		t.Fatalf("%v: %s", args, stderr)
	}
	file = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file, text, status
}

func mergeOf(t *testing.T, args ...string) (status int, text, stderr string) {
	t.Helper()
	return runIn(t, append([]string{"report", "merge"}, args...)...)
}

func fixtureDir(name string) string { return filepath.Join("..", "..", "fixtures", name) }

// TestMergeOne merges one report, which is that report, and its status.
func TestMergeOne(t *testing.T) {
	for _, name := range []string{"insecure", "quickstart"} {
		for _, command := range [][]string{{"check"}, {"lint"}, {"test"}, {"matrix"}, {"matrix", "--summary"}, {"diff", fixtureDir("fastmcp")}} {
			if command[0] == "diff" && name != "quickstart" {
				continue // they have less in common
			}
			file, want, status := toldIn(t, "one.json", append(slices.Clone(command), "-C", fixtureDir(name))...)
			got, text, stderr := mergeOf(t, file, "--format", "json")
			if text != want || got != status {
				t.Errorf("%s %v: status %d, want %d; the same: %t\n%s", name, command, got, status, text == want, stderr)
			}
		}
	}
}

// TestMergeShards runs suites and servers apart and merges the reports in any order, which
// is the report of all.
func TestMergeShards(t *testing.T) {
	for _, name := range []string{"insecure", "quickstart"} {
		var whole struct {
			Tests  struct{ Suites []struct{ Name string } }
			Matrix struct{ Cells []struct{ Server string } }
		}
		shards := map[string][]string{}
		want := map[string]string{}
		status := map[string]int{}
		for _, command := range []string{"test", "matrix"} {
			_, want[command], status[command] = toldIn(t, "all.json", command, "-C", fixtureDir(name))
			if err := json.Unmarshal([]byte(want[command]), &whole); err != nil {
				t.Fatal(err)
			}
		}
		shard := func(command, flag, value string) {
			file, _, _ := toldIn(t, "shard.json", command, "-C", fixtureDir(name), flag, value)
			shards[command] = append(shards[command], file)
		}
		for _, s := range whole.Tests.Suites {
			shard("test", "--suite", s.Name)
		}
		var servers []string
		for _, c := range whole.Matrix.Cells {
			if !slices.Contains(servers, c.Server) {
				servers = append(servers, c.Server)
				shard("matrix", "--server", c.Server)
			}
		}
		for command, files := range shards {
			slices.Reverse(files)
			got, text, stderr := mergeOf(t, append(files, "--format", "json")...)
			if got != status[command] || text != want[command] {
				t.Errorf("%s %s in %d shards: status %d, want %d; the same: %t\n%s", name, command, len(files), got, status[command], text == want[command], stderr)
			}
		}
	}
}

// TestMergeShardsOfTests splits a run with --shard, with and without another filter. What
// is merged, in any order, is the report of the run, and has its status.
func TestMergeShardsOfTests(t *testing.T) {
	for name, filters := range map[string][][]string{
		"insecure":   {nil},
		"quickstart": {nil, {"--filter", "customer"}, {"--principal", "@desk"}},
	} {
		for _, filter := range filters {
			_, want, status := toldIn(t, "all.json", append([]string{"test", "-C", fixtureDir(name)}, filter...)...)
			for _, count := range []int{1, 3} {
				var files []string
				for i := range count {
					shard := fmtInt(i+1) + "/" + fmtInt(count)
					file, _, _ := toldIn(t, "shard.json", append([]string{"test", "-C", fixtureDir(name), "--shard", shard}, filter...)...)
					files = append([]string{file}, files...)
				}
				if count == 3 {
					got, text, stderr := mergeOf(t, files[0], files[2], "--format", "json")
					if got != exitFailure || text != "" || !strings.Contains(stderr, "this is a shard of 3, and the report of 2/3 is missing") {
						t.Errorf("%s %v without a shard: status %d: %s%s", name, filter, got, text, stderr)
					}
					alone, err := os.ReadFile(files[1])
					if _, text, stderr = mergeOf(t, files[1], "--format", "json"); err != nil || text != string(alone) {
						t.Errorf("%s %v: a shard alone is not itself: %v, %s", name, filter, err, stderr)
					}
				}
				got, text, stderr := mergeOf(t, append(files, "--format", "json")...)
				if got != status || text != want {
					t.Errorf("%s %v in %d shards: status %d, want %d; the same: %t\n%s", name, filter, count, got, status, text == want, stderr)
				}
			}
		}
	}
}

// TestMergeFormats holds the formats of a merged report to those of the run, as far as
// JSON has what they say.
func TestMergeFormats(t *testing.T) {
	dir := fixtureDir("insecure")
	file, _, _ := toldIn(t, "check.json", "check", "-C", dir)
	for _, format := range []string{"csv", "codequality", "github"} {
		_, want, _ := runIn(t, "check", "-C", dir, "--format", format, "--now", mergeClock)
		want = strings.ReplaceAll(want, "fixtures/insecure/", "")
		got, text, stderr := mergeOf(t, file, "--format", format)
		if got != exitFinding {
			t.Errorf("%s: status %d: %s", format, got, stderr)
		}
		if a, b := strings.Count(want, "\n"), strings.Count(text, "\n"); format != "github" && a != b {
			t.Errorf("%s: %d lines, want %d", format, b, a)
		}
	}
	_, want, _ := runIn(t, "matrix", "-C", dir, "--format", "csv", "--now", mergeClock)
	file, _, _ = toldIn(t, "matrix.json", "matrix", "-C", dir, "--by-class")
	_, text, _ := mergeOf(t, file, "--format", "csv")
	cells := func(text string) string {
		var list []string
		for line := range strings.Lines(text) {
			if strings.HasPrefix(line, "cell,") {
				list = append(list, line)
			}
		}
		return strings.Join(list, "")
	}
	if cells(text) != cells(want) || cells(want) == "" {
		t.Errorf("cells of classes:\n%.2000s\nwant\n%.2000s", cells(text), cells(want))
	}
	if status, _, stderr := mergeOf(t, file, "--format", "junit"); status != exitUsage || !strings.Contains(stderr, "no place for the cells") {
		t.Errorf("a matrix as JUnit: status %d: %s", status, stderr)
	}
}

// TestMergeConflict merges reports that tell different things of one cell.
func TestMergeConflict(t *testing.T) {
	file, text, _ := toldIn(t, "a.json", "matrix", "-C", fixtureDir("quickstart"))
	other := filepath.Join(t.TempDir(), "b.json")
	i := strings.Index(text, `"access":"allowed"`)
	if i < 0 {
		t.Fatal("nothing is allowed")
	}
	changed := text[:i] + strings.Replace(text[i:], `"allowed"`, `"denied"`, 1)
	if err := os.WriteFile(other, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	line := strings.Count(text[:i], "\n") + 1
	status, stdout, stderr := mergeOf(t, file, other, "--format", "json")
	for _, place := range []string{filepath.ToSlash(file), filepath.ToSlash(other)} {
		if status != exitFailure || stdout != "" || !strings.Contains(stderr, place+":"+fmtInt(line)+":") {
			t.Errorf("status %d, want the line %d of %s:\n%s%s", status, line, place, stderr, stdout)
		}
	}
	status, stdout, stderr = mergeOf(t, file, other, "--label", "here", "--label", "there", "--format", "json")
	if status != exitOK || strings.Count(stdout, `"principal"`) != 2*strings.Count(text, `"principal"`) || !strings.Contains(stdout, `"server":"there/`) {
		t.Errorf("with labels: status %d: %s", status, stderr)
	}
	// The same twice is told once.
	if err := os.WriteFile(other, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, stdout, stderr := mergeOf(t, file, other, "--format", "json"); status != exitOK || stdout != text {
		t.Errorf("twice the same: status %d: %s", status, stderr)
	}
}

func fmtInt(n int) string { b, _ := json.Marshal(n); return string(b) }

// TestMergeBad gives merge what is no report: one message with its place, and a status.
func TestMergeBad(t *testing.T) {
	_, good, _ := toldIn(t, "good.json", "test", "-C", fixtureDir("quickstart"))
	for text, want := range map[string]string{
		"":                       `1:1: `,
		good[:len(good)/2]:       `: `,
		`{"version": 2}`:         `1:13: this report is of another version: want 1, have 2`,
		`{"version": 1}`:         `1:1: there is nothing in this report`,
		`{"tools": []}`:          `1:1: this is no report that mcpolicy writes with --format json: it has no version`,
		`[1]`:                    `1:1: this is no report that mcpolicy writes with --format json: it has no version`,
		`{"version": 1, "x": 1}`: `or of a later version: unknown field "x"`,
		`{"version": 1, "findings": [{"rule": "x", "severity": "dire"}]}`:                                                    `1:29: severity is "dire"`,
		`{"version": 1, "findings": [{"rule": "x", "sevrity": "note"}]}`:                                                     `1:29: unknown field "sevrity"`,
		`{"version": 1, "findings": {}}`:                                                                                     `cannot unmarshal`,
		`{"version": 1, "matrix": {"cells": [{"principal": "x", "access": "alowed"}]}}`:                                      `1:37: access is "alowed"`,
		`{"version": 1, "tests": {"passed": 3, "failed": 0, "errored": 0, "skipped": 0, "suites": []}}`:                      `the cases are not as many as it says`,
		strings.Replace(good, `"failed": 0`, `"failed": 1`, 1):                                                               `the cases are not as many as it says`,
		`{"version": 1, "shard": "3/2", "tests": {"suites": []}}`:                                                            `1:25: shard: want a shard from 1/2 to 2/2, have "3/2"`,
		`{"version": 1, "diff": {"verdict": "good"}}`:                                                                        `verdict is "good"`,
		`{"version": 1, "matrix": {"classes": [], "cells": [{"class": 4, "server": "s", "access": "denied", "rules": []}]}}`: `class 4 is in no table`,
	} {
		file := filepath.Join(t.TempDir(), "bad.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		status, stdout, stderr := mergeOf(t, file)
		if status != exitFailure || stdout != "" || !strings.Contains(stderr, want) || !strings.Contains(stderr, "bad.json:") || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%.80s: status %d, want %q:\n%s%s", text, status, want, stderr, stdout)
		}
	}
	for _, args := range [][]string{{}, {"gone.json"}, {"a", "a"}, {"a", "--label", "x", "--label", "y"}, {"a", "--label", ""}, {"a", "--fail-on", "x"}, {"a", "--format", "x"}} {
		if status, _, stderr := mergeOf(t, args...); status != exitUsage {
			t.Errorf("%v: status %d: %s", args, status, stderr)
		}
	}
	file := filepath.Join(t.TempDir(), "doubt.json")
	if err := os.WriteFile(file, []byte(`{"version": 1, "findings": [], "doubt": ["some cells differ"]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, _, stderr := mergeOf(t, file); status != exitFailure || !strings.Contains(stderr, "some cells differ") {
		t.Errorf("doubt: status %d: %s", status, stderr)
	}
}
