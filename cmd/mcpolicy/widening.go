package main

import (
	"fmt"

	"github.com/mcpolicy/mcpolicy/fix"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// does says what an edit does.
func does(p *workspace.Proposal) string {
	if p.Remove {
		return fmt.Sprintf("%q is taken out", p.Old)
	}
	return fmt.Sprintf("%q becomes %q", p.Old, p.New)
}

// would says what an edit would do.
func would(p *workspace.Proposal) string {
	if p.Remove {
		return fmt.Sprintf("%q would be taken out", p.Old)
	}
	return fmt.Sprintf("%q would become %q", p.Old, p.New)
}

// said writes what becomes of each proposal, a line each: made, left out, or
// refused.
func said(list []workspace.Proposal, refused map[fix.Edit]string, widening bool, log func(format string, args ...any)) {
	left := false
	for i := range list {
		p := &list[i]
		why, not := refused[p.Edit]
		switch {
		case not:
			log("%s: not fixed: %s (%s)", p.Pos, why, p.Rule)
		case p.Widens == "":
			log("%s: %s (%s)", p.Pos, does(p), p.Rule)
		case widening:
			log("%s: %s (%s); this can widen access: %s", p.Pos, does(p), p.Rule, p.Widens)
		default:
			left = true
			log("%s: left out: %s, which can widen access: %s (%s)", p.Pos, would(p), p.Widens, p.Rule)
		}
	}
	if left {
		log("--fix-widening makes what is left out too; --diff shows it")
	}
}
