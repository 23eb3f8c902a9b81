package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

var manual = flag.String("manual", "", "write manual pages and completions to this `folder`, for a release")

// TestManual writes the manual pages, one for each command, and the completions, as a
// release has them. It holds that man can set each page without a warning, that it says
// all that the command's help does, and that shells can read the completions.
func TestManual(t *testing.T) {
	dir := *manual
	if dir == "" {
		dir = t.TempDir()
	}
	root := newRoot()
	root.InitDefaultCompletionCmd()
	pages := 0
	var write func(cmd *cobra.Command)
	write = func(cmd *cobra.Command) {
		if cmd != root && !cmd.IsAvailableCommand() {
			return
		}
		pages++
		cmd.InitDefaultHelpFlag()
		name := filepath.Join(dir, "man", dashed(cmd)+".1")
		save(t, name, manPage(cmd))
		shows(t, name, cmd)
		for _, c := range cmd.Commands() {
			write(c)
		}
	}
	write(root)
	if pages < 20 {
		t.Errorf("%d pages", pages)
	}
	for shell, file := range map[string]string{"bash": "mcpolicy.bash", "zsh": "_mcpolicy", "fish": "mcpolicy.fish", "powershell": "mcpolicy.ps1"} {
		status, script, stderr := runIn(t, "completion", shell)
		if status != exitOK || stderr != "" || !strings.Contains(script, "mcpolicy") {
			t.Fatalf("completion %s: status %d, %s", shell, status, stderr)
		}
		name := filepath.Join(dir, "completions", file)
		save(t, name, []byte(script))
		if sh, err := exec.LookPath(shell); err == nil && shell != "powershell" {
			if out, err := exec.Command(sh, "-n", name).CombinedOutput(); err != nil { //nolint:gosec // one of three shells
				t.Errorf("%s does not read %s: %v\n%s", shell, file, err, out)
			}
		}
	}
}

func save(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil { //nolint:gosec // they are packed for everybody
		t.Fatal(err)
	}
	if err := os.WriteFile(name, data, 0o644); err != nil { //nolint:gosec // they are packed for everybody
		t.Fatal(err)
	}
}

func dashed(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// manPage is a page of section 1. The help is laid out by hand, and stays as it is; a page
// has no date, so that it is the same whenever it is written.
func manPage(cmd *cobra.Command) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, ".TH %s 1 \"\" mcpolicy \"mcpolicy\"\n.SH NAME\n%s \\- %s\n", strings.ToUpper(inRoff(dashed(cmd))), inRoff(dashed(cmd)), inRoff(cmd.Short))
	section := func(title, text string) {
		text = strings.Trim(text, "\n")
		if text == "" {
			return
		}
		fmt.Fprintf(&b, ".SH %s\n.nf\n", title)
		for line := range strings.Lines(text + "\n") {
			fmt.Fprintln(&b, inRoff(strings.TrimRight(line, "\n")))
		}
		b.WriteString(".fi\n")
	}
	section("SYNOPSIS", cmd.UseLine())
	long := cmd.Long
	if long == "" {
		long = cmd.Short
	}
	section("DESCRIPTION", long)
	section("OPTIONS", cmd.LocalFlags().FlagUsages())
	section("EXAMPLES", cmd.Example)
	var others []string
	if cmd.HasParent() {
		others = append(others, dashed(cmd.Parent())+"(1)")
	}
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			others = append(others, dashed(c)+"(1)")
		}
	}
	fmt.Fprintf(&b, ".SH SEE ALSO\n%s\n", inRoff(strings.Join(others, ", ")))
	return b.Bytes()
}

// inRoff is a line that roff prints as it is.
func inRoff(line string) string {
	line = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`).Replace(line)
	if strings.HasPrefix(line, ".") {
		line = `\&` + line
	}
	return line
}

// shows holds that a page is set without a warning, and shows what the help does.
func shows(t *testing.T, name string, cmd *cobra.Command) {
	t.Helper()
	groff, err := exec.LookPath("groff")
	if err != nil {
		return // the page is what it is, whether groff is here or not
	}
	set := exec.Command(groff, "-man", "-Tutf8", "-ww", "-P-c", "-P-b", "-P-u", "-rLL=200n", name) //nolint:gosec // groff
	var page, warnings bytes.Buffer
	set.Stdout, set.Stderr = &page, &warnings
	if err := set.Run(); err != nil || warnings.Len() > 0 {
		t.Errorf("%s: %v %s", name, err, warnings.String())
	}
	text := strings.Join(strings.Fields(page.String()), " ")
	for _, part := range []string{cmd.Short, cmd.Long, cmd.UseLine(), cmd.Example, cmd.LocalFlags().FlagUsages()} {
		if part = strings.Join(strings.Fields(part), " "); !strings.Contains(text, part) {
			t.Errorf("%s does not show %q", name, part)
		}
	}
}
