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

// undecided turns what a PDP says about requests into what that means for
// cells. Other errors stay as they are.
func (p *pending) undecided(err error) error {
	var of *authz.UndecidedError
	if !errors.As(err, &of) {
		return err
	}
	sent, open := p.open(of)
	missing := func(request int, c *Class) bool {
		return c.Index >= p.last || request >= sent || open[requestOfClass{request, c}]
	}
	e := &UndecidedError{Err: of.Err}
	for _, col := range p.columns {
		if len(col.requests) > 0 { // guarded
			e.Cells += len(col.classes)
		}
	}
	for _, c := range p.matrix.Classes[p.first:] {
		for _, col := range p.columns {
			if _, asked := slices.BinarySearchFunc(col.classes, c, byIndex); !asked {
				continue
			}
			if !slices.ContainsFunc(col.requests, func(n int) bool { return missing(n, c) }) {
				continue
			}
			if e.Undecided++; len(e.Named) < namedCells {
				e.Named = append(e.Named, fmt.Sprintf("%s %v %s on %s", c.First().Key, col.Operation, col.Item.Name, col.Server.Name))
			}
		}
	}
	return e
}

// A requestOfClass is a request, by its number, that is made for a class.
type requestOfClass struct {
	request int
	class   *Class
}

// open returns which requests of the batch that failed are not decided, and the
// number of the first request after that batch: it was not sent.
func (p *pending) open(of *authz.UndecidedError) (sent int, open map[requestOfClass]bool) {
	var batch []requestOfClass // in the order of sending
	for sent = p.decided; sent < min(p.decided+requestsAtOnce, len(p.requests)); sent++ {
		for _, c := range within(p.requests[sent].classes, p.first, p.last) {
			batch = append(batch, requestOfClass{sent, c})
		}
	}
	open = map[requestOfClass]bool{}
	for _, at := range of.At {
		open[batch[at]] = true
	}
	return sent, open
}
