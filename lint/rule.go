package lint

import (
	"fmt"
	"slices"

	"github.com/mcpolicy/mcpolicy/source"
)

// A Rule is one entry of the catalogue.
type Rule struct {
	ID       string
	Family   string
	Severity Severity // of its findings, unless the check says otherwise
	Doc      Doc
	Check    func(*Pass)
}

// The families of the catalogue.
const (
	overExposed = "over-exposed"
	unguarded   = "unguarded"
	unreachable = "unreachable"
	inPolicy    = "policy"
	inInventory = "inventory"
)

// Families lists the families in the order of the catalogue.
func Families() []string {
	return []string{overExposed, unguarded, unreachable, inPolicy, inInventory}
}

// Doc is the documentation of a rule. Prose is Markdown.
type Doc struct {
	Summary   string // when the rule fires, without a period
	Rationale string
	Bad, Good string // txtar archives: the rule fires on Bad and is silent on Good
	Fix       string // one line; a finding may have its own
	Standards []string
}

// Rules returns the catalogue, sorted by ID.
func Rules() []*Rule {
	return []*Rule{
		accessNotDifferentiated,
		argumentAtListTime,
		argumentNotInSchema,
		argumentOptional,
		attributeNeverSupplied,
		callableNotListed,
		decisionDependsOnTime,
		decisionNotDeterministic,
		destructiveOpenToAll,
		duplicateName,
		enforcementPointUnsupported,
		invalidGlob,
		inventoryIncomplete,
		listNotFiltered,
		listedNotCallable,
		mixedScopePermissions,
		noPolicyForResource,
		operationNotEnforced,
		roleNotHeld,
		ruleMatchesNothing,
		schemaRejectsRequests,
		taskCallUnguarded,
		toolUnreachable,
		toolWithoutRule,
		unusedDefinition,
		wildcardAction,
		wildcardRole,
	}
}

// Find returns the rule with that ID. The error names the nearest.
func Find(id string) (*Rule, error) {
	rules := Rules()
	ids := make([]string, len(rules))
	for i, r := range rules {
		if r.ID == id {
			return r, nil
		}
		ids[i] = r.ID
	}
	return nil, fmt.Errorf("no rule is called %q%s", id, source.DidYouMean(id, ids))
}

// byID returns the rules with these IDs, in the order of the catalogue.
func byID(ids []string) []*Rule {
	return slices.DeleteFunc(Rules(), func(r *Rule) bool { return !slices.Contains(ids, r.ID) })
}
