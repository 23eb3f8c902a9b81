package live

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// A Secret is a value that must not show. It prints as [redacted].
type Secret string

const redacted = "[redacted]"

// String returns the same text for every secret.
func (Secret) String() string { return redacted }

// GoString returns the same text for every secret.
func (Secret) GoString() string { return redacted }

// MarshalText returns the same text for every secret.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// A Transport is how messages travel to a URL.
type Transport uint8

// The transports.
const (
	Auto           Transport = iota // streamable HTTP, and SSE where the server does not know that
	StreamableHTTP                  // of protocol 2025-03-26 and later
	SSE                             // of protocol 2024-11-05
)

// Transports lists the names of the transports.
func Transports() []string { return append([]string(nil), transportNames...) }

var transportNames = []string{"auto", "http", "sse"}

// String returns auto, http or sse.
func (t Transport) String() string { return transportNames[t] }

// ParseTransport returns the transport of that name.
func ParseTransport(s string) (Transport, bool) {
	i := slices.Index(transportNames, s)
	return Transport(max(i, 0)), i >= 0 //nolint:gosec // three names
}

// A Target says how to reach a server: by a URL, or by starting it.
type Target struct {
	URL       string
	Transport Transport
	Headers   map[string]Secret // of each request to the URL
	Token     Secret            // the bearer token, or "" to come without one

	Command []string          // the program and its arguments
	Dir     string            // where it starts; "" is here
	Env     map[string]Secret // in addition to this process's environment

	// Secrets are further values that must not show, such as parts of Command,
	// under names that tell what they are.
	Secrets map[string]Secret
}

// String names the target without its secrets: a URL without its query, a
// command as a shell would take it.
func (t Target) String() string {
	r := t.redactor()
	if len(t.Command) > 0 {
		words := make([]string, len(t.Command))
		for i, w := range t.Command {
			words[i] = word(r.text(w))
		}
		return strings.Join(words, " ")
	}
	u, err := url.Parse(t.URL)
	if err != nil {
		return "the URL"
	}
	return r.text((&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String())
}

// word quotes a word of a command where a shell would need it.
func word(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !strings.ContainsRune("%+,-./:=@_[]", r) && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// Check finds mistakes before anything is started or contacted. It does not
// repeat values.
func (t Target) Check() error {
	if len(t.Command) > 0 {
		switch {
		case t.URL != "":
			return errors.New("want a URL or a command, not both")
		case t.Token != "" || len(t.Headers) > 0:
			return errors.New("a server that is started takes no token and no headers")
		}
		return nil
	}
	u, err := url.Parse(t.URL)
	switch {
	case t.URL == "":
		return errors.New("want a URL or a command")
	case err != nil:
		return errors.New("not a URL")
	case u.Scheme != "http" && u.Scheme != "https":
		return errors.New("want a URL that begins with https:// or http://")
	case u.Hostname() == "":
		return errors.New("the URL has no host")
	case u.User != nil:
		return errors.New("credentials do not belong into a URL")
	}
	for _, name := range slices.Sorted(maps.Keys(t.Headers)) {
		if !fit(string(t.Headers[name])) {
			return fmt.Errorf("the value of the header %s has characters that no header may have", name)
		}
	}
	if !fit(string(t.Token)) {
		return errors.New("the token has characters that no header may have, such as a line break at its end")
	}
	return nil
}

// fit reports whether a header can have a value.
func fit(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}

// header returns what every request carries.
func (t Target) header() http.Header {
	h := http.Header{}
	for name, value := range t.Headers {
		h.Set(name, string(value))
	}
	if t.Token != "" {
		h.Set("Authorization", "Bearer "+string(t.Token))
	}
	return h
}

// Options are limits, each with a default.
type Options struct {
	Timeout  time.Duration // of one request, and of the connection: 30 seconds
	Grace    time.Duration // that a process has to end by itself, and again after SIGTERM: 2 seconds
	MaxPages int           // of one list: 1000
	MaxItems int           // of one list: 100,000
	MaxBytes int           // of one list, and of one message: 32 MiB
	Version  string        // of this program, told to the server
}

func (o Options) withDefaults() Options {
	if o.Timeout <= 0 {
		o.Timeout = 30 * time.Second
	}
	if o.Grace <= 0 {
		o.Grace = 2 * time.Second
	}
	if o.MaxPages <= 0 {
		o.MaxPages = 1000
	}
	if o.MaxItems <= 0 {
		o.MaxItems = 100_000
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 32 << 20
	}
	if o.Version == "" {
		o.Version = "(devel)"
	}
	return o
}
