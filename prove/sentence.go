package prove

import (
	"strings"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// A Kind is a kind of sentence.
type Kind uint8

// The kinds of sentences. "May" is said of some arguments, "always" of all.
const (
	Never     Kind = iota // nobody may
	Always                // everybody may, always
	Needs                 // whoever may meets a condition
	Implies               // whoever may do one thing may do another
	Within                // what a principal with exactly some roles may, the same with others may
	Apart                 // nobody may do both of two things
	Somebody              // there is somebody who may
	Delegated             // what a delegate may, the principal that it acts for may
)

var kindNames = []string{"never", "always", "needs", "implies", "within", "apart", "somebody", "delegated"}

// Kinds lists the names of the kinds, in the order of their values.
func Kinds() []string { return append([]string(nil), kindNames...) }

// String returns never, always and so on.
func (k Kind) String() string { return kindNames[k] }

// ParseKind returns the kind of that name.
func ParseKind(name string) (Kind, bool) {
	for i, known := range kindNames {
		if known == name {
			return Kind(i), true //nolint:gosec // eight names
		}
	}
	return 0, false
}

// A Sentence is said about one column, or two of the same server.
type Sentence struct {
	Kind Kind
	Who  *Who // of whom it is said; nil for everybody
	Of   *matrix.Column
	Then *matrix.Column // of Implies and Apart: the other column
	// Condition is what Needs asks for: CEL over arguments and principal, as
	// reports write conditions.
	Condition string
	Inner     []string // of Within: the roles that may do no more
	Outer     []string // of Within: than these
	// Delegate and Person are those that Delegated is said of.
	Delegate, Person *authz.Principal
	// IgnoreSchema says it of arguments that the inputSchema refuses, too.
	IgnoreSchema bool
}

// Who is what principals are like. A principal has to meet each field.
type Who struct {
	Roles []string     // it has one of them
	Kinds []authz.Kind // it is of one of them; no policy knows of what kind anybody is
	// Where is CEL over principal: it is met. What cannot be evaluated is not.
	Where string
	Not   *Who // it does not meet this
}

// A Verdict is what is known of a sentence.
type Verdict uint8

// The verdicts.
const (
	Unknown Verdict = iota
	Proved
	Refuted
)

var verdictNames = []string{"unknown", "proved", "refuted"}

// String returns unknown, proved or refuted.
func (v Verdict) String() string { return verdictNames[v] }

// A Proof is what is known of a sentence, and over what it holds.
type Proof struct {
	Verdict Verdict
	// Counterexample shows what is refuted, but for Somebody. Of Somebody it
	// shows what is proved.
	Counterexample *Counterexample
	Open           []string // of Unknown: what could not be told
	Over           Over
}

// Over is what a proof holds over.
type Over struct {
	Roles int // that were considered, one that no policy names among them
	Sets  int // of roles, and ids that policies name
	// Arguments says which there were: "within the inputSchema", "any" or "none".
	Arguments string
	// Attributes says which there were: "any", or "within the principal schema".
	Attributes string
	Clock      time.Time // zero if any time was considered
}

// A Counterexample is a principal and what it did, as the engine decided it.
type Counterexample struct {
	Principal *authz.Principal
	Arguments map[string]any // of the column; nil where it has none
	Then      map[string]any // of the other column of Apart
	Now       time.Time      // what time it was, where that matters; else zero
	Cell      *matrix.Cell   // of the column
	ThenCell  *matrix.Cell   // of the other column, or for the other roles; nil if there is none
}

// String says the sentence: "nobody without ADMIN may call delete_customer".
func (s *Sentence) String() string {
	who := s.Who.String()
	if who != "" {
		who = " " + who
	}
	what := s.Of.Operation.String() + " " + s.Of.Item.Name
	switch s.Kind {
	case Never:
		return "nobody" + who + " may " + what
	case Always:
		return "everybody" + who + " may always " + what
	case Needs:
		return "whoever" + who + " may " + what + " meets " + s.Condition
	case Implies:
		then := s.Then.Operation.String() + " it"
		if s.Then.Item != s.Of.Item {
			then = s.Then.Operation.String() + " " + s.Then.Item.Name
		}
		return "whoever" + who + " may " + what + " may " + then + " too"
	case Within:
		return strings.Join(s.Inner, " and ") + " may " + what + " only where " + strings.Join(s.Outer, " and ") + " may"
	case Apart:
		return "nobody" + who + " may both " + what + " and " + s.Then.Operation.String() + " " + s.Then.Item.Name
	case Delegated:
		return s.Delegate.Key + " may " + what + " only where " + s.Person.Key + " may"
	case Somebody:
	}
	return "somebody" + who + " may " + what
}
