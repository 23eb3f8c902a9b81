package workspace

import (
	"errors"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/internal/glob"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/source"
)

// metaTools returns the tools of a server that call others without a question: those that the
// config names, and those that look like it and of which it says nothing. A pattern that no
// tool matches is a mistake.
func metaTools(s *config.Server, inventory *manifest.Inventory) ([]manifest.MetaTool, error) {
	said := map[*manifest.Item]config.MetaKind{}
	var list []manifest.MetaTool
	var errs []error
	isName := func(of config.MetaTool) bool {
		return slices.ContainsFunc(inventory.Items, func(i *manifest.Item) bool { return i.Type == authz.ToolItem && i.Name == of.Pattern })
	}
	isPattern := func(of config.MetaTool) bool { return !isName(of) }
	for _, of := range slices.Concat(slices.DeleteFunc(slices.Clone(s.MetaTools), isPattern), slices.DeleteFunc(slices.Clone(s.MetaTools), isName)) {
		re, err := glob.Compile(of.Pattern)
		if err != nil {
			return nil, err // never: it was compiled before
		}
		matches := false
		var names []string
		for _, i := range inventory.Items {
			if i.Type != authz.ToolItem {
				continue
			}
			names = append(names, i.Name)
			if i.Name != of.Pattern && !re.MatchString(i.Name) {
				continue
			}
			matches = true
			if _, before := said[i]; before {
				continue
			}
			said[i] = of.Kind
			if of.Kind == config.MetaUnasked {
				list = append(list, manifest.MetaTool{Item: i, Because: "the configuration says so"})
			}
		}
		if !matches {
			errs = append(errs, source.Errorf(of.Pos, "metaTools: server %s has no tool %q%s", s.Name, of.Pattern, source.DidYouMean(of.Pattern, names)))
		}
	}
	for _, m := range inventory.MetaTools() {
		if kind, known := said[m.Item]; !known {
			list = append(list, m)
		} else if i := slices.IndexFunc(list, func(x manifest.MetaTool) bool { return x.Item == m.Item }); kind == config.MetaUnasked && i >= 0 {
			list[i].Names = m.Names
		}
	}
	return list, errors.Join(errs...)
}
