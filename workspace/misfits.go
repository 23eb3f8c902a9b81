package workspace

import (
	"cmp"
	"fmt"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/witness"
	"github.com/mcpolicy/mcpolicy/manifest"
)

// Misfits returns what a tool's inputSchema refuses in arguments. A call with them is
// decided all the same: the enforcement point asks before the server looks at them.
func Misfits(item *manifest.Item, arguments map[string]any) []string {
	if item.Schema == nil || arguments == nil {
		return nil
	}
	arguments, _ = authz.SplitArguments(arguments)
	found, err := witness.NewSchema(item.Schema).Misfits(arguments)
	if err != nil {
		return []string{fmt.Sprintf("the inputSchema of %q cannot be used: %v", item.Name, err)}
	}
	var list []string
	for _, m := range found {
		list = append(list, fmt.Sprintf("the arguments do not fit the inputSchema of %q: at %s: %s", item.Name, cmp.Or(m.Path, "/"), m.Message))
	}
	return list
}
