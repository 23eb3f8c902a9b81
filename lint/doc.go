// Package lint reports access that is over-exposed, unguarded or unreachable.
//
// Each rule of the catalogue is a value in a file named after it: what it
// means, why it matters, an example of each kind, and a check that reads the
// decision matrix, the policies and the inventories. The decisions are the
// matrix's; no rule decides anything by itself. A rule reports what it sees,
// without regard to the others: what explains what, what is waived and what is
// said together is settled in [Run], for all rules alike.
//
// A finding is about what has to change: a rule of a policy, a grant that is missing, a
// server's enforcement point. It stands there, and lists all items and principals that this
// affects. A check reports drafts, each about one item at most, with the cause that they
// share; what a cause is called depends neither on places nor on what it affects, so that a
// finding is the same one in the next run.
//
// Waivers of the config and those in policies are applied to the drafts, before they are
// joined, and so is what is known from a base or a baseline: a draft of a rule that is about
// each principal by itself is divided where only some of them are accepted or known. The
// rules about waivers run after that, and what they find cannot be waived.
//
// What one finding is the reason for, or says better, is left out for it and listed with it.
//
// How findings are printed is left to package report, and what they do to the
// exit status to the command.
package lint

// The pages below docs/rules are generated from the rules.
//go:generate go test -run ^TestDocs$ . -update
