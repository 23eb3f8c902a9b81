// Package lint reports access that is over-exposed, unguarded or unreachable.
//
// Each rule of the catalogue is a value in a file named after it: what it
// means, why it matters, an example of each kind, and a check that reads the
// decision matrix, the policies and the inventories. The decisions are the
// matrix's; no rule decides anything by itself. A rule reports what it sees,
// without regard to the others: what explains what, what is waived and what is
// said together is settled in [Run], for all rules alike.
//
// Findings about what a rule grants stand at that rule, those about what is
// missing at the item or the server that lacks it. Findings about one item are
// one finding an item, except where the cause is one for many items: then they
// are joined, naming three of the items and counting the rest.
//
// Waivers of the config and those in policies are applied to what the rules
// reported, before it is joined; the rules about waivers run after that, and
// what they find cannot be waived.
//
// How findings are printed is left to package report, and what they do to the
// exit status to the command.
package lint

// The pages below docs/rules are generated from the rules.
//go:generate go test -run ^TestDocs$ . -update
