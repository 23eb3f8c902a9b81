// Package fix edits YAML and JSON files by as few bytes as can be: comments,
// quoting and layout stay. An [Edit] says which scalar to change and which value it
// must have before. An edit of a scalar with another value, or one that cannot be
// made with certainty, is refused.
//
// Which edits are right is for others to say; so are reading and writing files.
package fix
