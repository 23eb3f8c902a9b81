package scaffold

// verbs are words that say what a tool does. A word that is missing here says nothing.
var verbs = tiers(map[Tier][]string{
	Reads: {
		"analyse", "analyze", "blame", "browse", "calculate", "check", "compare", "compute", "count", "describe", "detect",
		"diff", "discover", "estimate", "explain", "fetch", "find", "get", "has", "head", "help", "history", "info", "inspect",
		"is", "list", "log", "logs", "look", "lookup", "ls", "preview", "query", "read", "resolve", "retrieve", "search",
		"show", "stat", "stats", "status", "summarize", "tail", "tree", "validate", "verify", "view", "whoami",
	},
	Changes: {
		"add", "append", "archive", "assign", "change", "clone", "close", "comment", "copy", "create", "disable", "draft",
		"duplicate", "edit", "enable", "follow", "fork", "hide", "insert", "label", "link", "make", "mark", "modify", "move",
		"open", "patch", "pause", "pin", "register", "rename", "reopen", "reply", "reschedule", "restore", "resume", "save",
		"schedule", "set", "stage", "star", "subscribe", "tag", "unarchive", "unassign", "undo", "unfollow", "unhide",
		"unlink", "unpin", "unstar", "unsubscribe", "untag", "update",
	},
	Destroys: {
		"apply", "approve", "call", "cancel", "charge", "commit", "deploy", "eval", "evaluate", "exec", "execute", "force",
		"grant", "import", "install", "invoke", "merge", "overwrite", "pay", "post", "publish", "push", "put", "refund",
		"replace", "reset", "run", "send", "start", "stop", "submit", "sync", "transfer", "upload", "upsert", "write",
	},
})

// strong are verbs that are seldom anything else, wherever they stand behind another:
// search_and_replace, find_replace.
var strong = map[string]bool{"execute": true, "overwrite": true, "replace": true, "send": true, "write": true}

func tiers(words map[Tier][]string) map[string]Tier {
	m := map[string]Tier{}
	for tier, list := range words {
		for _, w := range list {
			m[w] = tier
		}
	}
	return m
}
