package testrunner

import (
	"errors"
	"strings"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/source"
)

// Parse reads the suites of a file, strictly: one a YAML document. All
// mistakes are reported, joined, each a [*source.Error]. Whether the names in
// a suite stand for anything is for [Run] to say.
func Parse(file string, data []byte) ([]*Suite, error) {
	docs, err := source.ParseYAML(file, data)
	if err != nil {
		return nil, err
	}
	var suites []*Suite
	var errs []error
	for _, n := range docs {
		if n.Is(source.Null) { // nothing between two markers
			continue
		}
		s := &Suite{}
		errs = append(errs, s.read(n))
		suites = append(suites, s)
	}
	if len(suites) == 0 {
		return nil, source.Errorf(source.Pos{File: file}, "the file holds no suite")
	}
	errs = append(errs, sameNames(suites))
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return suites, nil
}

// sameNames reports tests of a file whose names, and those of their suites, are
// the same: neither a report nor --run could tell them apart.
func sameNames(suites []*Suite) error {
	type names struct{ suite, test string }
	first := map[names]source.Pos{}
	var errs []error
	for _, s := range suites {
		for i := range s.Tests {
			t := &s.Tests[i]
			if at, ok := first[names{s.Name, t.Name}]; ok && t.Name != "" {
				errs = append(errs, source.Errorf(t.Pos, "a test of suite %q is called %q already, at %s: give one of them another name", s.Name, t.Name, at))
				continue
			}
			first[names{s.Name, t.Name}] = t.Pos
		}
	}
	return errors.Join(errs...)
}

func (s *Suite) read(n *source.Node) error {
	if !n.Is(source.Mapping) {
		return want(n, "a suite")
	}
	s.Pos = n.Pos
	var plain struct {
		Schema     string       `yaml:"$schema"` // for editors
		Name       string       `yaml:"name"`
		Server     Name         `yaml:"server"`
		Options    Options      `yaml:"options"`
		Skip       *source.Node `yaml:"skip"`
		SkipReason *source.Node `yaml:"skipReason"`
		Tests      []Test       `yaml:"tests"`
	}
	errs := []error{source.Decode(n, &plain), blank(n), named(n, "suite")}
	s.Name, s.Server, s.Options, s.Tests = plain.Name, plain.Server, plain.Options, plain.Tests
	var err error
	s.Skip, err = skip(plain.Skip, plain.SkipReason)
	errs = append(errs, err)
	switch tests := n.Get("tests"); {
	case absent(n, "tests"):
		errs = append(errs, source.Errorf(n.Pos, "suite without tests"))
	case tests.Is(source.Sequence) && len(tests.Items) == 0:
		errs = append(errs, source.Errorf(tests.Pos, "tests: the list is empty"))
	}
	return errors.Join(errs...)
}

// DecodeNode reads a mapping.
func (o *Options) DecodeNode(n *source.Node) error {
	if n.Is(source.Null) {
		return nil
	}
	o.Pos = n.Pos
	var plain struct {
		Now     time.Time    `yaml:"now"`
		Globals *source.Node `yaml:"globals"`
		AuxData *source.Node `yaml:"auxData"`
	}
	errs := []error{source.Decode(n, &plain), blank(n)}
	o.Now = plain.Now
	var err error
	if plain.Globals != nil {
		o.Globals, err = values(plain.Globals, "globals")
		errs = append(errs, err)
	}
	if aux := plain.AuxData; aux != nil {
		o.AuxData = &authz.AuxData{}
		var mistakes []error
		*o.AuxData, mistakes = authz.ReadAuxData(aux)
		errs = append(append(errs, mistakes...), blank(aux))
		if aux.Is(source.Mapping) && absent(aux, "jwt", "jwts") {
			errs = append(errs, source.Errorf(aux.Pos, "auxData without jwt or jwts"))
		}
	}
	return errors.Join(errs...)
}

// The types that a suite names together.
var (
	tools     = manifest.Types(authz.ToolItem)
	prompts   = manifest.Types(authz.PromptItem)
	resources = manifest.Types(authz.ResourceItem, authz.TemplateItem)
)

// noun returns what a suite calls an item of the types.
func noun(types manifest.TypeSet) string {
	switch types {
	case prompts:
		return "prompt"
	case resources:
		return "resource"
	}
	return "tool"
}

// DecodeNode reads a mapping.
func (t *Test) DecodeNode(n *source.Node) error {
	if !n.Is(source.Mapping) {
		return want(n, "a test")
	}
	t.Pos = n.Pos
	var plain struct {
		Name       string       `yaml:"name"`
		Skip       *source.Node `yaml:"skip"`
		SkipReason *source.Node `yaml:"skipReason"`
		AllowEmpty bool         `yaml:"allowEmpty"`
		Principals *Principals  `yaml:"principals"`
		List       *source.Node `yaml:"list"`
		Call       *source.Node `yaml:"call"`
		Prompts    *source.Node `yaml:"prompts"`
		Resources  *source.Node `yaml:"resources"`
		Never      *source.Node `yaml:"never"`
		Always     *source.Node `yaml:"always"`
		Prove      *source.Node `yaml:"prove"`
	}
	errs := []error{source.Decode(n, &plain), blank(n), named(n, "test")}
	t.Name, t.AllowEmpty, t.Principals = plain.Name, plain.AllowEmpty, plain.Principals
	var err error
	t.Skip, err = skip(plain.Skip, plain.SkipReason)
	errs = append(errs, err)
	for _, f := range n.Fields {
		switch f.Name {
		case "list":
			err = t.operation(f, tools, authz.List)
		case "call":
			err = t.operation(f, tools, authz.Call)
		case "prompts":
			err = t.section(f, prompts, authz.Get)
		case "resources":
			err = t.section(f, resources, authz.Read)
		case "never":
			t.Never, err = readProperty(f)
		case "always":
			t.Always, err = readProperty(f)
		case "prove":
			t.Prove, err = readClaims(f)
		default:
			err = nil
		}
		errs = append(errs, err)
	}
	needsPrincipals := plain.List != nil || plain.Call != nil || plain.Prompts != nil || plain.Resources != nil
	switch {
	case absent(n, expectations...):
		errs = append(errs, source.Errorf(n.Pos, "test without an expectation: want %s", strings.Join(expectations, ", ")))
	case needsPrincipals && absent(n, "principals"):
		errs = append(errs, source.Errorf(n.Pos, "test without principals"))
	case !needsPrincipals && plain.Principals != nil && (plain.Never != nil || plain.Always != nil || plain.Prove != nil):
		errs = append(errs, source.Errorf(plain.Principals.Pos, "principals: nothing is expected of them here; never, always and prove name their own"))
	}
	return errors.Join(errs...)
}

// expectations are the keys of a test that expect something.
var expectations = []string{"list", "call", "prompts", "resources", "never", "always", "prove"}

// section reads the operations on prompts or on resources.
func (t *Test) section(f source.Field, types manifest.TypeSet, use authz.Operation) error {
	if f.Value.Is(source.Null) { // reported
		return nil
	}
	if !f.Value.Is(source.Mapping) {
		return wantAs(f.Value, f.Name, "a mapping with list or "+use.String())
	}
	errs := []error{blank(f.Value), twice(f.Value)}
	if len(f.Value.Fields) == 0 {
		errs = append(errs, source.Errorf(f.Value.Pos, "%s: nothing is expected: want list or %s", f.Name, use))
	}
	for _, below := range f.Value.Fields {
		switch below.Name {
		case "list":
			errs = append(errs, t.operation(below, types, authz.List))
		case use.String():
			errs = append(errs, t.operation(below, types, use))
		default:
			errs = append(errs, source.UnknownKey(below, []string{"list", use.String()}))
		}
	}
	return errors.Join(errs...)
}

func (t *Test) operation(f source.Field, types manifest.TypeSet, op authz.Operation) error {
	if f.Value.Is(source.Null) { // reported
		return nil
	}
	o := &Operation{Pos: f.Pos, Types: types, Operation: op}
	t.Operations = append(t.Operations, o)
	var plain struct {
		Exactly     Names          `yaml:"exactly"`
		Allow       Names          `yaml:"allow"`
		Deny        Names          `yaml:"deny"`
		Conditional *source.Node   `yaml:"conditional"`
		Cases       []*source.Node `yaml:"cases"`
	}
	n := f.Value
	if !n.Is(source.Mapping) {
		return wantAs(n, f.Name, "a mapping with exactly, allow, deny, conditional or cases")
	}
	errs := []error{source.Decode(n, &plain), blank(n)}
	o.Allow, o.Deny = plain.Allow, plain.Deny
	if plain.Conditional != nil {
		errs = append(errs, o.conditional(plain.Conditional))
	}
	if len(n.Fields) == 0 {
		errs = append(errs, source.Errorf(n.Pos, "%s: nothing is expected: want exactly, allow, deny, conditional or cases", f.Name))
	}
	for _, below := range n.Fields {
		if below.Name == "exactly" {
			o.Exactly = &Exactly{Pos: below.Pos, Names: plain.Exactly}
			continue
		}
		errs = append(errs, notEmpty(below))
	}
	for _, c := range plain.Cases {
		var s Sample
		errs = append(errs, s.read(c, types, op))
		o.Cases = append(o.Cases, s)
	}
	return errors.Join(errs...)
}

// read reads a mapping. Its first key is tool, prompt or resource, depending
// on where it stands.
func (s *Sample) read(n *source.Node, types manifest.TypeSet, op authz.Operation) error {
	if !n.Is(source.Mapping) {
		return want(n, "a case")
	}
	s.Pos = n.Pos
	item := noun(types)
	known := []string{item, "expect", "skip", "skipReason"}
	if op.TakesArguments() {
		known = append(known, "arguments")
	}
	errs := []error{blank(n), twice(n)}
	for _, f := range n.Fields {
		var err error
		switch {
		case f.Name == item:
			err = s.Item.DecodeNode(f.Value)
		case f.Name == "arguments" && op.TakesArguments():
			s.Arguments, err = values(f.Value, f.Name)
		case f.Name == "arguments":
			err = source.Errorf(f.Pos, "arguments: a %s has none", op)
		case f.Name == "expect":
			s.Expect, err = expect(f.Value)
		case f.Name == "skip", f.Name == "skipReason":
		default:
			err = source.UnknownKey(f, known)
		}
		errs = append(errs, err)
	}
	for _, required := range []string{item, "expect"} {
		if absent(n, required) {
			errs = append(errs, source.Errorf(n.Pos, "case without %s", required))
		}
	}
	var err error
	s.Skip, err = skip(n.Get("skip"), n.Get("skipReason"))
	return errors.Join(append(errs, err)...)
}

func expect(n *source.Node) (authz.Effect, error) {
	names := []string{authz.Deny.String(), authz.Allow.String()}
	switch n.Str() {
	case names[authz.Deny]:
		return authz.Deny, nil
	case names[authz.Allow]:
		return authz.Allow, nil
	}
	if hint := source.DidYouMean(n.Str(), names); hint != "" && n.Str() != "" {
		return authz.Deny, source.Errorf(n.Pos, "expect: unknown %q%s", n.Text, hint)
	}
	if n.Is(source.Null) { // reported
		return authz.Deny, nil
	}
	return authz.Deny, wantAs(n, "expect", "allow or deny")
}
