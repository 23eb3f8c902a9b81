package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"slices"

	// Conditions may name a time zone. Where a machine has no zones, as in an empty
	// container and on Windows, these are used.
	_ "time/tzdata"

	"github.com/spf13/cobra"
)

// What a release is built with, by -ldflags -X; go install and go build say it themselves.
var (
	releaseVersion string // v1.2.3
	releaseCommit  string // the whole hash
)

// A build is what there is to know of the binary.
type build struct {
	Version  string `json:"version"`            // v1.2.3, or (devel)
	Commit   string `json:"commit,omitempty"`   // the whole hash, if it is known
	Modified bool   `json:"modified,omitempty"` // built from files that are not those of the commit
	Engine   string `json:"engine"`             // Cerbos v0.55.0
	Go       string `json:"go"`
	Platform string `json:"platform"` // linux/amd64
}

func newVersion() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Say which version this is, of which commit, and with which engine",
		Long: `Say which version of mcpolicy this is, of which commit it was built, and which
version of the Cerbos engine is linked in: decisions are those of that engine. The
commit is left out where the build does not say it, as with go install.`,
		Example: `  mcpolicy version
  mcpolicy version --format json`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			b := thisBuild()
			switch format {
			case "text":
				return b.text(cmd.OutOrStdout())
			case "json":
				e := json.NewEncoder(cmd.OutOrStdout())
				e.SetIndent("", "  ")
				return e.Encode(b)
			}
			return usageError{fmt.Errorf("--format: want text or json, have %q", format)}
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "write text or json")
	completeFlags(cmd, map[string]cobra.CompletionFunc{"format": cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp)})
	return cmd
}

func (b build) text(w io.Writer) error {
	commit := b.Commit
	if commit == "" {
		commit = "not known"
	}
	if b.Modified {
		commit += ", modified"
	}
	_, err := fmt.Fprintf(w, "mcpolicy  %s\ncommit    %s\nengine    %s\ngo        %s, %s\n", b.Version, commit, b.Engine, b.Go, b.Platform)
	return err
}

func thisBuild() build {
	b := build{Version: version(), Commit: releaseCommit, Engine: engineVersion(), Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok && b.Commit == "" {
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				b.Commit = s.Value
			case "vcs.modified":
				b.Modified = s.Value == "true"
			}
		}
	}
	return b
}

// version names the version, and nothing else.
func version() string {
	if releaseVersion != "" {
		return releaseVersion
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// engineVersion names the engine that is linked in.
func engineVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "Cerbos"
	}
	i := slices.IndexFunc(info.Deps, func(m *debug.Module) bool { return m.Path == "github.com/cerbos/cerbos" })
	if i < 0 {
		return "Cerbos"
	}
	return "Cerbos " + info.Deps[i].Version
}
