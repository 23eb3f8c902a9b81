package lint

import (
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
)

// A need is what a rule asks of an engine beyond decisions.
type need uint8

// The needs of rules.
const (
	needSchemas need = iota
	needConditions
	needReads
	needTimes
	needLessRules
	needConfusion
	needEvaluation
)

// met reports whether an engine offers it.
func (n need) met(e pdp.Decider) (ok bool) {
	switch n {
	case needSchemas:
		_, ok = e.(pdp.Validator)
	case needConditions:
		_, ok = e.(pdp.Examiner)
	case needReads:
		_, ok = e.(pdp.Reader)
	case needTimes:
		_, ok = e.(pdp.Clocked)
	case needLessRules:
		_, ok = e.(pdp.Divisible)
	case needConfusion:
		_, ok = e.(pdp.Confusable)
	case needEvaluation:
		_, ok = e.(pdp.Evaluable)
	}
	return ok
}

// String says what an engine that does not meet the need does not do.
func (n need) String() string {
	return [...]string{
		"hold requests against schemas", "evaluate conditions apart from decisions", "say what conditions read", "decide at other times",
		"decide without some of the rules", "say which rules it may confuse", "evaluate expressions by themselves",
	}[n]
}

// A Lack is a rule that is wanted and for which an engine does not offer all.
type Lack struct {
	Rule    string // the ID
	Message string
}

// Lacking lists the rules that a run with the options does not look into, or not into
// all that they are about, because of what an engine does not offer. They come in the
// order of the catalogue.
func (o *Options) Lacking(e pdp.Decider) []Lack {
	var list []Lack
	for _, r := range byID(o.wanted()) {
		severity, given := o.Severity[r.ID]
		if missing := r.lacks(e); len(missing) > 0 && (!given || severity != authz.SeverityOff) {
			message := "could not look into all that it is about: the engine does not " + strings.Join(missing, ", nor ")
			list = append(list, Lack{r.ID, message})
		}
	}
	return list
}

// LooksInto reports whether a run with the options looks into all that a rule is about, and
// into the rules that may explain its findings, so that something follows from its silence.
// There is nothing to look into for a rule that there is not.
func (o *Options) LooksInto(e pdp.Decider, id string) bool {
	needed, wanted := []string{id}, o.wanted()
	for n := 0; n < len(needed); {
		n = len(needed)
		needed = slices.Compact(slices.Sorted(slices.Values(withExplainers(needed))))
	}
	unwanted := func(id string) bool { return !slices.Contains(wanted, id) }
	return !isRule(id) || !slices.ContainsFunc(needed, unwanted) && !lacks(e, id)
}

// isRule reports whether there is a rule of that ID.
func isRule(id string) bool {
	_, err := Find(id)
	return err == nil
}

// lacks lists what an engine does not do that the rule needs.
func (r *Rule) lacks(e pdp.Decider) []string {
	var missing []string
	for _, n := range r.needs {
		if !n.met(e) {
			missing = append(missing, n.String())
		}
	}
	return missing
}

// lacks reports whether an engine does not offer all that a rule needs, so that
// nothing follows from its silence.
func lacks(e pdp.Decider, id string) bool {
	return slices.ContainsFunc(byID([]string{id}), func(r *Rule) bool { return len(r.lacks(e)) > 0 })
}
