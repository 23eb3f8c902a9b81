// Package inventories makes inventories up for tests, and puts them into
// containers of every shape that is known, and of some that are not.
package inventories

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
)

// An Item is one that was made, as it is to be read.
type Item struct {
	Type   authz.ItemType
	Name   string
	Schema string // JSON, or "" for none
	Hints  string // of a tool: one letter each, T, F or -
}

// A Server is one that was made.
type Server struct {
	Name  string
	Items []Item
}

type (
	object = map[string]any
	list   = []any
)

// A Maker makes inventories, and puts them into containers.
type Maker struct {
	*rand.Rand
	servers int
}

// New returns a maker that makes the same for the same seed.
func New(seed int) *Maker { return &Maker{Rand: rand.New(rand.NewPCG(uint64(seed), 11))} } //nolint:gosec // no secret

func (m *Maker) chance(percent int) bool { return m.IntN(100) < percent }

func pick[T any](m *Maker, from ...T) T { return from[m.IntN(len(from))] }

// server makes a server with one tool at least, and hands back the lists that
// it has.
func (m *Maker) server() (Server, object) {
	s := Server{Name: fmt.Sprintf("%s%d", pick(m, "crm", "desk", "mail", "hr"), m.servers)}
	m.servers++
	lists := object{"tools": m.tools(&s)}
	if m.chance(25) {
		s.Items = append(s.Items, Item{Type: authz.PromptItem, Name: "greet"})
		lists["prompts"] = list{object{"name": "greet", "arguments": list{object{"name": "who", "description": "whom"}}}}
	}
	if m.chance(25) {
		s.Items = append(s.Items, Item{Type: authz.ResourceItem, Name: "desk://rules"})
		lists["resources"] = list{object{"uri": "desk://rules", "name": "rules"}}
	}
	return s, lists
}

// tools makes the tools of a server in one of the notations.
func (m *Maker) tools(s *Server) any {
	var names []string
	for i := range 1 + m.IntN(4) {
		names = append(names, fmt.Sprintf("%s_%s%d_s%d", pick(m, "get", "delete", "find", "send"), pick(m, "mail", "card", "tools", "name"), i, m.servers))
	}
	if m.chance(15) {
		var bare list
		for _, name := range names {
			bare = append(bare, name)
			s.Items = append(s.Items, Item{Name: name, Hints: "----"})
		}
		return bare
	}
	keyed := m.chance(30)
	dialect := m.IntN(6)
	byName, inOrder := object{}, list{}
	for _, name := range names {
		made := Item{Name: name, Hints: "----"}
		tool := m.tool(&made, dialect)
		if keyed {
			byName[name] = tool
		} else {
			tool["name"] = name
			inOrder = append(inOrder, tool)
		}
		s.Items = append(s.Items, made)
	}
	if keyed {
		return byName
	}
	return inOrder
}

// tool makes a tool without its name, with a schema and hints as one dialect
// spells them.
func (m *Maker) tool(made *Item, dialect int) object {
	tool := object{"description": pick(m, "Does it.", "The tools: all of them", "")}
	if m.chance(70) {
		arguments := m.arguments()
		made.Schema = arguments.schema()
		asSchema := any(json.RawMessage(made.Schema))
		if err := json.Unmarshal([]byte(made.Schema), &asSchema); err != nil {
			panic(err)
		}
		switch dialect {
		case 0, 1:
			tool["inputSchema"] = asSchema
		case 2:
			tool["input_schema"] = asSchema
		case 3:
			tool[pick(m, "schema", "inputs", "parameters", "parametersJsonSchema", "args_schema")] = asSchema
		case 4:
			tool["parameters"] = arguments.list()
		case 5:
			tool[pick(m, "parameters", "inputs")] = arguments.byName()
		}
	}
	if m.chance(50) {
		readOnly, destructive := m.chance(50), m.chance(50)
		made.Hints = string([]rune{letterOf(readOnly), letterOf(destructive), '-', '-'})
		keys := pick(m, [2]string{"readOnlyHint", "destructiveHint"}, [2]string{"read_only_hint", "destructive_hint"}, [2]string{"read_only", "destructive"})
		tool["annotations"] = object{keys[0]: readOnly, keys[1]: destructive}
	}
	if m.chance(20) {
		tool["_meta"] = object{"tools": list{object{"name": "nobody", "inputSchema": object{"type": "object"}}}}
	}
	return tool
}

func letterOf(b bool) rune {
	if b {
		return 'T'
	}
	return 'F'
}

// An argument is an argument of a tool: what it is called, its type, and
// whether it must be given.
type argument struct {
	name, kind string
	required   bool
}

type arguments []argument

func (m *Maker) arguments() arguments {
	args := make(arguments, 1+m.IntN(3))
	for i := range args {
		args[i].name = pick(m, "query", "tools", "type", "properties", "name")
		if i > 0 {
			args[i].name += strconv.Itoa(i)
		}
		args[i].kind, args[i].required = pick(m, "string", "integer", "boolean", "array"), m.chance(50)
	}
	slices.SortFunc(args, func(a, b argument) int { return strings.Compare(a.name, b.name) })
	return args
}

func (a arguments) schema() string {
	properties, required := object{}, list{}
	for _, x := range a {
		properties[x.name] = object{"type": x.kind}
		if x.required {
			required = append(required, x.name)
		}
	}
	return marshal(object{"type": "object", "properties": properties, "required": required})
}

func (a arguments) list() list {
	var l list
	for _, x := range a {
		l = append(l, object{"name": x.name, "type": x.kind, "required": x.required})
	}
	return l
}

func (a arguments) byName() object {
	o := object{}
	for _, x := range a {
		o[x.name] = object{"type": x.kind, "required": x.required}
	}
	return o
}

func marshal(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(data)
}

// Text writes a value as JSON or YAML.
func (m *Maker) Text(v any) []byte {
	if m.chance(50) {
		return []byte(marshal(v))
	}
	data, err := yaml.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}

// Wanted writes what was made, one line an item.
func Wanted(servers []Server) []string {
	var lines []string
	for _, s := range servers {
		for _, it := range s.Items {
			if it.Type != authz.ToolItem {
				it.Hints = ""
			}
			lines = append(lines, strings.Join([]string{s.Name, it.Type.String(), it.Name, it.Schema, it.Hints}, " | "))
		}
	}
	slices.Sort(lines)
	return lines
}

// Found writes what was read in the same way.
func Found(inventories []*manifest.Inventory) []string {
	var lines []string
	for _, inv := range inventories {
		for _, it := range inv.Items {
			schema, hints := "", ""
			if it.Schema != nil {
				schema = string(it.Schema.JSON())
			}
			if it.Type == authz.ToolItem {
				for _, h := range []manifest.Hint{it.Hints.ReadOnly, it.Hints.Destructive, it.Hints.Idempotent, it.Hints.OpenWorld} {
					hints += string("-TF"[h])
				}
			}
			lines = append(lines, strings.Join([]string{inv.Server, it.Type.String(), it.Name, schema, hints}, " | "))
		}
	}
	slices.Sort(lines)
	return lines
}

// Names matches how tools are called, and nothing else is.
var Names = regexp.MustCompile(`\b[a-z]+_[a-z]+[0-9]_s[0-9]+\b`)

// IsIncomplete reports whether one of the inventories says that it may be.
func IsIncomplete(inventories []*manifest.Inventory) bool {
	return slices.ContainsFunc(inventories, func(inv *manifest.Inventory) bool { return len(inv.Gaps) > 0 })
}
