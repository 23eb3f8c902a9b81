package authz

import (
	"iter"
	"slices"
	"strings"
)

// A Condition says for which values of what a request leaves open it is allowed.
// It is a value that never changes; the zero value is none. It is made by what
// decides requests, which alone reads the expressions in it.
type Condition struct {
	_  [0]func() // so that == does not compile: it would not compare conditions; Equal does
	of *conditionForm
}

// A conditionForm has one of four forms: alternatives, any of which is enough;
// conditions that all have to be met; one that some arguments have to meet; or, with none
// of these, a condition that is not written down.
type conditionForm struct {
	text         string
	alternatives []Alternative
	all          []Condition
	some         Condition
	hints        []Clause // of one that is not written down, what it hangs on as far as that is known
}

// An Alternative is one way to be allowed: what allows is met, and what denies
// in spite of it is not. What cannot be evaluated, because a value is missing or
// of another type, is not met on either side.
type Alternative struct {
	Allows Clause // none if nothing has to be met
	Denies Clause // none if nothing denies
}

// A Clause is an expression in CEL, over arguments.x for what a call is made
// with, and principal.x and resource.x for attributes. valid(arguments) and
// valid(principal) stand in it for what the schemas of policies take. The zero
// value is none.
type Clause struct {
	_     [0]func()
	text  string
	reads *Reads
}

// Reads is what an expression looks at.
type Reads struct {
	Arguments [][]string // paths below the arguments of a call; an empty one is all of them
	Principal [][]string // paths below the principal: attr x, id, auxData jwt x
	Resource  [][]string // paths below the resource, besides the arguments: attr x
	Clock     bool       // what time it is
	// Policy is set for what only the policy has: a variable of it, the derived
	// roles. Elsewhere the expression means nothing.
	Policy bool
}

// NewClause returns a clause that looks at no more than reads says.
func NewClause(text string, reads Reads) Clause { return Clause{text: text, reads: &reads} }

// Equal reports whether two clauses are written alike.
func (c Clause) Equal(other Clause) bool { return c.text == other.text }

// IsZero reports whether there is no clause.
func (c Clause) IsZero() bool { return c.text == "" }

// String returns the expression.
func (c Clause) String() string { return c.text }

// Reads returns what the clause looks at, to be read only.
func (c Clause) Reads() Reads {
	if c.reads == nil {
		return Reads{}
	}
	return *c.reads
}

// AnyOf returns the condition that one of some alternatives allows.
func AnyOf(alternatives ...Alternative) Condition {
	c := &conditionForm{alternatives: alternatives}
	if len(alternatives) == 1 {
		c.text = alternatives[0].text()
		return Condition{of: c}
	}
	texts := make([]string, len(alternatives))
	for i := range alternatives {
		texts[i] = alternatives[i].text()
		if !alternatives[i].Denies.IsZero() || strings.Contains(texts[i], " ? ") { // which would take in what follows
			texts[i] = "(" + texts[i] + ")"
		}
	}
	c.text = strings.Join(texts, " || ")
	return Condition{of: c}
}

func (a *Alternative) text() string {
	switch {
	case a.Denies.IsZero():
		return a.Allows.text
	case a.Allows.IsZero():
		return unless + a.Denies.text
	}
	return a.Allows.text + " " + unless + a.Denies.text
}

const unless = "unless "

// AllOf returns the condition that all of some conditions are met, each different
// one once. Of none it is none.
func AllOf(conditions ...Condition) Condition {
	list := slices.DeleteFunc(slices.Clone(conditions), Condition.IsZero)
	slices.SortFunc(list, Condition.Compare)
	switch list = slices.CompactFunc(list, Condition.Equal); len(list) {
	case 0:
		return Condition{}
	case 1:
		return list[0]
	}
	texts := make([]string, len(list))
	for i, c := range list {
		texts[i] = "(" + c.String() + ")"
	}
	return Condition{of: &conditionForm{text: strings.Join(texts, " && "), all: list}}
}

// Where returns the condition that a clause is met besides this one.
func (c Condition) Where(clause Clause) Condition {
	first := AnyOf(Alternative{Allows: clause})
	if c.IsZero() {
		return first
	}
	return Condition{of: &conditionForm{text: clause.text + " && (" + c.String() + ")", all: []Condition{first, c}}}
}

// Unwritten returns a condition that is not written down, and what people are
// told of it instead. The clauses are what it hangs on, as far as that is known.
func Unwritten(text string, hints ...Clause) Condition {
	return Condition{of: &conditionForm{text: text, hints: hints}}
}

// Some returns the condition that some arguments meet another one. It counts as not written
// down: whoever knows nothing of it takes it for open. It hangs on no arguments itself.
func Some(of Condition) Condition {
	form := &conditionForm{text: "some arguments meet: " + of.String(), some: of}
	hang := func(clause Clause) {
		reads := clause.Reads()
		reads.Arguments = nil
		form.hints = append(form.hints, NewClause(clause.text, reads))
	}
	for clause := range of.Clauses() {
		hang(clause)
	}
	of.hints(hang)
	return Condition{of: form}
}

// Met returns what some arguments have to meet, for a condition made by [Some]; it is zero
// for others.
func (c Condition) Met() Condition {
	if c.of == nil {
		return Condition{}
	}
	return c.of.some
}

// Told returns a condition that is not written down with something else that people are
// told of it.
func (c Condition) Told(text string) Condition {
	form := *c.of
	form.text = text
	return Condition{of: &form}
}

// IsZero reports whether there is no condition.
func (c Condition) IsZero() bool { return c.of == nil }

// String returns the condition for people: "what allows", "what allows unless
// what denies", "unless what denies", several of these, or what is said of one
// that is not written down. It is not to be read back.
func (c Condition) String() string {
	if c.of == nil {
		return ""
	}
	return c.of.text
}

// When returns the condition for the end of a sentence: "when a", "unless b".
func (c Condition) When() string { return c.Lead() + c.String() }

// Lead returns what leads from an outcome to the condition in [Condition.When].
// It is empty where the condition begins with "unless".
func (c Condition) Lead() string {
	switch {
	case c.BeginsUnless():
		return ""
	case c.of != nil && c.of.saysUnless():
		return "on the condition "
	}
	return "when "
}

// BeginsUnless reports whether the condition only says what denies, so that it reads
// "unless b".
func (c Condition) BeginsUnless() bool {
	return c.of != nil && len(c.of.alternatives) == 1 && c.of.alternatives[0].Allows.IsZero()
}

// saysUnless reports whether a part of the condition begins with "unless".
func (c *conditionForm) saysUnless() bool {
	return slices.ContainsFunc(c.all, func(x Condition) bool { return x.BeginsUnless() || x.of.saysUnless() }) ||
		slices.ContainsFunc(c.alternatives, func(a Alternative) bool { return a.Allows.IsZero() })
}

// Key returns a text that is the same for equal conditions, and different for others.
func (c Condition) Key() string { return c.String() }

// Equal reports whether two conditions are written the same. Conditions that are not
// equal may still have the same meaning.
func (c Condition) Equal(other Condition) bool { return c.of == other.of || c.Key() == other.Key() }

// Compare orders conditions as they read.
func (c Condition) Compare(other Condition) int { return strings.Compare(c.String(), other.String()) }

// Written reports whether all of the condition is written down, so that its
// clauses are all that there is to it.
func (c Condition) Written() bool {
	return c.of == nil || len(c.of.alternatives) > 0 ||
		len(c.of.all) > 0 && !slices.ContainsFunc(c.of.all, func(x Condition) bool { return !x.Written() })
}

// Alternatives returns the alternatives any of which is enough, to be read only.
// There are none of a condition that is made of others, or not written down.
func (c Condition) Alternatives() []Alternative {
	if c.of == nil {
		return nil
	}
	return c.of.alternatives
}

// Parts returns the conditions all of which have to be met, to be read only. There are
// none of a condition that has alternatives, or is not written down.
func (c Condition) Parts() []Condition {
	if c.of == nil {
		return nil
	}
	return c.of.all
}

// Clauses yields the clauses of what is written down of the condition, in the
// order in which it reads.
func (c Condition) Clauses() iter.Seq[Clause] {
	return func(yield func(Clause) bool) { c.each(yield) }
}

func (c Condition) each(yield func(Clause) bool) bool {
	if c.of == nil {
		return true
	}
	for _, a := range c.of.alternatives {
		for _, clause := range []Clause{a.Allows, a.Denies} {
			if !clause.IsZero() && !yield(clause) {
				return false
			}
		}
	}
	return !slices.ContainsFunc(c.of.all, func(x Condition) bool { return !x.each(yield) })
}

// Reads returns what the condition looks at. Of one that is not written down it
// is what is known of that.
func (c Condition) Reads() Reads {
	var r Reads
	c.each(func(clause Clause) bool {
		r.add(clause.Reads())
		return true
	})
	c.hints(func(clause Clause) { r.add(clause.Reads()) })
	return r
}

func (c Condition) hints(f func(Clause)) {
	if c.of == nil {
		return
	}
	for _, clause := range c.of.hints {
		f(clause)
	}
	for _, x := range c.of.all {
		x.hints(f)
	}
}

func (r *Reads) add(other Reads) {
	r.Arguments, r.Principal, r.Resource = joined(r.Arguments, other.Arguments), joined(r.Principal, other.Principal), joined(r.Resource, other.Resource)
	r.Clock, r.Policy = r.Clock || other.Clock, r.Policy || other.Policy
}

func joined(list, more [][]string) [][]string {
	for _, path := range more {
		if !slices.ContainsFunc(list, func(known []string) bool { return slices.Equal(known, path) }) {
			list = append(list, path)
		}
	}
	return list
}

// Effect evaluates the condition, given what each clause comes to: met returns Allow
// for a clause that is met, Deny for one that is not, and Conditional for one of which
// that is not known. The result is Conditional only where it depends on such a clause,
// or on what is not written down. The zero condition is always met.
func (c Condition) Effect(met func(Clause) Effect) Effect {
	switch {
	case c.of == nil:
		return Allow
	case len(c.of.alternatives) > 0:
		return settle(c.of.alternatives, Allow, func(a Alternative) Effect { return a.effect(met) })
	case len(c.of.all) > 0:
		return settle(c.of.all, Deny, func(x Condition) Effect { return x.Effect(met) })
	}
	return Conditional
}

// settle returns enough if any of the effects is that; or else Conditional if any of
// them is; or else the opposite of enough.
func settle[T any](list []T, enough Effect, of func(T) Effect) Effect {
	result := opposite(enough)
	for _, x := range list {
		effect := of(x)
		if effect == enough {
			return enough
		}
		if effect == Conditional {
			result = Conditional
		}
	}
	return result
}

func opposite(e Effect) Effect {
	return [...]Effect{Deny: Allow, Allow: Deny, Conditional: Conditional}[e]
}

func (a *Alternative) effect(met func(Clause) Effect) Effect {
	allows, denies := Allow, Deny
	if !a.Allows.IsZero() {
		allows = met(a.Allows)
	}
	if !a.Denies.IsZero() {
		denies = met(a.Denies)
	}
	return settle([]Effect{allows, opposite(denies)}, Deny, func(e Effect) Effect { return e })
}
