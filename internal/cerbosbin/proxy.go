package cerbosbin

import (
	"io"
	"net"
	"sync"
	"testing"
)

// A Proxy stands in front of a PDP and can make it fail in the ways that a
// network does. It forwards bytes, and knows nothing of what they say.
type Proxy struct {
	Addr string // host:port, on loopback

	mu     sync.Mutex
	target string
	conns  map[net.Conn]bool
	mode   mode
	sent   int // bytes of replies
	left   int // bytes of replies until the fault, if there is one to come
	fault  func()
	thaw   chan struct{} // closed when nothing hangs any more
}

type mode int

const (
	forward mode = iota
	cut
	hang
)

// NewProxy starts a proxy on an address of the loopback interface, whose port
// may be 0. It ends with the test.
func NewProxy(t testing.TB, addr, target string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{Addr: l.Addr().String(), target: target, conns: map[net.Conn]bool{}, thaw: make(chan struct{})}
	t.Cleanup(func() {
		_ = l.Close()
		p.Cut()
		close(p.thaw)
	})
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // the end of the test
			}
			go p.serve(c)
		}
	}()
	return p
}

// Cut ends all connections, in the middle of a reply or not, and every further
// one at once: the PDP is dead.
func (p *Proxy) Cut() { p.become(cut) }

// Hang leaves all connections open and forwards nothing any more.
func (p *Proxy) Hang() { p.become(hang) }

// To ends all connections and forwards further ones to another PDP.
func (p *Proxy) To(target string) {
	p.mu.Lock()
	p.target = target
	p.mu.Unlock()
	p.become(forward)
}

// After makes a fault when that many more bytes of replies have passed. A reply
// that they end in the middle of is not forwarded further.
func (p *Proxy) After(n int, fault func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left, p.fault = n, fault
}

// Replies returns how many bytes of replies have passed.
func (p *Proxy) Replies() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sent
}

func (p *Proxy) become(m mode) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mode = m
	if m != hang {
		for c := range p.conns {
			_ = c.Close() // the copying ends with it
		}
		clear(p.conns)
	}
}

func (p *Proxy) serve(down net.Conn) {
	p.mu.Lock()
	target, m := p.target, p.mode
	p.conns[down] = true
	p.mu.Unlock()
	defer func() { _ = down.Close() }()
	if m == cut {
		return
	}
	up, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer func() { _ = up.Close() }()
	p.mu.Lock()
	p.conns[up] = true
	p.mu.Unlock()
	go func() {
		p.copy(up, down, false)
		_ = up.Close()
	}()
	p.copy(down, up, true)
}

// copy forwards what it reads until one side ends.
func (p *Proxy) copy(to io.Writer, from io.Reader, replies bool) {
	buffer := make([]byte, 16<<10)
	for {
		n, err := from.Read(buffer)
		part, fault := p.pass(n, replies)
		if _, failed := to.Write(buffer[:part]); failed != nil {
			return
		}
		if fault != nil {
			fault()
		}
		if p.hangs() {
			<-p.thaw
			return
		}
		if part < n || err != nil {
			return
		}
	}
}

// pass returns how much of n bytes is forwarded, and the fault that follows.
func (p *Proxy) pass(n int, replies bool) (int, func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.mode == hang:
		return 0, nil
	case replies:
		p.sent += n
	}
	switch {
	case p.fault == nil || !replies:
		return n, nil
	case n < p.left:
		p.left -= n
		return n, nil
	}
	fault := p.fault
	p.fault = nil
	return p.left, fault
}

func (p *Proxy) hangs() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mode == hang
}
