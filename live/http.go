package live

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
)

// A guard sends requests to one origin and to no other, with what the target
// says they carry.
type guard struct {
	base     *http.Transport
	origin   string
	header   http.Header
	maxBytes int64
	protocol atomic.Value // the negotiated protocol version, a string
}

func newGuard(t Target, o Options) *guard {
	g := &guard{base: http.DefaultTransport.(*http.Transport).Clone(), header: t.header(), maxBytes: int64(o.MaxBytes)} //nolint:errcheck // as the standard library has it
	g.base.MaxResponseHeaderBytes = 1 << 20
	if u, err := url.Parse(t.URL); err == nil {
		g.origin = originOf(u)
	}
	return g
}

// client follows redirects within the origin only.
func (g *guard) client() *http.Client {
	return &http.Client{Transport: g, CheckRedirect: func(req *http.Request, via []*http.Request) error {
		if err := g.check(req); err != nil {
			return err
		}
		if len(via) >= 5 {
			return fmt.Errorf("more than %d redirects", len(via))
		}
		return nil
	}}
}

// check refuses a request to another origin.
func (g *guard) check(req *http.Request) error {
	to := originOf(req.URL)
	if to == g.origin {
		return nil
	}
	err := &RedirectError{From: g.origin, To: to}
	x := exchangeOf(req.Context())
	x.mu.Lock()
	x.refused = err
	x.mu.Unlock()
	return err
}

// Origin returns scheme, host and port of a URL: what gets the token of a target
// that has it. It is "" for what is no URL.
func Origin(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	return originOf(u)
}

// originOf returns scheme, host and port.
func originOf(u *url.URL) string {
	host := strings.ToLower(u.Host)
	switch {
	case u.Scheme == "https" && u.Port() == "443", u.Scheme == "http" && u.Port() == "80":
		host = host[:strings.LastIndexByte(host, ':')]
	}
	return u.Scheme + "://" + host
}

// RoundTrip sends a request.
func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := g.check(req); err != nil {
		return nil, err
	}
	req = req.Clone(req.Context())
	for name, values := range g.header {
		req.Header[name] = values
	}
	if v, ok := g.protocol.Load().(string); ok && req.Header.Get("Mcp-Protocol-Version") == "" {
		req.Header.Set("Mcp-Protocol-Version", v)
	}
	resp, err := g.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	x := exchangeOf(req.Context())
	x.mu.Lock()
	x.status = resp.StatusCode
	x.mu.Unlock()
	// Event streams end with their request and have limits by event.
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		resp.Body = &limited{ReadCloser: resp.Body, left: g.maxBytes, x: x}
	}
	return resp, nil
}

// limited is a body that fails when it is larger than what is read.
type limited struct {
	io.ReadCloser
	left int64
	x    *exchange
}

// Read reads from the body.
func (l *limited) Read(p []byte) (int, error) {
	if l.left < 0 {
		err := &LimitError{Reason: "the answer is larger than what is read"}
		l.x.mu.Lock()
		l.x.limit = err
		l.x.mu.Unlock()
		return 0, err
	}
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.ReadCloser.Read(p)
	l.left -= int64(n)
	return n, err
}
