package live

import (
	"fmt"
	"io"
	"maps"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"time"
)

// tailBytes is how much is kept of what a process writes to its standard
// error: the end, where it says why it ended.
const tailBytes = 4 << 10

// A process is a server that was started, with all that it starts.
type process struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout io.Reader
	stderr tail
	grace  time.Duration

	once  sync.Once
	state string // how it ended by itself, or ""
}

// start starts the target's command in a process group of its own.
func start(t Target, grace time.Duration) (*process, error) {
	p := &process{cmd: exec.Command(t.Command[0], t.Command[1:]...), grace: grace} //nolint:gosec // starting what the caller names is the job
	p.cmd.Dir = t.Dir
	p.cmd.Env = p.cmd.Environ()
	for _, name := range slices.Sorted(maps.Keys(t.Env)) {
		p.cmd.Env = append(p.cmd.Env, name+"="+string(t.Env[name]))
	}
	p.cmd.Stderr = &p.stderr
	p.cmd.WaitDelay = grace // for what it started and left behind
	ownGroup(p.cmd)
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if p.stdout, err = p.cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the server: %w", err)
	}
	return p, nil
}

// end ends the process and whatever is left of its group: first its input
// ends, then it is asked to, then it is made to.
func (p *process) end() {
	if p == nil {
		return
	}
	p.once.Do(func() {
		_ = p.stdin.Close() // it may have gone already
		exited := make(chan struct{})
		go func() {
			_ = p.cmd.Wait() // how it ended is in its state
			close(exited)
		}()
		pid := p.cmd.Process.Pid
		if p.within(func() bool { return isClosed(exited) }) && !groupAlive(pid) {
			p.state = p.cmd.ProcessState.String()
			return
		}
		if isClosed(exited) {
			p.state = p.cmd.ProcessState.String()
		}
		for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
			signalGroup(p.cmd, sig)
			if p.within(func() bool { return isClosed(exited) && !groupAlive(pid) }) {
				return
			}
		}
	})
}

// within waits for a condition for as long as the grace lasts.
func (p *process) within(done func() bool) bool {
	for deadline := time.Now().Add(p.grace); ; time.Sleep(5 * time.Millisecond) {
		if done() {
			return true
		}
		if time.Now().After(deadline) {
			return false
		}
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// tail keeps the end of what is written to it.
type tail struct {
	mu  sync.Mutex
	buf []byte
	cut bool
}

// Write keeps the end of p.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - tailBytes; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
		t.cut = true
	}
	return len(p), nil
}

// String returns what was kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cut {
		return "..." + string(t.buf)
	}
	return string(t.buf)
}
