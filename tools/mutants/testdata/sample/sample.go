// Package sample is what the tool is tried on: tests hold some of it and not all.
package sample

import "slices"

// Least is the least of some numbers. That an equal one takes its place is no difference.
func Least[T int | float64](first T, others ...T) T {
	for _, o := range others {
		if o < first {
			first = o
		}
	}
	return first
}

// A Set has names.
type Set struct{ names []string }

// Add adds a name once.
func (s *Set) Add(name string, _ ...int) {
	if slices.Contains(s.names, name) {
		return
	}
	s.names = append(s.names, name)
}

// Always is true, whatever it is asked.
func (Set) Always(string, int) bool { return true }

// Rest counts down.
func Rest(n int) int {
	for n > 10 {
		n -= 10
	}
	return n
}

// Forgotten is called by no test.
func Forgotten(a, b bool) bool { return a && b }

// Loose is called by a test that does not look at what it returns.
func Loose(a, b bool) bool { return a || b }

// Late is tested without -short alone.
func Late(n int) bool { return n > 3 }
