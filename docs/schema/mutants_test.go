package schema_test

import (
	"fmt"
	"iter"
	"maps"
	"slices"
)

// A mutant is a document with one change.
type mutant struct {
	root  any
	shape string // where, without the numbers of items, and what was done
}

// values are put in the place of each value.
var values = map[string]any{
	"null": nil, "boolean": true, "number": 7.0, "fraction": 1.5, "negative": -1.0, "empty text": "", "blank text": " ", "other text": "no such word",
	"empty list": []any{}, "list": []any{"no such word"}, "list of nothing": []any{nil}, "empty mapping": map[string]any{}, "mapping": map[string]any{"no such key": 1.0},
}

// mutants yields a document with each of its values changed in each way. It is the same
// document each time, so it must not be kept. Keys that are none of the known ones are names
// that somebody gave: they do not make another shape.
func mutants(root any, known map[string]bool) iter.Seq[mutant] {
	return func(yield func(mutant) bool) {
		more := true
		of := func(key string) string {
			if known[key] {
				return "." + key
			}
			return ".*"
		}
		var walk func(path string, v any, put func(any))
		walk = func(path string, v any, put func(any)) {
			send := func(change string, changed any) {
				if !more {
					return
				}
				put(changed)
				more = yield(mutant{root, path + ": " + change})
				put(v)
			}
			for _, name := range slices.Sorted(maps.Keys(values)) {
				send(name, values[name])
			}
			switch v := v.(type) {
			case map[string]any:
				for _, key := range slices.Sorted(maps.Keys(v)) {
					below := v[key]
					without := maps.Clone(v)
					delete(without, key)
					send("without "+of(key), without)
					renamed := maps.Clone(without)
					renamed[key+"s"] = below
					send("misspelt "+of(key), renamed)
				}
				added := maps.Clone(v)
				added["no such key"] = 1.0
				send("another key", added)
				for _, key := range slices.Sorted(maps.Keys(v)) {
					walk(path+of(key), v[key], func(x any) { v[key] = x })
				}
			case []any:
				if len(v) > 0 {
					send("the first twice", append(slices.Clone(v), v[0]))
					send("the first alone", v[:1])
				}
				for i := range v {
					walk(path+"[]", v[i], func(x any) { v[i] = x })
				}
			case string:
				send("text that goes on", v+" no such")
				send("text in a list", []any{v})
				send("text in braces", "{"+v+"}")
			case float64:
				send("number as a text", fmt.Sprint(v))
			}
		}
		walk("", root, func(x any) { root = x })
	}
}
