package config

import (
	"errors"
	"regexp"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// Engine says how the PDP in production is set.
type Engine struct {
	Pos source.Pos
	// What becomes of a request that a policy's schemas refuse.
	SchemaEnforcement authz.SchemaEnforcement `yaml:"schemaEnforcement"`
	// Whether an expression that cannot be evaluated denies the request.
	StrictEvaluation bool `yaml:"strictEvaluation"`
	// The policy version of requests that name none.
	DefaultPolicyVersion string `yaml:"defaultPolicyVersion"`
	// The scope of requests that name none.
	DefaultScope string `yaml:"defaultScope"`
	// Whether a scope without a policy falls back to the one above it.
	LenientScopeSearch bool `yaml:"lenientScopeSearch"`
	// The values of globals in conditions.
	Globals map[string]any `yaml:"globals"`
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
