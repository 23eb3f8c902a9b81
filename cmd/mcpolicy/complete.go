package main

import (
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/reach"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// Completion reads what the command line names so far and what the config does,
// without an engine. What cannot be read is left out, without a word: the shell
// is no place for it.

// maxCompletions is how many words a shell is given to choose from.
const maxCompletions = 1000

// A completing is one word to be completed.
type completing struct {
	cmd   *cobra.Command
	args  []string
	start string // what is typed of it
	names workspace.Names

	words []string
}

// complete returns a completion function. What fill adds is what the word may
// be.
func complete(fill func(*completing)) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, start string) ([]string, cobra.ShellCompDirective) {
		in := inputOf(cmd)
		cfg, dir, _ := in.readConfig() // none if it cannot be read
		if dir != nil {
			defer func() { _ = dir.close() }() // it was only read
		}
		inputs, _ := in.inputs(cfg, dir, openOrdinary) // what can be used is there
		c := &completing{cmd: cmd, args: args, start: start, names: workspace.Names{Inputs: inputs}}
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
	in.suites, _ = f.GetStringArray("tests")
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

// addAll adds words that need no meaning.
func (c *completing) addAll(words iter.Seq[string]) {
	for w := range words {
		c.add(w, "")
		if len(c.words) >= maxCompletions {
			return
		}
	}
}

// servers adds the names of the servers.
func (c *completing) servers() { c.addAll(maps.Keys(c.names.Inventories())) }

// items adds the names of the items that are wanted, of the server that --server
// names if it does.
func (c *completing) items(want func(*manifest.Item) bool) {
	only, _ := c.cmd.Flags().GetString("server") // "" if there is no such flag
	for server, item := range c.names.Items(only) {
		if want(item) && !slices.Contains(c.args, item.Name) {
			c.add(item.Name, item.Type.String()+" of "+server)
		}
	}
}

func anyItem(*manifest.Item) bool { return true }

// ofTypes wants items of some types.
func ofTypes(types ...authz.ItemType) func(*manifest.Item) bool {
	return func(item *manifest.Item) bool { return slices.Contains(types, item.Type) }
}

// principals adds the keys of the principals.
func (c *completing) principals() {
	for p := range c.names.Principals() {
		c.add(p.Key, strings.Join(p.Roles, ", "))
		if len(c.words) >= maxCompletions {
			return
		}
	}
}

// principalsAndGroups adds the keys of the principals and, behind an @, the
// groups that they are in.
func (c *completing) principalsAndGroups() {
	seen := map[string]bool{}
	for p := range c.names.Principals() {
		c.add(p.Key, strings.Join(p.Roles, ", "))
		for _, g := range p.Groups {
			if !seen[g] {
				seen[g] = true
				c.add("@"+g, "group")
			}
		}
		if len(c.words) >= maxCompletions {
			return
		}
	}
}

// liveServers adds the servers of which the config says how to reach them.
func (c *completing) liveServers() {
	if cfg := c.names.Inputs.Config; cfg != nil {
		c.addAll(slices.Values(reach.Names(cfg)))
	}
}

// tokenHolders adds the principals that the config has tokens of, or else all.
func (c *completing) tokenHolders() {
	holders := c.names.TokenHolders()
	c.addAll(slices.Values(holders))
	if len(holders) == 0 {
		c.principals()
	}
}

// roles adds the roles that principals have.
func (c *completing) roles() { c.addAll(c.names.Roles()) }

// rolesAnybodyHas adds the roles that principals have and those that rules name.
func (c *completing) rolesAnybodyHas() {
	c.roles()
	c.addAll(c.names.PolicyRoles())
}

func (c *completing) suiteNames() {
	for _, s := range c.names.Suites() {
		c.add(s.Name, s.Pos.File)
	}
}

func (c *completing) testNames() {
	for _, s := range c.names.Suites() {
		for i := range s.Tests {
			c.add(s.Tests[i].Name, s.Name)
		}
	}
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
		for _, item := range c.names.Items("") {
			if item.Name == c.args[1] {
				c.add(authz.List.String(), "")
				c.add(item.Type.Use().String(), "")
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

// flagWords are what completes the words of flags of commands that are not run yet. cobra
// keeps what it is told of as long as the process lives.
var flagWords = struct {
	sync.Mutex
	of map[*cobra.Command]map[string]cobra.CompletionFunc
}{of: map[*cobra.Command]map[string]cobra.CompletionFunc{}}

// completeFlag sets what completes the words of a flag.
func completeFlag(cmd *cobra.Command, name string, f cobra.CompletionFunc) {
	completeFlags(cmd, map[string]cobra.CompletionFunc{name: f})
}

// completeFlags sets what completes the words of flags, by their names.
func completeFlags(cmd *cobra.Command, of map[string]cobra.CompletionFunc) {
	flagWords.Lock()
	defer flagWords.Unlock()
	if flagWords.of[cmd] == nil {
		flagWords.of[cmd] = map[string]cobra.CompletionFunc{}
	}
	maps.Copy(flagWords.of[cmd], of)
}

// registerWords tells cobra what completes the words of the flags of a command and those
// below it if it is a shell that asks for words, and forgets it otherwise.
func registerWords(cmd *cobra.Command, args []string) {
	flagWords.Lock()
	of := flagWords.of[cmd]
	delete(flagWords.of, cmd)
	flagWords.Unlock()
	if len(args) > 0 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) {
		for name, f := range of {
			_ = cmd.RegisterFlagCompletionFunc(name, f) // it fails for a flag that is not there
		}
	}
	for _, below := range cmd.Commands() {
		registerWords(below, args)
	}
}
