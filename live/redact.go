package live

import (
	"bytes"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/mcpolicy/mcpolicy/source"
)

// A redactor takes secrets out of texts.
type redactor struct {
	secrets []string // what is taken out of answers
	all     []string // what is taken out of errors: whatever was sent
}

// redactor collects what must not show. A token is a secret whatever it looks
// like. Headers and variables have values like 1, info or sales too, and those
// are words that answers are made of: they leave errors only, unless their
// name or their looks tell that they are secrets.
func (t Target) redactor() redactor {
	var r redactor
	add := func(s string, secret bool) {
		forms := []string{s, url.QueryEscape(s), url.PathEscape(s)}
		r.all = append(r.all, forms...)
		if secret {
			r.secrets = append(r.secrets, forms...)
		}
	}
	if t.Token != "" {
		add(string(t.Token), true)
	}
	for _, values := range []map[string]Secret{t.Headers, t.Env, t.Secrets} {
		for name, value := range values {
			s := string(value)
			if _, bare, ok := strings.Cut(s, " "); ok { // Bearer, Basic
				s = bare
			}
			for _, form := range []string{string(value), s} {
				if len(form) >= shortest {
					add(form, telling.MatchString(name) || random(form))
				}
			}
		}
	}
	// The longest first: one secret may be part of another.
	for _, list := range [][]string{r.secrets, r.all} {
		slices.SortFunc(list, func(a, b string) int { return len(b) - len(a) })
	}
	return r
}

// shortest is how long a value must be to be taken out of a text wherever it
// stands.
const shortest = 4

// telling are names of what is secret.
var telling = regexp.MustCompile(`(?i)auth|cookie|cred|key|pass|secret|token`)

// random reports whether a value looks like no word and no path.
func random(s string) bool { return len(s) >= 20 && !strings.ContainsAny(s, "/\\ ") }

// text takes out whatever was sent, for an error.
func (r redactor) text(s string) string { return without(s, r.all) }

func without(s string, secrets []string) string {
	for _, secret := range secrets {
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
	clean := without(s, r.secrets)
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
