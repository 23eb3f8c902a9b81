package authz

import (
	"fmt"
	"strings"
)

// An UndecidedError says which requests of a batch a PDP has not decided. There are no
// decisions beside it, not even on the other requests.
type UndecidedError struct {
	Target    string    // the PDP, or all of them
	Requests  int       // how many there were
	Undecided []Request // in their order; never none
	At        []int     // where each of them stands in the batch
	Err       error     // why
}

// undecidedShown is how many requests an UndecidedError's text names.
const undecidedShown = 3

func (e *UndecidedError) Error() string {
	var names []string
	for _, r := range e.Undecided[:min(undecidedShown, len(e.Undecided))] {
		names = append(names, fmt.Sprintf("%s on %s %s for %s", r.Action, r.Resource.Kind, r.Resource.ID, r.Principal.Key))
	}
	if more := len(e.Undecided) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return fmt.Sprintf("PDP %s: %d of %d requests not decided (%s): %v",
		e.Target, len(e.Undecided), e.Requests, strings.Join(names, ", "), e.Err)
}

// Unwrap returns why.
func (e *UndecidedError) Unwrap() error { return e.Err }
