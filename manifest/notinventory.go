package manifest

import (
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// What to do instead of handing over the file.
const (
	saveResult    = "save the server's tools/list result, and hand that over, or let mcpolicy discover read the running server"
	saveRunning   = "mcpolicy discover reads the running server"
	saveServers   = "let mcpolicy discover read the server that you mean"
	startsServers = "it says how to start servers, not what they offer"
	startsOne     = "it says how to start a server, not what it offers"
	placesServer  = "it says where to get a server, not what it offers"
)

// saveItems is the way out where items of one type are missing.
func saveItems(t authz.ItemType) string {
	return "save the running server's " + listMethods[t] + " result, or let mcpolicy discover read it"
}

// notInventory says what a file is instead of an inventory.
func notInventory(pos source.Pos, what, says, do string) *source.Error {
	return source.Errorf(pos, "this is %s: %s; %s", what, says, do)
}

func (r *reader) refuse(err *source.Error) {
	r.refused = true
	r.errorf(err.Pos, "%w", err.Err)
}

// unknown refuses a value that no row of the tables fits.
func (r *reader) unknown(n *source.Node) {
	what := "an object with " + fieldNames(n)
	if n.Is(source.Sequence) {
		what = "a list that starts with " + describe(n.Items[0])
		if n.Items[0].Is(source.Mapping) {
			what = "a list of objects with " + fieldNames(n.Items[0])
		}
	}
	r.errorf(n.Pos, "this is no MCP inventory of any known shape, but %s%s; %s", what, nearKey(n), saveResult)
}

// nearKey suggests what a key was meant to be.
func nearKey(n *source.Node) string {
	for _, f := range n.Fields {
		if hint := source.DidYouMean(f.Name, []string{"tools", "prompts", "resources", "resourceTemplates"}); hint != "" {
			return hint
		}
	}
	return ""
}

// fieldNames lists the first keys of an object.
func fieldNames(n *source.Node) string {
	var names []string
	for i, f := range n.Fields {
		if i == maxListed {
			names = append(names, "...")
			break
		}
		names = append(names, quote(f.Name))
	}
	if len(names) == 0 {
		return "no keys"
	}
	return strings.Join(names, ", ")
}
