package live

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/mcpolicy/mcpolicy/source"
)

// shortest is how long a value must be to be taken out of texts wherever it
// stands. Headers have values like 1, which stand everywhere and are no
// secrets; a token is one at any length.
const shortest = 4

// A redactor takes secrets out of texts.
type redactor struct{ secrets []string }

func (t Target) redactor() redactor {
	var list []string
	add := func(s Secret, least int) {
		if len(s) >= least {
			list = append(list, string(s), url.QueryEscape(string(s)), url.PathEscape(string(s)))
		}
	}
	add(t.Token, 1)
	for _, values := range []map[string]Secret{t.Headers, t.Env} {
		for _, s := range values {
			add(s, shortest)
			if _, bare, ok := strings.Cut(string(s), " "); ok { // Bearer, Basic
				add(Secret(bare), shortest)
			}
		}
	}
	for _, s := range t.Secrets {
		add(s, shortest)
	}
	// The longest first: one secret may be part of another.
	slices.SortFunc(list, func(a, b string) int { return len(b) - len(a) })
	return redactor{list}
}

func (r redactor) text(s string) string {
	for _, secret := range r.secrets {
		s = strings.ReplaceAll(s, secret, redacted)
	}
	return s
}

// json takes secrets out of the strings of a JSON value, whatever escapes hide
// them, and spells out the characters that would act on a terminal. The rest
// stays as it came, byte for byte.
func (r redactor) json(raw []byte) json.RawMessage {
	var out bytes.Buffer
	out.Grow(len(raw))
	for i := 0; i < len(raw); {
		if raw[i] != '"' {
			out.WriteByte(raw[i])
			i++
			continue
		}
		end := i + 1
		for end < len(raw) && raw[end] != '"' {
			if raw[end] == '\\' {
				end++
			}
			end++
		}
		end = min(end+1, len(raw))
		out.Write(r.literal(raw[i:end]))
		i = end
	}
	return out.Bytes()
}

func (r redactor) literal(quoted []byte) []byte {
	var s string
	if err := json.Unmarshal(quoted, &s); err != nil {
		return []byte(`""`) // the end of a text that was cut
	}
	clean := r.text(s)
	if clean == s && !bytes.ContainsFunc(quoted, source.Hidden) && !bytes.ContainsRune(quoted, '\ufffd') {
		return quoted
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(clean); err != nil {
		return []byte(`""`)
	}
	return escape(strings.TrimSuffix(b.String(), "\n"))
}

// escape spells hidden characters as \u escapes.
func escape(quoted string) []byte {
	var b bytes.Buffer
	for _, c := range quoted {
		if !source.Hidden(c) {
			b.WriteRune(c)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, c) {
			b.WriteString(`\u`)
			for shift := 12; shift >= 0; shift -= 4 {
				b.WriteByte("0123456789abcdef"[unit>>shift&0xf])
			}
		}
	}
	return b.Bytes()
}
