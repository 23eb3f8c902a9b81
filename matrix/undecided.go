package matrix

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
)

// An UndecidedError says which cells of a matrix are not decided, because the
// PDP that was asked failed.
type UndecidedError struct {
	Cells     int      // how many there were to decide
	Undecided int      // how many of them are not
	Named     []string // the first few of those: sally call get_sales_data on crm
	Err       error    // why
}

// namedCells is how many cells an UndecidedError names.
const namedCells = 5

func (e *UndecidedError) Error() string {
	names := strings.Join(e.Named, ", ")
	if more := e.Undecided - len(e.Named); more > 0 {
		names += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Sprintf("%d of %d cells not decided (%s): %v", e.Undecided, e.Cells, names, e.Err)
}

// Unwrap returns why.
func (e *UndecidedError) Unwrap() error { return e.Err }

// A pending is what Decide has still to decide.
type pending struct {
	columns []*Column
	asked   [][]int  // by column, its questions
	classes []*Class // those of this round and all to come
	decided int      // questions of this round that are
	round   int      // classes of this round
}

// undecided turns what a PDP says about requests into what that means for
// cells. Other errors stay as they are.
func (p *pending) undecided(m *Matrix, err error) error {
	var of *authz.UndecidedError
	if !errors.As(err, &of) {
		return err
	}
	open := map[[2]int]bool{} // by question and class
	last := p.decided
	for _, at := range of.At {
		open[[2]int{p.decided + at/p.round, at % p.round}] = true
	}
	if p.round > 0 {
		last += of.Requests / p.round
	}
	e := &UndecidedError{Err: of.Err}
	for _, of := range p.asked {
		if len(of) > 0 {
			e.Cells += len(m.Classes)
		}
	}
	for class, c := range p.classes {
		for i, col := range p.columns {
			missing := slices.ContainsFunc(p.asked[i], func(q int) bool {
				return class >= p.round || q >= last || open[[2]int{q, class}]
			})
			if !missing || len(p.asked[i]) == 0 { // unguarded
				continue
			}
			if e.Undecided++; len(e.Named) < namedCells {
				e.Named = append(e.Named, fmt.Sprintf("%s %v %s on %s", c.First().Key, col.Operation, col.Item.Name, col.Server.Name))
			}
		}
	}
	return e
}
