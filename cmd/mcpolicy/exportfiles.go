package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/cerbossuite"
)

// writeSuites writes all files, or none where one must not be replaced.
func writeSuites(dir string, list []*cerbossuite.Suite, force bool) error {
	var errs []error
	for _, s := range list {
		name := filepath.Join(dir, s.File)
		if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		before, err := readOrdinary(name)
		switch {
		case err != nil:
			errs = append(errs, err)
		case !force && !isExported(before):
			errs = append(errs, usageError{fmt.Errorf("%s: this command has not written that file; --force replaces it, or -o names another folder", name)})
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil { //nolint:gosec // less what the umask says
		return fmt.Errorf("write %s: %w", dir, errors.Unwrap(err))
	}
	for _, s := range list {
		data := s.Data()
		if err := replaceFile(filepath.Join(dir, s.File), func(to io.Writer) error { _, err := to.Write(data); return err }); err != nil {
			return err
		}
	}
	return nil
}

// isExported reports whether the command has written a file.
func isExported(data []byte) bool { return bytes.HasPrefix(data, []byte(cerbossuite.Comment)) }

// removeStale removes the files of a folder that the command has written before and does not
// write any more. Whatever else is there is left alone.
func removeStale(out io.Writer, dir string, written []*cerbossuite.Suite) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return plain(dir, err)
	}
	var now []place
	for _, s := range written {
		now = append(now, placeOf(filepath.Join(dir, s.File)))
	}
	var errs []error
	for _, e := range entries {
		name := filepath.Join(dir, e.Name())
		if !e.Type().IsRegular() || !strings.HasSuffix(e.Name(), "_test.yaml") || slices.ContainsFunc(now, placeOf(name).is) {
			continue
		}
		if data, err := readOrdinary(name); err != nil || !isExported(data) {
			continue // one that cannot be read is not known to be the command's
		}
		if err := os.Remove(name); err != nil {
			errs = append(errs, plain(name, err))
			continue
		}
		fmt.Fprintf(out, "removed   %s: its suite is not written any more\n", name)
	}
	return errors.Join(errs...)
}
