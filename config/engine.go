package config

import (
	"errors"
	"regexp"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// Engine says how the PDP in production is set.
type Engine struct {
	Pos                  source.Pos
	SchemaEnforcement    authz.SchemaEnforcement `yaml:"schemaEnforcement"`
	StrictEvaluation     bool                    `yaml:"strictEvaluation"`
	DefaultPolicyVersion string                  `yaml:"defaultPolicyVersion"` // "" for the engine's own
	DefaultScope         string                  `yaml:"defaultScope"`
	LenientScopeSearch   bool                    `yaml:"lenientScopeSearch"`
	Globals              map[string]any          `yaml:"globals"` // JSON values
}

// What Cerbos takes for a policy version and a scope.
var (
	policyVersionPattern = regexp.MustCompile(`^\w*$`)
	scopePattern         = regexp.MustCompile(`^(\.|[0-9a-zA-Z][\w\-]*(\.\w[\w\-]*)*)?$`)
)

// DecodeNode reads a mapping.
func (e *Engine) DecodeNode(n *source.Node) error {
	type plain Engine
	errs := []error{source.Decode(n, (*plain)(e))}
	if !policyVersionPattern.MatchString(e.DefaultPolicyVersion) {
		errs = append(errs, source.Errorf(n.Get("defaultPolicyVersion").Pos,
			"defaultPolicyVersion: %q has characters other than letters, digits and _", e.DefaultPolicyVersion))
	}
	if !scopePattern.MatchString(e.DefaultScope) {
		errs = append(errs, source.Errorf(n.Get("defaultScope").Pos,
			"defaultScope: %q is not a name, or names with dots between them", e.DefaultScope))
	}
	return errors.Join(errs...)
}
