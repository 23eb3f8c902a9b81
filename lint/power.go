package lint

import (
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/source"
)

// A power is what a tool can do that stands for many other things: whoever may call it
// needs no other tool.
type power struct {
	does       string // runs commands, grants privileges ...
	because    string // what of the tool says so
	confidence authz.Confidence
}

var (
	// aboutCode are verbs of tools that take code or a query and do not run it, or that
	// look for something.
	aboutCode = set("search", "find", "list", "get", "show", "view", "describe", "explain", "analyze", "analyse", "check", "validate", "verify",
		"format", "lint", "parse", "review", "generate", "convert", "translate", "create", "save", "store", "add", "update", "edit", "replace",
		"insert", "append", "delete", "remove", "cancel", "stop", "kill", "suggest", "complete", "highlight", "compare", "diff", "optimize",
		"estimate", "count", "lookup", "redeem", "apply", "help", "schedule", "plan", "summarize", "document", "test", "history", "status")
	// running are verbs of tools that run what they are given.
	running = set("run", "exec", "execute", "eval", "evaluate", "interpret")
	// runnable are what such verbs are about.
	runnable = set("code", "script", "scripts", "snippet", "python", "javascript", "js", "typescript", "ruby", "perl", "php", "lua", "bash", "sh",
		"powershell", "cell", "expression", "program")
	// interpreters say by themselves that code is run.
	interpreters = set("python", "javascript", "bash", "shell", "powershell", "interpreter", "repl", "sandbox", "jupyter", "terminal")
	commands     = set("command", "commands", "cmd", "shell", "bash", "terminal", "powershell")
	// languages are of queries, and no search is called after one.
	languages = set("sql", "cypher", "gremlin", "graphql", "sparql", "kql", "soql")
	// stores are what is queried.
	stores = set("database", "db", "warehouse", "postgres", "postgresql", "mysql", "sqlite", "bigquery", "snowflake", "redshift", "athena",
		"clickhouse", "duckdb", "mssql", "oracle", "neo", "graph")
)

// powerOf says what a tool can do, by its name and its parameters. Where the inventory
// lists no parameters, the name has to say it alone. It is the zero value for most tools.
func powerOf(i *manifest.Item) power {
	words := manifest.Words(i.Name)
	if i.OwnName != "" {
		words = manifest.Words(i.OwnName)
	}
	if by := grants(words); by != "" {
		return power{"grants privileges", "its name says " + by, authz.ConfidenceMedium}
	}
	params, known := parametersOf(i)
	if !known {
		return powerByName(words)
	}
	for _, x := range params {
		if p := powerBy(words, x, i.Hints.ReadOnly == manifest.True); p.does != "" {
			return p
		}
	}
	return power{}
}

// powerByName goes by a verb that runs and what it runs.
func powerByName(words []string) power {
	at := slices.IndexFunc(words, func(w string) bool { return running[w] })
	if at < 0 || slices.ContainsFunc(words[:at], func(w string) bool { return aboutCode[w] }) {
		return power{}
	}
	for _, w := range words[at+1:] {
		because := "its name says " + words[at] + " " + w
		switch {
		case commands[w]:
			return power{"runs commands", because, authz.ConfidenceMedium}
		case runnable[w]:
			return power{"runs code", because, authz.ConfidenceMedium}
		case languages[w]:
			return power{"runs queries", because, authz.ConfidenceMedium}
		}
	}
	return power{}
}

// powerBy goes by a parameter that takes any text.
func powerBy(words []string, x parameter, readOnly bool) power {
	if !x.free || slices.ContainsFunc(words, func(w string) bool { return aboutCode[w] }) {
		return power{}
	}
	because, last := "its parameter "+x.name+" takes any text", x.words[len(x.words)-1]
	any := func(of map[string]bool) bool { return slices.ContainsFunc(words, func(w string) bool { return of[w] }) }
	switch {
	case last == "command", last == "commands", last == "cmd":
		return power{"runs commands", because, authz.ConfidenceMedium}
	case runnable[last] || last == "function" || last == "source":
		if any(interpreters) || runs(words) {
			return power{"runs code", because, authz.ConfidenceMedium}
		}
	case languages[last], last == "query" && any(languages), last == "statement" && any(languages):
		c := authz.ConfidenceMedium
		if readOnly || any(set("read", "select", "readonly")) {
			c = authz.ConfidenceLow // what it may read is still for the caller to say
		}
		return power{"runs queries", because, c}
	case last == "query" && !readOnly && any(stores):
		return power{"runs queries", because, authz.ConfidenceMedium}
	case last == "query" && !readOnly && len(words) > 1 && running[words[len(words)-2]] && (words[len(words)-1] == "query" || words[len(words)-1] == "queries"):
		return power{"runs queries", because, authz.ConfidenceMedium}
	}
	return power{}
}

// runs reports whether a name ends in a verb that runs, or has one before what it runs.
func runs(words []string) bool {
	for n, w := range words {
		if running[w] && (n == len(words)-1 || slices.ContainsFunc(words[n+1:], func(w string) bool { return runnable[w] })) {
			return true
		}
	}
	return false
}

var (
	granting   = set("grant", "add", "assign", "set", "attach", "give", "make", "promote", "elevate", "change", "update", "modify", "put", "bind")
	privileges = set("role", "roles", "permission", "permissions", "privilege", "privileges", "acl", "acls", "entitlement", "entitlements")
	members    = set("user", "users", "member", "members", "principal", "identity")
	circles    = set("group", "groups", "role", "roles", "admins", "administrators", "organization", "org")
	// afterwards is what may follow a privilege in a name that grants it.
	afterwards = set("to", "for", "of", "on", "in", "assignment", "assignments", "binding", "bindings", "user", "users", "member", "members", "group")
	noGrant    = set("get", "list", "show", "check", "find", "search", "describe", "read", "request", "revoke", "remove", "delete", "test", "validate",
		"verify", "can", "has", "is", "audit", "review")
)

// grants returns the words of a name that say that it grants privileges, or "".
func grants(words []string) string {
	if slices.ContainsFunc(words, func(w string) bool { return noGrant[w] }) {
		return ""
	}
	for n, verb := range words {
		rest := words[n+1:]
		switch {
		case verb == "grant" && (len(words) == 1 || slices.ContainsFunc(rest, func(w string) bool { return privileges[w] || w == "access" || w == "admin" || w == "rights" })):
			return "grant"
		case !granting[verb]:
			continue
		}
		for k, w := range rest {
			last := k == len(rest)-1
			switch {
			case privileges[w] && (last || afterwards[rest[k+1]]):
				return verb + " " + w
			case (w == "admin" || w == "administrator" || w == "superuser") && verb != "update" && verb != "change" && verb != "modify" && verb != "set" && last:
				return verb + " " + w
			case w == "collaborator" && verb == "add":
				return verb + " " + w
			case w == "iam" && slices.Contains(rest[k+1:], "policy"):
				return verb + " iam policy"
			case members[w] && verb == "add" && slices.ContainsFunc(rest[k+1:], func(w string) bool { return circles[w] }):
				return verb + " " + w + " to " + rest[k+1+slices.IndexFunc(rest[k+1:], func(w string) bool { return circles[w] })]
			case w == "group" && verb == "add" && !last && members[rest[k+1]]:
				return verb + " group " + rest[k+1]
			}
		}
	}
	return ""
}

// A parameter is one that a tool takes.
type parameter struct {
	name  string
	words []string // of the name
	free  bool     // it takes any text, or list of texts
}

// parametersOf lists the parameters of a tool by their names. It is not known where the
// inventory says nothing of them.
func parametersOf(i *manifest.Item) (list []parameter, known bool) {
	add := func(name string, free bool) {
		if words := manifest.Words(name); len(words) > 0 {
			list = append(list, parameter{name, words, free})
		}
	}
	for _, a := range i.Arguments {
		add(a.Name, true)
	}
	if i.Schema == nil || i.Schema.Is(source.Null) {
		return list, len(i.Arguments) > 0
	}
	s := &schemaReader{root: i.Schema, budget: maxSchemas}
	shape := s.shape(i.Schema)
	for _, name := range shape.names() {
		add(name, s.takesAnyText(shape.properties[name]))
	}
	return list, shape.listed || !shape.vague
}

// takesAnyText reports whether a property may be any text, or a list of such.
func (s *schemaReader) takesAnyText(property []*source.Node) bool {
	for _, n := range property {
		if s.narrows(n) {
			return false
		}
	}
	x := s.either(property)
	switch {
	case x.types == nil || slices.Contains(x.types, "string"):
		return true
	case slices.Contains(x.types, "array"):
		below := s.either(x.elements)
		return below.types == nil || slices.Contains(below.types, "string")
	}
	return false
}

// narrows reports whether a schema lists the texts that it takes, or says what they are like.
func (s *schemaReader) narrows(n *source.Node) bool {
	if ref := n.Get("$ref"); ref != nil {
		s.budget--
		if to := s.resolve(ref.Str()); to != nil && s.budget > 0 && s.narrows(to) {
			return true
		}
	}
	return slices.ContainsFunc([]string{"enum", "const", "pattern", "format"}, func(key string) bool { return n.Get(key) != nil })
}
