package coaz

import (
	"fmt"
	"maps"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
)

// An InvalidError says why Cerbos takes no such evaluation: it answers with status 400, so
// that a point refuses with [CodePDP].
type InvalidError struct {
	Part   string // resource.id
	Reason string
}

// Error returns the part and the reason.
func (e *InvalidError) Error() string { return e.Part + ": " + e.Reason }

// The keys of properties and contexts that Cerbos looks at.
const (
	rolesKey   = "cerbos.roles"
	scopeKey   = "cerbos.scope"
	versionKey = "cerbos.policyVersion"
	auxDataKey = "cerbos.auxData"
)

// Translate returns the request that Cerbos makes of an evaluation. The principal has what
// policies see, and no key. Attributes are those of the evaluation itself. An error is an
// [*InvalidError], or says that nobody knows what becomes of the evaluation.
func Translate(e Evaluation) (authz.Request, error) {
	for _, key := range slices.Sorted(maps.Keys(e)) {
		if keysOf[key] == nil && key != "context" {
			return authz.Request{}, &InvalidError{key, "AuthZEN has no such key"}
		}
	}
	subject, err := entityOf(e, "subject")
	if err != nil {
		return authz.Request{}, err
	}
	resource, err := entityOf(e, "resource")
	if err != nil {
		return authz.Request{}, err
	}
	action, err := entityOf(e, "action")
	if err != nil {
		return authz.Request{}, err
	}
	if err := contextOf(e); err != nil {
		return authz.Request{}, err
	}
	return authz.Request{
		Principal: &authz.Principal{
			ID: subject.texts["id"], Roles: rolesOf(subject), Attr: subject.properties,
			Scope: subject.property(scopeKey), PolicyVersion: subject.property(versionKey),
		},
		Resource: authz.Resource{
			Kind: resource.texts["type"], ID: resource.texts["id"], Attr: resource.properties,
			Scope: resource.property(scopeKey), PolicyVersion: resource.property(versionKey),
		},
		Action: action.texts["name"],
	}, nil
}

// An entity is a subject, an action or a resource.
type entity struct {
	texts      map[string]string // all but the properties
	properties map[string]any
}

// property returns a property that is a text, or "".
func (x *entity) property(name string) string {
	s, _ := x.properties[name].(string)
	return s
}

func entityOf(e Evaluation, name string) (*entity, error) {
	object, isObject := e[name].(map[string]any)
	if !isObject {
		return nil, &InvalidError{name, "it is no object"}
	}
	x := &entity{texts: map[string]string{}}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		if !slices.Contains(keysOf[name], key) {
			return nil, &InvalidError{name + "." + key, "AuthZEN has no such key"}
		}
	}
	for _, key := range keysOf[name] {
		if key == propertiesName {
			continue
		}
		text, isText := object[key].(string)
		if !isText || text == "" {
			return nil, &InvalidError{name + "." + key, "it is no text, or an empty one"}
		}
		x.texts[key] = text
	}
	var err error
	x.properties, err = freeOf(object[propertiesName], name+"."+propertiesName)
	return x, err
}

// freeOf reads properties or a context.
func freeOf(v any, name string) (map[string]any, error) {
	if v == nil {
		return nil, nil
	}
	object, isObject := v.(map[string]any)
	if !isObject {
		return nil, &InvalidError{name, "it is no object"}
	}
	if _, there := object[""]; there {
		return nil, &InvalidError{name, "it has a key that is empty"}
	}
	return object, nil
}

// contextOf checks the context. Of what stands in it a policy sees nothing but a token.
func contextOf(e Evaluation) error {
	context, err := freeOf(e["context"], "context")
	if err != nil {
		return err
	}
	switch aux := context[auxDataKey].(type) {
	case nil:
	case map[string]any:
		if len(aux) > 0 {
			return fmt.Errorf("context.%s: which tokens it takes is a setting of the PDP", auxDataKey)
		}
	default:
		return &InvalidError{"context." + auxDataKey, "it is no object"}
	}
	return nil
}

// rolesOf returns the texts in the list of roles. Anything else than a list is none, and
// without roles the type of the subject is the only one.
func rolesOf(subject *entity) []string {
	var roles []string
	list, _ := subject.properties[rolesKey].([]any)
	for _, role := range list {
		if s, _ := role.(string); s != "" {
			roles = append(roles, s)
		}
	}
	if len(roles) == 0 {
		return []string{subject.texts["type"]}
	}
	return roles
}
