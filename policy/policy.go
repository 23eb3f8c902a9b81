package policy

import (
	"github.com/mcpolicy/mcpolicy/source"
)

// A Kind is one of the six kinds of policy file.
type Kind uint8

// The kinds of a policy. The first three hold rules.
const (
	ResourcePolicy Kind = iota
	PrincipalPolicy
	RolePolicy
	DerivedRoles
	ExportVariables
	ExportConstants
)

// kinds spells each kind: for people, as the key of a policy file, as the key
// below it that holds the name, and as the first part of a policy's key.
var kinds = [...]struct{ text, field, name, prefix string }{
	ResourcePolicy:  {"resource policy", "resourcePolicy", "resource", "resource"},
	PrincipalPolicy: {"principal policy", "principalPolicy", "principal", "principal"},
	RolePolicy:      {"role policy", "rolePolicy", "role", "role"},
	DerivedRoles:    {"derived roles", "derivedRoles", "name", "derived_roles"},
	ExportVariables: {"exported variables", "exportVariables", "name", "export_variables"},
	ExportConstants: {"exported constants", "exportConstants", "name", "export_constants"},
}

// String returns the kind in the words of an error message.
func (k Kind) String() string { return kinds[k].text }

// HasRules reports whether policies of the kind hold rules. The others are
// definitions that those import.
func (k Kind) HasRules() bool { return k <= RolePolicy }

// A Text is a string of a policy file and where it stands.
type Text struct {
	Value string
	Pos   source.Pos
}

// A Policy is the policy of one file. Cerbos reads one a file.
type Policy struct {
	Kind    Kind
	Name    string // the resource kind, the principal's ID, the role, or the name of the set
	NamePos source.Pos
	Version string // "default" for a role policy that does not say
	Scope   string
	// VersionPos and ScopePos are where it says them, zero where it does not.
	VersionPos, ScopePos source.Pos
	File                 string
	Pos                  source.Pos // of the key that says what kind of policy it is

	// Disabled policies take no part in decisions. Only Set.Policies lists
	// them.
	Disabled bool

	// ScopePermissions is SCOPE_PERMISSIONS_OVERRIDE_PARENT,
	// SCOPE_PERMISSIONS_REQUIRE_PARENTAL_CONSENT_FOR_ALLOWS, or "" where the
	// policy does not say, which Cerbos takes for the first.
	ScopePermissions    string
	ScopePermissionsPos source.Pos

	PrincipalSchema    *SchemaRef // of a resource policy
	ResourceSchema     *SchemaRef
	ImportDerivedRoles []Text
	ParentRoles        []Text // of a role policy

	Variables Variables // of exported variables: the definitions
	Constants Constants // of exported constants: the definitions

	Rules        []*Rule
	DerivedRoles []*DerivedRole // of a derived roles set
	Waivers      []Waiver       // in the order of the file

	key string
}

// Key returns the name that Cerbos gives the policy in decisions and errors:
// resource.album.vdefault/acme.hr, derived_roles.common.
func (p *Policy) Key() string { return p.key }

// A DerivedRole is one definition of a derived roles set.
type DerivedRole struct {
	Name        string
	Pos, End    source.Pos // where the definition's mapping starts, and its last value
	NamePos     source.Pos
	ParentRoles []Text
	Condition   *Condition
	Set         *Policy
}

// Variables are named CEL expressions: those of the policy itself, the
// deprecated ones at the top of its file among them, and the names of the
// imported sets.
type Variables struct {
	Imports []Text
	Local   []Variable
}

// A Variable is one named CEL expression.
type Variable struct {
	Name Text
	Expr Text
}

// Constants are named JSON values: those of the policy itself and the names of
// the imported sets.
type Constants struct {
	Imports []Text
	Local   []Constant
}

// A Constant is one named JSON value.
type Constant struct {
	Name  Text
	Value any
}
