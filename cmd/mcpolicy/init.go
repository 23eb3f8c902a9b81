package main

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/docs/schema"
	"github.com/mcpolicy/mcpolicy/policies/packs"
	"github.com/mcpolicy/mcpolicy/reach"
	"github.com/mcpolicy/mcpolicy/scaffold"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// A beginning is what the command line of init says.
type beginning struct {
	dir         string
	manifests   []string
	d           discovery
	kind        string
	pack        string
	ci          string
	enforcement string
	roles       map[string]string
	force, dry  bool
	noInput     bool
}

func newInit() *cobra.Command {
	var b beginning
	cmd := &cobra.Command{
		Use:   "init {--manifest FILE | --url URL | --run -- COMMAND ARG... | --from FILE | --pack NAME}",
		Short: "Write policies, principals and suites for a server that has none",
		Args:  commandAfterDash,
		Long: `Write a project for an MCP server: mcpolicy.yaml, Cerbos policies by least privilege, principals, suites, sentences
that are proved of everybody, and the lock.

A reader may use what only reads, an editor changes that can be undone as well, an administrator everything, with what
destroys something named tool by tool. An agent that acts for a person may do no more than a reader, and only
where that person may. Where tools take an owner, a project, a namespace, a region, a path or an amount, calls are held
to what the caller has as an attribute. The server's hints say what a tool does; where there are none its name does, and
the policy marks it for review. Behind enforcement points that do not send arguments, or no roles, policies go by what
arrives, and say what they cannot see.

All of it is checked before it is written: it compiles, nothing above a note is found in it, its suites pass and cover
every rule and every part of every condition, and each sentence is proved. What no policy can mend, such as a prompt
that the enforcement point never asks about, is waived with a reason to review. Either all files are written or none.

With --pack it writes ready-made policies for a server that many run. With --ci it writes besides what has the project checked
in GitHub Actions, in GitLab or before a commit.

In a terminal it asks for what no flag says. Elsewhere it never does.`,
		Example: `  mcpolicy init --manifest tools.json
  mcpolicy init --manifest tools.json --dry-run
  mcpolicy init --url https://crm.example.com/mcp --token-env ADMIN_TOKEN -C services/crm
  mcpolicy init --run -- npx -y @modelcontextprotocol/server-filesystem .
  mcpolicy init --pack github --ci github
  mcpolicy init --manifest tools.json --role reader=SUPPORT --role administrator=OPS`,
		RunE: func(cmd *cobra.Command, args []string) error { return b.run(cmd, args) },
	}
	f := cmd.Flags()
	f.StringVarP(&b.dir, "dir", "C", ".", "the folder to write to; it is made if it is not there")
	f.StringArrayVar(&b.manifests, "manifest", nil, "the inventory `FILE` of the server, FILE#NAME for one of several; may be repeated for several servers")
	b.d.servers.serverFlags(cmd)
	f.StringArrayVar(&b.d.tokens, "token-env", nil, "the environment variable `NAME` that holds a bearer token; may be repeated")
	f.DurationVar(&b.d.timeout, "timeout", 2*time.Minute, "how long reading a running server may take")
	f.StringVar(&b.enforcement, "enforcement", authz.CerbosFastMCP, "what stands in front of the server: "+strings.Join(scaffold.Points(), ", "))
	f.StringVar(&b.kind, "resource-kind", "", "the resource `KIND` that the enforcement point sends (default: its own)")
	f.StringToStringVar(&b.roles, "role", nil, "what a role is called: reader=NAME, editor=NAME, administrator=NAME or agent=NAME; may be repeated")
	f.StringVar(&b.pack, "pack", "", "write the ready-made project `NAME`: "+strings.Join(packs.Names(), ", "))
	f.StringVar(&b.ci, "ci", "", "write what has it checked, too: "+strings.Join(scaffold.CISystems(), ", "))
	f.BoolVar(&b.force, "force", false, "replace files that are there")
	f.BoolVar(&b.dry, "dry-run", false, "say what would be written, and write nothing")
	f.BoolVar(&b.noInput, "no-input", false, "ask nothing, in a terminal neither")
	_ = cmd.MarkFlagFilename("manifest", "json", "jsonl", "yaml")
	_ = cmd.MarkFlagDirname("dir")
	completeFlag(cmd, "token-env", completeVariables)
	completeFlag(cmd, "enforcement", cobra.FixedCompletions(scaffold.Points(), cobra.ShellCompDirectiveNoFileComp))
	completeFlag(cmd, "pack", cobra.FixedCompletions(packs.Names(), cobra.ShellCompDirectiveNoFileComp))
	completeFlag(cmd, "ci", cobra.FixedCompletions(scaffold.CISystems(), cobra.ShellCompDirectiveNoFileComp))
	completeFlag(cmd, "resource-kind", cobra.NoFileCompletions)
	completeFlag(cmd, "role", cobra.FixedCompletions([]string{"reader=", "editor=", "administrator=", "agent="}, cobra.ShellCompDirectiveNoFileComp|cobra.ShellCompDirectiveNoSpace))
	return cmd
}

func (b *beginning) run(cmd *cobra.Command, args []string) error {
	if q := questions(cmd, b.noInput); q != nil && b.pack == "" {
		if err := b.ask(cmd, q, args); err != nil {
			return err
		}
	}
	checked, err := b.checkedBy()
	if err != nil {
		return err
	}
	to := &destination{dir: b.dir, force: b.force}
	if err := to.check(); err != nil {
		return err
	}
	made, err := b.make(cmd, args)
	if err != nil {
		return err
	}
	made.Files = append(made.Files, checked...)
	if b.dry {
		err = to.compare(made.Files)
	} else {
		err = to.write(made.Files)
	}
	if err != nil {
		return err
	}
	return b.report(cmd, to, made)
}

// make makes the project.
func (b *beginning) make(cmd *cobra.Command, args []string) (*scaffold.Project, error) {
	if b.pack == "" {
		o, err := b.options(cmd, args)
		if err != nil {
			return nil, err
		}
		_, made := show(cmd.Context(), "making the project")
		defer made()
		return scaffold.Make(cmd.Context(), *o)
	}
	for _, name := range []string{"manifest", "enforcement", "resource-kind", "role"} {
		if cmd.Flags().Changed(name) {
			return nil, usageError{fmt.Errorf("--pack is a whole project: leave --%s out, and change what is written", name)}
		}
	}
	if len(args) > 0 || b.d.servers.named() {
		return nil, usageError{errors.New("--pack is a whole project, with an inventory of its own: leave the running server out, and compare it with mcpolicy discover and mcpolicy diff")}
	}
	pack, err := packs.Open(b.pack)
	if err != nil {
		return nil, usageError{fmt.Errorf("no pack %q%s; there are %s", b.pack, source.DidYouMean(b.pack, packs.Names()), strings.Join(packs.Names(), ", "))}
	}
	return scaffold.FromPack(cmd.Context(), pack, opening(cmd))
}

// opening says how what was made is opened.
func opening(cmd *cobra.Command) workspace.Options {
	return workspace.Options{
		Bounds:   courseOf(cmd.Context()).read,
		Progress: func(work string) (report func(done, total int), end func()) { return show(cmd.Context(), work) },
	}
}

// checkedBy returns the file that has the project checked, if one is wanted. It belongs at the root of the
// repository, which may be above the project.
func (b *beginning) checkedBy() ([]scaffold.File, error) {
	if b.ci == "" {
		return nil, nil
	}
	here := absolute(b.dir)
	root := repository(here)
	below, err := filepath.Rel(root, here)
	if err != nil {
		return nil, err
	}
	above, err := filepath.Rel(here, root)
	if err != nil {
		return nil, err
	}
	ci := scaffold.CI{System: b.ci, Directory: filepath.ToSlash(below), Release: published()}
	file, err := ci.File()
	if err != nil {
		return nil, usageError{fmt.Errorf("--ci: %w", err)}
	}
	file.Name = path.Join(filepath.ToSlash(above), file.Name)
	return []scaffold.File{file}, nil
}

// published is the version of a release, or "": nobody can get another.
func published() string {
	v := version()
	if schema.IsRelease(v) {
		return v
	}
	return ""
}

// options reads the inventories, and what else is said.
func (b *beginning) options(cmd *cobra.Command, args []string) (*scaffold.Options, error) {
	o := &scaffold.Options{Enforcement: b.enforcement, Roles: scaffold.DefaultRoles(), Version: version(), Workspace: opening(cmd)}
	for tier, name := range b.roles {
		if err := o.Roles.Rename(tier, name); err != nil {
			return nil, usageError{fmt.Errorf("--role %s=%s: %w", tier, name, err)}
		}
	}
	live := len(args) > 0 || b.d.servers.named()
	var err error
	switch {
	case live && len(b.manifests) > 0:
		err = usageError{errors.New("give --manifest, or say how to reach a running server, not both")}
	case live:
		o.Servers, err = b.running(cmd, args)
	case len(b.manifests) > 0:
		o.Servers, err = b.fromFiles()
	default:
		err = usageError{errors.New("which server? give --manifest FILE, --url URL, --run -- COMMAND, or --from FILE of a client, or --pack NAME")}
	}
	if err != nil {
		return nil, err
	}
	if err := o.Check(b.kind); err != nil {
		return nil, usageError{err}
	}
	return o, nil
}

// report says what was written, or would be.
func (b *beginning) report(cmd *cobra.Command, to *destination, made *scaffold.Project) error {
	out := lines{cmd.OutOrStdout()}
	for _, note := range made.Notes {
		fmt.Fprintf(cmd.ErrOrStderr(), "mcpolicy: note: %s\n", note)
	}
	for _, f := range made.Files {
		verb := "wrote"
		switch {
		case b.dry && to.had[f.Name]:
			verb = "would replace"
		case b.dry:
			verb = "would write"
		case to.had[f.Name]:
			verb = "replaced"
		}
		fmt.Fprintf(out, "%s %s\n", verb, filepath.ToSlash(filepath.Join(b.dir, filepath.FromSlash(f.Name))))
	}
	fmt.Fprintln(out)
	if b.pack == "" {
		fmt.Fprintf(out, "%s: %d only read, %d make changes that can be undone, %d destroy something or may\n", counted(made.Tools, "tool"), made.Reading, made.Changing, made.Destroying)
	}
	if made.Inferred > 0 {
		fmt.Fprintf(out, "of %d that is inferred: look for \"review\" in the policies\n", made.Inferred)
	}
	covering := " and cover all rules and conditions"
	if b.pack != "" { // which nobody measures here
		covering = ""
	}
	fmt.Fprintf(out, "%s pass%s; %s proved of everybody\n", counted(made.Cases, "case"), covering, counted(made.Invariants, "sentence"))
	if b.dry {
		fmt.Fprintln(out, "nothing was written: that was --dry-run")
		return nil
	}
	in := ""
	if b.dir != "." {
		in = " -C " + filepath.ToSlash(b.dir)
	}
	_, err := fmt.Fprintf(out, "next: mcpolicy matrix%s, then read the policies, and mcpolicy check%s\n", in, in)
	return err
}

// running reads running servers.
func (b *beginning) running(cmd *cobra.Command, args []string) ([]scaffold.Server, error) {
	found, err := b.d.read(cmd, args)
	if err != nil {
		return nil, err
	}
	var servers []scaffold.Server
	for _, f := range found {
		data, err := reach.Encode(f)
		if err != nil {
			return nil, err
		}
		servers = append(servers, scaffold.NewServer(f.Server.Name, data))
	}
	return servers, nil
}

// fromFiles reads the files of inventories.
func (b *beginning) fromFiles() ([]scaffold.Server, error) {
	files := map[string][]byte{}
	return scaffold.ServersOf(b.manifests, func(name string) ([]byte, error) {
		if data, ok := files[name]; ok {
			return data, nil
		}
		data, err := readOS(name)
		files[name] = data
		return data, err
	})
}

// absent reports whether nothing has a name.
func absent(name string) bool { _, err := os.Lstat(name); return errors.Is(err, os.ErrNotExist) }
