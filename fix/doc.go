// Package fix edits YAML and JSON files by as few bytes as can be: comments,
// quoting and layout stay. An [Edit] says which scalar to change and what it has
// to say so far; what does not say that, or cannot be edited for certain, is
// refused.
//
// Which edits are right is for others to say; so are reading and writing files.
package fix
