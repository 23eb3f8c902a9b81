package lint

import (
	"context"
	"fmt"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// A Rule is one entry of the catalogue.
type Rule struct {
	ID         string
	Family     string
	Severity   authz.Severity   // of its findings, unless the check says otherwise
	Confidence authz.Confidence // of its findings, unless the check says less
	Least      authz.Confidence // that the check may say; High for the rule's own
	Doc        Doc
	// Options returns the rule's options with their defaults: a pointer to a
	// struct, see [Rule.OptionList]. Nil if it has none.
	Options func() any
	// Check reports. A rule that makes requests to the engine has Ask instead.
	Check func(*Pass)
	Ask   func(context.Context, *Pass) error

	// ofEach says that the rule is about each principal by itself, so that one of them
	// can be accepted, or be new.
	ofEach       bool
	needs        []need // without which it does not look into all that it is about
	aboutWaivers bool   // it runs when the waivers are applied, and cannot be waived
}

// The families of the catalogue.
const (
	overExposed = "over-exposed"
	unguarded   = "unguarded"
	unreachable = "unreachable"
	inPolicy    = "policy"
	inInventory = "inventory"
	inHouse     = "housekeeping"
)

// Families lists the families in the order of the catalogue.
func Families() []string {
	return []string{overExposed, unguarded, unreachable, inPolicy, inInventory, inHouse}
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
		agentDestructive,
		annotationsContradict,
		annotationsMissing,
		argumentAtListTime,
		argumentNotInSchema,
		argumentOptional,
		attributeNeverSupplied,
		broadPrincipal,
		callableNotListed,
		claimNeverSupplied,
		conditionAlwaysTrue,
		conditionNeverTrue,
		decisionDependsOnTime,
		decisionNotDeterministic,
		defaultMappingWider,
		delegateExceedsDelegator,
		denyBypassedByRole,
		denyFailsOpen,
		derivedRoleInert,
		destructiveOpenToAll,
		duplicateName,
		enforcementPointFailsOpen,
		enforcementPointUnsupported,
		grantNamesNothing,
		hiddenText,
		instructionInDescription,
		invalidGlob,
		inventoryIncomplete,
		kindMissing,
		limitBypassedByRole,
		listNotFiltered,
		listedNotCallable,
		looseTextCheck,
		mappingAlwaysRefuses,
		mappingArgumentOptional,
		mappingCallerChoosesPolicy,
		mappingChoosesIdentity,
		mappingEarlierSpelling,
		mappingNumberAsText,
		mappingReveals,
		mappingStopsEarly,
		metaTool,
		mixedScopePermissions,
		nameCollisionAcrossServers,
		nameNotPortable,
		noPolicyForResource,
		operationNotEnforced,
		policyNeverAsked,
		powerfulToolOpen,
		principalNotDeclared,
		principalWithoutAccess,
		principalWithoutGrant,
		roleClaimIsText,
		roleNotHeld,
		roleNotShown,
		ruleMatchesNothing,
		ruleShadowed,
		ruleUntested,
		schemaRejectsRequests,
		selfConfirmed,
		separationOfDuties,
		sharedResourceKind,
		taskCallUnguarded,
		taskPolicy,
		toolUnreachable,
		toolUntested,
		toolWithoutRule,
		toxicCombination,
		unusedDefinition,
		waiverExpired,
		waiverStale,
		wildcardAction,
		wildcardRole,
	}
}

// Find returns the rule with that ID. The error names the nearest.
func Find(id string) (*Rule, error) {
	for _, r := range Rules() {
		if r.ID == id {
			return r, nil
		}
	}
	return nil, fmt.Errorf("no rule is called %q%s", id, source.DidYouMean(id, IDs()))
}

// IDs lists the IDs of the catalogue.
func IDs() []string {
	var ids []string
	for _, r := range Rules() {
		ids = append(ids, r.ID)
	}
	return ids
}

// isOfEach reports whether a rule is about each principal by itself.
func isOfEach(id string) bool {
	r, err := Find(id)
	return err == nil && r.ofEach
}

// byID returns the rules with these IDs, in the order of the catalogue.
func byID(ids []string) []*Rule {
	return slices.DeleteFunc(Rules(), func(r *Rule) bool { return !slices.Contains(ids, r.ID) })
}
