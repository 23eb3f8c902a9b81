package lint

import (
	"slices"

	"github.com/mcpolicy/mcpolicy/manifest"
)

// What names say about where data comes from and goes to. A name tells little, so only
// what is told by a verb and by the object that the name ends with counts.
var (
	retrieving = set("get", "read", "list", "search", "find", "fetch", "open", "view", "show", "download", "query", "lookup", "retrieve", "export", "load")
	browsing   = set("scrape", "crawl", "navigate")
	visiting   = set("fetch", "open", "read", "load", "search", "browse")
	// pages are of the web where they are opened, and of an application's own where it
	// lists them.
	pages = set("web", "internet", "url", "page", "pages", "webpage", "webpages", "website", "site", "html")
	// strangers are what people outside write.
	strangers = set("feed", "feeds", "rss", "news", "inbox", "email", "emails", "mail", "mails", "comment", "comments", "issue", "issues", "review", "reviews",
		"tweet", "tweets", "webpage", "website")
	// confidential is what is not for everybody.
	confidential = set("customer", "customers", "client", "clients", "employee", "employees", "patient", "patients", "contact", "contacts", "invoice", "invoices",
		"payroll", "salary", "salaries", "secret", "secrets", "credential", "credentials", "password", "passwords", "inbox", "email", "emails", "mail", "mails", "calendar",
		"file", "files", "document", "documents", "record", "records", "balance", "balances")
	sending = set("send", "post", "publish", "upload", "share", "forward", "reply", "tweet")
	// parcels are what goes to somebody else.
	parcels = set("email", "emails", "mail", "mails", "message", "messages", "sms", "letter", "tweet", "comment", "request", "webhook", "file", "files", "attachment",
		"slack", "url", "reply")
	// fillers may stand at the end of a name, behind the object.
	fillers = set("content", "contents", "data", "detail", "details", "text", "body", "by", "id", "name", "info", "value", "values")
)

// toolWords are the words of a tool's own name, without what says nothing at its end.
func toolWords(i *manifest.Item) []string {
	name := i.Name
	if i.OwnName != "" {
		name = i.OwnName
	}
	words := manifest.Words(name)
	for len(words) > 2 && fillers[words[len(words)-1]] {
		words = words[:len(words)-1]
	}
	return words
}

// endsIn reports whether a name has one of some verbs and ends in one of some objects.
func endsIn(words []string, verbs, objects map[string]bool) bool {
	last := len(words) - 1
	return last > 0 && objects[words[last]] && slices.ContainsFunc(words[:last], func(w string) bool { return verbs[w] })
}

// takesIn reports whether a tool seems to take in what strangers wrote.
func takesIn(words []string, params []parameter) bool {
	any := func(of map[string]bool) bool { return slices.ContainsFunc(words, func(w string) bool { return of[w] }) }
	if any(sending) {
		return false
	}
	url := slices.ContainsFunc(params, func(x parameter) bool { return x.name == "url" || x.name == "uri" })
	return any(browsing) || endsIn(words, retrieving, strangers) || endsIn(words, visiting, pages) || url && slices.Contains(words, "fetch")
}

// readsPrivate reports whether a tool seems to read what is not for everybody.
func readsPrivate(words []string, _ []parameter) bool { return endsIn(words, retrieving, confidential) }

// sendsOut reports whether a tool seems to send data to others.
func sendsOut(words []string, _ []parameter) bool {
	return endsIn(words, sending, parcels) && !retrieving[words[0]] || len(words) == 1 && sending[words[0]]
}
