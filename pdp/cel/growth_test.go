package cel

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/pdp"
)

func mostOf(text string, variables map[string]string, constants map[string]any, at func([]string) pdp.Extent) (bytes, elements float64) {
	if g := NewScope(variables, constants).Growth([]string{text}); g != nil {
		g.Most(at)(func(_ int, b, e float64) bool { bytes, elements = b, e; return true })
	}
	return bytes, elements
}

func TestGrowth(t *testing.T) {
	variables := map[string]string{"v0": "P.attr.name"}
	for i := 1; i <= 40; i++ {
		variables[fmt.Sprintf("v%d", i)] = fmt.Sprintf("V.v%d + V.v%d", i-1, i-1)
	}
	constants := map[string]any{"c": strings.Repeat("c", 50)}
	at := func(path []string) pdp.Extent {
		switch strings.Join(path, ".") {
		case "P.attr.name":
			return TextExtent(strings.Repeat("n", 100))
		case "P.attr.list":
			return pdp.Extent{Text: 10, All: 1000, Values: 101}
		}
		return pdp.Extent{}
	}
	for text, want := range map[string]float64{
		`P.attr.name == "x"`:                                              0,
		`P.attr.name + "xx"`:                                              102,
		`P.attr.name + C.c`:                                               150,
		`V.v1 + ""`:                                                       200,
		`V.v40 + ""`:                                                      100 << 40,
		`P.attr.name.replace("-", "_")`:                                   100,
		`P.attr.name.replace("--", "")`:                                   100,
		`P.attr.name.replace("n", "nnn")`:                                 300,
		`P.attr.name.replace("nn", P.attr.name)`:                          100 + 50*98,
		`P.attr.name.replace(P.attr.name, "nn")`:                          100 + 101*2,
		`P.attr.name.replace("n", P.attr.name, 2)`:                        100 + 2*99,
		`"aa".replace("a", "aaaaaaaaaa").replace("a", "aaaaaaaaaa")`:      200,
		`P.attr.list.join("--")`:                                          1000 + 101*2,
		`P.attr.list.map(x, x + "!").join()`:                              1000 + 1 + 101,
		`P.attr.list.map(x, P.attr.list.map(y, x + y).join("")).join("")`: 0,
		`P.attr.list.exists(x, x + "abc" == "d")`:                         13,
		`cel.bind(x, P.attr.name + P.attr.name, x + x)`:                   400,
		`has(P.attr.none) ? P.attr.none + "aa" : "bbb" + "b"`:             4,
		`"%s and %d".format([P.attr.name, 4])`:                            9 + 8*132 + 512*3,
	} {
		got, _ := mostOf(text, variables, constants, at)
		if want == 0 && strings.Contains(text, "join") { // pairs of all with all
			if want = 101 * 1000; got < want || got > 4*want {
				t.Errorf("%s makes %v bytes, want some %v", text, got, want)
			}
			continue
		}
		if got != want {
			t.Errorf("%s makes %v bytes, want %v", text, got, want)
		}
	}
	if _, elements := mostOf(`P.attr.name.split("")`, nil, nil, at); elements != 101 {
		t.Errorf("splitting makes %v elements", elements)
	}
	if NewScope(nil, nil).Growth([]string{"P.id +", "P.id == R.id"}) != nil {
		t.Error("what does not parse, or does not grow, has a growth")
	}
}
