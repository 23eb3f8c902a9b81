package testrunner

import (
	"errors"
	"slices"
	"strings"

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
		return nil, unquoted(err, data)
	}
	var suites []*Suite
	var errs []error
	groups := false
	for _, n := range docs {
		if n.Is(source.Null) { // nothing between two markers
			continue
		}
		if onlyGroups(n) {
			_, err := readGroups(n)
			groups, errs = true, append(errs, err)
			continue
		}
		s := &Suite{}
		errs = append(errs, s.read(n))
		suites = append(suites, s)
	}
	if err := errors.Join(append(errs, sameNames(suites))...); err != nil {
		return nil, err
	}
	switch {
	case len(suites) == 0 && groups:
		return nil, source.Errorf(source.Pos{File: file}, "%w", ErrOnlyGroups)
	case len(suites) == 0:
		return nil, source.Errorf(source.Pos{File: file}, "the file holds no suite")
	case groups:
		return nil, source.Errorf(suites[0].Pos, "groups that are to be included stand in a file of their own, without suites")
	}
	return suites, nil
}

func (s *Suite) read(n *source.Node) error {
	if !n.Is(source.Mapping) {
		return want(n, "a suite")
	}
	s.Pos = n.Pos
	var plain writtenSuite
	v := readVariables(n.Get("variables"))
	n = v.suite(n)
	errs := []error{source.Decode(n, &plain), blank(n), named(n, "suite")}
	s.Name, s.Server, s.Options, s.Tests = plain.Name, plain.Server, plain.Options, plain.Tests
	errs = append(append(errs, v.errs...), v.unused())
	shared := &groupFile{}
	err := shared.read(n)
	s.Include, s.Groups = shared.include, shared.groups
	errs = append(errs, err, s.sameTests())
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
	var plain writtenOptions
	errs := []error{source.Decode(n, &plain), blank(n)}
	o.Now = plain.Now
	var err error
	if plain.Globals != nil {
		o.Globals, err = values(plain.Globals, "globals")
		errs = append(errs, err)
	}
	if plain.Claims != nil {
		o.Claims, err = values(plain.Claims, "claims")
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
	var plain writtenTest
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
	var plain writtenOperation
	n := f.Value
	if !n.Is(source.Mapping) {
		return wantAs(n, f.Name, "a mapping with exactly, allow, deny, conditional, refuse, cases or table")
	}
	errs := []error{source.Decode(n, &plain), blank(n)}
	var err error
	if plain.Allow != nil {
		o.Allow, err = o.mentions(plain.Allow, authz.Allow)
		errs = append(errs, err)
	}
	if plain.Deny != nil {
		o.Deny, err = o.mentions(plain.Deny, authz.Deny)
		errs = append(errs, err)
	}
	if plain.Conditional != nil {
		errs = append(errs, o.conditional(plain.Conditional))
	}
	o.Refuse = plain.Refuse
	if len(n.Fields) == 0 {
		errs = append(errs, source.Errorf(n.Pos, "%s: nothing is expected: want exactly, allow, deny, conditional, refuse, cases or table", f.Name))
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
	if plain.Table != nil {
		errs = append(errs, o.tables(plain.Table))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return o.sameCases()
}

// mentions reads a list of names, and of items with what is said of how they are decided,
// which are cases without arguments.
func (o *Operation) mentions(n *source.Node, expect authz.Effect) (Names, error) {
	if !n.Is(source.Sequence) {
		var none Names
		return nil, none.DecodeNode(n)
	}
	names := make(Names, 0, len(n.Items))
	var errs []error
	for _, item := range n.Items {
		switch {
		case item.Is(source.Mapping):
			s := Sample{Pos: item.Pos, Expect: expect}
			errs = append(errs, s.decided(item, o.Types))
			o.Cases = append(o.Cases, s)
		case item.Is(source.Null):
			errs = append(errs, want(item, "a name"))
		default:
			var name Name
			errs = append(errs, name.DecodeNode(item))
			names = append(names, name)
		}
	}
	return names, errors.Join(errs...)
}

// decided reads an item, and what is said of how it is decided.
func (s *Sample) decided(n *source.Node, types manifest.TypeSet) error {
	item := noun(types)
	errs := []error{blank(n), twice(n)}
	for _, f := range n.Fields {
		var err error
		switch {
		case f.Name == item:
			err = s.Item.DecodeNode(f.Value)
		case slices.Contains(basisKeys, f.Name):
			err = s.Basis.field(f)
		default:
			err = source.UnknownKey(f, append([]string{item}, basisKeys...))
		}
		errs = append(errs, err)
	}
	if absent(n, item) {
		errs = append(errs, source.Errorf(n.Pos, "want a name, or %s and by; %s is missing", item, item))
	}
	if absent(n, basisKeys...) {
		errs = append(errs, source.Errorf(n.Pos, "want a name, or %s and by; by is missing", item))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return s.fits(n.Pos)
}

// read reads a mapping. Its first key is tool, prompt or resource, depending
// on where it stands.
func (s *Sample) read(n *source.Node, types manifest.TypeSet, op authz.Operation) error {
	if !n.Is(source.Mapping) {
		return want(n, "a case")
	}
	s.Pos = n.Pos
	item := noun(types)
	known := append([]string{item}, source.Keys[writtenCase]()...)
	if op.TakesArguments() {
		known = append(known, source.Keys[writtenArguments]()...)
	}
	var lookedUp map[string]any
	errs := []error{blank(n), twice(n)}
	for _, f := range n.Fields {
		var err error
		switch {
		case f.Name == item:
			err = s.Item.DecodeNode(f.Value)
		case f.Name == "arguments" && op.TakesArguments():
			s.Arguments, err = values(f.Value, f.Name)
		case f.Name == "lookedUp" && op.TakesArguments():
			lookedUp, err = values(f.Value, f.Name)
		case f.Name == "arguments":
			err = source.Errorf(f.Pos, "arguments: a %s has none", op)
		case f.Name == "expect":
			err = s.expect(f.Value)
		case slices.Contains(basisKeys, f.Name):
			err = s.Basis.field(f)
		case f.Name == "why":
			s.Why, err = why(f.Value)
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
	if lookedUp != nil {
		if s.Arguments == nil {
			s.Arguments = map[string]any{}
		}
		s.Arguments[authz.LookedUp] = lookedUp
	}
	var err error
	s.Skip, err = skip(n.Get("skip"), n.Get("skipReason"))
	if err := errors.Join(append(errs, err)...); err != nil {
		return err
	}
	return s.fits(n.Pos)
}

const refuse = "refuse"

// expect reads what a case expects.
func (s *Sample) expect(n *source.Node) error {
	names := []string{authz.Deny.String(), authz.Allow.String(), refuse}
	i := slices.Index(names, n.Str())
	switch hint := source.DidYouMean(n.Str(), names); {
	case n.Str() == refuse:
		s.Refused = true
	case i >= 0:
		s.Expect = authz.Effect(i) //nolint:gosec // one of two
	case hint != "" && n.Str() != "":
		return source.Errorf(n.Pos, "expect: unknown %q%s", n.Text, hint)
	case n.Is(source.Null): // reported
	default:
		return wantAs(n, "expect", "allow, deny or refuse")
	}
	return nil
}

// fits reports what is said of how it is decided that cannot be so.
func (s *Sample) fits(pos source.Pos) error {
	if s.Refused && (s.Basis.By != nil || s.Basis.Because != NoReason) {
		return source.Errorf(pos, "nothing decides what the enforcement point refuses by itself: leave by and because out")
	}
	return s.Basis.fits(s.Expect, pos)
}
