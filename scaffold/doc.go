// Package scaffold writes a project for a server that has none: a config, Cerbos policies by
// least privilege, principals, suites, sentences that are proved of everybody, and a lock.
//
// [Make] reads inventories, and asks of each tool what it does: by the hints of its server, and
// by its name where there are none, which the policy marks for review. What it wrote has been
// checked before anybody sees it: no finding above a note, rules and parts of conditions all
// covered, each sentence proved. It reads and writes no files; those that it made are a value.
package scaffold
