package principals

import (
	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// The types here are how a fixture file is written: which keys there are, and what they mean.
// The schema for editors is made from them, and the parser goes by their keys.

// Who may ask: the principals of Cerbos's fixtures, of which it may also be known what they
// are, for whom they act and which token they have.
type writtenFixture struct {
	// The principals by their keys, by which suites and reports name them.
	Principals map[string]writtenPrincipal `yaml:"principals"`
	// Groups of principals by their names, which suites name as @NAME.
	PrincipalGroups map[string]writtenGroup `yaml:"principalGroups"`
	// The same as principalGroups, as Cerbos takes it too.
	OtherGroups map[string]writtenGroup `yaml:"principal_groups"`
	// For editors; mcpolicy does not read it.
	Schema string `yaml:"$schema"`
}

// Somebody who may ask.
type writtenPrincipal struct {
	// What policies see as the id.
	ID *source.Node `yaml:"id"`
	// The roles: at least one.
	Roles []*source.Node `yaml:"roles"`
	// Attributes that conditions see, by name.
	Attr map[string]any `yaml:"attr"`
	// The version of the principal's own policies.
	PolicyVersion *source.Node `yaml:"policyVersion"`
	// The same as policyVersion, as Cerbos takes it too.
	OtherVersion *source.Node `yaml:"policy_version"`
	// The scope of the principal's own policies and of its roles.
	Scope *source.Node `yaml:"scope"`
	// What it is: human unless this says otherwise.
	Kind authz.Kind `yaml:"kind"`
	// The key of the principal that an agent acts for.
	OnBehalfOf *source.Node `yaml:"onBehalfOf"`
	// The claims of its token, or of several.
	AuxData *writtenAuxData `yaml:"auxData"`
}

// Auxiliary data of requests: one token, or several.
type writtenAuxData struct {
	// The claims of the token.
	JWT map[string]any `yaml:"jwt"`
	// Several tokens, by name.
	JWTs map[string]writtenToken `yaml:"jwts"`
}

// One of several tokens.
type writtenToken struct {
	// The claims of the token.
	Claims map[string]any `yaml:"claims"`
}

// A group of principals.
type writtenGroup struct {
	// The keys of those who are in it.
	Principals []*source.Node `yaml:"principals"`
}
