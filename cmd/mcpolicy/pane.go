package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/mattn/go-isatty"
	"golang.org/x/term"

	"github.com/mcpolicy/mcpolicy/source"
)

// paneFlag is the hidden flag of a run that another process shows.
const paneFlag = "pane"

// A pane is where the run of a watch writes to: a part of the watch's terminal, if it has
// one. Files is where the run says which files below the config it has read.
type pane struct {
	width int // 0 if it is no terminal
	color bool
	files string

	w io.Writer

	mu   sync.Mutex
	read map[string]bool
}

// String returns what parsePane reads: 80:color:FILE.
func (p *pane) String() string { return fmt.Sprintf("%d:%t:%s", p.width, p.color, p.files) }

func parsePane(text string) (*pane, error) {
	parts := strings.SplitN(text, ":", 3)
	if len(parts) == 3 {
		width, err := strconv.Atoi(parts[0])
		color, err2 := strconv.ParseBool(parts[1])
		if err == nil && err2 == nil && parts[2] != "" {
			return &pane{width: width, color: color, files: parts[2], read: map[string]bool{}}, nil
		}
	}
	return nil, usageError{errors.New("--" + paneFlag + " is for runs of --watch alone")}
}

// Write writes to the watch.
func (p *pane) Write(b []byte) (int, error) { return p.w.Write(b) }

// terminalOf returns the width of the terminal that a writer leads to and whether it shows
// colours; it is none if the width is 0.
func terminalOf(w io.Writer) (width int, color bool) {
	if p, ok := w.(*pane); ok {
		return p.width, p.color
	}
	file, ok := w.(*os.File)
	if !ok || !isatty.IsTerminal(file.Fd()) {
		return 0, false
	}
	width = 80
	if n, _, err := term.GetSize(int(file.Fd())); err == nil && n > 0 { //nolint:gosec // a file descriptor is small
		width = n
	}
	return width, os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// noting returns a folder of which it is noted which files are opened.
func (p *pane) noting(of source.OrdinaryFS) fs.FS {
	if p == nil {
		return of
	}
	return notingFS{of, p}
}

type notingFS struct {
	source.OrdinaryFS
	pane *pane
}

// Open opens a file or a folder. It is noted also if it is not there yet.
func (n notingFS) Open(name string) (fs.File, error) {
	n.pane.mu.Lock()
	n.pane.read[name] = true
	n.pane.mu.Unlock()
	return n.OrdinaryFS.Open(name)
}

// tell writes which files were opened.
func (p *pane) tell() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	names := make([]string, 0, len(p.read))
	for name := range p.read {
		names = append(names, name)
	}
	slices.Sort(names)
	_ = os.WriteFile(p.files, []byte(strings.Join(names, "\x00")), 0o600) // the config says most of it, too
}

// told returns which files a run has opened.
func told(file string) []string {
	data, err := os.ReadFile(file) //nolint:gosec // it is the watch's own
	if err != nil || len(data) == 0 {
		return nil
	}
	return strings.Split(string(data), "\x00")
}
