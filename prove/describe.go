package prove

import (
	"fmt"
	"strings"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// Against says what a counterexample did: `{"roles": ["clerk"]} may call refund with {}`.
func (s *Sentence) Against(p *Proof) string {
	x := p.Counterexample
	if x == nil {
		return "nobody may " + s.Of.Operation.String() + " " + s.Of.Item.Name + ", with whatever roles and attributes"
	}
	may := " may " + s.Of.Operation.String() + " " + s.Of.Item.Name
	if s.Kind == Always {
		may = " may not " + s.Of.Operation.String() + " " + s.Of.Item.Name
	}
	text := describe(x.Principal) + may + with(x.Arguments)
	switch s.Kind {
	case Implies:
		text += ", and may not " + s.Then.Operation.String() + " "
		if s.Then.Item != s.Of.Item {
			text += s.Then.Item.Name
		} else {
			text += "it"
		}
	case Apart:
		text += ", and " + s.Then.Operation.String() + " " + s.Then.Item.Name + with(x.Then)
	case Within:
		text += ", which " + strings.Join(s.Outer, " and ") + " may not"
	case Delegated:
		text += ", which " + s.Person.Key + " may not"
	case Never, Always, Needs, Somebody:
	}
	if !x.Now.IsZero() {
		text += ", at " + x.Now.UTC().Format(time.RFC3339)
	}
	return text
}

// describe writes a principal as JSON, without what does not matter.
func describe(p *authz.Principal) string {
	if p.Key != "" && p.Pos.Line > 0 { // a declared one
		return p.Key
	}
	var parts []string
	add := func(name string, v any) { parts = append(parts, fmt.Sprintf("%q: %s", name, text(v))) }
	if p.ID != anybody {
		add("id", p.ID)
	}
	if p.Kind != authz.Human {
		add("kind", p.Kind.String())
	}
	add("roles", p.Roles)
	if len(p.Attr) > 0 {
		add("attr", p.Attr)
	}
	if len(p.AuxData) > 0 {
		add("auxData", map[string]any{"jwt": p.AuxData})
	}
	if len(p.JWTs) > 0 {
		add("auxData", map[string]any{"jwts": p.JWTs})
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func with(arguments map[string]any) string {
	if arguments == nil {
		return ""
	}
	return " with " + text(arguments)
}

// text writes a value as people write JSON.
func text(v any) string { return source.JSONText(v) }
