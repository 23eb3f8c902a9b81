package policy

import (
	"errors"

	"github.com/mcpolicy/mcpolicy/source"
)

// scopePermissions by number, as in [reader.enum].
var scopePermissions = []string{
	"SCOPE_PERMISSIONS_UNSPECIFIED",
	"SCOPE_PERMISSIONS_OVERRIDE_PARENT",
	"SCOPE_PERMISSIONS_REQUIRE_PARENTAL_CONSENT_FOR_ALLOWS",
}

// parsePolicy reads the policy of a file from the root of its document. A
// policy is returned only if there is no error.
func parsePolicy(file string, root *source.Node) (*Policy, error) {
	r := &reader{}
	p := r.policy(file, root)
	if len(r.errs) > 0 {
		return nil, errors.Join(r.errs...)
	}
	return p, nil
}

func (r *reader) policy(file string, root *source.Node) *Policy {
	if root.Kind != source.Mapping {
		r.errorf(root.Pos, "not a Cerbos policy: it must be a mapping, not %s", root.Kind)
		return nil
	}
	p := &Policy{File: file, Disabled: r.boolean(root, "disabled")}
	body := r.kind(p, root)
	if body == nil {
		return nil
	}
	r.unknownKeys(root, "Policy")

	name := r.text(body, kinds[p.Kind].name)
	p.Name, p.NamePos = name.Value, name.Pos
	if p.Kind.HasRules() {
		version, scope := r.text(body, "version"), r.text(body, "scope")
		p.Version, p.VersionPos = version.Value, version.Pos
		if p.Version == "" && p.Kind == RolePolicy {
			p.Version = defaultVersion
		}
		p.Scope, p.ScopePos = scope.Value, scope.Pos
		permissions := r.enum(body, "scopePermissions", scopePermissions)
		p.ScopePermissions, p.ScopePermissionsPos = permissions.Value, permissions.Pos
	}
	p.key = policyKey(p.Kind, p.Name, p.Version, p.Scope)

	switch p.Kind {
	case ResourcePolicy:
		p.ImportDerivedRoles = r.texts(body, "importDerivedRoles")
		schemas := r.mapping(body, "schemas")
		p.PrincipalSchema = r.schemaRef(schemas, "principalSchema")
		p.ResourceSchema = r.schemaRef(schemas, "resourceSchema")
		p.Rules = r.resourceRules(p, body)
	case PrincipalPolicy:
		p.Rules = r.principalRules(p, body)
	case RolePolicy:
		p.ParentRoles = r.texts(body, "parentRoles")
		p.Rules = r.roleRules(p, body, name)
	case DerivedRoles:
		p.DerivedRoles = r.derivedRoles(p, body)
	case ExportVariables:
		p.Variables.Local = r.variables(body, "definitions")
		return p
	case ExportConstants:
		p.Constants.Local = r.constants(body, "definitions")
		return p
	}
	variables, constants := r.mapping(body, "variables"), r.mapping(body, "constants")
	p.Variables = Variables{
		Imports: r.texts(variables, "import"),
		Local:   append(r.variables(variables, "local"), r.variables(root, "variables")...),
	}
	p.Constants = Constants{
		Imports: r.texts(constants, "import"),
		Local:   r.constants(constants, "local"),
	}
	return p
}

// kind finds the one field that says what kind of policy it is.
func (r *reader) kind(p *Policy, root *source.Node) *source.Node {
	var body *source.Node
	var fields []string
	for k, spelling := range kinds {
		fields = append(fields, spelling.field)
		for _, f := range root.Fields {
			if f.Name != spelling.field && f.Name != snakeCase(spelling.field) {
				continue
			}
			if body != nil {
				r.errorf(f.Pos, "%s: the file has a %s already, and Cerbos reads one policy a file", f.Name, p.Kind)
				continue
			}
			p.Kind, p.Pos, body = Kind(k), f.Pos, f.Value //nolint:gosec // six kinds
		}
	}
	if body == nil {
		suggestion := ""
		for _, f := range root.Fields {
			if suggestion = source.DidYouMean(f.Name, fields); suggestion != "" {
				break
			}
		}
		r.errorf(root.Pos, "not a Cerbos policy: there is no resourcePolicy, principalPolicy, rolePolicy, derivedRoles, exportVariables or exportConstants%s", suggestion)
		return nil
	}
	if body.Kind != source.Mapping {
		r.wrongKind(body, kinds[p.Kind].field, "a mapping")
		return nil
	}
	return body
}

func (r *reader) derivedRoles(set *Policy, body *source.Node) []*DerivedRole {
	var roles []*DerivedRole
	for _, n := range r.mappings(body, "definitions") {
		if n == nil {
			continue
		}
		name := r.text(n, "name")
		roles = append(roles, &DerivedRole{
			Name:        name.Value,
			NamePos:     name.Pos,
			Pos:         n.Pos,
			End:         last(n),
			ParentRoles: r.texts(n, "parentRoles"),
			Condition:   r.condition(n),
			Set:         set,
		})
	}
	return roles
}

func (r *reader) variables(n *source.Node, name string) []Variable {
	var variables []Variable
	if m := r.mapping(n, name); m != nil {
		for _, f := range m.Fields {
			variables = append(variables, Variable{Name: Text{f.Name, f.Pos}, Expr: r.scalar(f.Value, f.Name)})
		}
	}
	return variables
}

func (r *reader) constants(n *source.Node, name string) []Constant {
	var constants []Constant
	if m := r.mapping(n, name); m != nil {
		for _, f := range m.Fields {
			constants = append(constants, Constant{Name: Text{f.Name, f.Pos}, Value: f.Value.Value()})
		}
	}
	return constants
}
