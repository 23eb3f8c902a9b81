package report

import (
	"encoding/json"
	"flag"
	"reflect"
	"testing"

	"github.com/mcpolicy/mcpolicy/internal/schemafile"
)

// The documents that are written piece by piece, as a whole.
type (
	// What a run found: the sections that it has.
	documentJSON struct {
		Version  int             `json:"version"`
		Summary  []overviewJSON  `json:"summary,omitempty"`
		Matrix   *matrixJSON     `json:"matrix,omitempty"`
		Findings []findingJSON   `json:"findings,omitempty"`
		Digest   *digestJSON     `json:"findingSummary,omitempty"`
		LeftOut  *leftOutJSON    `json:"leftOut,omitempty"`
		Baseline *baselineOfJSON `json:"baseline,omitempty"`
		Drift    *driftOfJSON    `json:"drift,omitempty"`
		Diff     *diffOfJSON     `json:"diff,omitempty"`
		Lock     *lockOfJSON     `json:"lock,omitempty"`
		Shard    string          `json:"shard,omitempty"`
		Tests    *testsJSON      `json:"tests,omitempty"`
		Coverage *coverageJSON   `json:"coverage,omitempty"`
		Probe    *probeOfJSON    `json:"probe,omitempty"`
		Notes    []noteJSON      `json:"notes,omitempty"`
		Doubt    []string        `json:"doubt,omitempty"`
	}
	// Who may do what.
	matrixJSON struct {
		Classes []classJSON      `json:"classes,omitempty"`
		Items   []matrixItemJSON `json:"items"`
		Cells   []mergedCell     `json:"cells"`
	}
	// Principals that the policies cannot tell apart.
	classJSON struct {
		Class      int      `json:"class"`
		Principals []string `json:"principals"`
	}
	// The findings that were known before.
	baselineOfJSON struct {
		Totals baselineJSON `json:"totals"`
		Gone   []goneJSON   `json:"gone"`
	}
	// Where production does otherwise.
	driftOfJSON struct {
		Totals driftTotals `json:"totals"`
		Cells  []driftJSON `json:"cells"`
	}
	// What a change does to access.
	diffOfJSON struct {
		Verdict       string                 `json:"verdict"`
		Totals        diffTotals             `json:"totals"`
		Cells         []changedCellJSON      `json:"cells"`
		Roles         []changedRoleJSON      `json:"roles"`
		RolesNarrowed []changedRoleJSON      `json:"rolesNarrowed"`
		Items         []changedItemJSON      `json:"items"`
		Principals    []changedPrincipalJSON `json:"principals"`
		Future        []futureJSON           `json:"future"`
	}
	// Whether the lock is true.
	lockOfJSON struct {
		Totals  lockTotals    `json:"totals"`
		Changes []findingJSON `json:"changes"`
	}
	// What came of the suites.
	testsJSON struct {
		Passed  int         `json:"passed"`
		Failed  int         `json:"failed"`
		Errored int         `json:"errored"`
		Skipped int         `json:"skipped"`
		Suites  []suiteJSON `json:"suites"`
	}
	// One suite.
	suiteJSON struct {
		Name  string     `json:"name"`
		File  string     `json:"file"`
		Error string     `json:"error,omitempty"`
		Cases []caseJSON `json:"cases"`
	}
	// What a running server did.
	probeOfJSON struct {
		Summary probeJSON    `json:"summary"`
		Drifts  []probedJSON `json:"drifts"`
	}
	// Who may do things: of each item, or with --summary in numbers.
	whoCanJSON struct {
		Version int           `json:"version"`
		Answers []answerJSON  `json:"answers,omitempty"`
		Summary []holdingJSON `json:"summary,omitempty"`
	}
	// Who has which access since when, and what it was decided from.
	reviewOfJSON struct {
		Version  int         `json:"version"`
		HoldsFor holdsJSON   `json:"holdsFor"`
		Grants   []grantJSON `json:"grants"`
		Diff     *diffOfJSON `json:"diff,omitempty"`
		Notes    []noteJSON  `json:"notes,omitempty"`
	}
	// What is known of enforcement points.
	enforcementPointsJSON struct {
		Version           int               `json:"version"`
		EnforcementPoints []enforcementJSON `json:"enforcementPoints"`
	}
	// What came of reading files by themselves.
	validationsJSON struct {
		Version int             `json:"version"`
		Files   []validatedJSON `json:"files"`
	}
)

// TestSchemaFiles holds the schemas of reports in docs/schema to the types.
func TestSchemaFiles(t *testing.T) {
	for name, of := range map[string]struct {
		title string
		root  any
	}{
		"report.json":             {"mcpolicy report", documentJSON{}},
		"explanation.json":        {"mcpolicy explain", explainDocument{}},
		"who-can.json":            {"mcpolicy who-can", whoCanJSON{}},
		"review.json":             {"mcpolicy report access", reviewOfJSON{}},
		"mutants.json":            {"mcpolicy mutate", mutantsJSON{}},
		"enforcement-points.json": {"mcpolicy explain --enforcement-point", enforcementPointsJSON{}},
		"validation.json":         {"mcpolicy validate", validationsJSON{}},
	} {
		t.Run(name, func(t *testing.T) {
			// What is null of nothing.
			number := map[string]any{"type": []any{"number", "null"}}
			defs, keys := map[string]any{}, map[string]any{}
			switch name {
			case "report.json":
				defs["coverageCount"] = map[string]any{"properties": map[string]any{"percent": number}}
			case "mutants.json":
				keys["score"] = number
			}
			rules, err := json.Marshal(map[string]any{
				"$defs": defs, "properties": keys,
				"$id": "https://raw.githubusercontent.com/mcpolicy/mcpolicy/main/docs/schema/" + name, "title": of.title,
				"$comment": "Schemas of what is written only grow: programs pass over keys that they do not know.",
			})
			if err != nil {
				t.Fatal(err)
			}
			schemafile.Hold(t, name, flag.Lookup("update").Value.String() == "true", schemafile.Source{
				Tag: "json", Open: true, Root: of.root, Rules: rules, Words: schemaWords, Names: map[reflect.Type]string{reflect.TypeFor[mergedCell](): "cell", reflect.TypeFor[jsonRule](): "decidingRule"},
			})
		})
	}
}
