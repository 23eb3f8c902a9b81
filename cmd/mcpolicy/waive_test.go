package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/mcpolicy/mcpolicy/internal/gittest"
)

// TestWaiveAtTheSameTime holds that no waiver is lost where several processes
// write one at the same time, through the config and through a link to it.
func TestWaiveAtTheSameTime(t *testing.T) {
	const writers = 8
	dir := writeWorld(t, nil)
	file := filepath.Join(dir, "mcpolicy.yaml")
	link := filepath.Join(dir, "link.yaml")
	gittest.Link(t, "mcpolicy.yaml", link)
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			name := []string{file, link}[i%2]
			cmd := exec.CommandContext(t.Context(), "mcpolicy", "waive", "rule-untested", "--force", "--config", name, "--reason", fmt.Sprintf("reason %d", i))
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("writer %d: %v\n%s", i, err, out)
			}
		})
	}
	all.Wait()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := range writers {
		if !strings.Contains(string(data), fmt.Sprintf("reason %d", i)) {
			t.Errorf("the waiver of writer %d is lost:\n%s", i, data)
		}
	}
	if target, err := os.Readlink(link); err != nil || target != "mcpolicy.yaml" {
		t.Errorf("the link leads to %q, %v", target, err)
	}
}

// TestLockWaits holds that a lock keeps others out until it is given back, that
// waiting ends with the context, and that it is one of the file that has the
// name now.
func TestLockWaits(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a.yaml")
	put(t, name, "a")
	unlock, err := lock(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan error)
	go func() {
		again, err := lock(t.Context(), name)
		if err == nil {
			data, readErr := os.ReadFile(name)
			if string(data) != "b" {
				err = fmt.Errorf("locked while the file was %q, %w", data, readErr)
			}
			again()
		}
		got <- err
	}()
	put(t, name+".new", "b")
	if err := os.Rename(name+".new", name); err != nil {
		t.Fatal(err)
	}
	unlock()
	if err := <-got; err != nil {
		t.Error(err)
	}
}
