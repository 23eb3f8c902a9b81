package scaffold

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/source"
)

// A Server is one that a project is made for.
type Server struct {
	Name string
	// File is where the inventory stands in the project, and Data what is in it. Pick names the
	// server in it if there are several.
	File string
	Data []byte
	Pick string
	// Kind is the kind of resource that policies are about, "" for the enforcement point's own.
	Kind string
}

// Roles are what roles are called.
type Roles struct{ Reader, Editor, Administrator, Agent string }

// DefaultRoles are those of a project that has no names of its own.
func DefaultRoles() Roles { return Roles{"reader", "editor", "administrator", "agent"} }

// all lists them in the order of the tiers, the agent last.
func (r Roles) all() []string { return []string{r.Reader, r.Editor, r.Administrator, r.Agent} }

// people lists those of people.
func (r Roles) people() []string { return []string{r.Reader, r.Editor, r.Administrator} }

// A guarded is a server with what is to be written about it.
type guarded struct {
	*Server
	inventory *manifest.Inventory
	manner
	slug   string // what files and sets of derived roles are called
	tools  []*tool
	closed []*tool          // whose calls no policy is written for
	others []*manifest.Item // prompts, resources and templates that are asked about by their names
	gates  []string         // the actions on lists that are asked about as a whole, but for that of tools
}

// A tool is one of a server.
type tool struct {
	item *manifest.Item
	Intent
	parts []part // of the condition of its calls; nil for none
	// Unseen are the classes of arguments that say whose data a call is about, and that no
	// policy sees.
	unseen []string
	mapped bool // it declares what is asked about its calls
	// Withheld says why agents do not get it, "" if they get what readers get.
	withheld string
}

// A part is what a condition asks of one argument.
type part struct {
	argument
	ifAny bool // it may be left out, for another argument says it as well
}

// A plan is what is to be written.
type plan struct {
	Options
	servers []*guarded
	values  map[*class]any // what principals have
	waivers []waiver
}

// A waiver accepts what only the server, or who runs it, can mend.
type waiver struct{ rule, server, key, item, reason string }

// newPlan reads the inventories.
func newPlan(o Options) (*plan, error) {
	p := &plan{Options: o, values: map[*class]any{}}
	taken := map[string]bool{}
	for i := range o.Servers {
		s := &guarded{Server: &o.Servers[i], manner: o.manner()}
		list, err := manifest.Parse(s.File, s.Data)
		if err != nil {
			return nil, err
		}
		at := slices.IndexFunc(list, func(i *manifest.Inventory) bool { return s.Pick == "" || i.Server == s.Pick })
		if at < 0 || s.Pick == "" && len(list) > 1 {
			return nil, fmt.Errorf("%s: want one server of several", s.File)
		}
		s.inventory = list[at]
		if len(s.inventory.Items) == 0 {
			return nil, source.Errorf(s.inventory.Pos, "the inventory of %s has no tools, prompts or resources, so there is nothing to guard; read it with mcpolicy discover, with a token that may list everything", s.Name)
		}
		s.slug = unique(slug(s.kind()), taken)
		s.read()
		s.readOthers()
		if len(s.tools)+len(s.others)+len(s.gates) == 0 {
			return nil, source.Errorf(s.inventory.Pos, "the inventory of %s has nothing that %s asks about, so no policy can guard it", s.Name, o.Enforcement)
		}
		p.servers = append(p.servers, s)
	}
	p.scope()
	return p, nil
}

// kind is the kind of resource that the enforcement point asks about.
func (s *guarded) kind() string { return cmp.Or(s.Kind, s.manner.kind, "mcp::"+s.Name) }

// read finds what tools do.
func (s *guarded) read() {
	strictest := map[string]Tier{} // of tools with one name, the worst counts
	for _, i := range s.inventory.Of(authz.ToolItem) {
		t := &tool{item: i, Intent: IntentOf(i)}
		strictest[i.Name] = max(strictest[i.Name], t.Tier)
		s.tools = append(s.tools, t)
	}
	seen := map[string]bool{}
	s.tools = slices.DeleteFunc(s.tools, func(t *tool) bool {
		again := seen[t.item.Name]
		seen[t.item.Name] = true
		return again
	})
	for _, t := range s.tools {
		if worst := strictest[t.item.Name]; worst > t.Tier {
			t.Intent = Intent{worst, againstHints}
		}
	}
	s.readMappings()
}

// readOthers finds what is asked about prompts and resources: each, or the list as a whole, or both.
func (s *guarded) readOthers() {
	for _, t := range []authz.ItemType{authz.PromptItem, authz.ResourceItem, authz.TemplateItem} {
		items := s.inventory.Of(t)
		if len(items) == 0 {
			continue
		}
		if s.each && (t != authz.TemplateItem || !s.ids) { // the id of what is read of a template is another each time
			s.others = append(s.others, items...)
		}
		switch {
		case !s.manner.gates:
		case t == authz.PromptItem:
			s.gates = append(s.gates, "prompts/list")
		case t == authz.ResourceItem:
			s.gates = append(s.gates, "resources/list")
		}
	}
}

// most is how many arguments a condition is about.
const most = 3

// scope finds what calls are held to, for all servers, since their principals are the same.
func (p *plan) scope() {
	schemas := map[*class][]*source.Node{}
	for t := range p.scoped() {
		for _, a := range p.heldTo(t) {
			schemas[a.class] = append(schemas[a.class], a.schema)
		}
	}
	fits := map[*class]func(*source.Node) bool{}
	for _, c := range classes {
		p.values[c], fits[c] = valueFor(c, schemas[c])
	}
	for t := range p.scoped() {
		list := p.heldTo(t)
		if len(list) == 0 {
			continue
		}
		slices.SortStableFunc(list, func(a, b argument) int {
			return cmp.Or(truth(b.required)-truth(a.required), slices.Index(classes, a.class)-slices.Index(classes, b.class))
		})
		for i, a := range list {
			if !fits[a.class](a.schema) || i == most {
				t.Intent, t.parts = Intent{Destroys, cannotHold}, nil
				break
			}
			t.parts = append(t.parts, part{a, !a.required && i > 0})
		}
	}
	for _, c := range classes {
		used := false
		for t := range p.scoped() {
			used = used || slices.ContainsFunc(t.parts, func(x part) bool { return x.class == c })
		}
		if !used {
			delete(p.values, c)
		}
	}
}

// heldTo returns the arguments that the calls of a tool are held to.
func (p *plan) heldTo(t *tool) []argument {
	list := slices.DeleteFunc(argumentsOf(t.item), func(a argument) bool { return a.class == limit && t.Tier != Changes })
	if p.manner().arguments {
		return list
	}
	t.unseen = nil
	return slices.DeleteFunc(list, func(a argument) bool {
		gives := t.mapped && givesArgument(t.item, a)
		if !gives && !slices.Contains(t.unseen, a.class.name) {
			t.unseen = append(t.unseen, a.class.name)
		}
		return !gives
	})
}

// cannotHold is why a tool is kept to administrators.
const cannotHold = "they take arguments that say whose data it is, in a way that no short condition holds to anybody"

// scoped goes through the tools whose calls may be on a condition.
func (p *plan) scoped() func(yield func(*tool) bool) {
	return func(yield func(*tool) bool) {
		for _, s := range p.servers {
			for _, t := range s.tools {
				if t.Tier != Destroys && !yield(t) {
					return
				}
			}
		}
	}
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

// slug returns a name that is one for files and for sets of derived roles, too.
func slug(name string) string {
	var b strings.Builder
	for _, c := range strings.ToLower(name) {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '_':
			b.WriteRune(c)
		case !strings.HasSuffix(b.String(), "_"):
			b.WriteByte('_')
		}
	}
	const longest = 40
	text := strings.Trim(b.String(), "_")
	if len(text) > longest {
		text = text[:longest]
	}
	if text == "" || text[0] >= '0' && text[0] <= '9' {
		text = "server_" + text
	}
	return strings.TrimSuffix(text, "_")
}

// unique returns a name that is not taken, with a number behind it if it is.
func unique(name string, taken map[string]bool) string {
	free := name
	for n := 2; taken[free]; n++ {
		free = name + "_" + strconv.Itoa(n)
	}
	taken[free] = true
	return free
}
