package lint

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/pdp"
)

// A loophole is why a test of a text takes more than its author is likely to mean, and
// texts that it takes for that.
type loophole struct {
	kind       string
	because    string // why, after the test: "has no ^"
	fix        string
	write      string // what to write in place of the test, where the constant stands in the rule
	confidence authz.Confidence
	// strange is what tells such a text from those that are meant: further tests, some
	// of them to be failed. It is what the solver looks for.
	strange []textTest
	// texts are such texts, the best to read first. What is made of a text that is meant is
	// made by of.
	texts []string
	of    func(meant string) []string
}

// A textTest is a function with a constant that a text passes, or fails.
type textTest struct {
	function, constant string
	fails              bool
}

func passes(function, constant string) textTest  { return textTest{function, constant, false} }
func failsAt(function, constant string) textTest { return textTest{function, constant, true} }

// takes reports whether a text is one of those that are hardly meant.
func (l *loophole) takes(text string) bool {
	return !slices.ContainsFunc(l.strange, func(t textTest) bool { return t.passedBy(text) == t.fails })
}

func (t *textTest) passedBy(text string) bool {
	switch t.function {
	case "startsWith":
		return strings.HasPrefix(text, t.constant)
	case "endsWith":
		return strings.HasSuffix(text, t.constant)
	case "contains":
		return strings.Contains(text, t.constant)
	}
	re, err := regexp.Compile(t.constant)
	return err == nil && re.MatchString(text)
}

// testText writes a test.
func testText(function, constant string) string { return function + "(" + compact(constant) + ")" }

// What names of arguments say of their texts.
var (
	addressNames  = set("url", "uri", "urls", "link", "href", "endpoint", "webhook", "callback", "redirect")
	hostNames     = set("host", "hostname", "domain", "server", "fqdn")
	mailNames     = set("email", "mail", "recipient", "recipients", "to", "cc", "bcc", "sender", "from", "address", "addresses", "emails", "user", "upn")
	fileNames     = set("path", "paths", "file", "files", "filename", "filepath", "dir", "directory", "folder", "key", "object", "attachment", "source", "destination", "location", "target")
	ownerNames    = set("tenant", "org", "organization", "organisation", "owner", "bucket", "repo", "repository", "namespace", "workspace", "project", "account", "domain", "host", "hostname")
	wordyNames    = set("topic", "channel", "queue", "command", "cmd", "subject", "text", "message", "query", "sql", "title", "body", "regex", "pattern")
	commandNames  = set("command", "commands", "cmd", "shell", "script")
	queryNames    = set("sql", "query", "statement", "cypher")
	statement     = regexp.MustCompile(`^(?i)(?:select|insert|update|delete|with|show|explain|match|call)\b`)
	domain        = regexp.MustCompile(`^(?i)(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$`)
	scheme        = regexp.MustCompile(`^(?i)[a-z][a-z0-9+.-]*://`)
	rooted        = regexp.MustCompile(`^(?:/|\./|~/|[A-Za-z]:[\\/]|\\\\|file://)`)
	wordAtTheEnd  = regexp.MustCompile(`[\pL\pN]$`)
	wordAtTheHead = regexp.MustCompile(`^[\pL\pN]`)
)

// A namedText is an argument that holds a text, by the words of its name and its format.
type namedText struct {
	words  []string
	format string
}

func (n *namedText) is(of map[string]bool) bool {
	return slices.ContainsFunc(n.words, func(w string) bool { return of[w] })
}

func (n *namedText) isAddress() bool {
	return n.is(addressNames) || n.format == "uri" || n.format == "url"
}

// textAt is the argument at a path.
func textAt(path []string, format string) namedText {
	n := namedText{format: format}
	for _, name := range slices.Backward(path) {
		if name != pdp.Element {
			n.words = manifest.Words(name)
			break
		}
	}
	return n
}

// loopholes lists why a test may take more than is meant, the gravest first.
func loopholes(t pdp.TextTest, n namedText) []loophole {
	switch c := t.Constant; t.Function {
	case "startsWith":
		return prefixLoopholes(c, n)
	case "endsWith":
		return suffixLoopholes(c, n)
	case "contains":
		return containsLoopholes(c, n)
	case "matches":
		return patternLoopholes(c, n)
	}
	return nil
}

func prefixLoopholes(c string, n namedText) []loophole {
	at := scheme.FindString(c)
	host := c[len(at):]
	switch {
	case strings.HasPrefix(c, "file://"), at == "" && isPath(c, n):
		return pathLoopholes(c)
	case at != "" && host != "" && !strings.ContainsAny(host, "/?#"):
		return []loophole{{
			kind: "boundary", because: "does not say where the host ends", fix: `End the constant with "/".`, write: testText("startsWith", c+"/"),
			strange: []textTest{passes("startsWith", c), failsAt("startsWith", c+"/"), failsAt("startsWith", c+"?"), failsAt("startsWith", c+"#"), failsAt("startsWith", c+":"), failsAt("endsWith", c)},
			texts:   []string{c + ".evil.example/", c + "@evil.example/", c + "-evil/", c + "evil.example/"},
		}}
	case at != "":
		return nil
	case n.is(commandNames), n.is(queryNames) && statement.MatchString(c):
		return commandLoopholes(c, n)
	case domain.MatchString(c) && !n.is(fileNames):
		return []loophole{{
			kind: "boundary", because: "does not say where the name ends", fix: `Compare the whole name with ==, or end the constant with what follows the name, such as "/".`,
			strange: []textTest{passes("startsWith", c), failsAt("startsWith", c+"/"), failsAt("startsWith", c+":"), failsAt("endsWith", c)},
			texts:   []string{c + ".evil.example", c + ".evil.example/x"},
		}}
	case n.is(ownerNames) && len(c) > 2 && wordAtTheEnd.MatchString(c) && !strings.ContainsAny(c, " /:"):
		return []loophole{{
			kind: "boundary", because: "does not say where the name ends", fix: `Compare the whole name with ==, or end the constant with what separates it from the rest, such as "/" or "-".`,
			confidence: authz.ConfidenceMedium,
			strange:    []textTest{passes("startsWith", c), failsAt("startsWith", c+"/"), failsAt("startsWith", c+"-"), failsAt("startsWith", c+"_"), failsAt("startsWith", c+"."), failsAt("startsWith", c+":"), failsAt("endsWith", c)},
			texts:      []string{c + "evil", c + "evil/x"},
		}}
	}
	return nil
}

// isPath reports whether a prefix is of a path in a tree of files.
func isPath(c string, n namedText) bool {
	if n.is(wordyNames) || c == "/" {
		return false
	}
	return rooted.MatchString(c) || n.is(set("path", "paths", "file", "filename", "filepath", "dir", "directory", "folder")) && strings.ContainsAny(c, `/\`)
}

func pathLoopholes(c string) []loophole {
	separator := "/"
	if strings.Contains(c, `\`) && !strings.Contains(c, "/") {
		separator = `\`
	}
	below := strings.TrimSuffix(c, separator) + separator
	up := strings.Repeat(".."+separator, min(2+strings.Count(c, separator), 4))
	list := []loophole{{
		kind: "path", because: `says nothing of ".."`, fix: `Refuse ".." as well, as in !path.contains("..").`,
		strange: []textTest{passes("startsWith", c), passes("contains", separator+".."+separator)},
		texts:   []string{below + up + "etc" + separator + "passwd", below + ".." + separator + "other", below + "a" + separator + ".." + separator + ".." + separator + "other"},
	}}
	if !strings.HasSuffix(c, separator) && wordAtTheEnd.MatchString(c) {
		list = append(list, loophole{
			kind: "boundary", because: "does not say where the name ends", fix: `End the constant with "` + separator + `".`, write: testText("startsWith", c+separator),
			strange: []textTest{passes("startsWith", c), failsAt("startsWith", c+separator), failsAt("endsWith", c)},
			texts:   []string{c + "-other" + separator + "file", c + "-other", c + "2"},
		})
	}
	return list
}

// commandLoopholes are what joins a second command to the first.
func commandLoopholes(c string, n namedText) []loophole {
	joiners, what, more := []string{";", "&&", "|", "\n", "`"}, "a second command", "rm -rf ~"
	if n.is(queryNames) {
		joiners, what, more = []string{";"}, "a second statement", "DROP TABLE users"
	}
	var list []loophole
	for _, j := range joiners {
		list = append(list, loophole{
			kind: "command", because: "says nothing of " + what + " behind it", confidence: authz.ConfidenceMedium,
			fix:     "Compare the whole text with ==, or with a pattern from ^ to $ that takes no " + strings.Join(joiners[:min(3, len(joiners))], " or ") + ".",
			strange: []textTest{passes("startsWith", c), passes("contains", j)},
			texts:   []string{c + j + " " + more, c + " x" + j + " " + more},
		})
	}
	return list
}

func suffixLoopholes(c string, n namedText) []loophole {
	bare := strings.TrimLeft(c, ".@/")
	inAddress := n.isAddress() && domain.MatchString(bare)
	switch {
	case inAddress:
		return []loophole{{
			kind: "address", because: "is met by what stands behind the host", fix: "Compare the host: what stands between :// and the next /.",
			strange: []textTest{passes("startsWith", "https://evil.example/"), passes("endsWith", c)},
			texts:   []string{"https://evil.example/" + c, "https://evil.example/?" + c, "http://evil.example/" + c},
		}}
	case n.is(fileNames) && !n.is(hostNames) || !wordAtTheHead.MatchString(c):
		return nil
	case domain.MatchString(c), n.is(hostNames):
		texts := []string{"evil" + c, "mallory@evil" + c}
		if n.is(mailNames) || n.format == "email" {
			slices.Reverse(texts)
		}
		return []loophole{{
			kind: "boundary", because: "does not say where the name begins", fix: `Begin the constant with "." or "@", whichever stands before the name.`,
			write:   testText("endsWith", "@"+c) + " or " + testText("endsWith", "."+c),
			strange: []textTest{passes("endsWith", c), failsAt("endsWith", "."+c), failsAt("endsWith", "@"+c), failsAt("endsWith", "/"+c), failsAt("startsWith", c)},
			texts:   texts,
		}}
	}
	return nil
}

func containsLoopholes(c string, n namedText) []loophole {
	bare := strings.Trim(c, ".@/:")
	if !domain.MatchString(bare) {
		return nil
	}
	switch {
	case n.isAddress():
		return []loophole{{
			kind: "address", because: "is met anywhere in it", fix: `Compare the beginning, up to the "/" that ends the host.`,
			strange: []textTest{passes("startsWith", "https://evil.example/"), passes("contains", c)},
			texts:   []string{"https://evil.example/" + c, "https://evil.example/?" + c, "http://evil.example/" + c},
		}}
	case n.is(hostNames), n.is(mailNames), n.format == "email":
		texts := []string{c + ".evil.example", "mallory" + c + ".evil.example", "mallory@" + bare + ".evil.example"}
		if n.is(mailNames) || n.format == "email" {
			slices.Reverse(texts)
		}
		return []loophole{{
			kind: "boundary", because: "is met anywhere in it", fix: `Compare the end with endsWith, the "@" or "." before the name included.`,
			strange: []textTest{passes("contains", c), failsAt("endsWith", c)}, texts: texts,
		}}
	}
	return nil
}

// patternLoopholes reads a pattern: which ends it leaves open without saying so, and what
// it begins with.
func patternLoopholes(c string, n namedText) []loophole {
	re, err := syntax.Parse(c, syntax.Perl)
	if err != nil {
		return nil
	}
	begin, end := endOf(re, true), endOf(re, false)
	if re.Op == syntax.OpLiteral && begin == bounded && isPath(string(re.Rune), n) {
		begin = loose // such a path may stand anywhere
	}
	var list []loophole
	missing := ""
	switch {
	case begin == loose && end != anchored:
		missing = "has neither ^ nor $"
	case begin == loose:
		missing = "has no ^"
	case end == loose:
		missing = "has no $"
	}
	if missing != "" {
		list = append(list, loophole{
			kind: "anchors", because: missing, fix: "Write the pattern as ^(?:...)$.", write: testText("matches", "^(?:"+c+")$"), confidence: pick(re.Op == syntax.OpLiteral, authz.ConfidenceMedium, authz.ConfidenceHigh),
			strange: []textTest{passes("matches", c), failsAt("matches", "^(?:"+c+")$")},
			of: func(meant string) []string {
				var texts []string
				if end != anchored {
					texts = append(texts, meant+"; evil", meant+".evil.example", meant+"-evil", meant+"9", meant+"x")
				}
				if begin == loose {
					texts = append(texts, "evil "+meant, "evil-"+meant, "evil"+meant, "9"+meant, "x"+meant)
				}
				return texts
			},
		})
	}
	if prefix := literalHead(re); begin == anchored && rooted.MatchString(prefix) && isPath(prefix, n) {
		list = append(list, pathLoopholes(prefix)[0])
	}
	if begin == anchored && n.is(commandNames) {
		list = append(list, commandLoopholes(literalHead(re), n)...)
	}
	if n.isAddress() && begin == bounded && end == anchored {
		list = append(list, loophole{
			kind: "address", because: "is met by what stands behind the host", fix: "Write the pattern from ^ on, the scheme and the whole host included.",
			strange: []textTest{passes("matches", c), passes("startsWith", "https://evil.example/")},
			of: func(meant string) []string {
				return []string{"https://evil.example/" + meant, "https://evil.example/?" + meant}
			},
		})
	}
	return list
}

// A closure says how a pattern ends, or begins.
type closure uint8

const (
	loose    closure = iota // anything may stand there, and nothing says that this is meant
	bounded                 // anything may, beyond a separator
	anchored                // nothing may, or .* says that anything may
)

const separators = "/.:@-_# "

// endOf reads one end of a pattern.
func endOf(re *syntax.Regexp, begin bool) closure {
	switch re.Op { //nolint:exhaustive // all others leave the end open
	case syntax.OpBeginText, syntax.OpBeginLine:
		return pick(begin, anchored, loose)
	case syntax.OpEndText, syntax.OpEndLine:
		return pick(begin, loose, anchored)
	case syntax.OpStar, syntax.OpPlus:
		if op := re.Sub[0].Op; op == syntax.OpAnyChar || op == syntax.OpAnyCharNotNL {
			return anchored
		}
	case syntax.OpLiteral:
		at := re.Rune[0]
		if !begin {
			at = re.Rune[len(re.Rune)-1]
		}
		return pick(strings.ContainsRune(separators, at), bounded, loose)
	case syntax.OpCharClass:
		for i := 0; i+1 < len(re.Rune); i += 2 {
			if re.Rune[i] != re.Rune[i+1] || !strings.ContainsRune(separators, re.Rune[i]) {
				return loose
			}
		}
		return bounded
	case syntax.OpCapture:
		return endOf(re.Sub[0], begin)
	case syntax.OpConcat:
		if begin {
			return endOf(re.Sub[0], begin)
		}
		return endOf(re.Sub[len(re.Sub)-1], begin)
	case syntax.OpAlternate:
		least := anchored
		for _, sub := range re.Sub {
			least = min(least, endOf(sub, begin))
		}
		return least
	}
	return loose
}

func pick[T any](first bool, a, b T) T {
	if first {
		return a
	}
	return b
}

// literalHead returns the letters that a pattern with ^ begins with.
func literalHead(re *syntax.Regexp) string {
	var b strings.Builder
	if re.Op != syntax.OpConcat {
		return ""
	}
	for _, sub := range re.Sub[1:] {
		if sub.Op != syntax.OpLiteral || sub.Flags&syntax.FoldCase != 0 {
			break
		}
		b.WriteString(string(sub.Rune))
	}
	return b.String()
}
