package pep

import "github.com/mcpolicy/mcpolicy/authz"

// A Ground is what a fact about an enforcement point is known from.
type Ground uint8

// The grounds. The zero value is none.
const (
	NoGround Ground = iota
	Read            // its source or its documentation
	Observed        // what it did when it ran
	Declared        // the configuration
)

var groundNames = []string{"nothing", "read", "observed", "declared"}

// String returns nothing, read, observed or declared.
func (g Ground) String() string { return groundNames[g] }

// A Fact is what an enforcement point does in some case, and what that is known from.
type Fact struct {
	Outcome authz.Fallback
	Ground  Ground
	Text    string // what it does, or why that is not known: a sentence, or ""
}

// Facts are what an enforcement point does where no policy decides, and what is known of
// the requests that it sends.
type Facts struct {
	NoPolicy          Fact // no policy covers what it asks about
	PDPError          Fact // the PDP answers, and not with a decision
	PDPDown           Fact // the PDP does not answer
	UnknownOperations Fact // methods of MCP that the profile says nothing about

	Requests  Ground   // what its requests are known from
	Sources   []string // what was read, or ran
	NotSent   string   // what it does not send although policies could read it, or ""
	NotKnown  string   // what is not known of its requests, or ""
	MoreSent  bool     // resources have attributes that are not known
	Otherwise string   // what else matters, or ""
}

// Facts returns what is known of the enforcement point besides the requests themselves.
func (p *Profile) Facts() Facts { return p.facts }

// PassesUncovered reports whether the enforcement point lets pass what no policy covers.
func (p *Profile) PassesUncovered() bool { return p.facts.NoPolicy.Outcome == authz.Pass }

// Declare says what the enforcement point does where no policy decides. It is for custom
// profiles: what is [authz.NotKnown] is not declared.
func (p *Profile) Declare(noPolicy, pdpError, pdpDown, unknownOperations authz.Fallback) {
	fact := func(o authz.Fallback) Fact {
		if o == authz.NotKnown {
			return Fact{Text: "Not declared."}
		}
		return Fact{Outcome: o, Ground: Declared}
	}
	p.facts.NoPolicy, p.facts.PDPError = fact(noPolicy), fact(pdpError)
	if noPolicy == authz.NotKnown {
		p.facts.NoPolicy.Text = "Not declared: what Cerbos says, which is a denial, is taken to be done."
	}
	p.facts.PDPDown, p.facts.UnknownOperations = fact(pdpDown), fact(unknownOperations)
	p.facts.Requests = Declared
}
