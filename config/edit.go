package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/mcpolicy/mcpolicy/source"
)

// AddWaiver returns the text of a config with another waiver behind the others,
// and everything else as it was: comments, order, line ends. The result is parsed
// and checked to have that waiver and no other change. Where the config is written
// so that this cannot be done, the error has the waiver to add by hand.
func AddWaiver(name string, data []byte, w *Waiver) ([]byte, error) {
	docs, err := source.ParseYAML(name, data)
	if err != nil {
		return nil, err
	}
	if len(docs) != 1 {
		return nil, source.Errorf(source.Pos{File: name}, "want one YAML document, have %d", len(docs))
	}
	e := &editor{lines: strings.SplitAfter(string(data), "\n"), root: docs[0], newline: "\n"}
	if bytes.Contains(data, []byte("\r\n")) {
		e.newline = "\r\n"
	}
	byHand := source.Errorf(source.Pos{File: name}, "this text cannot be edited without rewriting it; add to the waivers by hand: - %s", w.flow())
	if !e.add(w) {
		return nil, byHand
	}
	edited := []byte(strings.Join(e.lines, ""))
	after, err := source.ParseYAML(name, edited)
	if err != nil || len(after) != 1 || !adds(docs[0], after[0], w) {
		return nil, byHand
	}
	_, err = Parse(name, edited)
	return edited, err
}

// An editor changes the text of a config, line by line.
type editor struct {
	lines   []string // with their ends
	root    *source.Node
	newline string
}

// add adds a waiver, and reports whether it knew where.
func (e *editor) add(w *Waiver) bool {
	if !e.root.Is(source.Mapping) || e.at(e.root.Pos) == "" || strings.ContainsAny(e.at(e.root.Pos)[:1], "{&*!") {
		return false
	}
	i := slices.IndexFunc(e.root.Fields, func(f source.Field) bool { return f.Name == "waivers" })
	if i < 0 {
		return e.addKey(w)
	}
	key, list := e.root.Fields[i].Pos, e.root.Fields[i].Value
	switch rest := e.at(list.Pos); {
	case list.Is(source.Null), list.Is(source.Sequence) && len(list.Items) == 0:
		return e.fill(key, w)
	case strings.HasPrefix(rest, "["):
		line := e.lines[list.Pos.Line-1]
		e.lines[list.Pos.Line-1] = line[:list.Pos.Col] + w.flow() + ", " + line[list.Pos.Col:]
		return true
	case strings.HasPrefix(rest, "-"):
		return e.appendItem(key, list, w)
	}
	return false
}

// at returns the rest of the line from a position on.
func (e *editor) at(pos source.Pos) string {
	if pos.Line < 1 || pos.Line > len(e.lines) || pos.Col < 1 || pos.Col > len(e.lines[pos.Line-1]) {
		return ""
	}
	return e.lines[pos.Line-1][pos.Col-1:]
}

// addKey adds the key waivers at the end.
func (e *editor) addKey(w *Waiver) bool {
	margin := strings.Repeat(" ", e.root.Pos.Col-1)
	end := len(e.lines)
	for end > 0 && strings.TrimSpace(e.lines[end-1]) == "" {
		end--
	}
	e.insert(end, append([]string{"", margin + "waivers:"}, w.block(margin+"  ")...))
	return true
}

// empty is a list of no waivers, and what may follow it on its line.
var empty = regexp.MustCompile(`^(waivers["']?[ \t]*:)[ \t]*(?:\[[ \t]*\]|~|null|Null|NULL)?([ \t]*(?:[ \t]#.*)?[\r\n]*)$`)

// fill adds the first waiver of an empty list.
func (e *editor) fill(key source.Pos, w *Waiver) bool {
	quote := strings.Trim(e.at(key)[:1], "waivers")
	m := empty.FindStringSubmatch(strings.TrimPrefix(e.at(key), quote))
	if m == nil {
		return false
	}
	line := e.lines[key.Line-1]
	e.lines[key.Line-1] = line[:key.Col-1] + quote + m[1] + m[2]
	e.insert(key.Line, w.block(strings.Repeat(" ", key.Col+1)))
	return true
}

// appendItem adds a waiver behind the last one of a list, in its style.
func (e *editor) appendItem(key source.Pos, list *source.Node, w *Waiver) bool {
	end := len(e.lines)
	for _, f := range e.root.Fields {
		if f.Pos.Line > key.Line {
			end = min(end, f.Pos.Line-1)
		}
	}
	// Comments right above the next key, indented no deeper, belong to that key.
	for ; end > list.Pos.Line; end-- {
		text := strings.TrimLeft(e.lines[end-1], " \t")
		column := len(e.lines[end-1]) - len(text) + 1
		ofNext := strings.HasPrefix(text, "#") && column <= key.Col
		if strings.TrimSpace(text) != "" && !ofNext {
			break
		}
	}
	margin := strings.Repeat(" ", list.Pos.Col-1)
	lines := w.block(margin)
	if last := list.Items[len(list.Items)-1]; strings.HasPrefix(e.at(last.Pos), "{") {
		lines = []string{margin + "- " + w.flow()}
	}
	e.insert(end, lines)
	return true
}

// insert puts lines behind the first n lines.
func (e *editor) insert(after int, lines []string) {
	if after > 0 && !strings.HasSuffix(e.lines[after-1], "\n") {
		e.lines[after-1] += e.newline
	}
	for i := range lines {
		lines[i] += e.newline
	}
	e.lines = slices.Insert(e.lines, after, lines...)
}

// adds reports whether a tree differs from another by one more waiver only.
func adds(before, after *source.Node, w *Waiver) bool {
	old, isMap := before.Value().(map[string]any)
	edited, stillMap := after.Value().(map[string]any)
	if !isMap || !stillMap {
		return false
	}
	had, _ := old["waivers"].([]any)
	has, _ := edited["waivers"].([]any)
	delete(old, "waivers")
	delete(edited, "waivers")
	added := map[string]any{}
	for _, f := range w.fields() {
		added[f[0]] = f[1]
	}
	i := slices.IndexFunc(has, func(v any) bool { return reflect.DeepEqual(v, any(added)) })
	return reflect.DeepEqual(old, edited) && i >= 0 && reflect.DeepEqual(append([]any{}, had...), slices.Delete(has, i, i+1))
}

// fields are the keys and values of a waiver as it is written.
func (w *Waiver) fields() [][2]string {
	expires := ""
	if !w.Expires.IsZero() {
		expires = w.Expires.String()
	}
	item := "item"
	for _, k := range itemKeys {
		if slices.Equal(k.types, w.Types) {
			item = k.key
		}
	}
	all := [][2]string{
		{"rule", w.Rule},
		{"server", w.Server},
		{item, w.Item},
		{"principal", w.Principal},
		{"file", w.File},
		{"reason", w.Reason},
		{"expires", expires},
	}
	return slices.DeleteFunc(all, func(f [2]string) bool { return f[1] == "" })
}

// block writes a waiver as an item of a block list, a line each.
func (w *Waiver) block(margin string) []string {
	var lines []string
	for i, f := range w.fields() {
		start := "  "
		if i == 0 {
			start = "- "
		}
		lines = append(lines, margin+start+f[0]+": "+scalar(f[1]))
	}
	return lines
}

// flow writes a waiver on one line.
func (w *Waiver) flow() string {
	var parts []string
	for _, f := range w.fields() {
		parts = append(parts, f[0]+": "+scalar(f[1]))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// unquoted is what needs no quotes in YAML wherever it stands: words that begin
// and end with a letter or digit, and dates.
var (
	unquoted = regexp.MustCompile(`^[A-Za-z]([A-Za-z0-9 _./;()-]*[A-Za-z0-9)])?$|^[0-9]{4}-[0-9]{2}-[0-9]{2}$`)
	reserved = regexp.MustCompile(`(?i)^(true|false|null|yes|no|on|off|y|n)$`)
)

func scalar(s string) string {
	if unquoted.MatchString(s) && !reserved.MatchString(s) {
		return s
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b) // what is a string in JSON is one in YAML
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return fmt.Sprintf("%q", s) // never: it is a string
	}
	var quoted strings.Builder
	for _, r := range strings.TrimSuffix(b.String(), "\n") {
		if unicode.IsPrint(r) {
			quoted.WriteRune(r)
		} else { // YAML takes fewer characters as they are than JSON
			fmt.Fprintf(&quoted, `\U%08x`, r)
		}
	}
	return quoted.String()
}
