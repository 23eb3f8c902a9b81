package principals

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// The keys of a principal in a fixture file and on a line of JSON Lines. Like
// Cerbos, both take policy_version too.
var (
	fixtureEntry = source.Keys[writtenPrincipal]()
	lineEntry    = append([]string{"key", "groups"}, fixtureEntry...)
)

// An entry is a principal being read from a node.
type entry struct {
	p          *authz.Principal
	delegation source.Pos
	errs       []error
}

func (e *entry) fail(pos source.Pos, format string, args ...any) {
	e.errs = append(e.errs, source.Errorf(pos, format, args...))
}

// readEntry reads a principal with the keys that are known where it stands.
// The key is that of the file, or "" where the entry itself has it; pos is
// where the principal is said to stand.
func readEntry(n *source.Node, known []string, key string, pos source.Pos) *entry {
	e := &entry{p: &authz.Principal{Key: key, Pos: pos}}
	if !n.Is(source.Mapping) {
		e.fail(n.Pos, "want a mapping that describes a principal, have %v", n.Kind)
		return e
	}
	e.errs = append(e.errs, duplicates(n)...)
	at := map[string]source.Pos{}
	unreadable := map[string]bool{}
	for _, f := range n.Fields {
		if !slices.Contains(known, f.Name) {
			e.errs = append(e.errs, source.UnknownKey(f, slices.Clone(known)))
			continue
		}
		at[f.Name] = f.Value.Pos
		before := len(e.errs)
		e.field(f)
		unreadable[f.Name] = len(e.errs) > before
	}
	if e.p.Key == "" {
		e.p.Key = e.p.ID
	}
	e.delegation = at["onBehalfOf"]
	check(e.p, func(field, message string) {
		if there, ok := at[field]; ok {
			if !unreadable[field] {
				e.fail(there, "%s", message)
			}
			return
		}
		e.fail(pos, "%s", message)
	})
	return e
}

func (e *entry) field(f source.Field) {
	switch p := e.p; f.Name {
	case "id":
		p.ID = e.text(f.Name, f.Value)
	case "key":
		p.Key = e.text(f.Name, f.Value)
	case "onBehalfOf":
		p.OnBehalfOf = e.text(f.Name, f.Value)
	case "policyVersion", "policy_version":
		p.PolicyVersion = e.text(f.Name, f.Value)
	case "scope":
		p.Scope = e.text(f.Name, f.Value)
	case "kind":
		e.kind(f.Value)
	case "roles":
		p.Roles = e.texts(f.Name, f.Value)
	case "groups":
		p.Groups = e.texts(f.Name, f.Value)
	case "attr":
		p.Attr = e.values(f.Name, f.Value)
	case "auxData":
		aux, errs := authz.ReadAuxData(f.Value)
		p.AuxData, p.JWTs = aux.JWT, aux.JWTs
		e.errs = append(e.errs, errs...)
	}
}

func (e *entry) kind(n *source.Node) {
	name, isText := text(n)
	if n.Is(source.Null) {
		return
	}
	kind, err := parseKind(name)
	switch {
	case !isText:
		e.fail(n.Pos, "kind: want a string, have %s", describeNode(n))
	case err != nil:
		e.fail(n.Pos, "%w", err)
	}
	e.p.Kind, e.p.KindDeclared = kind, true
}

func (e *entry) text(name string, n *source.Node) string {
	s, ok := text(n)
	if !ok {
		e.fail(n.Pos, "%s: want a string, have %s", name, describeNode(n))
	}
	return s
}

func (e *entry) texts(name string, n *source.Node) []string {
	if n.Is(source.Null) {
		return nil
	}
	if !n.Is(source.Sequence) {
		e.fail(n.Pos, "%s: want a list, have %s%s", name, describeNode(n), asList(n))
		return nil
	}
	list := make([]string, len(n.Items))
	for i, item := range n.Items {
		list[i] = e.text(name, item)
	}
	return list
}

// asList says how the names in a text are written as a list.
func asList(n *source.Node) string {
	names := strings.FieldsFunc(n.Str(), func(r rune) bool { return strings.ContainsRune(";|"+foreign, r) })
	if len(names) == 0 {
		return ""
	}
	for i := range names {
		names[i] = strconv.Quote(strings.TrimSpace(names[i]))
	}
	return "; write [" + strings.Join(names, ", ") + "]"
}

func (e *entry) values(name string, n *source.Node) map[string]any {
	if n.Is(source.Null) {
		return nil
	}
	if !n.Is(source.Mapping) {
		e.fail(n.Pos, "%s: want a mapping, have %s", name, describeNode(n))
		return nil
	}
	for _, f := range n.Fields {
		if f.Name == "" {
			e.fail(f.Pos, "%s: a name is empty", name)
		}
	}
	e.errs = append(e.errs, checkValue(n)...)
	values, _ := n.Value().(map[string]any)
	return values
}

// text returns a scalar as the string that Cerbos takes it for: whole numbers
// and booleans are written out, null is empty.
func text(n *source.Node) (string, bool) {
	switch n.Kind {
	case source.String:
		return n.Text, true
	case source.Bool:
		return cmp.Or(n.Raw, n.Text), true // True stays True
	case source.Number:
		return n.Text, strings.Trim(n.Text, "-0123456789") == ""
	case source.Null:
		return "", true
	case source.Sequence, source.Mapping:
	}
	return "", false
}

// checkValue reports the mistakes in a JSON value: names that stand twice, and
// numbers such as NaN.
func checkValue(n *source.Node) []error {
	errs := duplicates(n)
	if n.Is(source.Number) {
		if _, isNumber := n.Value().(float64); !isNumber {
			errs = append(errs, source.Errorf(n.Pos, "%s is not a number that a policy can work with", n.Text))
		}
	}
	for _, item := range n.Items {
		errs = append(errs, checkValue(item)...)
	}
	for _, f := range n.Fields {
		errs = append(errs, checkValue(f.Value)...)
	}
	return errs
}

func duplicates(n *source.Node) []error {
	var errs []error
	for _, f := range n.Duplicates {
		errs = append(errs, source.Errorf(f.Pos, "key %q stands here twice", f.Name))
	}
	return errs
}

func describeNode(n *source.Node) string {
	switch n.Kind {
	case source.Bool, source.Number, source.String:
		return strconv.Quote(n.Text)
	case source.Null, source.Sequence, source.Mapping:
	}
	return n.Kind.String()
}

func parseKind(name string) (authz.Kind, error) {
	if k, ok := authz.ParseKind(name); ok {
		return k, nil
	}
	if hint := source.DidYouMean(name, authz.Kinds()); hint != "" {
		return 0, fmt.Errorf("kind: unknown kind %q%s", name, hint)
	}
	return 0, fmt.Errorf("kind: unknown kind %q; want human, workload or agent", name)
}

// What Cerbos takes for a policy version and a scope.
var (
	versionPattern = regexp.MustCompile(`^\w+$`)
	scopePattern   = regexp.MustCompile(`^(\.|[0-9a-zA-Z][\w\-]*(\.\w[\w\-]*)*)$`)
)

// maxNames is far more roles than one principal has, or groups it is in.
const maxNames = 10_000

// check reports what is missing from a principal or what Cerbos would refuse
// in it, by the field that the mistake is about.
func check(p *authz.Principal, report func(field, message string)) {
	if p.ID == "" {
		report("id", who(p)+" has no id")
	}
	if len(p.Roles) == 0 {
		report("roles", who(p)+" has no roles")
	}
	switch {
	case len(p.Roles) > maxNames:
		report("roles", fmt.Sprintf("%s has more than %d roles", who(p), maxNames))
		return
	case len(p.Groups) > maxNames:
		report("groups", fmt.Sprintf("%s is in more than %d groups", who(p), maxNames))
		return
	}
	for i, r := range p.Roles {
		if r == "" {
			report("roles", who(p)+" has a role without a name")
		} else if slices.Contains(p.Roles[:i], r) {
			report("roles", fmt.Sprintf("%s has the role %q twice", who(p), r))
		}
	}
	for i, g := range p.Groups {
		if g == "" {
			report("groups", who(p)+" is in a group without a name")
		} else if slices.Contains(p.Groups[:i], g) {
			report("groups", fmt.Sprintf("%s is in the group %q twice", who(p), g))
		}
	}
	if p.PolicyVersion != "" && !versionPattern.MatchString(p.PolicyVersion) {
		report("policyVersion", fmt.Sprintf("policyVersion: %q has characters other than letters, digits and _", p.PolicyVersion))
	}
	if p.Scope != "" && !scopePattern.MatchString(p.Scope) {
		report("scope", fmt.Sprintf("scope: %q is not a name, or names with dots between them", p.Scope))
	}
}

func who(p *authz.Principal) string {
	if p.Key == "" {
		return "principal"
	}
	return fmt.Sprintf("principal %q", p.Key)
}
