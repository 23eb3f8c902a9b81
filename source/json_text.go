package source

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// JSONText returns a value as JSON with a space after each colon and comma, as
// people write it.
func JSONText(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Sprint(v) // never: it is a JSON value
	}
	var out strings.Builder
	quoted, escaped := false, false
	for _, c := range bytes.TrimSpace(b.Bytes()) {
		out.WriteByte(c)
		switch {
		case escaped:
			escaped = false
		case quoted && c == '\\':
			escaped = true
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ':' || c == ','):
			out.WriteByte(' ')
		}
	}
	return out.String()
}
