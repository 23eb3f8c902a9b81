// Packaging makes the packages for npm and PyPI out of the archives of a release: what they
// carry is the binary of the archive, whose digest is the one in checksums.txt.
//
//	go run ./packaging DIST OUT
//
// reads the archives and checksums.txt in DIST, and writes *.tgz and *.whl to OUT, the same
// bytes for the same archives. It publishes nothing.
package main

//go:generate go run -C ../tools/licenses . -root ../.. -update

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "packaging:", err)
		os.Exit(1) //nolint:forbidigo // this is main
	}
}

func run(args []string, stdout io.Writer) error {
	if len(args) != 2 {
		return fmt.Errorf("want DIST and OUT, have %d arguments", len(args))
	}
	r, err := readRelease(os.DirFS(args[0]))
	if err != nil {
		return err
	}
	packages, err := r.npm()
	if err != nil {
		return err
	}
	wheels, err := r.wheels()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(args[1], 0o755); err != nil { //nolint:gosec // packages are for everybody
		return err
	}
	for _, p := range append(packages, wheels...) {
		if err := os.WriteFile(filepath.Join(args[1], p.name), p.data, 0o644); err != nil { //nolint:gosec // packages are for everybody
			return err
		}
		if _, err := fmt.Fprintln(stdout, p.name); err != nil {
			return err
		}
	}
	return nil
}
