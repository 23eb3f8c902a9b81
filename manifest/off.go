package manifest

import (
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/source"
)

// A toggle is a key by which somebody switches an item off.
type toggle struct {
	key string
	off string // the boolean that says so
}

var toggles = []toggle{
	{"enabled", "false"},
	{"isEnabled", "false"},
	{"is_enabled", "false"},
	{"active", "false"},
	{"isActive", "false"},
	{"is_active", "false"},
	{"disabled", "true"},
	{"isDisabled", "true"},
	{"is_disabled", "true"},
}

var (
	statusKeys = []string{"status", "state"}
	offWords   = []string{"disabled", "inactive", "deactivated", "off"}
)

// gatewayKeys are columns of a gateway's own record of an item: ContextForge's,
// in both its spellings, and MetaMCP's.
var gatewayKeys = []string{
	"originalName", "original_name", "gatewayId", "gateway_id", "gatewaySlug", "gateway_slug",
	"integrationType", "integration_type", "federationSource", "federation_source", "ownerEmail", "owner_email",
	"mcp_server_uuid", "mcpServerUuid",
}

// isOff reports whether an item is neither listed nor callable. That is taken
// from a gateway's record of its own tools. Anywhere else nobody knows whether
// the key keeps anybody from calling, so the item stays, with a note.
func (r *reader) isOff(it *Item, n *source.Node) bool {
	off, on := switches(n)
	if off == nil {
		return false
	}
	of := func(key string) bool { return n.Get(key) != nil }
	switch {
	case on != nil:
		r.note(off.Pos, "%s %s is switched off by %s and on by %s: kept", singular(it.Type), quote(it.Name), quote(off.Name), quote(on.Name))
	case r.answer || !slices.ContainsFunc(gatewayKeys, of):
		r.note(off.Pos, "%s %s says %s: %s; kept, because that may keep nobody from calling it",
			singular(it.Type), quote(it.Name), off.Name, describe(off.Value))
	default:
		r.noteOff(it)
		return true
	}
	return false
}

func (r *reader) noteOff(it *Item) {
	r.note(it.Pos, "%s %s is disabled, neither listed nor callable: left out", singular(it.Type), quote(it.Name))
}

// switches returns a field that says that an item is off, and one that says
// that it is on, or nil.
func switches(n *source.Node) (off, on *source.Field) {
	for i := range n.Fields {
		f := &n.Fields[i]
		j := slices.IndexFunc(toggles, func(t toggle) bool { return t.key == f.Name })
		switch {
		case j >= 0 && f.Value.Is(source.Bool) && f.Value.Text == toggles[j].off,
			slices.Contains(statusKeys, f.Name) && slices.Contains(offWords, strings.ToLower(f.Value.Str())):
			off = f
		case j >= 0 && f.Value.Is(source.Bool):
			on = f
		}
	}
	return off, on
}
