package config

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

// Name is what a config is called.
const Name = "mcpolicy.yaml"

// ErrNotFound says that there is no config where one was looked for.
var ErrNotFound = errors.New("no " + Name)

// Find returns the path of the config in the directory start, which is an
// absolute path, or in the nearest one above it that has any. The file system is seen through stat, which is [os.Stat] or
// answers like it. Without a config the error is [ErrNotFound].
func Find(start string, stat func(string) (fs.FileInfo, error)) (string, error) {
	for dir := filepath.Clean(start); ; dir = filepath.Dir(dir) {
		name := filepath.Join(dir, Name)
		info, err := stat(name)
		switch {
		case err == nil && !info.IsDir():
			return name, nil
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return "", fmt.Errorf("look for a config: %w", err)
		case filepath.Dir(dir) == dir:
			return "", fmt.Errorf("%w in %s or above it", ErrNotFound, start)
		}
	}
}
