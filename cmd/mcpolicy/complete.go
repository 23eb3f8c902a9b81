package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/principals"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/testrunner"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// Completion reads what the command line names so far and what the config does,
// without an engine. What cannot be read is left out, without a word: the shell
// is no place for it.

// maxCompleting is how long completion reads on in a long file of principals.
const maxCompleting = time.Second

// maxCompletingBytes bounds a file of principals that is read whole.
const maxCompletingBytes = 4 << 20

// readWhole reports whether a file of principals is no table or stream.
func readWhole(name string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, strings.ToLower(filepath.Ext(name)))
}

// maxCompletions is how many words a shell is given to choose from.
const maxCompletions = 1000

// A completing is one word to be completed.
type completing struct {
	cmd    *cobra.Command
	in     *input
	args   []string
	start  string // what is typed of it
	config *config.Config
	folder *folder // nil without a config

	words []string
}

// complete returns a completion function. What fill adds is what the word may
// be.
func complete(fill func(*completing)) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, start string) ([]string, cobra.ShellCompDirective) {
		c := &completing{cmd: cmd, in: inputOf(cmd), args: args, start: start}
		var err error
		if c.config, c.folder, err = c.in.readConfig(); err != nil {
			c.config = &config.Config{}
		}
		if c.folder != nil {
			defer func() { _ = c.folder.close() }() // it was only read
		}
		fill(c)
		slices.Sort(c.words)
		return slices.Compact(c.words), cobra.ShellCompDirectiveNoFileComp
	}
}

// each completes the words of a flag that takes several between commas.
func each(one cobra.CompletionFunc) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, start string) ([]string, cobra.ShellCompDirective) {
		i := strings.LastIndex(start, ",") + 1
		words, directive := one(cmd, args, start[i:])
		for k := range words {
			words[k] = start[:i] + words[k]
		}
		return words, directive
	}
}

// inputOf returns what the flags of a command say so far, those that it has.
func inputOf(cmd *cobra.Command) *input {
	in := &input{}
	f := cmd.Flags()
	for name, to := range map[string]*string{"config": &in.config, "dir": &in.dir, "policies": &in.policies, "principals": &in.principals} {
		*to, _ = f.GetString(name) // "" if there is no such flag
	}
	in.manifests, _ = f.GetStringArray("manifest")
	return in
}

// add adds a word that begins like what is typed, with what it means.
func (c *completing) add(word, meaning string) {
	if len(c.words) >= maxCompletions || !strings.HasPrefix(word, c.start) || word == "" || strings.ContainsAny(word, "\t\n") || source.Printable(word) != word {
		return
	}
	if meaning != "" {
		word += "\t" + source.Printable(meaning)
	}
	c.words = append(c.words, word)
}

// servers adds the names of the servers.
func (c *completing) servers() {
	for name := range c.inventories() {
		c.add(name, "")
	}
}

// inventories returns the inventories of the command line or else of the config,
// by the names of their servers.
func (c *completing) inventories() map[string]*manifest.Inventory {
	found := map[string]*manifest.Inventory{}
	for _, flag := range c.in.manifests {
		m, err := config.ParseManifest(flag)
		if err != nil {
			continue
		}
		data, err := readOrdinary(m.File)
		if err != nil {
			continue
		}
		list, _ := manifest.Parse(m.File, data) // none if it cannot be read
		for _, i := range list {
			switch {
			case len(list) == 1:
				found[workspace.ServerName(filepath.ToSlash(m.File))] = i
			case m.Pick == "" || m.Pick == i.Server:
				found[i.Server] = i
			}
		}
	}
	if len(c.in.manifests) > 0 {
		return found
	}
	for _, s := range c.config.Servers {
		var parts []*manifest.Inventory
		for _, m := range s.Manifest {
			data, err := source.ReadFile(c.folder, m.File)
			if err != nil {
				continue
			}
			list, _ := manifest.Parse(m.File, data) // none if it cannot be read
			for _, i := range list {
				if m.Pick == "" || m.Pick == i.Server {
					parts = append(parts, i)
				}
			}
		}
		found[s.Name] = manifest.Merge(parts...)
	}
	return found
}

// items adds the names of the items that are wanted, of the server that --server
// names if it does.
func (c *completing) items(want func(*manifest.Item) bool) {
	only, _ := c.cmd.Flags().GetString("server") // "" if there is no such flag
	for name, inventory := range c.inventories() {
		for _, item := range inventory.Items {
			if (only == "" || only == name) && want(item) && !slices.Contains(c.args, item.Name) {
				c.add(item.Name, item.Type.String()+" of "+name)
			}
		}
	}
}

func anyItem(*manifest.Item) bool { return true }

// ofTypes wants items of some types.
func ofTypes(types ...authz.ItemType) func(*manifest.Item) bool {
	return func(item *manifest.Item) bool { return slices.Contains(types, item.Type) }
}

// people calls each with the principals of the command line or else of the
// config, until it returns false or patience is at its end.
func (c *completing) people(each func(*authz.Principal) bool) {
	var file fs.File
	var err error
	name := c.in.principals
	switch {
	case name != "":
		file, err = source.OrdinaryFS{FS: os.DirFS(filepath.Dir(name))}.Open(filepath.Base(name))
	case c.folder != nil && c.config.Principals.Path != "":
		name = c.config.Principals.Path
		file, err = c.folder.Open(name)
	default:
		return
	}
	if err != nil {
		return
	}
	defer func() { _ = file.Close() }() // it was only read
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() || readWhole(name) && info.Size() > maxCompletingBytes {
		return
	}
	start := time.Now()
	for p, err := range principals.Stream(name, file) {
		if err == nil && !each(p) || time.Since(start) > maxCompleting {
			return
		}
	}
}

// principals adds the keys of the principals.
func (c *completing) principals() {
	c.people(func(p *authz.Principal) bool {
		c.add(p.Key, strings.Join(p.Roles, ", "))
		return len(c.words) < maxCompletions
	})
}

// principalsAndGroups adds the keys of the principals and, behind an @, the
// groups that they are in.
func (c *completing) principalsAndGroups() {
	seen := map[string]bool{}
	c.people(func(p *authz.Principal) bool {
		c.add(p.Key, strings.Join(p.Roles, ", "))
		for _, g := range p.Groups {
			if !seen[g] {
				seen[g] = true
				c.add("@"+g, "group")
			}
		}
		return len(c.words) < maxCompletions
	})
}

// liveServers adds the servers of which the config says how to reach them.
func (c *completing) liveServers() {
	for _, name := range liveNames(c.config) {
		c.add(name, "")
	}
}

// tokenHolders adds the principals that the config has tokens of, or else all.
func (c *completing) tokenHolders() {
	for _, t := range c.config.Probe.Tokens {
		c.add(t.Principal, "")
	}
	if len(c.config.Probe.Tokens) == 0 {
		c.principals()
	}
}

// roles adds the roles that principals have.
func (c *completing) roles() {
	seen := map[string]bool{}
	c.people(func(p *authz.Principal) bool {
		for _, r := range p.Roles {
			if !seen[r] {
				seen[r] = true
				c.add(r, "")
			}
		}
		return len(c.words) < maxCompletions
	})
}

// rolesAnybodyHas adds the roles that principals have and those that rules name.
func (c *completing) rolesAnybodyHas() {
	c.roles()
	fsys, prefix := fs.FS(nil), c.in.policies
	switch {
	case prefix != "":
		fsys = os.DirFS(prefix)
	case c.folder != nil && c.config.Policies.Path != "":
		prefix = c.config.Policies.Path
		fsys, _ = fs.Sub(c.folder, prefix) // nil if it cannot be
	}
	if fsys == nil {
		return
	}
	set, err := policy.Load(fsys, prefix)
	if err != nil {
		return
	}
	for r := range set.Rules() {
		for _, role := range r.Roles {
			if role.Value != "*" {
				c.add(role.Value, "")
			}
		}
	}
}

// suites calls each with the suites of the command line or else of the config.
func (c *completing) suites(each func(*testrunner.Suite)) {
	files, _ := c.cmd.Flags().GetStringArray("tests") // none if there is no such flag
	if len(files) == 0 && c.folder == nil {
		return
	}
	list, _ := workspace.ReadSuites(&workspace.Inputs{Config: c.config, Folder: c.folder, Suites: suiteFiles(files)}) // what can be read is there
	for _, s := range list {
		each(s)
	}
}

func (c *completing) suiteNames() {
	c.suites(func(s *testrunner.Suite) { c.add(s.Name, s.Pos.File) })
}

func (c *completing) testNames() {
	c.suites(func(s *testrunner.Suite) {
		for i := range s.Tests {
			c.add(s.Tests[i].Name, s.Name)
		}
	})
}

// explained completes the arguments of explain: who, what, and which operation
// on it.
func (c *completing) explained() {
	switch len(c.args) {
	case 0:
		c.principals()
	case 1:
		c.items(anyItem)
	case 2:
		name := c.args[1]
		for _, inventory := range c.inventories() {
			for _, item := range inventory.Items {
				if item.Name == name {
					c.add(authz.List.String(), "")
					c.add(item.Type.Use().String(), "")
				}
			}
		}
	}
}

// asked completes the arguments of who-can: an operation and what it is on.
func (c *completing) asked() {
	if len(c.args) == 0 {
		for _, op := range []authz.Operation{authz.List, authz.Call, authz.Get, authz.Read} {
			c.add(op.String(), "")
		}
		return
	}
	op, ok := authz.ParseOperation(c.args[0])
	c.items(func(item *manifest.Item) bool { return ok && (op == authz.List || op == item.Type.Use()) })
}

// completeRules completes the IDs of rules.
func completeRules(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var ids []string
	for _, r := range lint.Rules() {
		ids = append(ids, r.ID+"\t"+r.Doc.Summary)
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}

// completeRule completes the one argument that is a rule's ID.
func completeRule(cmd *cobra.Command, args []string, start string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return completeRules(cmd, args, start)
}

// completeFlags registers what completes the words of flags, by their names.
func completeFlags(cmd *cobra.Command, of map[string]cobra.CompletionFunc) {
	for name, f := range of {
		_ = cmd.RegisterFlagCompletionFunc(name, f) // it fails for a flag that is not there
	}
}
