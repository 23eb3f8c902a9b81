package testgen

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// width is where lists go on in the next line.
const width = 100

// A writer writes suites as YAML.
type writer struct{ strings.Builder }

func (w *writer) suite(s *suite) {
	w.notes("", s.notes)
	fmt.Fprintf(w, "name: %s\n", title(s.name))
	if s.server != "" {
		fmt.Fprintf(w, "server: %s\n", source.Quote(s.server))
	}
	if !s.now.IsZero() {
		fmt.Fprintf(w, "options: {now: %s}\n", s.now.UTC().Format(time.RFC3339))
	}
	fmt.Fprint(w, "tests:\n")
	for i, t := range s.tests {
		if i > 0 {
			fmt.Fprintln(w)
		}
		w.test(t)
	}
}

// plainTitle is several words that need no quotes.
var plainTitle = regexp.MustCompile(`^[A-Za-z_]\w*( \(?[A-Za-z_][\w-]*[,)]?)+$`)

// title returns the name of a suite or a test as YAML has it.
func title(s string) string {
	if plainTitle.MatchString(s) {
		return s
	}
	return source.Quote(s)
}

// notes writes comments.
func (w *writer) notes(indent string, list []string) {
	for _, n := range list {
		fmt.Fprint(w, indent+"# "+comment(n)+"\n")
	}
}

// comment returns a text that ends no comment.
func comment(s string) string { return source.Inert(strings.Join(strings.Fields(s), " ")) }

func (w *writer) test(t *test) {
	w.notes("  ", t.notes)
	fmt.Fprintf(w, "  - name: %s\n", title(t.name))
	if t.principals.role != "" {
		fmt.Fprintf(w, "    principals: {roles: [%s]}\n", source.Quote(t.principals.role))
	} else {
		w.list("    ", "principals", t.principals.names)
	}
	above := ""
	for _, s := range t.sections {
		keys, indent := s.keys(), "    "
		if len(keys) > 1 {
			if keys[0] != above {
				fmt.Fprintf(w, "    %s:\n", keys[0])
			}
			indent += "  "
		}
		above = keys[0]
		w.section(indent, keys[len(keys)-1], s)
	}
}

func (w *writer) section(indent, key string, s *section) {
	if s.hasExactly && len(s.allow)+len(s.deny)+len(s.conditional)+len(s.samples) == 0 {
		if line := fmt.Sprintf("%s%s: {exactly: %s}", indent, key, source.Flow(s.exactly)); len(line) <= width {
			fmt.Fprint(w, line+"\n")
			return
		}
	}
	fmt.Fprintf(w, "%s%s:\n", indent, key)
	if s.hasExactly {
		w.list(indent+"  ", "exactly", s.exactly)
	}
	for _, l := range []struct {
		key  string
		list []string
	}{{"allow", s.allow}, {"deny", s.deny}, {"conditional", s.conditional}} {
		if len(l.list) > 0 {
			w.list(indent+"  ", l.key, l.list)
		}
	}
	if len(s.samples) == 0 {
		return
	}
	fmt.Fprintf(w, "%s  cases:\n", indent)
	for _, x := range s.samples {
		if x.why != "" {
			w.notes(indent+"    ", []string{x.why})
		}
		fmt.Fprintf(w, "%s    - {%s: %s, ", indent, s.noun(), source.Quote(x.item))
		arguments, lookedUp := authz.SplitArguments(x.arguments)
		if arguments != nil {
			fmt.Fprintf(w, "arguments: %s, ", source.Flow(arguments))
		}
		if lookedUp != nil {
			fmt.Fprintf(w, "lookedUp: %s, ", source.Flow(lookedUp))
		}
		expect := x.expect.String()
		if x.refused {
			expect = "refuse"
		}
		fmt.Fprintf(w, "expect: %s}\n", expect)
	}
}

// list writes a list of names on as many lines as it needs.
func (w *writer) list(indent, key string, names []string) {
	line := indent + key + ": ["
	for i, name := range names {
		text := source.Quote(name)
		if i < len(names)-1 {
			text += ","
		}
		switch {
		case i == 0:
		case len(line)+len(text) >= width:
			fmt.Fprint(w, line+"\n")
			line = indent + "  "
		default:
			line += " "
		}
		line += text
	}
	fmt.Fprint(w, line+"]\n")
}
