package cel

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/operators"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// samples are values of each kind. The first of a kind is a plain one.
var samples = map[kindSet][]string{
	kindNull:      {`null`},
	kindTrue:      {`true`},
	kindFalse:     {`false`},
	kindInt:       {`1`, `-2`},
	kindUint:      {`1u`},
	kindDouble:    {`1.0`, `2.5`},
	kindString:    {`"a"`, `"1"`, `"2026-02-03T04:05:06Z"`, `"1m"`, `"10.0.0.1"`, `"10.0.0.0/8"`, `"spiffe://a/b"`, `"true"`, `"["`},
	kindBytes:     {`b"a"`},
	kindList:      {`[1.0]`, `[]`, `["a"]`, `[1, 2]`, `[[1.0], null]`},
	kindMap:       {`{"a": 1.0}`, `{}`, `{1: "a"}`},
	kindTimestamp: {`timestamp("2026-02-03T04:05:06Z")`},
	kindDuration:  {`duration("1m")`},
	kindType:      {`string`},
	kindOptional:  {`optional.of("a")`, `optional.none()`, `optional.of({"a": 1.0})`},
}

// sampleKinds are the kinds that have samples, in order.
func sampleKinds() []kindSet {
	var list []kindSet
	for k := kindNull; k < kindOther; k <<= 1 {
		list = append(list, k)
	}
	return list
}

// TestFunctionsTakeTheKindsThatTheCheckerSays has the engine call every function
// with values of every kind, whose types it does not see until it evaluates.
// Where something comes of it, the kinds have to say so.
func TestFunctionsTakeTheKindsThatTheCheckerSays(t *testing.T) {
	env, err := typeEnv()
	if err != nil {
		t.Fatal(err)
	}
	calls := kindCalls(env)
	came := 0
	for chunk := range slices.Chunk(calls, 200) {
		var of []pdp.Expression
		for _, c := range chunk {
			// What reads the clock is not folded beforehand, which takes long.
			text := `cel.bind(t, now(), ` + valueWithKind(c.text, false) + `)`
			if c.kinds().set == 0 { // nothing may come of it, of whatever kind
				text = "size([" + c.text + ", now()])"
			}
			of = append(of, pdp.Expression{Rule: "resource.r.vdefault#all", Text: text})
		}
		values, err := EngineEvaluates(t, authz.Request{Principal: &authz.Principal{ID: "p", Roles: []string{"r"}}, Resource: authz.Resource{Kind: "r", ID: "1"}}, of)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range values {
			said := chunk[i].kinds()
			m, _ := v.V.(map[string]any)
			switch {
			case v.Error != "":
			case said.set == 0:
				t.Errorf("%s errs, it is said, and does not", chunk[i].text)
			default:
				came++
				if letter := m["k"].(string); said.set&kindsOfLetter(letter, m["v"]) == 0 {
					t.Errorf("%s comes to %v, a %s, which is none of the kinds %b", chunk[i].text, m["v"], letter, said.set)
				}
			}
		}
	}
	t.Logf("%d calls, of which something came of %d", len(calls), came)
}

// kindCalls are calls of every function, with all combinations of samples; in a
// short run some of them, all over.
func kindCalls(env *cel.Env) []kindCall {
	var calls []kindCall
	for name, f := range env.Functions() {
		if strings.Contains(name, "@") || slices.Contains([]string{operators.LogicalAnd, operators.LogicalOr, operators.Conditional}, name) {
			continue
		}
		for _, o := range f.OverloadDecls() {
			called := name
			if o.IsMemberFunction() {
				called = "." + name
			}
			calls = addCalls(calls, called, len(o.ArgTypes()), rounds.Of(1, 9))
		}
	}
	slices.SortFunc(calls, func(a, b kindCall) int { return strings.Compare(a.text, b.text) })
	calls = slices.CompactFunc(calls, func(a, b kindCall) bool { return a.text == b.text })
	if all := calls; len(all) > rounds.Of(2000, len(all)) {
		calls = nil
		for i := 0; i < len(all); i += len(all)/2000 + 1 {
			calls = append(calls, all[i])
		}
	}
	return calls
}

// A kindCall is a function called with samples.
type kindCall struct {
	name, text string
	operands   []kinds
}

func (c kindCall) kinds() kinds {
	bound := map[string]kinds{}
	var names []string
	for i, k := range c.operands {
		names = append(names, string(rune('a'+i)))
		bound[names[i]] = kinds{k.set, anyKind}
	}
	e, err := expr.Parse(callText(c.name, names))
	if err != nil {
		return anything
	}
	return (&typing{bound: bound}).of(e)
}

func callText(name string, operands []string) string {
	if symbol, ok := operators.FindReverse(name); ok && symbol != "" {
		if len(operands) == 1 {
			return symbol + operands[0]
		}
		return operands[0] + " " + symbol + " " + operands[1]
	}
	switch name {
	case operators.Index:
		return operands[0] + "[" + operands[1] + "]"
	case operators.OptIndex:
		return operands[0] + "[?" + operands[1] + "]"
	}
	if function, ok := strings.CutPrefix(name, "."); ok {
		return operands[0] + "." + function + "(" + strings.Join(operands[1:], ", ") + ")"
	}
	return name + "(" + strings.Join(operands, ", ") + ")"
}

// addCalls adds the calls of a function with all combinations of samples: with
// up to so many of a kind for each of two operands, one for each of more.
func addCalls(calls []kindCall, name string, arity, most int) []kindCall {
	if arity > 2 {
		most = 1
	}
	if arity > 3 {
		return calls
	}
	var add func(texts []string, of []kinds)
	add = func(texts []string, of []kinds) {
		if len(texts) == arity {
			calls = append(calls, kindCall{name, callText(name, texts), slices.Clone(of)})
			return
		}
		for _, k := range sampleKinds() {
			for _, s := range samples[k][:min(most, len(samples[k]))] {
				add(append(slices.Clone(texts), "dyn("+s+")"), append(slices.Clone(of), kinds{set: k}))
			}
		}
	}
	add(nil, nil)
	return calls
}

func kindsOfLetter(letter string, v any) kindSet {
	switch letter {
	case "b":
		if v == true {
			return kindTrue
		}
		return kindFalse
	case "?":
		return kindType | kindOptional | kindOther
	}
	return map[string]kindSet{
		"s": kindString, "d": kindDouble, "i": kindInt, "u": kindUint, "y": kindBytes, "n": kindNull,
		"t": kindTimestamp, "r": kindDuration, "l": kindList, "L": kindList, "m": kindMap, "M": kindMap,
	}[letter]
}
