package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A sweep is one size that grows while the others stay.
type sweep struct {
	of    string
	sizes []int
	world func(n int) world
}

var sweeps = []sweep{
	{"principals", []int{1_000, 10_000, 100_000, 1_000_000}, func(n int) world { return world{tools: 100, principals: n, classes: 500, rules: 200} }},
	{"tools", []int{10, 100, 1_000, 3_000}, func(n int) world { return world{tools: n, principals: 1_000, classes: 500, rules: 2 * n} }},
	{"rules", []int{10, 100, 1_000, 5_000}, func(n int) world { return world{tools: 100, principals: 1_000, classes: 500, rules: n} }},
}

// measureScale measures how time grows with the size of each input, and a
// million principals by a thousand tools. It prints Markdown.
func measureScale(out io.Writer, runs int) (err error) {
	dir, bin, err := build()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	fmt.Fprint(out, "| a million principals, 500 classes, 1,000 tools | time | peak memory |\n|---|--:|--:|\n")
	large := world{tools: 1_000, principals: 1_000_000, classes: 500, rules: 2_000}
	for _, csv := range []bool{false, true} {
		folder, people := filepath.Join(dir, "large"), "p.jsonl"
		if csv {
			people = "p.csv"
		}
		if err := large.writeLarge(folder, people, csv); err != nil {
			return err
		}
		for _, command := range [][]string{{"matrix", "--summary"}, {"lint", "--fail-on", "off"}} {
			wall, peak, err := median2(runs, append([]string{bin}, append(command, "-C", folder, "--principals", filepath.Join(folder, people))...))
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "| `%s`, %s | %.1f s | %d MiB |\n", strings.Join(command[:min(2, len(command))], " "), people, wall, peak>>20)
		}
		if err := os.RemoveAll(folder); err != nil {
			return err
		}
	}
	for _, s := range sweeps {
		if err := s.measure(out, dir, bin, runs); err != nil {
			return err
		}
	}
	return nil
}

func (s *sweep) measure(out io.Writer, dir, bin string, runs int) error {
	var labels, each []string
	var walls []float64
	fmt.Fprintf(out, "\n| %s | `matrix --summary` | `lint` | microseconds each |\n|--:|--:|--:|--:|\n", s.of)
	for _, n := range s.sizes {
		folder := filepath.Join(dir, s.of)
		if err := s.world(n).writeLarge(folder, "p.jsonl", false); err != nil {
			return err
		}
		matrix, _, err := median2(runs, []string{bin, "matrix", "--summary", "-C", folder, "--principals", filepath.Join(folder, "p.jsonl")})
		if err != nil {
			return err
		}
		lint, _, err := median2(runs, []string{bin, "lint", "--fail-on", "off", "-C", folder, "--principals", filepath.Join(folder, "p.jsonl")})
		if err != nil {
			return err
		}
		per := matrix / float64(n) * 1e6
		fmt.Fprintf(out, "| %d | %.0f ms | %.0f ms | %.1f |\n", n, matrix*1000, lint*1000, per)
		labels, each, walls = append(labels, fmt.Sprint(n)), append(each, fmt.Sprintf("%.3f", math.Log10(per))), append(walls, matrix)
		if err := os.RemoveAll(folder); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "\n```mermaid\nxychart-beta\n    title \"microseconds for each of the %s, as a power of ten\"\n    x-axis [%s]\n    y-axis \"log10\"\n    line [%s]\n```\n",
		s.of, strings.Join(labels, ", "), strings.Join(each, ", "))
	if !slices.IsSorted(walls) {
		fmt.Fprintln(out, "The machine was busy: a larger input took less time.")
	}
	return nil
}

func (w world) writeLarge(dir, people string, csv bool) error {
	return errors.Join(
		writeFile(filepath.Join(dir, "mcpolicy.yaml"), func(f io.Writer) {
			fmt.Fprint(f, "servers: {s: {manifest: manifest.json}}\npolicies: policies\n")
		}),
		writeFile(filepath.Join(dir, "manifest.json"), w.manifest),
		writeFile(filepath.Join(dir, "policies", "p.yaml"), w.policy),
		writeFile(filepath.Join(dir, people), func(f io.Writer) { w.people(f, csv) }),
	)
}

// median2 returns the medians of a command's wall time in seconds and of its
// peak memory in bytes.
func median2(runs int, command []string) (wall float64, peak int64, err error) {
	var walls, peaks []float64
	for range runs {
		r := run(command)
		if r.err != nil {
			return 0, 0, r.err
		}
		walls, peaks = append(walls, r.wall.Seconds()), append(peaks, float64(r.peak))
	}
	return median(walls), int64(median(peaks)), nil
}
