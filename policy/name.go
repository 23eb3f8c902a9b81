package policy

import (
	"fmt"
	"strings"
)

// sanitize returns the name of a resource or principal as Cerbos writes it.
// Names that were allowed before version 0.30, words joined by ":", get one
// underscore for each run of other characters than letters, digits, "_" and
// ".": mcp:crm becomes mcp_crm. Other names stay: mcp::crm, 1:crm.
func sanitize(name string) string {
	startsWord, changes := true, false
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
			startsWord = false
		case startsWord: // a word starts with a letter
			return name
		case '0' <= c && c <= '9', c == '_', c == '.':
		case c == '@', c == '-', c == '/':
			changes = true
		case c == ':':
			startsWord, changes = true, true
		default:
			return name
		}
	}
	if startsWord || !changes {
		return name
	}
	var b strings.Builder
	for i := range len(name) {
		switch {
		case !strings.ContainsRune("@-/:", rune(name[i])):
			b.WriteByte(name[i])
		case !strings.ContainsRune("@-/:", rune(name[i-1])): // the first is a letter
			b.WriteByte('_')
		}
	}
	return b.String()
}

// defaultVersion is the version of a role policy that does not say.
const defaultVersion = "default"

// policyKey returns the name of a policy in decisions and errors.
func policyKey(k Kind, name, version, scope string) string {
	key := kinds[k].prefix + "." + sanitize(name)
	if !k.HasRules() {
		return key
	}
	key += ".v" + sanitize(version)
	if scope != "" {
		key += "/" + scope
	}
	return key
}

// identify gives the rule its label and its ID. Number counts from 1: all
// rules of a resource policy, those about the same resource in the others.
func (r *Rule) identify(number int) {
	switch {
	case r.Name != "":
		r.label = r.Name
	case r.Policy.Kind == ResourcePolicy:
		r.label = fmt.Sprintf("rule-%03d", number)
	default:
		r.label = fmt.Sprintf("%s_rule-%03d", r.Resource, number)
	}
	r.ID = r.Policy.key + "#" + r.label

	r.resource = r.Resource
	if r.Policy.Kind != RolePolicy { // there Cerbos forgets to
		r.resource = sanitize(r.Resource)
	}
}

// outputName returns the name of the rule in outputs, which is the ID except
// where Cerbos numbers nothing.
func (r *Rule) outputName() string {
	if r.Policy.Kind == RolePolicy {
		return r.Policy.key + "#" + r.Name
	}
	return r.ID
}
