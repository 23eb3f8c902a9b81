package manifest

import "github.com/mcpolicy/mcpolicy/authz"

// A Risk is what using an item does, as far as anything says so.
type Risk uint8

// The kinds of risk, the least known first.
const (
	RiskUnknown Risk = iota // nothing says what it does
	Reads                   // it leaves everything as it was
	Changes                 // it changes something, and destroys nothing
	Destroys                // it may destroy something
)

// String returns unknown, reads, changes or destructive.
func (r Risk) String() string { return [...]string{"unknown", "reads", "changes", "destructive"}[r] }

// A RiskSource is what a risk is taken from.
type RiskSource uint8

// The sources of a risk.
const (
	NoSource        RiskSource = iota // nothing says so; or the item is no tool, and what it does is what it is
	ByHint                            // the server states it
	ByName                            // no hint tells, and the name says so
	BySchemaDefault                   // the tool has hints, and what MCP takes the others to be
)

// String returns "", hint, name or schema default.
func (s RiskSource) String() string { return [...]string{"", "hint", "name", "schema default"}[s] }

// Risk returns what using an item does, and what that is taken from. A tool is
// destructive exactly if [Item.Destructive] says so. What its name says of
// reading or changing is for showing, and for rules about whether anything is changed.
func (i *Item) Risk() (Risk, RiskSource) {
	switch d := i.Destructive(); {
	case i.Type != authz.ToolItem:
		return Reads, NoSource
	case d == Declared:
		return Destroys, ByHint
	case d == Default:
		return Destroys, BySchemaDefault
	case d == Inferred:
		return Destroys, ByName
	case i.ReadOnly():
		return Reads, ByHint
	case i.Hints.Destructive == False:
		return Changes, ByHint
	}
	name := i.Name
	if i.OwnName != "" {
		name = i.OwnName
	}
	if r := nameSays(name); r != RiskUnknown {
		return r, ByName
	}
	return RiskUnknown, NoSource
}

// readingVerbs begin the names of tools that only read, changingVerbs those of tools
// that change something, and make a name a changing one wherever they stand.
var (
	readingVerbs = set("browse", "check", "compare", "count", "describe", "diff", "download", "explain", "fetch", "find", "get",
		"has", "inspect", "is", "list", "lookup", "peek", "query", "read", "retrieve", "search", "show", "stat", "status", "summarize", "view", "whoami")
	changingVerbs = set("add", "append", "apply", "approve", "archive", "assign", "book", "cancel", "clear", "close", "commit", "copy", "create",
		"deploy", "disable", "edit", "enable", "execute", "export", "grant", "import", "insert", "invite", "lock", "merge", "move", "patch", "pay", "post",
		"publish", "push", "put", "refund", "rename", "replace", "reset", "restart", "restore", "rotate", "run", "save", "schedule",
		"send", "set", "share", "start", "stop", "submit", "sync", "transfer", "undo", "update", "upload", "upsert", "write")
)

// nameSays returns what a name says that is not destructive.
func nameSays(name string) Risk {
	words := Words(name)
	for i, w := range words {
		// "get_post" reads a post: a noun that is also a verb counts behind "and" or "or".
		leads := i == 0 || words[i-1] == "and" || words[i-1] == "or"
		if changingVerbs[w] && (leads || !readingVerbs[words[0]]) {
			return Changes
		}
	}
	if len(words) > 0 && readingVerbs[words[0]] {
		return Reads
	}
	return RiskUnknown
}
