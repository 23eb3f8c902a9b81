package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/pdp/remote"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// input is what the command line says about where everything is.
type input struct {
	config, dir                       string
	manifests                         []string
	policies, principals, enforcement string
	resourceKind                      string
	acceptIncomplete                  bool
	now                               string
	pdp                               []string
	remote                            remote.Options
	compareEmbedded                   bool

	base          string    // that changes are reported since
	failOnAccess  string    // which of them fail
	started       time.Time // zero for when files are read
	writes        []target  // which no input may be
	suites        []string  // that the command line gives
	noCerbosTests bool      // leave out the suites of Cerbos's own
	baseline      string    // that the command line names

	was  func(file string) string // how text names files of the base
	pane *pane                    // that is told which files are read; may be nil
}

// flags adds those of a command that a running PDP may decide for.
func (in *input) flags(cmd *cobra.Command) {
	in.localFlags(cmd)
	in.remoteFlags(cmd)
}

// localFlags adds those of a command that goes by the policies at hand.
func (in *input) localFlags(cmd *cobra.Command) {
	in.configFlags(cmd)
	f := cmd.Flags()
	f.StringArrayVar(&in.manifests, "manifest", nil, "an inventory `FILE`, or FILE#SERVER for one server of several; may be repeated")
	f.StringVar(&in.policies, "policies", "", "a `DIR` of Cerbos policies")
	f.StringVar(&in.principals, "principals", "", "a `FILE` of principals: Cerbos fixture, CSV or JSON Lines")
	f.StringVar(&in.enforcement, "enforcement", "", "the enforcement point: `NAME` of a built-in or declared profile")
	f.StringVar(&in.resourceKind, "resource-kind", "", "the resource `KIND` that the enforcement point sends")
	for name, ext := range map[string][]string{"principals": {"yaml", "csv", "jsonl"}, "manifest": {"json", "yaml", "jsonl"}} {
		_ = cmd.MarkFlagFilename(name, ext...)
	}
	_ = cmd.MarkFlagDirname("policies")
	completeFlag(cmd, "enforcement", cobra.FixedCompletions(authz.BuiltIn(), cobra.ShellCompDirectiveNoFileComp))
}

// configFlags adds those of a command that goes by a config.
func (in *input) configFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&in.config, "config", "", "the config `FILE` (default: mcpolicy.yaml here or in a folder above)")
	f.StringVarP(&in.dir, "dir", "C", "", "look for the config from `DIR` on")
	f.BoolVar(&in.acceptIncomplete, "accept-incomplete", false, "go on with an inventory that may be incomplete")
	f.StringVar(&in.now, "now", "", "pin the clock to an RFC 3339 `TIME`")
	_ = cmd.MarkFlagFilename("config", "yaml")
	_ = cmd.MarkFlagDirname("dir")
}

// clock returns the time that --now pins, or the zero time.
func (in *input) clock() (time.Time, error) {
	if in.now == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, in.now)
	if err != nil {
		return time.Time{}, usageError{fmt.Errorf("--now: want a time like 2027-01-31T12:00:00Z, have %q", in.now)}
	}
	return t, nil
}

// A folder is where relative paths start, and how files below it are read.
type folder struct {
	fs.FS
	dir    string
	config string // the config's own file, as the system has it
	close  func() error
}

// findConfig returns the path of the config, or "" if the command line goes
// without one.
func (in *input) findConfig() (string, error) {
	if in.config != "" {
		return in.config, nil
	}
	standalone := len(in.manifests) > 0 && in.policies != "" && in.principals != ""
	start, err := filepath.Abs(in.dir)
	if err != nil {
		return "", err
	}
	if info, err := os.Stat(start); err != nil || !info.IsDir() { //nolint:gosec // the folder that the command line names
		return "", usageError{fmt.Errorf("-C %s: no such folder", in.dir)}
	}
	file, err := config.Find(start, os.Stat)
	switch {
	case errors.Is(err, config.ErrNotFound) && standalone, err == nil && standalone && in.dir == "":
		return "", nil
	case errors.Is(err, config.ErrNotFound) && in.missing() != "":
		return "", usageError{fmt.Errorf("%w, and without one %s", err, in.missing())}
	case errors.Is(err, config.ErrNotFound):
		return "", usageError{fmt.Errorf("%w; write one (mcpolicy help check shows the least it needs), or give --manifest, --policies and --principals", err)}
	case err != nil:
		return "", err
	}
	return file, checkOwner(file, start)
}

// checkOwner refuses a config in a folder above the one where it is looked for,
// if somebody else could have put it there: it says what is read, started and
// contacted.
func checkOwner(file, start string) error {
	dir := filepath.Dir(file)
	if dir == start {
		return nil
	}
	for _, name := range []string{file, dir} {
		for _, stat := range []func(string) (fs.FileInfo, error){os.Lstat, os.Stat} {
			info, err := stat(name)
			if err != nil {
				return plain(name, err)
			}
			if isForeign(info) {
				return usageError{fmt.Errorf("%s belongs to another user, so the config in this folder above is not used; if it is meant, say -C %s or --config %s", name, dir, file)}
			}
		}
	}
	return nil
}

// lockConfig keeps others from changing the config.
func (in *input) lockConfig(ctx context.Context) (unlock func(), err error) {
	file, err := in.findConfig()
	if err != nil {
		return nil, err
	}
	if file == "" {
		return func() {}, nil
	}
	if unlock, err = lock(ctx, file); err != nil {
		return nil, usageError{err}
	}
	return unlock, nil
}

// readConfig finds and parses the config, if the command line needs one. The
// folder is the config's own; nothing outside it is read on its word.
func (in *input) readConfig() (*config.Config, *folder, error) {
	file, err := in.findConfig()
	switch {
	case err != nil:
		return nil, nil, err
	case file == "":
		return &config.Config{Lint: config.Lint{FailOn: authz.SeverityWarning}}, nil, nil
	}
	read := readOS
	if in.config == "" {
		read = readOrdinary // it was found, not named
	}
	data, err := read(file)
	if err != nil {
		return nil, nil, usageError{err}
	}
	cfg, err := workspace.ParseConfig(filepath.Base(file), data)
	if err != nil {
		return nil, nil, err
	}
	root, err := os.OpenRoot(filepath.Dir(file))
	if err != nil {
		return nil, nil, err
	}
	return cfg, &folder{FS: in.pane.noting(source.OrdinaryFS{FS: root.FS()}), dir: filepath.Dir(file), config: file, close: root.Close}, nil
}

// missing says which flags are missing of those that go without a config, if some
// of them are given.
func (in *input) missing() string {
	var given, missing []string
	for _, f := range []struct {
		name  string
		given bool
	}{{"--manifest", len(in.manifests) > 0}, {"--policies", in.policies != ""}, {"--principals", in.principals != ""}} {
		if f.given {
			given = append(given, f.name)
		} else {
			missing = append(missing, f.name)
		}
	}
	switch len(given) {
	case 1:
		return given[0] + " needs " + strings.Join(missing, " and ") + " too"
	case 2:
		return strings.Join(given, " and ") + " need " + missing[0] + " too"
	}
	return ""
}
