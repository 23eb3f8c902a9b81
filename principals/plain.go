package principals

import (
	"encoding/json"
	"strings"

	"github.com/mcpolicy/mcpolicy/source"
)

// plainJSON reports whether a fixture file is JSON of which Cerbos's parser is
// certain to make what package source does, so that it need not be asked, which
// takes ten times as long: ASCII without escapes, whole numbers that are not too
// large, and names that say nothing about YAML.
func plainJSON(data []byte, root *source.Node) bool {
	for _, c := range data {
		if (c < ' ' || c > '~' || c == '\\') && c != '\n' {
			return false
		}
	}
	return json.Valid(data) && plainNode(root)
}

func plainNode(n *source.Node) bool {
	if n.Is(source.Number) && !isSmallWhole(n.Text) || len(n.Duplicates) > 0 {
		return false
	}
	for _, item := range n.Items {
		if !plainNode(item) {
			return false
		}
	}
	for _, f := range n.Fields {
		if f.Name == "" || f.Name == "<<" || !plainNode(f.Value) {
			return false
		}
	}
	return true
}

// isSmallWhole reports whether a number of JSON is a whole one that every parser
// reads the same.
func isSmallWhole(s string) bool {
	return len(s) < 16 && strings.Trim(s, "0123456789") == "" || len(s) > 1 && s[0] == '-' && s[1] != '0' && isSmallWhole(s[1:])
}
