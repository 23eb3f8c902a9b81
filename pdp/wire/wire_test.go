package wire

import (
	"testing"

	schemav1 "github.com/cerbos/cerbos/api/genpb/cerbos/schema/v1"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/mcpolicy/mcpolicy/authz"
)

// TestValidationErrors holds that errors, and the names in them, come in one order.
func TestValidationErrors(t *testing.T) {
	got := ValidationErrors([]*schemav1.ValidationError{
		{Path: "/b", Message: "missing properties: 'y', 'x'"},
		{Path: "/c", Message: "wrong", Source: schemav1.ValidationError_SOURCE_PRINCIPAL},
		{Path: "/a", Message: "missing properties: 'z'"},
	})
	want := []authz.ValidationError{
		{Path: "/c", Message: "wrong", Source: "principal"},
		{Path: "/a", Message: "missing properties: 'z'", Source: "resource"},
		{Path: "/b", Message: "missing properties: 'x', 'y'", Source: "resource"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestWithValue holds that a value is put in place and what it is put into stays.
func TestWithValue(t *testing.T) {
	attr, err := structpb.NewStruct(map[string]any{"desk": map[string]any{"lamp": true}, "n": 1.0})
	if err != nil {
		t.Fatal(err)
	}
	got := &structpb.Struct{Fields: WithValue(attr.GetFields(), []string{"desk", "pen"}, structpb.NewStringValue("red"))}
	want := map[string]any{"desk": map[string]any{"lamp": true, "pen": "red"}, "n": 1.0}
	if diff := cmp.Diff(want, got.AsMap()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]any{"desk": map[string]any{"lamp": true}, "n": 1.0}, attr.AsMap()); diff != "" {
		t.Errorf("what it was put into (-before +after):\n%s", diff)
	}
}
