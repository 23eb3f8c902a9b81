package remote_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/mcpolicy/mcpolicy/internal/cerbosbin"
	"github.com/mcpolicy/mcpolicy/internal/pdptest"
	"github.com/mcpolicy/mcpolicy/pdp/remote"
)

// nameServer answers questions about one name on loopback, and none about
// others.
func nameServer(t *testing.T, name string, ips ...[4]byte) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		buffer := make([]byte, 512)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return // the end of the test
			}
			var m dnsmessage.Message
			if m.Unpack(buffer[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			q := m.Questions[0]
			reply := dnsmessage.Message{
				Header: dnsmessage.Header{ID: m.ID, Response: true, Authoritative: true}, Questions: m.Questions,
			}
			if q.Name.String() != name+"." {
				reply.RCode = dnsmessage.RCodeNameError
			} else if q.Type == dnsmessage.TypeA {
				for _, ip := range ips {
					reply.Answers = append(reply.Answers, dnsmessage.Resource{
						Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1},
						Body:   &dnsmessage.AResource{A: ip},
					})
				}
			}
			if packed, err := reply.Pack(); err == nil {
				_, _ = conn.WriteTo(packed, from) // who does not get it asks again
			}
		}
	}()
	return conn.LocalAddr().String()
}

// TestRemoteName has a name with three addresses: two PDPs, and a third where
// nobody listens. Calls go to both of the two in turn.
func TestName(t *testing.T) {
	dir := t.TempDir()
	cert, key := cerbosbin.Certificate(t, dir, "pdp")
	pdpAddr := cerbosbin.Serve(t, pdptest.Folder(t, salesPolicy), map[string]any{"server": map[string]any{"tls": map[string]any{"cert": cert, "key": key}}})
	first := cerbosbin.NewProxy(t, "127.0.0.1:0", pdpAddr)
	_, port, _ := net.SplitHostPort(first.Addr)
	second := cerbosbin.NewProxy(t, "127.0.0.2:"+port, pdpAddr)
	server := nameServer(t, "pdp.test", [4]byte{127, 0, 0, 2}, [4]byte{127, 0, 0, 1}, [4]byte{127, 0, 0, 3})

	target := "dns://" + server + "/pdp.test:" + port
	options := remote.Options{CAFile: cert, ServerName: "localhost", Timeout: 5 * time.Second, Retries: 1}
	running, err := remote.Dial(t.Context(), target, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = running.Close() })
	want := pdptest.Decide(t, running, requestsFor(500, sally, ian))
	// How much each gets is not held: one that is slow for a moment comes last for a while.
	if a, b := first.Replies(), second.Replies(); a == 0 || b == 0 {
		t.Errorf("one address replied with %d bytes, the other with %d", a, b)
	}
	first.Cut()
	if diff := cmp.Diff(want, pdptest.Decide(t, running, requestsFor(500, sally, ian))); diff != "" {
		t.Errorf("with one address of three left (-before +after):\n%s", diff)
	}
	second.Cut()
	if _, err := running.Decide(t.Context(), requestsFor(10, sally)); err == nil || !strings.Contains(err.Error(), "pdp.test:"+port+" at 127.0.0.1:"+port) {
		t.Errorf("with none left: %v", err)
	}

	options.ServerName = "" // the certificate is for localhost
	if _, err := remote.Dial(t.Context(), target, options); err == nil || !strings.Contains(err.Error(), "pdp.test") {
		t.Errorf("a certificate for another name: %v", err)
	}
	_, err = remote.Dial(t.Context(), "dns://"+server+"/other.test:"+port, options)
	if err == nil || !strings.Contains(err.Error(), "other.test") {
		t.Errorf("a name that does not exist: %v", err)
	}
}

// TestRemoteLocalhost has the system's resolver look a name up.
func TestLocalhost(t *testing.T) {
	addr := cerbosbin.Serve(t, pdptest.Folder(t, salesPolicy), nil)
	_, port, _ := net.SplitHostPort(addr)
	pdptest.Decide(t, pdptest.Dial(t, "dns:///localhost:"+port, remote.Options{}), requestsFor(20, sally))
}

func TestOptionsCheck(t *testing.T) {
	tests := map[string]struct {
		target  string
		options remote.Options
		want    string
	}{
		"a name without a port":     {"dns:///pdp", remote.Options{}, "want dns:///host:port"},
		"no name":                   {"dns:///:3593", remote.Options{}, "want dns:///host:port"},
		"no time":                   {"pdp:3593", remote.Options{Timeout: -time.Second}, "no time"},
		"a certificate without TLS": {"pdp:3593", remote.Options{Plaintext: true, CAFile: "ca.pem"}, "without TLS"},
		"a key alone":               {"pdp:3593", remote.Options{KeyFile: "key.pem"}, "needed together"},
	}
	for name, tt := range tests {
		if err := tt.options.Check("good:3593", tt.target); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want one about %q", name, err, tt.want)
		}
	}
	if err := (remote.Options{}).Check("pdp:3593", "dns:///pdp:3593", "dns://1.1.1.1/pdp:3593", "unix:/run/pdp.sock", "[::1]:3593"); err != nil {
		t.Error(err)
	}
}
