// Package reason answers questions about the conditions of rules: what one can
// come to, whether any request meets it, whether one is met whenever another is.
//
// Package witness proposes requests, the engine evaluates the conditions for
// them, and this package says what follows: that something is always so, or never,
// only where the proposals leave nothing out. What is not known is said to be
// open. All that is asked counts against a [Budget].
//
// The surface is small: [Reasoner.Own] finds a rule's own condition,
// [Reasoner.Verdict] judges it for all requests that its rule covers,
// [Reasoner.Follows] compares two, and [Reasoner.Try] says what one comes to for
// requests of the caller's own. For questions of other kinds, [Reasoner.Formulas] has
// conditions as the solver takes them, and [Reasoner.Solve] asks it. Which requests a rule covers comes from package
// coverage; what to make of an answer is left to the rules of package lint.
package reason
