package config

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/authz"
)

// Each struct that is decoded has the keys that the schema gives it, and each
// set of words is the same in both.
func TestSchemaHasTheKeysOfTheTypes(t *testing.T) {
	type object struct {
		Properties map[string]struct {
			Enum []string `json:"enum"`
		} `json:"properties"`
		AdditionalProperties any `json:"additionalProperties"`
	}
	var doc struct {
		object
		Defs map[string]object `json:"$defs"`
	}
	if err := json.Unmarshal(Schema(), &doc); err != nil {
		t.Fatal(err)
	}
	defs := doc.Defs
	defs["file"] = doc.object
	types := map[string]any{
		"file": file{}, "server": Server{}, "with": With{}, "live": Live{}, "engine": Engine{}, "request": Request{}, "lint": Lint{},
		"administrators": Administrators{}, "separation": SeparationOfDuties{}, "flows": Flows{}, "rule": RuleSetting{}, "probe": Probe{}, "diff": Diff{}, "coverage": Coverage{}, "budget": Budget{}, "waiver": writtenWaiver{}, "answer": Answer{},
	}
	for name, v := range types {
		var want []string
		for _, f := range reflect.VisibleFields(reflect.TypeOf(v)) {
			if tag := f.Tag.Get("yaml"); tag != "" {
				want = append(want, tag)
			}
		}
		slices.Sort(want)
		if diff := cmp.Diff(want, slices.Sorted(maps.Keys(defs[name].Properties))); diff != "" {
			t.Errorf("keys of %s (-type +schema):\n%s", name, diff)
		}
		if defs[name].AdditionalProperties != false {
			t.Errorf("%s: the schema takes other keys", name)
		}
	}
	var methods []string
	for _, m := range Methods() {
		methods = append(methods, string(m))
	}
	methods = append(methods, profileKeys...)
	slices.Sort(methods)
	if diff := cmp.Diff(methods, slices.Sorted(maps.Keys(defs["profile"].Properties))); diff != "" {
		t.Errorf("methods (-type +schema):\n%s", diff)
	}
	for _, words := range []struct {
		def, key string
		names    []string
	}{
		{"server", "incomplete", incompletes},
		{"engine", "schemaEnforcement", authz.SchemaEnforcements()},
		{"lint", "failOn", authz.Severities()},
		{"rule", "severity", authz.Severities()},
		{"rule", "confidence", authz.Confidences()},
	} {
		if diff := cmp.Diff(words.names, defs[words.def].Properties[words.key].Enum); diff != "" {
			t.Errorf("%s.%s (-type +schema):\n%s", words.def, words.key, diff)
		}
	}
	for _, name := range authz.BuiltIn() {
		if !strings.Contains(schemaText, `"`+name+`"`) {
			t.Errorf("the schema does not know %s", name)
		}
	}
}
