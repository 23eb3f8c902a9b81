package tables

import (
	"strings"

	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"
)

// RuleID returns the name that Cerbos gives a row's rule in outputs.
func RuleID(row *runtimev1.RuleTable_RuleRow) string { return PolicyKey(row) + "#" + row.Name }

// PolicyKey returns the name that Cerbos gives a row's policy in decisions.
func PolicyKey(row *runtimev1.RuleTable_RuleRow) string {
	return strings.TrimPrefix(row.OriginFqn, "cerbos.")
}
