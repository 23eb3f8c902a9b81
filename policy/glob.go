package policy

import (
	"fmt"
	"strings"
	"sync"

	"github.com/gobwas/glob"
)

// IsGlob reports whether Cerbos takes an action, resource or role of a
// resource or principal policy for a pattern. It does so for the sake of an
// asterisk only: "get_?" and "{a,b}" are plain names. In the actions of a role
// policy the other metacharacters count too, see [Rule.IsGlob].
func IsGlob(pattern string) bool { return strings.Contains(pattern, "*") }

// IsGlob reports whether Cerbos takes one of the rule's actions for a pattern.
func (r *Rule) IsGlob(action string) bool {
	if r.Policy.Kind == RolePolicy {
		return strings.ContainsAny(action, `*?[]{}\`)
	}
	return IsGlob(action)
}

// MatchAction reports whether an action of a resource or principal policy
// matches an action that is asked for. In a pattern ":" is the only separator,
// "*" and "?" stop at it, "**" does not, and a lone "*" means "**". A pattern
// that is no valid glob matches nothing and is an error.
func MatchAction(pattern, action string) (bool, error) {
	if !IsGlob(pattern) {
		return pattern == action, nil
	}
	return matchGlob(pattern, action)
}

// MatchAction reports whether one of the rule's actions matches an action that
// is asked for. It differs from the function of that name for role policies,
// where Cerbos tries each action as a name and then as a pattern.
func (r *Rule) MatchAction(pattern, action string) (bool, error) {
	if r.Policy.Kind != RolePolicy {
		return MatchAction(pattern, action)
	}
	if pattern == action {
		return true, nil
	}
	if !r.IsGlob(pattern) {
		return false, nil
	}
	return matchGlob(pattern, action)
}

// MatchRole reports whether a role of a rule, or a parent role of a derived
// role that a rule names, matches a role that a principal holds.
func MatchRole(pattern, role string) (bool, error) { return MatchAction(pattern, role) }

// MatchResource reports whether the resource of a resource or principal policy
// matches a kind that is asked for. Cerbos compares both as it writes them, so
// that mcp:crm, mcp-crm, mcp/crm and mcp_crm are one kind, and the pattern
// mcp:* does not match mcp:crm but mcp_* does. Role policies differ, see
// [Rule.CoversKind].
func MatchResource(pattern, kind string) (bool, error) {
	return MatchAction(sanitize(pattern), sanitize(kind))
}

// CoversKind reports whether the rule applies to resources of a kind. In a
// role policy Cerbos compares the resource as it is with the kind as it writes
// it: there album:object covers nothing at all, and album_object must stand
// for it.
func (r *Rule) CoversKind(kind string) bool {
	ok, err := MatchAction(r.resource, sanitize(kind))
	return ok && err == nil
}

// CoversAction reports whether one of the rule's actions matches an action.
func (r *Rule) CoversAction(action string) bool {
	for _, a := range r.Actions {
		if ok, err := r.MatchAction(a.Value, action); ok && err == nil {
			return true
		}
	}
	return false
}

func matchGlob(pattern, s string) (ok bool, err error) {
	// The library panics on a few patterns with an empty alternative, as
	// would the engine.
	defer func() {
		if r := recover(); r != nil {
			ok, err = false, fmt.Errorf("invalid glob %q: it cannot be matched with %q: %v", pattern, s, r)
		}
	}()
	g := globs.compile(pattern)
	if g.err != nil {
		return false, g.err
	}
	return g.Match(s), nil
}

// maxGlobs bounds the compiled patterns that are kept. Lint asks about every
// pattern and every tool, so compiling anew each time would be felt.
const maxGlobs = 4096

var globs = globCache{compiled: map[string]compiledGlob{}}

type compiledGlob struct {
	glob.Glob
	err error
}

type globCache struct {
	mu       sync.RWMutex
	compiled map[string]compiledGlob
}

func (c *globCache) compile(pattern string) compiledGlob {
	c.mu.RLock()
	g, ok := c.compiled[pattern]
	c.mu.RUnlock()
	if ok {
		return g
	}

	text := pattern
	if text == "*" {
		text = "**"
	}
	var err error
	if g.Glob, err = glob.Compile(text, ':'); err != nil {
		g.err = fmt.Errorf("invalid glob %q: %w", pattern, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.compiled) >= maxGlobs {
		clear(c.compiled)
	}
	c.compiled[pattern] = g
	return g
}
