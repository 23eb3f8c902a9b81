package cerbosbin

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gopkg.in/yaml.v3"
)

// A Server is a PDP that runs until its test ends.
type Server struct {
	Addr     string // host:port of the gRPC listener, on loopback
	HTTPAddr string // of the HTTP listener

	cmd  *exec.Cmd
	log  *lockedBuffer
	gone chan struct{} // closed when the process has ended
}

// Serve starts a PDP over a directory of policies and returns the address of
// its gRPC listener. See [Start].
func Serve(t testing.TB, policiesDir string, conf map[string]any) (addr string) {
	t.Helper()
	return Start(t, policiesDir, conf).Addr
}

const (
	startTime  = 30 * time.Second
	startTries = 3 // a port may be taken between choosing it and listening
)

// Start starts a PDP over a directory of policies, on free ports of the
// loopback interface and without telemetry, and waits until it is ready. The
// configuration may hold whatever Cerbos's own does; addresses and storage are
// set here. The process ends with the test.
func Start(t testing.TB, policiesDir string, conf map[string]any) *Server {
	t.Helper()
	binary := Path(t)
	policies, err := filepath.Abs(policiesDir)
	if err != nil {
		t.Fatal(err)
	}
	var last error
	for range startTries {
		s, err := startOnce(t.TempDir(), binary, policies, conf)
		if err == nil {
			t.Cleanup(s.Kill)
			return s
		}
		last = err
		if !strings.Contains(err.Error(), "address already in use") {
			break
		}
	}
	t.Fatalf("start a PDP: %v", last)
	return nil
}

// Kill ends the process at once, as a crash does, and waits until it is gone.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill() // it may have ended already
	<-s.gone
}

func startOnce(dir, binary, policies string, conf map[string]any) (*Server, error) {
	ports, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	s := &Server{Addr: ports[0], HTTPAddr: ports[1], log: &lockedBuffer{}, gone: make(chan struct{})}
	data, err := yaml.Marshal(merged(conf, map[string]any{
		"server":    map[string]any{"grpcListenAddr": ports[0], "httpListenAddr": ports[1]},
		"storage":   map[string]any{"driver": "disk", "disk": map[string]any{"directory": policies, "watchForChanges": false}},
		"telemetry": map[string]any{"disabled": true},
	}))
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "cerbos.yaml")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		return nil, err
	}
	s.cmd = exec.Command(binary, "server", "--config="+file, "--log-level=warn") //nolint:gosec // the pinned binary
	s.cmd.Env = append(os.Environ(), "CERBOS_NO_TELEMETRY=1")
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	s.cmd.WaitDelay = time.Second
	endWithParent(s.cmd)
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = s.cmd.Wait() // the log says why
		close(s.gone)
	}()
	if err := s.waitReady(); err != nil {
		s.Kill()
		return nil, fmt.Errorf("%w\n%s", err, s.log)
	}
	return s, nil
}

// waitReady waits until the PDP says that it serves.
func (s *Server) waitReady() error {
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // our own process on loopback
	}}
	defer client.CloseIdleConnections()
	deadline := time.After(startTime)
	for {
		for _, scheme := range []string{"http", "https"} {
			if resp, err := client.Get(scheme + "://" + s.HTTPAddr + "/_cerbos/health"); err == nil {
				_ = resp.Body.Close() // only the status matters
				if resp.StatusCode == http.StatusOK {
					return nil
				}
			}
		}
		select {
		case <-s.gone:
			return fmt.Errorf("cerbos server ended: %v", s.cmd.ProcessState)
		case <-deadline:
			return fmt.Errorf("cerbos server is not ready after %v", startTime)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// freePorts returns addresses that nothing listens on.
func freePorts(n int) ([]string, error) {
	var list []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer func() { _ = l.Close() }() // all are open at once, to be different
		list = append(list, l.Addr().String())
	}
	return list, nil
}

// merged returns base with over on top, mapping by mapping.
func merged(base, over map[string]any) map[string]any {
	all := maps.Clone(base)
	if all == nil {
		all = map[string]any{}
	}
	for k, v := range over {
		below, isMap := all[k].(map[string]any)
		if above, ok := v.(map[string]any); ok && isMap {
			v = merged(below, above)
		}
		all[k] = v
	}
	return all
}

// A lockedBuffer takes what a process prints while it is read.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
