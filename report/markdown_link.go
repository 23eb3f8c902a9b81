package report

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/mcpolicy/mcpolicy/source"
)

// place returns a position as code, and as a link to its line where the address of the
// repository is known and the file is in it.
func (m *markdown) place(pos source.Pos) string {
	return linked(mdCode(pos.String()), m.o.lineAddress(pos))
}

// rule returns the ID of a rule as code, and as a link to its page where places are links.
func (m *markdown) rule(id string) string {
	if m.o.LinkBase == "" || !hasPage(id) {
		return mdCode(id)
	}
	return linked(mdCode(id), rulePage(id, m.o.Version))
}

// line returns a line of evidence. A place at its beginning, of a file that is at hand,
// is one.
func (m *markdown) line(s string) string {
	place, rest := placeOf(s)
	if pos, ok := parsePlace(place); ok && m.texts.lines(pos.File, 1, 1) != nil {
		return m.place(pos) + " " + mdText(rest)
	}
	return mdText(s)
}

func linked(text, address string) string {
	if address == "" {
		return text
	}
	return "[" + text + "](" + address + ")"
}

// lineAddress returns the address of a line in the repository, or "".
func (o *Options) lineAddress(pos source.Pos) string {
	file := o.path(pos.File)
	if o.LinkBase == "" || file == "" || strings.HasPrefix(file, "/") || strings.Contains("/"+file+"/", "/../") || strings.ContainsAny(file, ":\\") {
		return ""
	}
	address := strings.TrimSuffix(o.LinkBase, "/") + "/" + escapePath(file)
	if pos.Line > 0 {
		address += "#L" + strconv.Itoa(pos.Line)
	}
	return address
}

// escapePath writes a path as a link has it: everything but letters, digits and what
// means nothing to Markdown, HTML and addresses is spelled out.
func escapePath(file string) string {
	var b strings.Builder
	for i := range len(file) {
		switch c := file[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("/-._", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// repositoryOfPages is where the pages of rules are read.
const repositoryOfPages = "https://github.com/mcpolicy/mcpolicy"

var release = regexp.MustCompile(`^v\d+\.\d+\.\d+$`)

// rulePage returns the address of the page of a rule, as the version has it that wrote the
// report.
func rulePage(id, version string) string {
	revision := "main"
	if release.MatchString(version) {
		revision = version
	}
	return repositoryOfPages + "/blob/" + revision + "/docs/rules/" + id + ".md"
}

// parsePlace reads what [source.Pos.String] wrote of a position with a line.
func parsePlace(s string) (source.Pos, bool) {
	parts := strings.Split(s, ":")
	if len(parts) < 2 || len(parts) > 3 {
		return source.Pos{}, false
	}
	pos := source.Pos{File: parts[0]}
	var err error
	if pos.Line, err = strconv.Atoi(parts[1]); err != nil {
		return source.Pos{}, false
	}
	if len(parts) == 3 {
		if pos.Col, err = strconv.Atoi(parts[2]); err != nil {
			return source.Pos{}, false
		}
	}
	return pos, true
}
