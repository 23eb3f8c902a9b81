//go:build e2e && linux

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mcpolicy/mcpolicy/internal/cerbosbin"
)

const (
	startTime  = 2 * time.Minute // what is first imported is compiled first
	startTries = 3               // a port may be taken between choosing it and listening
)

// A server is the server.py of a fixture, running until its test ends.
type server struct {
	url  string
	runs string // the file in which it counts the runs of its tools

	cmd  *exec.Cmd
	log  *lockedBuffer
	gone chan struct{} // closed when the process has ended
}

// serve starts the server.py in dir behind a PDP, with a token for each of the
// keys: see [token]. Further settings are variables of its environment.
func serve(t *testing.T, interpreter, dir string, behind *cerbosbin.Server, keys []string, settings ...string) *server {
	t.Helper()
	var last error
	for range startTries {
		s, err := start(interpreter, dir, filepath.Join(t.TempDir(), "runs.json"), behind, append(tokens(keys), settings...))
		if err == nil {
			t.Cleanup(s.kill)
			t.Cleanup(func() {
				if t.Failed() {
					t.Logf("the server said:\n%s", s.log)
				}
			})
			return s
		}
		last = err
		if !strings.Contains(err.Error(), "address already in use") {
			break
		}
	}
	t.Fatalf("start server.py: %v", last)
	return nil
}

// token is the bearer token of a principal.
func token(key string) string { return "token-of-" + key }

// tokenVariable is the environment variable that has it, for the server as for
// mcpolicy.
func tokenVariable(key string) string { return strings.ToUpper(key) + "_TOKEN" }

// tokens are the variables of principals, for a process.
func tokens(keys []string) []string {
	var list []string
	for _, key := range keys {
		list = append(list, tokenVariable(key)+"="+token(key))
	}
	return list
}

func start(interpreter, dir, runs string, behind *cerbosbin.Server, settings []string) (*server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(l.Addr().String())
	if err := errors.Join(err, l.Close()); err != nil {
		return nil, err
	}
	s := &server{
		url: "http://" + net.JoinHostPort(host, port) + "/mcp", runs: runs,
		log: &lockedBuffer{}, gone: make(chan struct{}),
	}
	s.cmd = exec.Command(interpreter, "server.py")
	s.cmd.Dir = dir
	s.cmd.Env = append(os.Environ(), "HOST="+host, "PORT="+port, "RUNS_FILE="+runs,
		"CERBOS_HOST="+behind.Addr, "CERBOS_URL=http://"+behind.HTTPAddr, "FASTMCP_CHECK_FOR_UPDATES=off", "FASTMCP_LOG_LEVEL=WARNING")
	s.cmd.Env = append(s.cmd.Env, settings...)
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	s.cmd.WaitDelay = time.Second
	// A group of its own, which ends with the test, whatever becomes of that.
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = s.cmd.Wait() // the log says why
		close(s.gone)
	}()
	if err := s.waitReady(); err != nil {
		s.kill()
		return nil, fmt.Errorf("%w\n%s", err, s.log)
	}
	return s, nil
}

// kill ends the server and its children, and waits until it is gone.
func (s *server) kill() {
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL) // it may have ended already
	<-s.gone
}

// waitReady waits until the server refuses a request without a token.
func (s *server) waitReady() error {
	client := &http.Client{Timeout: time.Second}
	defer client.CloseIdleConnections()
	deadline := time.After(startTime)
	for {
		if resp, err := client.Post(s.url, "application/json", strings.NewReader("{}")); err == nil {
			_ = resp.Body.Close() // only the status matters
			if resp.StatusCode != http.StatusUnauthorized {
				return fmt.Errorf("a request without a token was answered with %s", resp.Status)
			}
			return nil
		}
		select {
		case <-s.gone:
			return fmt.Errorf("it ended: %v", s.cmd.ProcessState)
		case <-deadline:
			return fmt.Errorf("it is not ready after %v", startTime)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// ran returns how often each tool has run. It is the server's own count, which
// no client can see.
func (s *server) ran(t *testing.T) map[string]int {
	t.Helper()
	data, err := os.ReadFile(s.runs)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]int{}
	}
	if err != nil {
		t.Fatal(err)
	}
	var runs map[string]int
	if err := json.Unmarshal(data, &runs); err != nil {
		t.Fatal(err)
	}
	return runs
}

// A lockedBuffer takes what a process prints while it is read.
type lockedBuffer struct {
	mu  sync.Mutex
	buf strings.Builder
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
