package apart

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/witness"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/solver"
)

// A Difference is a call that two engines decide differently, or what is known of there
// being none.
type Difference struct {
	// Verdict is Impossible if no call of those that were asked about tells the engines apart.
	Verdict   solver.Verdict
	Principal *authz.Principal
	Column    *matrix.Column
	Arguments map[string]any // nil where the operation takes none
	Refused   bool           // the inputSchema refuses the arguments
	A, B      *matrix.Cell   // what the engines decide: one is allowed, and the other denied
	Open      []string       // of Unknown: what could not be treated

	Raw *authz.Request // of [Finder.Bare]: the request, which no enforcement point sends
}

// A Goal is something else that has to hold for a call.
type Goal struct {
	// Expr is an expression as policies have it, without variables, constants and globals:
	// see [pdp.Evaluable].
	Expr string
	// Formula, unless nil, is what has to come to it instead of Expr, which has the
	// expressions of the formula then, in any way.
	Formula *solver.Formula
	To      solver.Outcomes
	// About says which requests of a column the expression is about; nil for all. It has to
	// hold for one of them.
	About func(r *authz.Request) bool
}

// A Finder looks for calls that an engine and others decide differently. What the engine
// says is asked once. It is not to be used from several goroutines.
type Finder struct {
	// Now is what time it is in goals; the zero time is now.
	Now time.Time
	// Most is how many searches Outside and Bare may take each, 0 for any number. What is
	// left then is Unknown.
	Most int
	// Touches, unless nil, reports whether engines may decide a request otherwise than the
	// finder's: Outside and Bare leave the others out.
	Touches func(r *authz.Request) bool
	// ByChance, unless nil, reports whether what the engines decide on a request says
	// nothing. A cell of which they ask that is Unknown.
	ByChance func(r *authz.Request) bool

	left int // searches of the one that is under way, if there is a Most

	timeless *Finder // at no time in particular; nil where no condition looks at the clock

	matrix     *matrix.Matrix
	engine     pdp.Decider
	leaves     solver.Evaluator // nil if the engine does not evaluate expressions
	solver     *solver.Solver
	witnesses  *witness.Finder // nil if the engine does not tell its conditions
	own        *asker          // of the engine
	numbers    map[string]int  // of different requests, by what they are about
	numbered   map[*matrix.Column][]int
	schemas    map[*manifest.Item]*schema
	solved     map[string]solution
	undeclared map[undeclared]*matrix.Column
	everybody  map[everybody]*cohorts
	open       map[*matrix.Column]*matrix.Column
	people     map[string]*authz.Principal
	atAny      map[*matrix.Column]*matrix.Column
}

// A schema is an inputSchema. The zero value allows everything.
type schema struct {
	decoded any
	holds   *witness.Schema
}

// New returns a finder over the columns of a matrix, for what tells other engines from one.
func New(m *matrix.Matrix, engine pdp.Decider) *Finder {
	f := &Finder{
		matrix: m, engine: engine, numbers: map[string]int{}, numbered: map[*matrix.Column][]int{}, schemas: map[*manifest.Item]*schema{}, solved: map[string]solution{},
		undeclared: map[undeclared]*matrix.Column{}, everybody: map[everybody]*cohorts{},
		open: map[*matrix.Column]*matrix.Column{}, people: map[string]*authz.Principal{},
		atAny: map[*matrix.Column]*matrix.Column{},
	}
	f.own = f.asks(engine)
	if e, ok := engine.(pdp.Evaluable); ok {
		f.leaves = e.Leaves()
		f.solver = solver.New(f.leaves)
	}
	if e, ok := engine.(pdp.Examiner); ok {
		f.witnesses = witness.NewFinder(m, e.Conditions())
	}
	if looksAtClock(engine) {
		timeless := *f
		timeless.own = timeless.asks(engine)
		f.timeless = &timeless
	}
	return f
}

// looksAtClock reports whether a condition of an engine does.
func looksAtClock(d pdp.Decider) bool {
	if e, ok := d.(pdp.Reader); ok {
		for _, r := range e.RuleReads() {
			if len(r.Clock) > 0 {
				return true
			}
		}
	}
	return false
}

// Cell looks for a call of a principal in a column that b decides otherwise than the
// finder's engine, and for which the goals hold.
func (f *Finder) Cell(ctx context.Context, b pdp.Decider, who *authz.Principal, col *matrix.Column, goals ...Goal) (Difference, error) {
	return f.Any(ctx, b, []Cell{{who, col}}, goals...)
}

// A Cell is what a principal does in a column.
type Cell struct {
	Principal *authz.Principal
	Column    *matrix.Column
}

// Any looks for a call in one of several cells: the first that tells the engines apart with
// arguments that the inputSchema allows, or else the first that does. It is Impossible if
// that is so of all of them, at any time: one at another time than Now leaves it Unknown.
func (f *Finder) Any(ctx context.Context, b pdp.Decider, cells []Cell, goals ...Goal) (Difference, error) {
	d, err := f.first(ctx, b, cells, nil, goals)
	if err != nil || d.Verdict != solver.Impossible || f.timeless == nil {
		return d, err
	}
	timeless := make([]Cell, len(cells))
	for i, c := range cells {
		timeless[i] = Cell{c.Principal, f.atAnyTime(c.Column)}
	}
	then, err := f.timeless.first(ctx, b, timeless, nil, goals)
	if err != nil || then.Verdict == solver.Impossible {
		return d, err
	}
	return Difference{Principal: then.Principal, Column: then.Column, Open: []string{"what another time makes of it"}}, nil
}

// AnyTime returns what the finder's engine decides on each request of a column at no time in
// particular, nil where no condition looks at the clock.
func (f *Finder) AnyTime(ctx context.Context, who *authz.Principal, col *matrix.Column) ([]*authz.Decision, error) {
	if f.timeless == nil {
		return nil, nil
	}
	return f.timeless.Decisions(ctx, who, f.atAnyTime(col))
}

// atAnyTime returns a column with requests at no time in particular, always the same one.
func (f *Finder) atAnyTime(col *matrix.Column) *matrix.Column {
	open := f.atAny[col]
	if open == nil {
		open = col.Open(false, true)
		f.atAny[col] = open
	}
	return open
}

// first looks for a call in cells, column by column: those that no condition decides first.
// Some principals may have ids that are not open.
func (f *Finder) first(ctx context.Context, b pdp.Decider, cells []Cell, fixed map[*authz.Principal]bool, goals []Goal) (Difference, error) {
	var columns []*matrix.Column
	who := map[*matrix.Column][]*authz.Principal{}
	result := Difference{Verdict: solver.Impossible}
	for _, c := range cells {
		if !c.Column.Question.Direct() {
			continue // no policy has a say, or what becomes of the use says it
		}
		if f.byChance(c) {
			result = Difference{Principal: c.Principal, Column: c.Column, Open: []string{confusedRules}}
			continue
		}
		if who[c.Column] == nil {
			columns = append(columns, c.Column)
		}
		who[c.Column] = append(who[c.Column], c.Principal)
	}
	by := f.asks(b)
	for n := 1; len(columns) > 0; n *= 2 {
		some := columns[:min(n, len(columns))]
		columns = columns[len(some):]
		pairs, err := f.pairs(ctx, by, some, who)
		if err != nil {
			return Difference{}, err
		}
		for i := range pairs {
			if f.left == 1 {
				return Difference{Column: pairs[i].Column, Open: []string{"more than is looked through"}}, nil
			}
			f.left = max(f.left-1, 0)
			pairs[i].fixedID = fixed[pairs[i].Principal]
			d, err := f.find(ctx, &pairs[i], goals)
			if err != nil {
				return Difference{}, err
			}
			switch {
			case d.Verdict == solver.Possible && !d.Refused:
				return d, nil
			case d.Verdict == solver.Possible && result.Verdict != solver.Possible, d.Verdict == solver.Unknown && result.Verdict == solver.Impossible:
				result = d
			}
		}
	}
	return result, nil
}

// ByChance reports whether the difference is Unknown because of what is decided by chance.
func (d *Difference) ByChance() bool { return slices.Contains(d.Open, confusedRules) }

const confusedRules = "rules that the engine confuses, so that it hangs on chance which condition it goes by (decision-not-deterministic)"

// byChance reports whether what the engines decide in a cell says nothing.
func (f *Finder) byChance(c Cell) bool {
	return f.ByChance != nil && c.any(f.ByChance)
}

// any reports whether something is so of a request of the cell.
func (c Cell) any(is func(r *authz.Request) bool) bool {
	return slices.ContainsFunc(c.Column.Question.Requests, func(r authz.Request) bool {
		r.Principal = c.Principal
		return is(&r)
	})
}

// A pair is a cell by both engines: what each decides on each request of the column.
type pair struct {
	Cell
	b       pdp.Decider
	is, was []*authz.Decision // by b, and by the finder's engine
	anybody bool              // the principal's attributes are open
	fixedID bool              // in spite of that
}

// pairs decides columns by both engines, and returns those cells in which they do not plainly
// decide alike. Plain ones come first.
func (f *Finder) pairs(ctx context.Context, by *asker, columns []*matrix.Column, who map[*matrix.Column][]*authz.Principal) ([]pair, error) {
	if err := by.ask(ctx, columns, who); err != nil {
		return nil, err
	}
	if err := f.own.ask(ctx, columns, who); err != nil {
		return nil, err
	}
	var plain, open []pair
	for _, col := range columns {
		for _, p := range who[col] {
			x := pair{Cell: Cell{p, col}, b: by.decider, is: by.decisions(col, p), was: f.own.decisions(col, p), anybody: col.Question.Requests[0].AnyPrincipal}
			switch {
			case x.same():
			case conditional(x.is) || conditional(x.was):
				open = append(open, x)
			default:
				plain = append(plain, x)
			}
		}
	}
	return append(plain, open...), nil
}

func conditional(list []*authz.Decision) bool {
	for _, d := range list {
		if d.Effect == authz.Conditional {
			return true
		}
	}
	return false
}

// same reports whether the engines plainly decide alike.
func (x *pair) same() bool {
	if EffectOf(x.is) == authz.Deny && EffectOf(x.was) == authz.Deny {
		return true
	}
	for i, d := range x.is {
		if d.Effect != x.was[i].Effect {
			return false
		}
		if alike := d.Condition.Written() && d.Condition.Equal(x.was[i].Condition) && closed(d.Condition); d.Effect == authz.Conditional && !alike {
			return false
		}
	}
	return true
}

// closed reports whether a condition means the same to every engine.
func closed(c authz.Condition) bool {
	return !c.Reads().Policy && !strings.Contains(c.String(), "valid(")
}

// EffectOf joins the decisions on the requests of a column: all must allow.
func EffectOf(list []*authz.Decision) authz.Effect {
	effect := authz.Allow
	for _, d := range list {
		switch d.Effect {
		case authz.Deny:
			return authz.Deny
		case authz.Conditional:
			effect = authz.Conditional
		case authz.Allow:
		}
	}
	return effect
}

// schemaOf returns the inputSchema of an item.
func (f *Finder) schemaOf(item *manifest.Item) *schema {
	s := f.schemas[item]
	if s == nil {
		s = &schema{}
		if n := item.ArgumentsSchema(); n != nil {
			s.decoded, s.holds = n.Value(), witness.NewSchema(n)
		}
		f.schemas[item] = s
	}
	return s
}

// allows reports whether the schema allows arguments, as far as it can be read.
func (s *schema) allows(arguments map[string]any) bool {
	return s.holds == nil || arguments == nil || !s.holds.Known() || s.holds.Allows(arguments)
}
