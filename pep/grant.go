package pep

import (
	"regexp"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// A Grant is where the names come from that a list shows to somebody: lists that were made
// beforehand, in a file or in an attribute of the principal. No policy is asked.
type Grant struct {
	File  string       // that has names by principal and by role; "" for an attribute
	Names *Grants      // of the file; nil if it was not read
	Attr  authz.Origin // the attribute, a list of names as they are; nil for a file
	// Missing is what becomes of a list for whom there is no grant. What is not known is
	// refused: the list is empty.
	Missing authz.Fallback
	Pos     source.Pos
}

// String says where the names come from.
func (g *Grant) String() string {
	if g.Attr != nil {
		return strings.Join(g.Attr, ".")
	}
	return g.File
}

// RolesNamed lists the roles that have a grant.
func (g *Grant) RolesNamed() []string {
	if g.Names == nil {
		return nil
	}
	roles := make([]string, len(g.Names.Roles))
	for i, to := range g.Names.Roles {
		roles[i] = to.Whose
	}
	return roles
}

// Content returns all that the grant says, whatever its layout.
func (g *Grant) Content() string {
	content := map[string]any{"attr": []string(g.Attr), "missing": g.Missing.String()}
	if g.Names != nil {
		content["principals"], content["roles"] = contentOf(g.Names.Principals), contentOf(g.Names.Roles)
	}
	return source.JSONText(content)
}

func contentOf(list []*GrantTo) map[string]any {
	content := map[string]any{}
	for _, to := range list {
		names := make([]string, len(to.Names))
		for i := range to.Names {
			names[i] = to.Names[i].Text
		}
		slices.Sort(names)
		content[to.Whose] = names
	}
	return content
}

// checkAttr reports a path that is none of an attribute of the principal.
func (g *Grant) checkAttr(endpoint string) error {
	of := piece{strings.Join(g.Attr, "."), true}
	if _, ok := of.path(ofAttributes); g.Attr == nil || ok && of.known() {
		return nil
	}
	return source.Errorf(g.Pos, "%s: grant: want an attribute of the principal, such as principal.attr.tools, have %q", endpoint, of.text)
}

// A Granted is what grants say of an item to a principal.
type Granted struct {
	Effect authz.Effect // Conditional where it is not known
	None   bool         // there is no grant for the principal
	Open   string       // of Conditional: what it hangs on

	Whose string     // whose grant names the item: a role, an attribute, or [Itself]; "" if none does
	Name  string     // by which name or pattern
	Pos   source.Pos // where that stands; of an attribute where the principal does
}

// Itself stands for the principal that is asked about, where a grant of its own names an item.
const Itself = "itself"

// Reason says why an item is listed or not, whichever item it is.
func (g *Granted) Reason() string {
	switch {
	case g.Effect == authz.Conditional:
		return ""
	case g.None && g.Effect == authz.Allow:
		return "there is no grant, and without one everything shows"
	case g.None:
		return "there is no grant, and without one nothing shows"
	case g.Effect == authz.Allow:
		return "a grant names it, no policy is asked"
	}
	return "no grant names it, no policy is asked"
}

// GrantedBy returns what grants say by the reason that a report has for it, nil for another
// reason.
func GrantedBy(reason string) *Granted {
	for _, g := range []Granted{{}, {None: true}, {Effect: authz.Allow}, {Effect: authz.Allow, None: true}} {
		if g.Reason() == reason {
			return &g
		}
	}
	return nil
}

// A Granting asks a grant about one item.
type Granting struct {
	*Grant
	Item string
	// AnyPrincipal leaves everything of the principal open but its roles.
	AnyPrincipal bool
}

// To says whether the item is shown to a principal.
func (g *Granting) To(p *authz.Principal) Granted {
	switch {
	case g.Attr != nil:
		return g.byAttribute(p)
	case g.Names == nil:
		return Granted{Effect: authz.Conditional, Open: g.File + ", which was not read, names it"}
	}
	return g.byFile(p)
}

func (g *Granting) byAttribute(p *authz.Principal) Granted {
	name := g.String()
	names, isList := g.GrantedNames(p)
	switch {
	case g.AnyPrincipal:
		return Granted{Effect: authz.Conditional, Open: name + " names it"}
	case isList && names == nil:
		return g.none()
	case !isList:
		return Granted{Effect: authz.Conditional, Open: name + ", which is no list of names, names it"}
	case slices.Contains(names, g.Item):
		return Granted{Effect: authz.Allow, Whose: name, Name: g.Item, Pos: p.Pos}
	}
	return Granted{}
}

// GrantedNames returns the names that an attribute of the principal grants, none where it has
// no such attribute. It is not ok for one that is no list of names.
func (g *Grant) GrantedNames(p *authz.Principal) (names []string, ok bool) {
	v, there := g.Attr.Value(p, nil)
	if !there || v == nil {
		return nil, true
	}
	return textsOf(v)
}

// textsOf returns a list of texts, not nil if it is one.
func textsOf(v any) (texts []string, ok bool) {
	list, ok := v.([]any)
	texts = []string{}
	for _, x := range list {
		text, isText := x.(string)
		texts, ok = append(texts, text), ok && isText
	}
	return texts, ok
}

func (g *Granting) byFile(p *authz.Principal) Granted {
	var own *GrantTo
	if !g.AnyPrincipal {
		own = g.Names.To(p.Key)
	}
	granted := g.Names.Of(p.Roles)
	if own != nil {
		granted = append([]*GrantTo{own}, granted...)
	}
	for _, to := range granted {
		if n := to.name(g.Item); n != nil {
			whose := to.Whose
			if to == own {
				whose = Itself
			}
			return Granted{Effect: authz.Allow, Whose: whose, Name: n.Text, Pos: n.Pos}
		}
	}
	if g.AnyPrincipal && (g.Missing == authz.Pass || slices.ContainsFunc(g.Names.Principals, func(to *GrantTo) bool { return to.name(g.Item) != nil })) {
		return Granted{Effect: authz.Conditional, Open: g.File + " names it for the principal alone"}
	}
	if len(granted) == 0 && !g.AnyPrincipal {
		return g.none()
	}
	return Granted{}
}

func (g *Grant) none() Granted {
	if g.Missing == authz.Pass {
		return Granted{Effect: authz.Allow, None: true}
	}
	return Granted{None: true}
}

// Grants are the names of a file.
type Grants struct {
	Principals, Roles []*GrantTo // in the order of the file

	index map[string]*GrantTo // of Principals
}

// A GrantTo is the names that a principal or a role is granted.
type GrantTo struct {
	Whose string
	Pos   source.Pos
	Names []GrantedName
}

// A GrantedName is the name of an item, or a pattern of names.
type GrantedName struct {
	Text string
	Pos  source.Pos

	pattern *regexp.Regexp // nil for a name
}

// Matches reports whether the name, or the pattern, is that of an item.
func (n *GrantedName) Matches(item string) bool {
	return n.Text == item || n.pattern != nil && n.pattern.MatchString(item)
}

// name returns the first name that is an item's, or nil.
func (to *GrantTo) name(item string) *GrantedName {
	for i := range to.Names {
		if to.Names[i].Matches(item) {
			return &to.Names[i]
		}
	}
	return nil
}

// To returns the grant of a principal by itself, or nil.
func (g *Grants) To(key string) *GrantTo { return g.index[key] }

// Whose lists whose grants a principal has: its own, and those of its roles. Principals that
// have the same are shown the same.
func (g *Grants) Whose(p *authz.Principal) []string {
	var list []string
	if own := g.To(p.Key); own != nil {
		list = append(list, "principal "+own.Whose)
	}
	for _, to := range g.Of(p.Roles) {
		list = append(list, "role "+to.Whose)
	}
	return list
}

// Of returns the grants of roles.
func (g *Grants) Of(roles []string) []*GrantTo {
	var list []*GrantTo
	for _, to := range g.Roles {
		if slices.Contains(roles, to.Whose) {
			list = append(list, to)
		}
	}
	return list
}
