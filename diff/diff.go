package diff

import (
	"context"
	"slices"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/solver"
	"github.com/mcpolicy/mcpolicy/source"
)

// A Side is one of the two revisions that are compared.
type Side struct {
	Config *config.Config
	Matrix *matrix.Matrix
	// Decide decides columns of the matrix, as far as they are not.
	Decide   func(context.Context, []*matrix.Column) error
	Policies *policy.Set
	// Outline returns the matrix of servers with other items, of which nothing is decided.
	// Without it nothing is said of items that do not exist yet.
	Outline func([]*matrix.Server) *matrix.Matrix
	// File returns what stands in a file of the policies, nil if that cannot be had.
	File func(file string) *source.Node
	// Attributes returns the JSON Schema that the engine holds principals to who ask
	// about a column, and who are denied otherwise; nil if there is none.
	Attributes func(*matrix.Column) *source.Node

	rules  map[string]bool   // of the policies, word for word
	frames map[string]string // what stands in a file but for its rules, by its name
}

// Input is what is compared, with one clock for both sides.
type Input struct {
	Base, Head *Side // Base is nil if there was nothing: everything is new
	Solver     *solver.Solver
	Now        time.Time // what time it is; zero for any
	Start      time.Time // the engines' own time
}

// A Kind says what became of access.
type Kind uint8

// The kinds of a change.
const (
	Unknown  Kind = iota // it is not known whether some call is allowed that was not
	Narrowed             // some calls are not allowed any more, and none are instead
	Changed              // some calls are allowed that were not, and others not any more
	Widened              // some calls are allowed that were not
)

// String returns unknown, narrowed, changed or widened.
func (k Kind) String() string { return [...]string{"unknown", "narrowed", "changed", "widened"}[k] }

// Gains reports whether somebody may do more than before, or might.
func (k Kind) Gains() bool { return k != Narrowed }

// A Comparison says how what is allowed now compares to what was.
type Comparison struct {
	Kind Kind
	// Relation is of head to base.
	Relation solver.Relation
	Gained   *Witness // a call that head allows and base does not; nil for any, or none
	Lost     *Witness // the other way round
	Open     []string // what is not known
}

// A Witness is a call that one side allows and the other does not.
type Witness struct {
	Principal *authz.Principal // of changes for everybody; nil for a declared one
	Arguments map[string]any   // nil where the operation has none
	Now       time.Time        // what time it is; zero if that does not matter
}

// A Cell is one cell on both sides that differ. Absent ones are nil.
type Cell struct {
	Comparison
	Principals []*authz.Principal // sorted by their keys; of head, unless they are gone
	Column     *matrix.Column     // of head, unless it is gone
	Base, Head *matrix.Cell
	Causes     []Cause
}

// A Role is what anybody may do with some roles, declared or not, who is like no declared
// principal that a [Cell] names.
type Role struct {
	Comparison
	Roles      []string // "*" stands for any that no policy names
	ID         string   // of whom alone it is said, or ""
	Column     *matrix.Column
	Base, Head *matrix.Cell
	Causes     []Cause
}

// A Result is what changed.
type Result struct {
	Cells      []Cell
	Roles      []Role // gains first
	Items      []Item
	Principals []Principal
	Future     []Future
	// Beyond are columns of which the policies allow more calls than before, but none
	// that the inputSchema allows.
	Beyond []*matrix.Column
	// Compared is how many cells of declared principals were compared.
	Compared int
	// New is set if there was no base.
	New bool
	// Settings are the lines of the config that changed what is decided.
	Settings []Cause

	// Head is the matrix of head. What cannot have changed need not be decided in it.
	Head *matrix.Matrix
}

// Compare says what changed from base to head.
func Compare(ctx context.Context, in *Input) (*Result, error) {
	c := newComparer(in)
	r := &Result{New: in.Base == nil, Settings: c.settings(), Head: in.Head.Matrix}
	r.Items = c.items()
	people := make(chan []Principal, 1)
	go func() { people <- c.principals() }() // there may be a million
	defer func() { r.Principals = <-people }()
	if err := c.declared(ctx, r); err != nil {
		return nil, err
	}
	if err := c.everybody(ctx, r); err != nil {
		return nil, err
	}
	return r, c.future(ctx, r)
}

// A pair is an operation on an item on both sides. A side without it is nil.
type pair struct {
	base, head *matrix.Column
	// same is set if both sides ask the same of the same policies and settings.
	same bool
	// timed is set if policies that are asked look at the clock.
	timed bool
	// baseSchema and headSchema are of the arguments.
	baseSchema, headSchema *source.Node
	known                  map[string]Comparison
}

// column returns that of head, or the one that is gone.
func (p *pair) column() *matrix.Column {
	if p.head != nil {
		return p.head
	}
	return p.base
}

// A columnKey tells columns apart within one side.
type columnKey struct {
	server    string
	itemType  authz.ItemType
	name      string
	operation authz.Operation
}

func keyOf(c *matrix.Column) columnKey {
	return columnKey{c.Server.Name, c.Item.Type, c.Item.Name, c.Operation}
}

// A comparer compares two sides.
type comparer struct {
	in    *Input
	pairs []*pair             // of head's columns in their order, then those that are gone
	files map[string]involved // by kind and side
	shown map[showing]shown
}

func newComparer(in *Input) *comparer {
	c := &comparer{in: in, files: map[string]involved{}, shown: map[showing]shown{}}
	base := map[columnKey][]*matrix.Column{}
	if in.Base != nil {
		for _, col := range in.Base.Matrix.Columns {
			base[keyOf(col)] = append(base[keyOf(col)], col)
		}
	}
	c.pairs = c.paired(base, in.Head.Matrix.Columns)
	if in.Base != nil {
		for _, col := range in.Base.Matrix.Columns {
			if slices.Contains(base[keyOf(col)], col) {
				c.pairs = append(c.pairs, c.pair(col, nil))
			}
		}
	}
	return c
}

// paired returns the pairs of head's columns, and takes their bases out of the table. A
// server may have two items of one name: the first is paired with the first.
func (c *comparer) paired(base map[columnKey][]*matrix.Column, head []*matrix.Column) []*pair {
	list := make([]*pair, 0, len(head))
	for _, col := range head {
		key := keyOf(col)
		var was *matrix.Column
		if of := base[key]; len(of) > 0 {
			was, base[key] = of[0], of[1:]
		}
		list = append(list, c.pair(was, col))
	}
	return list
}

func (c *comparer) pair(base, head *matrix.Column) *pair {
	p := &pair{base: base, head: head, known: map[string]Comparison{}}
	b, h := c.involved(c.in.Base, base), c.involved(c.in.Head, head)
	p.timed = c.in.Now.IsZero() && (b.timed || h.timed)
	p.same = base != nil && head != nil && b.known && h.known && b.frame == h.frame && sameSettings(c.in) && sameRequests(base, head) && c.sameRules(base, head)
	p.baseSchema, p.headSchema = schemaOf(base), schemaOf(head)
	return p
}

func schemaOf(col *matrix.Column) *source.Node {
	if col == nil {
		return nil
	}
	return col.ArgumentsSchema()
}

// destructive reports whether an item may destroy something.
func destructive(item *manifest.Item) bool {
	return item.Type == authz.ToolItem && item.Destructive() != manifest.None
}
