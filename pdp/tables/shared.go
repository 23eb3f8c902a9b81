package tables

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	effectv1 "github.com/cerbos/cerbos/api/genpb/cerbos/effect/v1"
	policyv1 "github.com/cerbos/cerbos/api/genpb/cerbos/policy/v1"
	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"
	cerbospolicy "github.com/cerbos/cerbos/private/policy"
	rtcompile "github.com/cerbos/cerbos/private/ruletable/compile"
	"google.golang.org/protobuf/encoding/protojson"
)

// CompileShared compiles what [Compile] does, or returns nil where that is left to the
// compiler alone.
//
// The compiler compiles what policies import, derived roles and exported
// variables, anew for each policy that does. In a folder of many policies that is
// most of its work. CompileShared has it compile them once: first alone, then the
// policies with stand-ins for them, in whose place the compiled ones are put.
// Whatever is wrong shows in one of the two. Then, and where sharing does not pay,
// CompileShared returns nil, and the policies are compiled as they are.
func CompileShared(ctx context.Context, fsys fs.FS) (table *runtimev1.RuleTable) {
	defer func() {
		if recover() != nil {
			table = nil // as they are, the compiler panics again
		}
	}()
	s := readShared(fsys)
	if s == nil {
		return nil
	}
	alone, err := rtcompile.Compile(ctx, Memory(s.files()))
	if err != nil {
		return nil
	}
	s.keep(alone)
	if table, err = rtcompile.Compile(ctx, overlay{fsys, s.standIns}); err != nil || !s.restore(table) {
		return nil
	}
	return table
}

// shared is what policies import.
type shared struct {
	standIns    map[string][]byte // by the names of the files that they are read instead of
	alone       map[string][]byte // the files themselves, and policies that import derived roles
	definitions []string          // of variables that stand-ins are for, by number
	mark        string            // that begins the stand-in of a variable, and that no policy can know

	sets      map[string]bool // of derived roles
	roles     map[roleKey]*runtimev1.RunnableDerivedRole
	variables map[string]*runtimev1.Expr // by their stand-ins
}

// A roleKey names a derived role and the set that it is of.
type roleKey struct{ origin, name string }

// fewImports is how many files have to import something for sharing to pay.
const fewImports = 4

// importable matches a file that may be of derived roles, or of exported variables
// or constants. A file that it misses is compiled as it is.
var importable = regexp.MustCompile(`(?m)^["']?(?:` + imported + `)["']?[ \t]*:|"(?:` + imported + `)"\s*:\s*\{`)

const imported = `derivedRoles|derived_roles|exportVariables|export_variables|exportConstants|export_constants`

// readShared reads what policies import, or returns nil where sharing does not pay.
func readShared(fsys fs.FS) *shared {
	s := &shared{
		standIns: map[string][]byte{}, alone: map[string][]byte{}, mark: "mcpolicy " + rand.Text() + " ",
		sets: map[string]bool{}, roles: map[roleKey]*runtimev1.RunnableDerivedRole{}, variables: map[string]*runtimev1.Expr{},
	}
	imports := 0
	err := eachPolicyFile(fsys, func(name string, data []byte) error {
		switch {
		case importable.Match(data):
			s.add(name, data)
		case bytes.Contains(data, []byte("import")):
			imports++
		}
		return nil
	})
	if err != nil || imports < fewImports || len(s.standIns) == 0 {
		return nil
	}
	return s
}

// eachPolicyFile reads the files that Cerbos takes for policies.
func eachPolicyFile(fsys fs.FS, f func(name string, data []byte) error) error {
	return fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (d.Name() == "testdata" || d.Name() == schemasFolder || d.Name()[0] == '.'):
			return fs.SkipDir
		case d.IsDir() || !isPolicyFile(d.Name()):
			return nil
		}
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		return f(name, data)
	})
}

// isPolicyFile reports whether Cerbos takes a file for a policy, by its name.
func isPolicyFile(name string) bool {
	name = strings.ToLower(name)
	ext := path.Ext(name)
	return slices.Contains([]string{".yaml", ".yml", ".json"}, ext) && name[0] != '.' && !strings.HasSuffix(name, "_test"+ext)
}

// add takes up a file, if it is one that policies import. Files that the compiler
// would refuse are left to it.
func (s *shared) add(name string, data []byte) {
	p, err := cerbospolicy.Read(bytes.NewReader(data))
	if err != nil || p.GetDisabled() {
		return
	}
	n := len(s.alone)
	alone := fmt.Sprintf("%d%s", n, path.Ext(name))
	switch {
	case p.GetDerivedRoles() != nil:
		s.alone[alone] = data
		s.alone[fmt.Sprintf("%d_importer.json", n)] = encode(importerOf(p.GetDerivedRoles(), n))
		s.standIns[name] = encode(bareRoles(p.GetDerivedRoles()))
	case p.GetExportVariables() != nil:
		s.alone[alone] = data
		s.standIns[name] = encode(s.bareVariables(p.GetExportVariables()))
	case p.GetExportConstants() != nil:
		s.alone[alone] = data
	}
}

// bareRoles returns derived roles without what has to be compiled of them.
func bareRoles(of *policyv1.DerivedRoles) *policyv1.Policy {
	bare := &policyv1.DerivedRoles{Name: of.GetName()}
	for _, d := range of.GetDefinitions() {
		bare.Definitions = append(bare.Definitions, &policyv1.RoleDef{Name: d.GetName(), ParentRoles: d.GetParentRoles()})
	}
	return &policyv1.Policy{PolicyType: &policyv1.Policy_DerivedRoles{DerivedRoles: bare}}
}

// importerOf returns a policy that uses all of some derived roles.
func importerOf(of *policyv1.DerivedRoles, number int) *policyv1.Policy {
	rule := &policyv1.ResourceRule{}
	for _, d := range of.GetDefinitions() {
		if !slices.Contains(rule.DerivedRoles, d.GetName()) {
			rule.DerivedRoles = append(rule.DerivedRoles, d.GetName())
		}
	}
	return resourcePolicy(number, &policyv1.ResourcePolicy{ImportDerivedRoles: []string{of.GetName()}}, rule)
}

// refers matches a definition that may refer to variables or constants, which the
// compiler follows.
var refers = regexp.MustCompile(`\b(?:V|C|variables|constants)\b`)

// bareVariables returns variables with stand-ins for their definitions, where these
// refer to nothing that the compiler would miss.
func (s *shared) bareVariables(of *policyv1.ExportVariables) *policyv1.Policy {
	bare := &policyv1.ExportVariables{Name: of.GetName(), Definitions: map[string]string{}}
	for name, definition := range of.GetDefinitions() {
		if !refers.MatchString(definition) {
			s.definitions = append(s.definitions, definition)
			definition = s.standIn(len(s.definitions) - 1)
		}
		bare.Definitions[name] = definition
	}
	return &policyv1.Policy{PolicyType: &policyv1.Policy_ExportVariables{ExportVariables: bare}}
}

// standIn returns the text that stands for a variable's definition.
func (s *shared) standIn(number int) string { return fmt.Sprintf("%q", fmt.Sprint(s.mark, number)) }

// files returns what is compiled alone.
func (s *shared) files() map[string][]byte {
	if len(s.definitions) == 0 {
		return s.alone
	}
	rule := &policyv1.ResourceRule{Roles: []string{"*"}}
	variables := &policyv1.Variables{Local: map[string]string{}}
	var uses []*policyv1.Match
	for i, definition := range s.definitions {
		name := fmt.Sprintf("v%d", i)
		variables.Local[name] = definition
		uses = append(uses, &policyv1.Match{Op: &policyv1.Match_Expr{Expr: "V." + name}})
	}
	match := &policyv1.Match{Op: &policyv1.Match_Any{Any: &policyv1.Match_ExprList{Of: uses}}}
	rule.Condition = &policyv1.Condition{Condition: &policyv1.Condition_Match{Match: match}}
	s.alone["variables.json"] = encode(resourcePolicy(len(s.alone), &policyv1.ResourcePolicy{Variables: variables}, rule))
	return s.alone
}

// resourcePolicy returns a policy of a rule.
func resourcePolicy(number int, p *policyv1.ResourcePolicy, rule *policyv1.ResourceRule) *policyv1.Policy {
	p.Resource, p.Version = fmt.Sprintf("shared%d", number), "default"
	rule.Actions, rule.Effect = []string{"use"}, effectv1.Effect_EFFECT_ALLOW
	p.Rules = []*policyv1.ResourceRule{rule}
	return &policyv1.Policy{PolicyType: &policyv1.Policy_ResourcePolicy{ResourcePolicy: p}}
}

// encode writes a policy as the compiler reads it. It panics if that cannot be.
func encode(p *policyv1.Policy) []byte {
	p.ApiVersion = "api.cerbos.dev/v1"
	data, err := protojson.Marshal(p)
	if err != nil {
		panic(err)
	}
	return data
}

// keep takes what stand-ins are for from what was compiled alone.
func (s *shared) keep(alone *runtimev1.RuleTable) {
	for _, of := range alone.GetPolicyDerivedRoles() {
		for name, role := range of.GetDerivedRoles() {
			s.roles[roleKey{role.GetOriginFqn(), name}] = role
			s.sets[role.GetOriginFqn()] = true
		}
	}
	for _, row := range alone.GetRules() {
		if row.GetOriginDerivedRole() != "" {
			continue
		}
		for _, v := range row.GetParams().GetOrderedVariables() {
			var number int
			if _, err := fmt.Sscanf(v.GetName(), "v%d", &number); err == nil {
				s.variables[s.standIn(number)] = v.GetExpr()
			}
		}
	}
}

// restore puts what was compiled alone in the place of its stand-ins. It fails if
// one is left.
func (s *shared) restore(table *runtimev1.RuleTable) bool {
	roles := map[string]map[string]*runtimev1.RunnableDerivedRole{} // by policy
	for id, of := range table.GetPolicyDerivedRoles() {
		roles[table.GetMeta()[id].GetFqn()] = of.GetDerivedRoles()
		for name, role := range of.GetDerivedRoles() {
			if !s.sets[role.GetOriginFqn()] {
				continue // it was compiled as it is
			}
			whole := s.roles[roleKey{role.GetOriginFqn(), name}]
			if whole == nil {
				return false
			}
			of.DerivedRoles[name] = whole
		}
	}
	for _, row := range table.GetRules() {
		if !s.restoreVariables(row.GetParams().GetOrderedVariables()) {
			return false
		}
		name := row.GetOriginDerivedRole()
		if name == "" {
			continue
		}
		role := roles[row.GetOriginFqn()][name]
		if role == nil {
			return false
		}
		row.DerivedRoleCondition = role.GetCondition()
		row.DerivedRoleParams = &runtimev1.RuleTable_RuleRow_Params{
			OrderedVariables: role.GetOrderedVariables(), Constants: role.GetConstants(),
		}
	}
	return true
}

func (s *shared) restoreVariables(list []*runtimev1.Variable) bool {
	for _, v := range list {
		if !strings.Contains(v.GetExpr().GetOriginal(), s.mark) {
			continue
		}
		whole := s.variables[v.GetExpr().GetOriginal()]
		if whole == nil {
			return false
		}
		v.Expr = whole
	}
	return true
}
