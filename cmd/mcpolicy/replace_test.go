package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// TestReplaceFile holds that a file is replaced as a whole or not at all, and
// keeps its mode.
func TestReplaceFile(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "a.yaml")
	if err := os.WriteFile(name, []byte("before"), 0o640); err != nil {
		t.Fatal(err)
	}
	write := func(text string, err error) error {
		return replaceFile(name, func(w io.Writer) error {
			_, werr := io.WriteString(w, text)
			return errors.Join(werr, err)
		})
	}
	broken := errors.New("broken")
	for _, step := range []struct {
		text, want string
		err        error
	}{{"half", "before", broken}, {"after", "after", nil}} {
		if err := write(step.text, step.err); !errors.Is(err, step.err) {
			t.Errorf("error %v, want %v", err, step.err)
		}
		got, err := os.ReadFile(name)
		if err != nil || string(got) != step.want {
			t.Errorf("the file has %q, %v, want %q", got, err, step.want)
		}
		info, err := os.Stat(name)
		if err != nil || info.Mode().Perm() != 0o640 {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}
		list, err := os.ReadDir(dir)
		if err != nil || len(list) != 1 {
			t.Errorf("the folder has %v, %v", list, err)
		}
	}
	if err := replaceFile(name, func(io.Writer) error { return nil }, func() error { return broken }); !errors.Is(err, broken) {
		t.Errorf("error %v, though a check fails", err)
	}
	if list, err := os.ReadDir(dir); err != nil || len(list) != 1 {
		t.Errorf("the folder has %v, %v", list, err)
	}
	if err := replaceFile(filepath.Join(dir, "none", "a"), func(io.Writer) error { return nil }); err == nil {
		t.Error("no error for a folder that there is not")
	}
}
