package policy

import (
	"slices"

	"github.com/mcpolicy/mcpolicy/source"
)

// shapes are the keys that Cerbos knows, by the message that they are read into,
// and the message below each. What is below "" is a scalar, or anything.
var shapes = map[string]map[string]string{
	"Policy": {
		"$schema": "", "json_schema": "", "apiVersion": "", "disabled": "", "description": "", "metadata": "Metadata", "variables": "",
		"resourcePolicy": "ResourcePolicy", "principalPolicy": "PrincipalPolicy", "rolePolicy": "RolePolicy",
		"derivedRoles": "DerivedRoles", "exportVariables": "ExportVariables", "exportConstants": "ExportConstants",
	},
	"Metadata": {
		"sourceFile": "", "annotations": "", "hash": "", "storeIdentifer": "", "storeIdentifier": "", "sourceAttributes": "SourceAttributes",
	},
	"SourceAttributes": {"attributes": ""},
	"ResourcePolicy": {
		"resource": "", "version": "", "scope": "", "scopePermissions": "", "importDerivedRoles": "",
		"rules": "ResourceRule", "schemas": "Schemas", "variables": "Variables", "constants": "Constants",
	},
	"ResourceRule": {
		"name": "", "actions": "", "effect": "", "roles": "", "derivedRoles": "", "condition": "Condition", "output": "Output",
	},
	"PrincipalPolicy": {
		"principal": "", "version": "", "scope": "", "scopePermissions": "",
		"rules": "PrincipalRule", "variables": "Variables", "constants": "Constants",
	},
	"PrincipalRule": {"resource": "", "actions": "Action"},
	"Action":        {"name": "", "action": "", "effect": "", "condition": "Condition", "output": "Output"},
	"RolePolicy": {
		"role": "", "version": "", "scope": "", "scopePermissions": "", "parentRoles": "",
		"rules": "RoleRule", "variables": "Variables", "constants": "Constants",
	},
	"RoleRule":        {"name": "", "resource": "", "allowActions": "", "condition": "Condition", "output": "Output"},
	"DerivedRoles":    {"name": "", "definitions": "RoleDef", "variables": "Variables", "constants": "Constants"},
	"RoleDef":         {"name": "", "parentRoles": "", "condition": "Condition"},
	"ExportVariables": {"name": "", "definitions": ""},
	"ExportConstants": {"name": "", "definitions": ""},
	"Variables":       {"import": "", "local": ""},
	"Constants":       {"import": "", "local": ""},
	"Condition":       {"match": "Match", "script": ""},
	"Match":           {"all": "ExprList", "any": "ExprList", "none": "ExprList", "expr": ""},
	"ExprList":        {"of": "Match"},
	"Output":          {"expr": "", "when": "When"},
	"When":            {"ruleActivated": "", "conditionNotMet": ""},
	"Schemas":         {"principalSchema": "Schema", "resourceSchema": "Schema"},
	"Schema":          {"ref": "", "ignoreWhen": "IgnoreWhen"},
	"IgnoreWhen":      {"actions": ""},
}

// unknownKeys reports the keys that Cerbos would refuse, and notes what they are
// likely to mean.
func (r *reader) unknownKeys(n *source.Node, shape string) {
	switch {
	case n.Is(source.Sequence):
		for _, item := range n.Items {
			r.unknownKeys(item, shape)
		}
	case n.Is(source.Mapping):
		known := shapes[shape]
		for _, f := range n.Fields {
			name := f.Name
			for k := range known {
				if f.Name == snakeCase(k) {
					name = k
				}
			}
			below, ok := known[name]
			switch {
			case !ok:
				r.unknownKey(n, f, known)
			case below != "":
				r.unknownKeys(f.Value, below)
			}
		}
	}
}

func (r *reader) unknownKey(n *source.Node, f source.Field, known map[string]string) {
	names := make([]string, 0, len(known))
	for k := range known {
		if k != "json_schema" {
			names = append(names, k)
		}
	}
	slices.Sort(names)
	if meant := source.Nearest(f.Name, names); meant != "" {
		if r.meant == nil {
			r.meant = map[*source.Node][]string{}
		}
		r.meant[n] = append(r.meant[n], meant)
	}
	r.errs = append(r.errs, source.UnknownKey(f, names))
}

// isMisspelt reports whether a mapping that lacks a key has one that seems to
// mean it, which is reported already.
func (r *reader) isMisspelt(n *source.Node, keys ...string) bool {
	return slices.ContainsFunc(r.meant[n], func(meant string) bool { return slices.Contains(keys, meant) })
}
