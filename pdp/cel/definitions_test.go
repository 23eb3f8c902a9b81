package cel

import (
	"fmt"
	"testing"

	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// TestDoubling works with variables that name each other twice, forty in a row.
func TestDoubling(t *testing.T) {
	variables := map[string]string{"v0": "R.attr.arguments.x == 'q'"}
	for i := 1; i <= 40; i++ {
		variables[fmt.Sprintf("v%d", i)] = fmt.Sprintf("V.v%d || V.v%d", i-1, i-1)
	}
	e, err := expr.Parse("V.v40")
	if err != nil {
		t.Fatal(err)
	}
	o := &Openness{Unknown: []string{"arguments"}, definitions: newDefinitions(variables, nil)}
	if !o.IsOpen(e, nil) || o.fits(e) {
		t.Error("V.v40 is open, and too large to be put in")
	}
	if text := expr.Print(o.inline(e)); text != "V.v40" {
		t.Errorf("V.v40 is inlined as %.100s", text)
	}
	small, err := expr.Parse("V.v2")
	if err != nil {
		t.Fatal(err)
	}
	if text := expr.Print(o.inline(small)); text == "V.v2" || !o.fits(small) {
		t.Error("V.v2 is not inlined")
	}
	scope := NewScope(variables, nil)
	if scope.Cost("V.v40") <= scope.Cost("V.v39") {
		t.Error("V.v40 costs no more than V.v39")
	}
}
