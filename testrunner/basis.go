package testrunner

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// A Basis is what an expectation says of how a decision comes about. The zero value says
// nothing.
type Basis struct {
	// By are rules, by their names or IDs, each of which has to decide it; or
	// [ByDefault] alone, for a denial that no rule decides.
	By      Names
	Because Reason // of a denial; zero for any
}

// ByDefault stands in place of a rule for a denial that no rule decides.
const ByDefault = "default"

// A Reason is why something is denied. Of those that hold, the first is told.
type Reason uint8

// The reasons.
const (
	NoReason        Reason = iota // it was not looked at
	RuleDenies                    // a rule denies it
	NoPolicy                      // no policy is about what is asked
	SchemaRefuses                 // the policies' schemas refuse the request
	ConditionErrs                 // a condition cannot be evaluated, and evaluation is strict
	ConditionNotMet               // a rule would allow it, but its condition, or its derived role's, is not met
	NotAlone                      // a rule allows it, but a role policy or another scope does not
	NoRule                        // no rule allows it
)

var reasonNames = []string{"", "rule", "no-policy", "schema", "error", "condition", "limited", "no-rule"}

// String returns the reason as suites name it.
func (r Reason) String() string { return reasonNames[r] }

// ParseReason returns the reason of that name.
func ParseReason(name string) (Reason, bool) {
	i := slices.Index(reasonNames, name)
	return Reason(max(i, 0)), i > 0 //nolint:gosec // there are few
}

// Reasons lists the names of the reasons, in their order.
func Reasons() []string { return slices.Clone(reasonNames[1:]) }

func (b *Basis) isZero() bool { return len(b.By) == 0 && b.Because == NoReason }

// basisKeys are the keys of what an expectation says of how it is decided.
var basisKeys = source.Keys[writtenBasis]()

// field reads one of them.
func (b *Basis) field(f source.Field) error {
	n := f.Value
	switch {
	case n.Is(source.Null): // reported
		return nil
	case f.Name == "because":
		return b.because(n)
	case n.Is(source.Sequence):
		err := errors.Join(b.By.DecodeNode(n), notEmpty(f), namedTwice(b.By, "rule"))
		isDefault := func(name Name) bool { return name.Text == ByDefault }
		if at := slices.IndexFunc(b.By, isDefault); at >= 0 && slices.ContainsFunc(b.By, func(name Name) bool { return !isDefault(name) }) {
			err = errors.Join(err, source.Errorf(b.By[at].Pos, "by: %s stands alone: no rule decides then", ByDefault))
		}
		return err
	}
	b.By = make(Names, 1)
	if err := b.By[0].DecodeNode(n); err != nil {
		b.By = nil
		return wantAs(n, "by", "the name of a rule, a list of them, or "+ByDefault)
	}
	return nil
}

func (b *Basis) because(n *source.Node) error {
	var ok bool
	if b.Because, ok = ParseReason(n.Str()); ok {
		return nil
	}
	if hint := source.DidYouMean(n.Str(), Reasons()); hint != "" && n.Str() != "" {
		return source.Errorf(n.Pos, "because: unknown %q%s", n.Text, hint)
	}
	return wantAs(n, "because", strings.Join(Reasons(), ", "))
}

// fits reports what is said of a decision that cannot be so.
func (b *Basis) fits(effect authz.Effect, pos source.Pos) error {
	byDefault := len(b.By) == 1 && b.By[0].Text == ByDefault
	switch {
	case effect != authz.Deny && b.Because != NoReason:
		return source.Errorf(pos, "because: it says why something is denied, and nothing is here; a rule is named with by")
	case effect != authz.Deny && byDefault:
		return source.Errorf(b.By[0].Pos, "by: %s is a denial that no rule decides, and a denial is not expected here", ByDefault)
	case byDefault && b.Because == RuleDenies:
		return source.Errorf(pos, "because: by says that no rule decides, and %s that one does", RuleDenies)
	case len(b.By) > 0 && !byDefault && b.Because != NoReason && b.Because != RuleDenies:
		return source.Errorf(pos, "because: by names a rule that decides, and %s is a denial that no rule decides", b.Because)
	}
	return nil
}

// why reads the remark of a case.
func why(n *source.Node) (string, error) {
	switch {
	case n == nil, n.Is(source.Null):
		return "", nil
	case !n.Is(source.String):
		return "", wantAs(n, "why", "a text")
	case strings.TrimSpace(n.Text) == "":
		return "", source.Errorf(n.Pos, "why: it is empty")
	}
	return oneLine(n.Text), nil
}

// count writes "1 cell", "2 cells".
func count(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return strconv.Itoa(n) + " " + of + "s"
}
