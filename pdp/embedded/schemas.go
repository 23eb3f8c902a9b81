package embedded

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	enginev1 "github.com/cerbos/cerbos/api/genpb/cerbos/engine/v1"
	policyv1 "github.com/cerbos/cerbos/api/genpb/cerbos/policy/v1"
	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"
	schemav1 "github.com/cerbos/cerbos/api/genpb/cerbos/schema/v1"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
	"github.com/mcpolicy/mcpolicy/pdp/tables"
	"github.com/mcpolicy/mcpolicy/pdp/wire"
)

// schemas is what the policies declare about the shape of requests.
type schemas struct {
	table        *runtimev1.RuleTable // schemas only
	ofPrincipals bool

	once     sync.Once
	validate checkFunc
	err      error

	matter sync.Map // whether it can matter which apply, by what is unknown

	naming    sync.Once
	name      checkFunc // by schemas that refuse everything, each by a name of its own
	namingErr error
	refs      []string // of the schemas, by the number in their names
}

func newSchemas(table *runtimev1.RuleTable) *schemas {
	s := &schemas{table: &runtimev1.RuleTable{
		Schemas: make(map[uint64]*policyv1.Schemas, len(table.Schemas)), JsonSchemas: table.JsonSchemas,
		Meta: tables.CloneMeta(table.Meta), CompilerVersion: table.CompilerVersion,
	}}
	for id, of := range table.Schemas {
		s.table.Schemas[id] = of
		s.ofPrincipals = s.ofPrincipals || of.GetPrincipalSchema().GetRef() != ""
	}
	return s
}

// Rejects reports whether the engine refuses what the policies' schemas do.
func (e *Engine) Rejects() bool { return e.options.Schemas == pdp.EnforceReject }

// Validate says what the policies' schemas hold against each request, whether
// or not the engine is set to mind. Unknown arguments are taken to be empty.
func (e *Engine) Validate(ctx context.Context, requests []authz.Request) ([][]authz.ValidationError, error) {
	found := make([][]authz.ValidationError, len(requests))
	if len(e.schemas.table.Schemas) == 0 {
		return found, nil
	}
	check, err := e.validator()
	if err != nil {
		return nil, fmt.Errorf("load schemas: %w", err)
	}
	inputs, err := e.inputs(requests)
	if err != nil {
		return nil, err
	}
	for i := range requests {
		if requests[i].Unknown != nil {
			inputs[i] = withArguments(inputs[i], requests[i].Unknown, structpb.NewStructValue(&structpb.Struct{}))
		}
		inputs[i] = withoutRoles(inputs[i])
	}
	outputs, err := check(ctx, inputs)
	if err != nil {
		return nil, fmt.Errorf("validate: %w", err)
	}
	for i, out := range outputs {
		found[i] = wire.ValidationErrors(out.GetValidationErrors())
	}
	return found, nil
}

// validator returns what validates requests: the policies themselves, if they
// are loaded with their schemas, or a table of its own.
func (e *Engine) validator() (checkFunc, error) {
	if e.options.Schemas != pdp.EnforceNone {
		return e.decide, nil
	}
	s := e.schemas
	s.once.Do(func() {
		s.table.Rules = e.schemaRows()
		s.validate, s.err = e.narrowedTable(s.table, pdp.EnforceWarn)
	})
	return s.validate, s.err
}

// withoutRoles returns the input of a principal without any role, of whom the
// engine validates the attributes, and then looks at no rule.
func withoutRoles(in *enginev1.CheckInput) *enginev1.CheckInput {
	p := in.Principal
	return &enginev1.CheckInput{
		Principal: &enginev1.Principal{Id: p.Id, Attr: p.Attr, PolicyVersion: p.PolicyVersion, Scope: p.Scope},
		Resource:  in.Resource, Actions: in.Actions, AuxData: in.AuxData,
	}
}

// schemaRows returns a row of each policy that may have schemas: they apply
// where the policy does.
func (e *Engine) schemaRows() []*runtimev1.RuleTable_RuleRow {
	var rows []*runtimev1.RuleTable_RuleRow
	seen := map[string]bool{}
	for _, row := range e.tables.Rows {
		if key := row.OriginFqn; row.Principal == "" && !row.FromRolePolicy && !seen[key] {
			seen[key] = true
			v := tables.ValueRow(row, false)
			v.Params = &runtimev1.RuleTable_RuleRow_Params{}
			rows = append(rows, v)
		}
	}
	return rows
}

// applySchemas narrows a decision about what is unknown by what a schema that
// is enforced says. A schema that constrains it makes the decision conditional.
func (e *Engine) applySchemas(ctx context.Context, r *authz.Request, in *enginev1.CheckInput, unknown []string, d *authz.Decision) error {
	if !e.Rejects() || len(e.schemas.table.Schemas) == 0 || d.Effect == authz.Deny {
		return nil
	}
	found, err := e.Validate(ctx, []authz.Request{*r})
	if err != nil {
		return err
	}
	if r.AnyPrincipal {
		found[0] = slices.DeleteFunc(found[0], func(v authz.ValidationError) bool { return v.Source == "principal" })
	}
	d.Validation = found[0]
	var ofPrincipal, ofResource string
	if e.schemas.anyConstrains(unknown, r.AnyPrincipal) {
		if ofPrincipal, ofResource, err = e.appliedSchemas(ctx, in); err != nil {
			return err
		}
	}
	constrained := unknown != nil && e.schemas.constrain(ofResource, unknown)
	below := "/" + strings.Join(unknown, "/")
	for _, v := range found[0] {
		if !constrained || v.Source == "principal" || (v.Path != "/" && v.Path != "" && !strings.HasPrefix(v.Path, below)) {
			*d = authz.Decision{Validation: d.Validation} // refused whatever is unknown
			return nil
		}
	}
	var valid []string
	if r.AnyPrincipal && e.schemas.constrain(ofPrincipal, nil) {
		valid = append(valid, "valid(principal)")
	}
	if constrained {
		valid = append(valid, "valid(arguments)")
	}
	fitting(d, valid)
	return nil
}

// fitting narrows a decision to what is valid.
func fitting(d *authz.Decision, valid []string) {
	if len(valid) == 0 {
		return
	}
	d.Effect, d.Condition = authz.Conditional, validAnd(valid, d.Condition)
}

// validAnd returns the condition that something is valid besides. It goes with
// what allows where that is one expression.
func validAnd(valid []string, c authz.Condition) authz.Condition {
	alternatives := c.Alternatives()
	if len(alternatives) != 1 {
		return c.Where(expr.Clause(expr.Conjunction(valid)))
	}
	allows := expr.Conjunction(append(slices.Clone(valid), alternatives[0].Allows.String()))
	return authz.AnyOf(authz.Alternative{Allows: expr.Clause(allows), Denies: alternatives[0].Denies})
}

// constrain reports whether a schema, by its reference, says anything about
// what stands at a path.
func (s *schemas) constrain(ref string, path []string) bool {
	return ref != "" && constrains(s.table.JsonSchemas[ref].GetContent(), path)
}

// anyConstrains reports whether it can matter which schemas apply: whether any
// says something about what is unknown.
func (s *schemas) anyConstrains(unknown []string, anyPrincipal bool) bool {
	key := fmt.Sprintf("%q %t", unknown, anyPrincipal)
	if known, ok := s.matter.Load(key); ok {
		return known.(bool)
	}
	matters := false
	for _, of := range s.table.Schemas {
		matters = matters || unknown != nil && s.constrain(of.GetResourceSchema().GetRef(), unknown)
		matters = matters || anyPrincipal && s.constrain(of.GetPrincipalSchema().GetRef(), nil)
	}
	s.matter.Store(key, matters)
	return matters
}

// appliedSchemas returns the references of the schemas that apply to a request,
// or "". The engine is asked, with schemas that refuse everything and say which
// they are: policies, scopes and actions that schemas ignore are its to know.
func (e *Engine) appliedSchemas(ctx context.Context, in *enginev1.CheckInput) (ofPrincipal, ofResource string, err error) {
	s := e.schemas
	s.naming.Do(func() { s.namingErr = e.nameSchemas() })
	if s.namingErr != nil {
		return "", "", fmt.Errorf("load schemas: %w", s.namingErr)
	}
	outputs, err := s.name(ctx, []*enginev1.CheckInput{in})
	if err != nil {
		return "", "", err
	}
	for _, v := range outputs[0].GetValidationErrors() {
		for i, ref := range s.refs {
			switch {
			case !strings.Contains(v.GetMessage(), schemaName(i)):
			case v.GetSource() == schemav1.ValidationError_SOURCE_PRINCIPAL:
				ofPrincipal = ref
			default:
				ofResource = ref
			}
		}
	}
	return ofPrincipal, ofResource, nil
}

func schemaName(i int) string { return "mcpolicy:schema " + strconv.Itoa(i) + "." }

// nameSchemas loads the table that [Engine.appliedSchemas] asks.
func (e *Engine) nameSchemas() (err error) {
	s := e.schemas
	table := &runtimev1.RuleTable{
		Rules: e.schemaRows(), Schemas: maps.Clone(s.table.Schemas), Meta: tables.CloneMeta(s.table.Meta), CompilerVersion: s.table.CompilerVersion,
		JsonSchemas: map[string]*runtimev1.RuleTable_JSONSchema{},
	}
	s.refs = slices.Sorted(maps.Keys(s.table.JsonSchemas))
	for i, ref := range s.refs {
		content, err := json.Marshal(map[string]any{"required": []string{schemaName(i)}})
		if err != nil {
			return err
		}
		table.JsonSchemas[ref] = &runtimev1.RuleTable_JSONSchema{Content: content}
	}
	s.name, err = e.narrowedTable(table, pdp.EnforceWarn)
	return err
}

// withArguments returns the input with a value at a path of the resource's
// attributes.
func withArguments(in *enginev1.CheckInput, path []string, v *structpb.Value) *enginev1.CheckInput {
	return &enginev1.CheckInput{
		Principal: in.Principal, Actions: in.Actions, AuxData: in.AuxData,
		Resource: &enginev1.Resource{
			Kind: in.Resource.Kind, Id: in.Resource.Id, PolicyVersion: in.Resource.PolicyVersion,
			Scope: in.Resource.Scope, Attr: wire.WithValue(in.Resource.Attr, path, v),
		},
	}
}

// constrains reports whether a JSON schema says anything about the value at a
// path beyond that it is an object. It errs on the side of yes.
func constrains(schema []byte, path []string) bool {
	var s any
	if err := json.Unmarshal(schema, &s); err != nil {
		return true
	}
	for _, name := range path {
		m, ok := s.(map[string]any)
		if !ok {
			return s != true
		}
		for _, keyword := range []string{
			"$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "not", "if",
			"dependentSchemas", "dependencies", "patternProperties", "propertyNames", "const", "enum",
		} {
			if _, ok := m[keyword]; ok {
				return true
			}
		}
		properties, _ := m["properties"].(map[string]any)
		if s, ok = properties[name]; !ok {
			for _, keyword := range []string{"additionalProperties", "unevaluatedProperties"} {
				if of, ok := m[keyword].(map[string]any); ok && len(of) > 0 {
					return true
				}
			}
			return false // refused or taken as a whole, whatever it holds
		}
	}
	m, ok := s.(map[string]any)
	if !ok {
		return s != true
	}
	for keyword, v := range m {
		switch keyword {
		case "title", "description", "$comment", "examples", "default":
		case "type":
			if v != "object" {
				return true
			}
		default:
			return true
		}
	}
	return false
}
