package main

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	mostWatches = 1000    // folders that the system is asked about
	mostSeen    = 100_000 // files that are looked at
	// pollEvery is how often files are looked at in any case: not all file systems tell of
	// changes. Where looking takes long, it is seldomer, at most a pollShare of the time.
	pollEvery = time.Second
	pollShare = 50
)

// A fileWatch finds out whether files have changed that a command reads. What the system
// tells is only a reason to look; what counts is what is there.
type fileWatch struct {
	notify *fsnotify.Watcher // nil where the system cannot tell
	moved  chan struct{}     // has a value when it is time to look

	sources []ingredient
	extra   map[string]bool // files that runs have read besides
	before  map[string]seen // by path, when it was last looked
	looked  time.Time

	mu     sync.Mutex
	events map[string]bool // paths that were written to since
	cost   time.Duration   // of looking
}

// newFileWatch returns one that watches nothing yet.
func newFileWatch() *fileWatch {
	w := &fileWatch{moved: make(chan struct{}, 1), extra: map[string]bool{}, events: map[string]bool{}}
	if n, err := fsnotify.NewWatcher(); err == nil { // else it is looked from time to time
		w.notify = n
	}
	go w.follow()
	return w
}

func (w *fileWatch) close() {
	if w.notify != nil {
		_ = w.notify.Close() // it ends follow, too
	}
}

// follow says when it is time to look: when the system has told of something and then was
// quiet for a moment, and from time to time.
func (w *fileWatch) follow() {
	var events chan fsnotify.Event
	var errs chan error
	if w.notify != nil {
		events, errs = w.notify.Events, w.notify.Errors
	}
	poll := time.NewTimer(pollEvery)
	defer poll.Stop()
	quiet := time.NewTimer(time.Hour)
	defer quiet.Stop()
	var first time.Time // of what was told and not looked at
	told := func() {
		if first.IsZero() {
			first = time.Now()
		}
		quiet.Reset(max(0, min(settled, unsettled-time.Since(first))))
	}
	for {
		select {
		case e, ok := <-events:
			if !ok {
				return
			}
			if e.Op != fsnotify.Chmod {
				w.mu.Lock()
				w.events[e.Name] = true
				w.mu.Unlock()
			}
			told()
		case _, ok := <-errs: // some were lost
			if !ok {
				return
			}
			told()
		case <-quiet.C:
			first = time.Time{}
			w.tell()
		case <-poll.C:
			w.mu.Lock()
			poll.Reset(max(pollEvery, pollShare*w.cost))
			w.mu.Unlock()
			if first.IsZero() { // else it is being waited for quiet
				w.tell()
			}
		}
	}
}

func (w *fileWatch) tell() {
	select {
	case w.moved <- struct{}{}:
	default: // it was told already
	}
}

// look notes how the files are that a command reads, and begins to watch them. If the
// config cannot be read, they are those of before.
func (w *fileWatch) look(in *input, suites bool) {
	w.sources = in.sources(w.sources, suites)
	w.now(time.Time{}) // to watch them first
	w.mu.Lock()
	clear(w.events)
	w.mu.Unlock()
	w.looked = time.Now()
	w.before = w.now(w.looked)
}

// include adds files that a run has read besides. One that was written to since it was
// last looked has changed.
func (w *fileWatch) include(files []string, all bool) {
	if all {
		clear(w.extra)
	}
	for _, file := range files {
		file = fullPath(file)
		w.extra[file] = true
		if _, ok := w.before[file]; ok {
			continue
		}
		if s, ok := see(file, time.Now()); ok {
			w.before[file] = s
			if s.info.ModTime().After(w.looked.Add(-coarse)) {
				w.mu.Lock()
				w.events[file] = true
				w.mu.Unlock()
				w.tell()
			}
		}
	}
	w.now(time.Time{}) // to watch them
}

// changed returns the files that are not as they were when it was last looked.
func (w *fileWatch) changed() []string {
	now := w.now(time.Time{})
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []string
	for path, is := range now {
		if was, ok := w.before[path]; !ok || w.events[path] || !was.same(path, is) {
			list = append(list, called(path))
		}
	}
	for path := range w.before {
		if _, ok := now[path]; !ok {
			list = append(list, called(path))
		}
	}
	return list
}

// now looks at all files, as see does, and watches the folders that they are in.
func (w *fileWatch) now(at time.Time) map[string]seen {
	start := time.Now()
	l := looking{files: map[string]seen{}, dirs: map[string]bool{}, at: at}
	for _, s := range w.sources {
		l.look(fullPath(s.name))
	}
	for file := range w.extra {
		l.file(file)
	}
	if w.notify != nil {
		for _, dir := range w.notify.WatchList() {
			if !l.dirs[dir] {
				_ = w.notify.Remove(dir) // it may have gone
			}
		}
		dirs := slices.Sorted(maps.Keys(l.dirs))
		for _, dir := range dirs[:min(mostWatches, len(dirs))] {
			_ = w.notify.Add(dir) // what cannot be watched is looked at from time to time
		}
	}
	w.mu.Lock()
	w.cost = time.Since(start)
	w.mu.Unlock()
	return l.files
}

// A looking is one look at all files.
type looking struct {
	files map[string]seen
	dirs  map[string]bool // that they are in
	at    time.Time
}

// look looks at a file, or at those in a folder that are read there, or would be.
func (l *looking) look(path string) {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		l.file(path)
		return
	}
	l.dirs[filepath.Dir(path)] = true
	if to, err := filepath.EvalSymlinks(path); err == nil {
		path = to
	}
	_ = filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error { // what cannot be read is reported by the run
		switch {
		case err != nil || len(l.files) >= mostSeen:
			return fs.SkipDir
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && name != path:
			return fs.SkipDir
		case d.IsDir():
			l.dirs[name] = true
		case isRead("x" + filepath.Ext(name)):
			l.file(name)
		}
		return nil
	})
}

// file looks at a file, which need not be there.
func (l *looking) file(path string) {
	l.dirs[filepath.Dir(path)] = true
	if to, err := filepath.EvalSymlinks(path); err == nil && to != path {
		l.dirs[filepath.Dir(to)] = true
	}
	if s, ok := see(path, l.at); ok {
		l.files[path] = s
	}
}

// sources are what a command reads. If the config cannot be read, they are those of before.
func (in *input) sources(before []ingredient, suites bool) []ingredient {
	cfg, dir, err := in.readConfig()
	if err != nil {
		file, err := in.findConfig()
		if err == nil && file != "" && len(before) == 0 {
			before = []ingredient{{what: "the config", name: file}}
		}
		return before
	}
	if dir != nil {
		defer func() { _ = dir.close() }() // it was only read
	}
	var list []ingredient
	for _, s := range in.ingredients(cfg, dir) {
		if suites || s.what != "a suite" {
			list = append(list, s)
		}
	}
	return list
}

// fullPath returns the path of a name whose folder may be a link, but is not followed
// itself.
func fullPath(name string) string {
	dir, base := filepath.Split(filepath.Clean(name))
	return filepath.Join(absolute(dir), base)
}

// called returns the path of a file as it is called from the working directory.
func called(path string) string {
	if rel, err := filepath.Rel(absolute(""), path); err == nil && filepath.IsLocal(rel) {
		path = rel
	}
	return filepath.ToSlash(path)
}
