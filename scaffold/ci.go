package scaffold

import (
	"fmt"
	"strings"

	"github.com/mcpolicy/mcpolicy/source"
)

// CISystems lists where a project can be checked.
func CISystems() []string { return []string{"github", "gitlab", "pre-commit"} }

// A CI says how a project is checked where it is kept.
type CI struct {
	System string // one of [CISystems]
	// Directory is the folder of the project below the root of its repository, "." for that.
	Directory string
	// Release is the version of mcpolicy that is to check, "" if it is none that others can get.
	Release string
}

// File returns the file that has a project checked, by its name from the root of the repository on.
func (c *CI) File() (File, error) {
	release, review := c.Release, ""
	if release == "" {
		release, review = "VERSION", " # review: a release of mcpolicy, such as v1.2.3"
	}
	var w writer
	w.comment("", "Who may see and use which MCP tool, and what a change does to that. Written by mcpolicy init; it is yours now.")
	switch c.System {
	case "github":
		w.line("name: access")
		w.line("on:")
		w.line("  pull_request:")
		w.line("  push:")
		w.line("    branches: [main]")
		w.line("permissions: {}")
		w.line("jobs:")
		w.line("  access:")
		w.line("    runs-on: ubuntu-24.04")
		w.line("    permissions:")
		w.line("      contents: read")
		w.line("    steps:")
		w.line("      - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2")
		w.line("        with:")
		w.line("          persist-credentials: false")
		w.comment("      ", "review: pin it to the commit of that release")
		w.line("      - uses: mcpolicy/mcpolicy/.github/actions/check@%s", release)
		w.line("        with:")
		w.line("          directory: %s", source.Quote(c.Directory))
		w.line("          version: %s%s", release, review)
		return File{".github/workflows/mcpolicy.yml", []byte(w.String())}, nil
	case "gitlab":
		w.line("include:")
		w.comment("  ", "review: the group that keeps the component on your GitLab, and the commit of that release")
		w.line("  - component: $CI_SERVER_FQDN/GROUP/mcpolicy/check@%s", release)
		w.line("    inputs:")
		w.line("      version: %s%s", release, review)
		w.line("      directory: %s", source.Quote(c.Directory))
		return File{".gitlab-ci.yml", []byte(w.String())}, nil
	case "pre-commit":
		w.line("repos:")
		w.line("  - repo: https://github.com/mcpolicy/mcpolicy")
		w.line("    rev: %s%s", release, review)
		w.line("    hooks:")
		w.line("      - id: mcpolicy")
		w.line("        args: %s", source.Flow([]string{"-C", c.Directory}))
		return File{".pre-commit-config.yaml", []byte(w.String())}, nil
	}
	return File{}, fmt.Errorf("no such CI system: %q%s; want %s", c.System, source.DidYouMean(c.System, CISystems()), strings.Join(CISystems(), ", "))
}
