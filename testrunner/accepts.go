package testrunner

import (
	"strings"

	"github.com/mcpolicy/mcpolicy/matrix"
)

// accepts is a set of accesses that meet an expectation. Unguarded is never
// one of them.
type accepts uint8

const (
	denied      accepts = 1 << matrix.Denied
	allowed     accepts = 1 << matrix.Allowed
	conditional accepts = 1 << matrix.Conditional
	refused     accepts = 1 << matrix.Refused
)

func (a accepts) has(access matrix.Access) bool { return a&(1<<access) != 0 }

// String returns "allowed or conditional" and the like. What is denied is as good as refused
// where both will do, and not said apart.
func (a accepts) String() string {
	var list []string
	for _, access := range []matrix.Access{matrix.Denied, matrix.Refused, matrix.Allowed, matrix.Conditional} {
		if a.has(access) && (access != matrix.Refused || !a.has(matrix.Denied)) {
			list = append(list, access.String())
		}
	}
	return strings.Join(list, " or ")
}
