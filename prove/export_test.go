package prove

import (
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/policy"
)

// SetsOf returns the sets of roles that stand for all in what is said of two columns.
func SetsOf(set *policy.Set, columns ...*matrix.Column) (sets [][]string, open []string) {
	r := rolesOf(set, columns...)
	return r.sets(nil, 2)
}
