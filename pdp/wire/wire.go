// Package wire reads what Cerbos says in its own messages, whoever it comes from: the
// embedded engine or a PDP.
package wire

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	effectv1 "github.com/cerbos/cerbos/api/genpb/cerbos/effect/v1"
	schemav1 "github.com/cerbos/cerbos/api/genpb/cerbos/schema/v1"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/mcpolicy/mcpolicy/authz"
)

// noPolicy is what Cerbos names as the policy when none covers the resource.
const noPolicy = "NO_MATCH"

// Uncovered reports whether a denial is one for want of a policy. Cerbos names none for some of
// what it allows, too: where a principal's policy does that has not the default version.
func Uncovered(effect effectv1.Effect, policy string) bool {
	return effect != effectv1.Effect_EFFECT_ALLOW && policy == noPolicy
}

// ValidationErrors returns what schemas refuse, in an order that is the same
// each time: the validator goes through properties in the order of a Go map.
func ValidationErrors(found []*schemav1.ValidationError) []authz.ValidationError {
	var list []authz.ValidationError
	for _, v := range found {
		list = append(list, validationError(v))
	}
	slices.SortFunc(list, func(a, b authz.ValidationError) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Message, b.Message))
	})
	return list
}

func validationError(v *schemav1.ValidationError) authz.ValidationError {
	e := authz.ValidationError{Path: v.GetPath(), Source: "resource"}
	if v.GetSource() == schemav1.ValidationError_SOURCE_PRINCIPAL {
		e.Source = "principal"
	}
	// The validator lists properties in the order of a Go map.
	e.Message = quotedList.ReplaceAllStringFunc(v.GetMessage(), func(list string) string {
		names := strings.Split(list, ", ")
		slices.Sort(names)
		return strings.Join(names, ", ")
	})
	return e
}

var quotedList = regexp.MustCompile(`'[^']*'(?:, '[^']*')+`)

// WithValue returns attributes with a value at a path below them, which is not empty.
func WithValue(attr map[string]*structpb.Value, path []string, v *structpb.Value) map[string]*structpb.Value {
	copied := make(map[string]*structpb.Value, len(attr)+1)
	for k, x := range attr {
		copied[k] = x
	}
	first, rest := path[0], path[1:] //nolint:gosec // it is not empty
	if len(rest) == 0 {
		copied[first] = v
		return copied
	}
	below := WithValue(attr[first].GetStructValue().GetFields(), rest, v)
	copied[first] = structpb.NewStructValue(&structpb.Struct{Fields: below})
	return copied
}
