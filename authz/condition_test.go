package authz_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/authz"
)

func clause(text string) authz.Clause {
	if text == "" {
		return authz.Clause{}
	}
	return authz.NewClause(text, authz.Reads{Arguments: [][]string{{text}}, Clock: text == "now"})
}

func when(allows, denies string) authz.Condition {
	return authz.AnyOf(authz.Alternative{Allows: clause(allows), Denies: clause(denies)})
}

func ExampleCondition() {
	small := authz.NewClause("arguments.amount < 100", authz.Reads{Arguments: [][]string{{"amount"}}})
	night := authz.NewClause("now().getHours() < 6", authz.Reads{Clock: true})
	c := authz.AnyOf(authz.Alternative{Allows: small, Denies: night})
	fmt.Println("allowed", c.When())
	fmt.Println(c.Reads().Arguments, c.Reads().Clock)
	fmt.Println(c.Effect(func(x authz.Clause) authz.Effect {
		if x.Reads().Clock {
			return authz.Conditional // who knows
		}
		return authz.Allow
	}))
	// Output:
	// allowed when arguments.amount < 100 unless now().getHours() < 6
	// [[amount]] true
	// conditional
}

// conditions of all forms, as they read.
func conditions() map[string]authz.Condition {
	mixed := authz.AnyOf(authz.Alternative{Allows: clause("a"), Denies: clause("b")}, authz.Alternative{Allows: clause("c")})
	chosen := authz.AnyOf(authz.Alternative{Allows: clause("a ? b : c")}, authz.Alternative{Allows: clause("d")})
	return map[string]authz.Condition{
		"":                                   {},
		"when a":                             when("a", ""),
		"when a unless b":                    when("a", "b"),
		"unless b":                           when("", "b"),
		"when (a unless b) || c":             mixed,
		"when (a ? b : c) || d":              chosen,
		"when (a) && (b unless c)":           authz.AllOf(when("b", "c"), when("a", ""), authz.Condition{}, when("a", "")),
		"on the condition (a) && (unless b)": authz.AllOf(when("", "b"), when("a", "")),
		"when v && ((a unless b) || c)":      mixed.Where(clause("v")),
		"on the condition v && (unless b)":   when("", "b").Where(clause("v")),
		"when v":                             authz.Condition{}.Where(clause("v")),
		"when (depends on now)":              authz.Unwritten("(depends on now)", clause("now")),
		"when some arguments meet: a":        authz.Some(when("a", "")),
		"when ((depends on now)) && (a)":     authz.AllOf(when("a", ""), authz.Unwritten("(depends on now)", clause("now"))),
	}
}

func TestConditionText(t *testing.T) {
	for want, c := range conditions() {
		got := c.When()
		if c.IsZero() {
			got = c.String()
		}
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		for other, d := range conditions() {
			if c.Equal(d) != (other == want) || (c.Key() == d.Key()) != (other == want) {
				t.Errorf("%q and %q: equal %v", want, other, c.Equal(d))
			}
		}
	}
	if !authz.AllOf().IsZero() || !authz.AllOf(authz.Condition{}).IsZero() || authz.Unwritten("x").IsZero() {
		t.Error("what is none")
	}
	if !authz.AllOf(when("a", ""), when("a", "")).Equal(when("a", "")) {
		t.Error("the same twice is not the same")
	}
}

func TestConditionParts(t *testing.T) {
	type parts struct {
		clauses        []string
		written, clock bool
		arguments      int
	}
	want := map[string]parts{
		"":                               {nil, true, false, 0},
		"when a unless b":                {[]string{"a", "b"}, true, false, 2},
		"unless b":                       {[]string{"b"}, true, false, 1},
		"when (a unless b) || c":         {[]string{"a", "b", "c"}, true, false, 3},
		"when v && ((a unless b) || c)":  {[]string{"v", "a", "b", "c"}, true, false, 4},
		"when (a) && (b unless c)":       {[]string{"a", "b", "c"}, true, false, 3},
		"when (depends on now)":          {nil, false, true, 1},
		"when ((depends on now)) && (a)": {[]string{"a"}, false, true, 2},
		"when some arguments meet: a":    {nil, false, false, 0},
	}
	for name, w := range want {
		c := conditions()[name]
		got := parts{written: c.Written(), clock: c.Reads().Clock, arguments: len(c.Reads().Arguments)}
		for x := range c.Clauses() {
			got.clauses = append(got.clauses, x.String())
		}
		if diff := cmp.Diff(w, got, cmp.AllowUnexported(parts{})); diff != "" {
			t.Errorf("%q (-want +got):\n%s", name, diff)
		}
		for range c.Clauses() {
			break // it can be left
		}
	}
}

// TestConditionEffect tries every value of every clause: where one is not known, the
// effect is what both of its values come to, if that is the same.
func TestConditionEffect(t *testing.T) {
	formulas := map[string]func(v func(string) bool) bool{
		"":                              func(func(string) bool) bool { return true },
		"when a":                        func(v func(string) bool) bool { return v("a") },
		"when a unless b":               func(v func(string) bool) bool { return v("a") && !v("b") },
		"unless b":                      func(v func(string) bool) bool { return !v("b") },
		"when (a unless b) || c":        func(v func(string) bool) bool { return v("a") && !v("b") || v("c") },
		"when (a) && (b unless c)":      func(v func(string) bool) bool { return v("a") && v("b") && !v("c") },
		"when v && ((a unless b) || c)": func(v func(string) bool) bool { return v("v") && (v("a") && !v("b") || v("c")) },
	}
	for name, formula := range formulas {
		c := conditions()[name]
		names := []string{"a", "b", "c", "v"}
		for point := range 81 {
			values := map[string]authz.Effect{}
			for i, rest := 0, point; i < len(names); i, rest = i+1, rest/3 {
				values[names[i]] = authz.Effect(rest % 3) //nolint:gosec // three of them
			}
			seen := map[bool]bool{}
			for known := range 16 {
				seen[formula(func(n string) bool {
					if values[n] == authz.Conditional {
						return known&(1<<slices.Index(names, n)) != 0
					}
					return values[n] == authz.Allow
				})] = true
			}
			want := authz.Conditional
			if len(seen) == 1 {
				want = authz.Deny
				if seen[true] {
					want = authz.Allow
				}
			}
			if got := c.Effect(func(x authz.Clause) authz.Effect { return values[x.String()] }); got != want {
				t.Errorf("%q with %v: %v, want %v", name, values, got, want)
			}
		}
	}
	unwritten := conditions()["when ((depends on now)) && (a)"]
	for of, want := range map[authz.Effect]authz.Effect{authz.Allow: authz.Conditional, authz.Deny: authz.Deny} {
		if got := unwritten.Effect(func(authz.Clause) authz.Effect { return of }); got != want {
			t.Errorf("what is not written down, and a %v: %v", of, got)
		}
	}
}
