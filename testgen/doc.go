// Package testgen writes suites of what policies decide today, for people to review and
// keep: who sees and uses what, and calls on both sides of each condition, with what each is
// there for. What it writes has to pass; whether it is what was meant is for the reader to
// say.
//
// [Generate] writes suites for a project that has none, and [Additions] cases that others
// ask for: for what no suite covers, and for mistakes that no suite notices.
package testgen
