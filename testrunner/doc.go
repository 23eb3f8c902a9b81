// Package testrunner reads suites, which say who should be able to do what,
// and holds them against the decision matrix.
//
// [Parse] reads the suites of a file. [Run] expands them to cases, one for
// each operation on an item and each class of principals, and decides them:
// from the matrix where a case is about all arguments, by asking again where
// it names some or where the suite has a clock, globals or claims of its own.
// How results are shown is left to package report, and which files are suites
// to the command.
//
// # Names and patterns
//
// Wherever a suite names a tool, prompt, resource, principal, group, role or
// tag, it may give a glob instead. What is a name is not read as a pattern,
// so that a resource template may be named by its URI template, braces and
// all. In a pattern "*" and "**" match any text, "/" and ":" included, "?" one
// character, "[a-c]" one of several, "[!a-c]" one of the others, "{a,b}" one of
// two texts; "\" takes the meaning from what follows. A name or pattern that
// stands for nothing is an error, and so is a selector that selects nothing: a
// misspelt test must not pass. That holds for what is skipped, too. Where a test,
// a property or a selector says allowEmpty, what is not there yet makes a case
// that is Empty and skipped; what looks misspelt remains an error.
//
// Principals are named by their keys and, behind an "@", by their groups. A
// selector selects those that meet each of its fields, and a list of values is
// met by one of them; {} selects everybody.
//
// # What is met by what
//
//	exactly      listed: allowed or conditional; everything else on the server: denied or refused
//	allow        allowed, whatever the arguments
//	deny         denied, whatever the arguments
//	refuse       refused by the enforcement point itself, whatever the arguments
//	conditional  allowed for some arguments and denied for others; with when, allowed for
//	             those that meet the condition, of which there are some, and no others
//	cases        allowed, denied or refused with these arguments; without arguments as allow and deny
//	table        as cases, a row each
//	never        denied or refused, whatever the arguments, for each principal and item selected
//	always       allowed, whatever the arguments, for each principal and item selected
//
// An unguarded operation meets none of them, not even where it is listed under
// exactly: no policy is asked, so that there is no decision to test, and a
// suite that passed would stay green whatever the policies say. Where the
// enforcement point does not ask, lint is what reports it. What it refuses by itself is
// denied by no policy: only refuse says so, and what is about all that is possible takes it.
//
// # What decides
//
// Where an expectation says by which rules, or because of what, it is met only if that is
// how it is decided, too: see [Decided] and [Reason]. A redundant rule that denies what
// nobody allows decides it all the same; a rule that allows something for a role that comes
// out denied does not.
//
// # Variables and groups
//
// In arguments and in tables a text that is ${name} as a whole is the value of a variable
// of the suite; $${name} is the text. Besides the groups that principals are in, a suite has
// its own and those of the files that [Include] gives it.
package testrunner

// The schema for editors is made from the types of how a suite is written, and from what
// schema_rules.json says that they do not.
//go:generate go test -run ^TestSchemaFile$ . -update
