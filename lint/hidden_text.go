package lint

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/source"
)

// hiddenText flags characters that a reader does not see, or that change the
// order of what is seen, in names and descriptions. Names may have none; in
// descriptions line breaks, odd spaces and what a script or an emoji needs are
// fine.
var hiddenText = &Rule{
	ID:       "hidden-text",
	Family:   inInventory,
	Severity: authz.SeverityWarning,
	Doc: Doc{
		Summary: "Control, zero-width or bidirectional characters in a name or description",
		Rationale: `A model reads what a person does not see. A description that looks harmless to whoever approves the
server can carry an order to the model in tag or zero-width characters, and two names that look alike can be two
names to a policy. Looked at are names, titles and descriptions, those of a tool's arguments too.`,
		Bad: `
-- manifest.json --
{"tools": [{"name": "get_customer", "description": "Read a customer.\u200b\u200d\u202e"}]}
` + hiddenPolicy,
		Good: `
-- manifest.json --
{"tools": [{"name": "get_customer", "description": "Read a customer.\nNothing else."}]}
` + hiddenPolicy,
		Fix:       "Take the characters out of the server; if you did not write them, find out who did.",
		Standards: []string{"OWASP MCP03:2025"},
	},
	Check: func(p *Pass) {
		for _, s := range p.Matrix.Servers {
			for _, i := range s.Inventory.Items {
				f := Finding{Server: s.Name, Type: i.Type, Name: i.Name, Pos: i.Pos}
				var where []string
				for _, t := range textsOf(i) {
					if hidden := t.hidden(); len(hidden) > 0 {
						where = append(where, t.what)
						f.Evidence = addSome(f.Evidence, []string{fmt.Sprintf("%s: %s in \"%s\"", t.what, spell(hidden), source.Printable(excerpt(t.text, hidden[0])))})
					}
				}
				if len(where) > 0 {
					f.Message = fmt.Sprintf("%s of the %s %s %s characters that do not show", listing(where, named), noun(i.Type), i.Name,
						plural(len(where), "has", "have"))
					p.report(draft{Finding: f})
				}
			}
		}
	},
}

// A text is something of an item that people or models read.
type text struct {
	what, text string
	isName     bool
}

func textsOf(i *manifest.Item) []text {
	list := []text{{"the name", i.Name, i.Type == authz.ToolItem || i.Type == authz.PromptItem}, {"the title", i.Title, false}, {"the description", i.Description, false}}
	for _, a := range i.Arguments {
		list = append(list, text{"the name of an argument", a.Name, true})
	}
	return schemaTexts(list, i.Schema)
}

// schemaTexts appends the names and descriptions of a schema's properties.
func schemaTexts(list []text, n *source.Node) []text {
	if n == nil {
		return list
	}
	for _, f := range n.Fields {
		if (f.Name == "description" || f.Name == "title") && f.Value.Is(source.String) {
			list = append(list, text{"the " + f.Name + " of an argument", f.Value.Text, false})
		}
		if f.Name == "properties" && f.Value.Is(source.Mapping) {
			for _, property := range f.Value.Fields {
				list = append(list, text{"the name of an argument", property.Name, true})
			}
		}
		list = schemaTexts(list, f.Value)
	}
	for _, item := range n.Items {
		list = schemaTexts(list, item)
	}
	return list
}

// A mark is a character that does not show, and where it stands.
type mark struct {
	rune  rune
	index int // in runes
}

// hidden returns the characters of a text that do not show and have no
// business there.
func (t *text) hidden() []mark {
	if source.Plain(t.text) {
		return nil
	}
	runes := []rune(t.text)
	rightToLeft := slices.ContainsFunc(runes, func(r rune) bool {
		return unicode.In(r, unicode.Hebrew, unicode.Arabic, unicode.Syriac, unicode.Thaana)
	})
	var list []mark
	for i, r := range runes {
		switch {
		case !source.Hidden(r):
			continue
		case t.isName:
		case strings.ContainsRune("\n\r\t", r), unicode.Is(unicode.Zs, r), !conceals(r):
			continue
		case joins(r) && between(runes, i):
			continue
		case rightToLeft && strings.ContainsRune("\u200e\u200f\u061c", r):
			continue
		}
		list = append(list, mark{r, i})
	}
	return list
}

// conceals reports whether a character is a control, a format character, or
// one that is drawn as nothing. What is merely unassigned or private may be a
// sign that this program does not know yet.
func conceals(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) ||
		r == '\u2800' || r == '\u2028' || r == '\u2029'
}

// joins reports whether a character shapes its neighbours: the joiners of
// scripts and emoji, and variation selectors.
func joins(r rune) bool {
	return r == '\u200c' || r == '\u200d' || unicode.Is(unicode.Variation_Selector, r)
}

// supplement is where the variation selectors begin that are for ideographs.
const supplement = 0xe0100

// between reports whether a joining character has something to shape: before
// it a sign beyond ASCII, and for a joiner another one behind it. A variation
// selector may also make a keycap of a digit; those of the supplement are for
// ideographs, and elsewhere hold a byte each that nobody sees.
func between(runes []rune, i int) bool {
	if i == 0 {
		return false
	}
	shows := func(r rune) bool { return r > unicode.MaxASCII && !source.Hidden(r) }
	before := runes[i-1]
	switch r := runes[i]; {
	case r >= supplement:
		return unicode.Is(unicode.Ideographic, before)
	case unicode.Is(unicode.Variation_Selector, r):
		return shows(before) || strings.ContainsRune("#*0123456789", before)
	}
	emoji := i > 1 && unicode.Is(unicode.Variation_Selector, before) && shows(runes[i-2])
	return (shows(before) || emoji) && i+1 < len(runes) && shows(runes[i+1])
}

// spell lists characters as they are written in source code, each once.
func spell(marks []mark) string {
	var list []string
	for _, m := range marks {
		if s := fmt.Sprintf("U+%04X", m.rune); !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return listing(list, people)
}

// excerpt returns what stands around a character.
func excerpt(s string, at mark) string {
	const around = 20
	runes := []rune(s)
	return string(runes[max(0, at.index-around):min(len(runes), at.index+around)])
}

const hiddenPolicy = `-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/list", "tools/list::get_customer", "tools/call::get_customer"], effect: EFFECT_ALLOW, roles: [SALES]}
`
