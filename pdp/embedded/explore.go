package embedded

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"

	enginev1 "github.com/cerbos/cerbos/api/genpb/cerbos/engine/v1"

	"github.com/mcpolicy/mcpolicy/authz"
)

// maxPaths bounds the combinations that are asked for one request. A decision
// that depends on more is Conditional, with a condition that says so.
const maxPaths = 512

// maxWanted bounds what the engine is asked for that, too: the expressions that are
// still wanted, in all questions together.
const maxWanted = 1 << 17

// An exploration asks the engine what a request comes to for every combination
// of values of the leaves that it turns out to want. Leaves with the same
// residual have the same value, so they are one variable, a group.
type exploration struct {
	solver  *solver
	request *authz.Request
	in      *enginev1.CheckInput
	alone   *enginev1.CheckInput // if set, in for one of the principal's roles, which the rules are asked about

	groups  map[residual]int
	texts   []residual           // of the groups
	leaves  map[string]leafState // by leaf and by the derived roles that it reads
	held    map[int][]string     // the derived roles that may be effective, by leaf
	paths   []exploredPath
	wanted  int // expressions, in all questions so far
	tooMany bool
}

type leafState struct {
	residual
	group int
}

// groupValue is the value of a group on a path.
type groupValue uint8

const (
	isFree groupValue = iota // the outcome of the path does not depend on it
	isTrue
	isFalse
	isError // only when evaluation is strict; otherwise an error is as good as false
)

type exploredPath struct {
	groups []groupValue // shorter than the groups found later
	*assigned
}

// explore asks with the values so far and goes on with each value of the first
// group that the engine wanted and that has none.
func (x *exploration) explore(ctx context.Context, values assignment, groups []groupValue) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		o, err := x.solver.engine.shape.with(ctx, cmp.Or(x.alone, x.in), values)
		if err != nil {
			return err
		}
		x.wanted += len(o.wanted)
		again, branch := false, -1
		for _, l := range o.wanted {
			st, missing, err := x.leaf(ctx, l, groups)
			if err != nil {
				return err
			}
			switch {
			case missing >= 0 && branch < 0:
				branch = missing
			case missing >= 0:
			case st.constant && st.errored && x.strict():
			case st.constant:
				values[l] = st.value
				again = again || st.value || x.strict()
			case of(groups, st.group) == isTrue || of(groups, st.group) == isFalse:
				values[l] = of(groups, st.group) == isTrue
				again = true
			case of(groups, st.group) == isFree && branch < 0:
				branch = st.group
			}
		}
		switch {
		case again:
			continue
		case branch < 0 || len(x.paths) >= maxPaths || x.wanted >= maxWanted:
			x.tooMany = x.tooMany || branch >= 0
			x.paths = append(x.paths, exploredPath{groups: groups, assigned: x.enforced(o)})
			return nil
		}
		for _, t := range x.truths(branch) {
			with := slices.Clone(groups)
			for len(with) <= branch {
				with = append(with, isFree)
			}
			with[branch] = t
			if err := x.explore(ctx, maps.Clone(values), with); err != nil {
				return err
			}
		}
		return nil
	}
}

// enforced returns what the enforcement point makes of an answer. That no policy covers the
// request may hang on a condition: Cerbos says so where no rule of a principal policy applies.
func (x *exploration) enforced(o *assigned) *assigned {
	if !x.request.OpenUncovered || !o.noPolicy || x.alone != nil {
		return o
	}
	open := *o
	open.allowed = true
	return &open
}

// truths lists what a group may come to.
func (x *exploration) truths(g int) []groupValue {
	if !x.strict() {
		return []groupValue{isTrue, isFalse}
	}
	list := []groupValue{isError}
	if x.texts[g].whenTrue != "" {
		list = append(list, isTrue)
	}
	if x.texts[g].whenFalse != "" {
		list = append(list, isFalse)
	}
	return list
}

func (x *exploration) strict() bool { return x.solver.engine.options.StrictEvaluation }

func of(groups []groupValue, g int) groupValue {
	if g < len(groups) {
		return groups[g]
	}
	return isFree
}

// leaf returns what is left of a leaf, or the group that has to be known first.
func (x *exploration) leaf(ctx context.Context, l int, groups []groupValue) (st leafState, missing int, err error) {
	var roles effective
	if x.solver.roles[l] != nil {
		if roles, err = x.effectiveRoles(ctx, l, groups); err != nil || roles.missing >= 0 {
			return leafState{}, roles.missing, err
		}
	}
	key := strconv.Itoa(l) + "\x00" + rolesKey(roles)
	if st, ok := x.leaves[key]; ok {
		return st, -1, nil
	}
	res, err := x.solver.residualOf(ctx, l, roles, x.request, x.in)
	if err != nil {
		return leafState{}, -1, err
	}
	st = leafState{residual: res}
	if !res.constant {
		g, ok := x.groups[res]
		if !ok {
			g = len(x.texts)
			x.groups[res] = g
			x.texts = append(x.texts, res)
		}
		st.group = g
	}
	x.leaves[key] = st
	return st, -1, nil
}

// decision sums the paths up.
func (x *exploration) decision() authz.Decision {
	var d authz.Decision
	allowed, denied, covered := false, false, len(x.paths) == 0
	rules := map[string]authz.RuleRef{}
	for _, p := range x.paths {
		allowed = allowed || p.allowed
		denied = denied || !p.allowed
		covered = covered || !p.noPolicy
		for _, ref := range p.rules {
			if before, ok := rules[ref.ID]; ok && before.Met != ref.Met {
				ref.Met = authz.Depends
			}
			if x.tooMany && ref.Met != authz.Fired {
				ref.Met = authz.Depends // on what was not tried
			}
			rules[ref.ID] = ref
		}
	}
	for _, id := range slices.Sorted(maps.Keys(rules)) {
		d.Rules = append(d.Rules, rules[id])
	}
	d.NoPolicy = !covered
	switch {
	case x.tooMany, allowed && denied:
		d.Effect = authz.Conditional
		d.Condition = x.condition()
	case allowed:
		d.Effect = authz.Allow
	}
	return d
}
