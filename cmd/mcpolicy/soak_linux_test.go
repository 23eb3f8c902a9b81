package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	// mostGrowth is what may be in use after any run in a process, of what was after the first.
	// Something grows: cobra keeps what it knows of each flag that is completed for good.
	mostGrowth = 1.1
	mostCores  = 8
	// soakProcess names the folder of a soak to the process that does it.
	soakProcess = "MCPOLICY_SOAK_PROCESS"
	// soakSeparator stands between the reports of a run.
	soakSeparator = "\n== json\n"
)

// A soak is one world, and how often it is checked.
type soak struct {
	Name      string
	Files     map[string]string
	Processes int    // runs of the command, each a process
	Runs      int    // runs in one process
	Seed      uint64 // of the orders and numbers of cores
}

// A soaked is what came of runs in one process.
type soaked struct {
	First string // what the first run wrote
	Wrong []string
	After []usage // of each run, when it had afterwards
}

// A usage is what a process holds.
type usage struct {
	Goroutines, Files, Children, Threads int
	Heap                                 int // bytes in use after a collection
}

// TestSoak runs the command again and again over inventories with policies of each style, in
// any order of files and on any number of cores: it writes the same bytes, leaves nothing
// open, running or behind, and takes no more memory than at first. MCPOLICY_SOAK names a
// folder of inventories; without it, it is done with some of the fixtures', and seldom.
func TestSoak(t *testing.T) {
	if dir := os.Getenv("MCPOLICY_SOAK"); dir != "" {
		soakFolder(t, dir)
		return
	}
	if testing.Short() {
		t.Skip("takes a while")
	}
	for i, style := range slices.Sorted(maps.Keys(styles)) {
		file := []string{"quickstart/manifests/crm.json", "fastmcp/manifests/desk.json", "insecure/manifests/wiki.json"}[i]
		w := soakOf(t, style, filepath.Join("..", "..", "fixtures", file))
		w.Processes, w.Runs, w.Seed = 2, 3, uint64(i)
		t.Run(w.Name, func(t *testing.T) {
			t.Parallel()
			w.run(t, "mcpolicy")
		})
	}
}

// soakFolder does it with all inventories of a folder, in each style.
func soakFolder(t *testing.T, dir string) {
	n := 20
	if text := os.Getenv("MCPOLICY_SOAK_RUNS"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil || n < 4 {
			t.Fatalf("MCPOLICY_SOAK_RUNS: want at least 4 runs, not %q", text)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no inventories in %s: %v", dir, err)
	}
	command := filepath.Join(t.TempDir(), "mcpolicy")
	if out, err := exec.Command("go", "build", "-o", command, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	for i, file := range files {
		for j, style := range slices.Sorted(maps.Keys(styles)) {
			w := soakOf(t, style, file)
			w.Processes, w.Runs, w.Seed = n/2, n-n/2, uint64(i*len(styles)+j)
			t.Run(w.Name, func(t *testing.T) { w.run(t, command) })
		}
	}
}

// soakOf is a world of one style about the servers of a file.
func soakOf(t *testing.T, style, file string) soak {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	files, err := styled(style, filepath.Base(file), data)
	if err != nil {
		t.Fatal(err)
	}
	return soak{Name: filepath.Base(file) + "/" + style, Files: files}
}

func (s *soak) run(t *testing.T, command string) {
	dir, r := t.TempDir(), rand.New(rand.NewPCG(s.Seed, 1))
	first := s.within(t, dir)
	var peaks, on []int
	for i := range s.Processes {
		cores := 1 + r.IntN(mostCores)
		order := newOrder(s.Files, r, i%2 == 1)
		out, peak := s.process(t, command, dir, order, cores)
		if diff := order.differ(t, first, out); diff != "" {
			t.Errorf("process %d, on %d cores, files renamed: %t:\n%s", i, cores, order.renamed, diff)
		}
		peaks, on = append(peaks, peak), append(on, cores)
	}
	most, least := slices.Index(peaks, slices.Max(peaks)), slices.Index(peaks, slices.Min(peaks))
	t.Logf("%d MiB at most in the first of %d processes, on %d cores; of that %s, on %d and %d cores",
		peaks[0]>>20, s.Processes, on[0], ratios(peaks), on[least], on[most])
}

// within does the runs in one process, and returns what the first wrote.
func (s *soak) within(t *testing.T, dir string) string {
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "soak.json"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestSoakProcess$", "-test.timeout=0")
	cmd.Env = append(os.Environ(), soakProcess+"="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var got soaked
	if data, err = os.ReadFile(filepath.Join(dir, "soaked.json")); err == nil {
		err = json.Unmarshal(data, &got)
	}
	if err != nil || len(got.After) != s.Runs || got.First == "" {
		t.Fatalf("%d of %d runs: %v", len(got.After), s.Runs, err)
	}
	for _, wrong := range got.Wrong {
		t.Error(wrong)
	}
	var heaps []int
	begun := got.After[0]
	for i, now := range got.After {
		if now.Goroutines > begun.Goroutines || now.Files > begun.Files || now.Children > 0 {
			t.Errorf("after run %d there are %d goroutines, %d open files and %d children; after the first %d, %d and %d",
				i, now.Goroutines, now.Files, now.Children, begun.Goroutines, begun.Files, begun.Children)
		}
		if heaps = append(heaps, now.Heap); float64(now.Heap) > mostGrowth*float64(begun.Heap) {
			t.Errorf("after run %d, %d bytes are in use, %d after the first", i, now.Heap, begun.Heap)
		}
	}
	last := got.After[len(got.After)-1]
	t.Logf("after the first of %d runs %d MiB in use, then of that %s; %d goroutines, %d files, %d threads at the end",
		s.Runs, begun.Heap>>20, ratios(heaps), last.Goroutines, last.Files, last.Threads)
	return got.First
}

// ratios says between what and what numbers are, of the first.
func ratios(list []int) string {
	first := float64(list[0])
	return fmt.Sprintf("%.3f to %.3f", float64(slices.Min(list))/first, float64(slices.Max(list))/first)
}

// TestSoakProcess does the runs of a soak in its own process.
func TestSoakProcess(t *testing.T) {
	dir := os.Getenv(soakProcess)
	if dir == "" {
		t.Skip("TestSoak runs it")
	}
	data, err := os.ReadFile(filepath.Join(dir, "soak.json"))
	if err != nil {
		t.Fatal(err)
	}
	var s soak
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	var all soaked
	r := rand.New(rand.NewPCG(s.Seed, 0))
	for i := range s.Runs {
		cores := 1 + r.IntN(mostCores)
		order := newOrder(s.Files, r, i%2 == 1)
		order.write(t, dir)
		runtime.GOMAXPROCS(cores)
		var out, errs bytes.Buffer
		status := run(t.Context(), soakArgs(dir), &out, &errs)
		written := soakedOutput(t, dir, status, out.String(), errs.String())
		if i == 0 {
			all.First = written
		} else if diff := order.differ(t, all.First, written); diff != "" {
			all.Wrong = append(all.Wrong, fmt.Sprintf("run %d, on %d cores, files renamed: %t:\n%s", i, cores, order.renamed, diff))
		}
		if i == 0 {
			time.Sleep(time.Second) // it settles, and says what the others are held to
			all.After = append(all.After, afterwards(t, usage{Goroutines: math.MaxInt, Files: math.MaxInt, Heap: math.MaxInt / 2}))
			continue
		}
		all.After = append(all.After, afterwards(t, all.After[0]))
	}
	if data, err = json.Marshal(all); err == nil {
		err = os.WriteFile(filepath.Join(dir, "soaked.json"), data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// afterwards returns what this process holds once it holds no more than that, or what it still
// holds after some seconds. Files are counted before it collects, which closes those that are lost.
func afterwards(t *testing.T, least usage) usage {
	const patience = 5 * time.Second
	var now usage
	for start := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		now.Goroutines, now.Children = runtime.NumGoroutine(), childrenOf(t)
		now.Files, now.Threads = entries(t, "/proc/self/fd"), entries(t, "/proc/self/task")
		if now.Goroutines <= least.Goroutines && now.Files <= least.Files && now.Children == 0 || time.Since(start) > patience {
			break
		}
	}
	for start := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		runtime.GC()
		runtime.GC() // what only pools kept is gone now
		var heap runtime.MemStats
		runtime.ReadMemStats(&heap)
		if now.Heap = int(heap.HeapAlloc); now.Heap <= int(mostGrowth*float64(least.Heap)) || time.Since(start) > patience {
			return now
		}
	}
}

// childrenOf counts the processes that this one has started and that are not gone.
func childrenOf(t *testing.T) int {
	files, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil || len(files) == 0 {
		t.Fatal("the system does not tell of children", err)
	}
	n := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, syscall.ESRCH) { // a thread may end
			t.Fatal(err)
		}
		n += len(strings.Fields(string(data)))
	}
	return n
}

func entries(t *testing.T, dir string) int {
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// process runs the command as a process of its own, and returns what it wrote and the most
// memory that it had.
func (s *soak) process(t *testing.T, command, dir string, o *order, cores int) (string, int) {
	o.write(t, dir)
	temporary := filepath.Join(dir, "tmp")
	if err := os.MkdirAll(temporary, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), command, soakArgs(dir)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.Env = append(os.Environ(), fmt.Sprintf("GOMAXPROCS=%d", cores), "TMPDIR="+temporary)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	peak := peakOf(cmd.Process.Pid)
	err := cmd.Wait()
	most := peak()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || most == 0 {
		t.Fatal(most, err)
	}
	if err := syscall.Kill(-cmd.Process.Pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("a process is left behind: %v", err)
	}
	if n := entries(t, temporary); n > 0 {
		t.Errorf("%d temporary files are left behind", n)
	}
	return soakedOutput(t, dir, cmd.ProcessState.ExitCode(), out.String(), errs.String()), most
}

func soakArgs(dir string) []string {
	return []string{"check", "-C", filepath.Join(dir, "world"), "--now", "2026-07-01T00:00:00Z", "--format", "text", "--format", "json=" + filepath.Join(dir, "out.json")}
}

// wrappedElapsed is how long a run took, wherever the line is broken.
var wrappedElapsed = regexp.MustCompile(`\sin\s(\d+\sms|[0-9.]+\ss)\b`)

// soakedOutput is what a run wrote, but for how long it took.
func soakedOutput(t *testing.T, dir string, status int, out, errs string) string {
	if status != exitOK && status != exitFinding || errs != "" {
		t.Fatalf("status %d: %s", status, errs)
	}
	data, err := os.ReadFile(filepath.Join(dir, "out.json"))
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("status %d\n%s%s%s", status, wrappedElapsed.ReplaceAllString(out, ""), soakSeparator, data)
}

// An order is one in which the files of a world are written.
type order struct {
	files   map[string]string
	names   []string
	renamed bool
	was     map[string]string // the names of renamed files
}

// newOrder puts files into any order. Renamed, policies and suites have each other's names,
// so that they are read in another order, too.
func newOrder(files map[string]string, r *rand.Rand, renamed bool) *order {
	o := &order{files: maps.Clone(files), names: slices.Sorted(maps.Keys(files)), renamed: renamed, was: map[string]string{}}
	for _, folder := range []string{"policies/", "tests/"} {
		names := slices.DeleteFunc(slices.Clone(o.names), func(name string) bool { return !strings.HasPrefix(name, folder) })
		for i, j := range r.Perm(len(names)) {
			if renamed {
				o.files[names[j]], o.was[names[j]] = files[names[i]], names[i]
			}
		}
	}
	r.Shuffle(len(o.names), func(i, j int) { o.names[i], o.names[j] = o.names[j], o.names[i] })
	return o
}

func (o *order) write(t *testing.T, dir string) {
	world := filepath.Join(dir, "world")
	if err := os.RemoveAll(world); err != nil {
		t.Fatal(err)
	}
	writeFiles(t, world, o.files, o.names)
}

// renamedFile is the name of a file that newOrder renames.
var renamedFile = regexp.MustCompile(`(policies/p|tests/t)\d\d\.yaml`)

// differ compares what was written with what is written otherwise, byte by byte. Where files
// are renamed, what is sorted or shown by its place stands elsewhere: then it compares all
// else that the JSON says.
func (o *order) differ(t *testing.T, first, then string) string {
	if o.renamed {
		then = renamedFile.ReplaceAllStringFunc(then, func(name string) string { return o.was[name] })
		return cmp.Diff(unplaced(t, first), unplaced(t, then))
	}
	return cmp.Diff(first, then)
}

// placed are keys of the JSON report that say where something stands, or what of it is shown
// first.
var placed = []string{"file", "line", "column", "evidence", "related"}

// unplaced returns what a report says in JSON, whatever the places and in whatever order.
func unplaced(t *testing.T, written string) any {
	_, report, found := strings.Cut(written, soakSeparator)
	var v any
	if err := json.Unmarshal([]byte(report), &v); err != nil || !found {
		t.Fatalf("no JSON: %v", err)
	}
	return withoutPlaces(t, v)
}

func withoutPlaces(t *testing.T, v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			if slices.Contains(placed, key) {
				delete(v, key)
			} else {
				v[key] = withoutPlaces(t, value)
			}
		}
	case []any:
		texts := make([]string, len(v))
		for i, value := range v {
			text, err := json.Marshal(withoutPlaces(t, value))
			if err != nil {
				t.Fatal(err)
			}
			texts[i] = string(text)
		}
		slices.Sort(texts)
		return texts
	}
	return v
}

// writeFiles writes files into a folder, in that order.
func writeFiles(t *testing.T, dir string, files map[string]string, names []string) {
	t.Helper()
	for _, name := range names {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(files[name]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
