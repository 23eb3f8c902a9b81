package cel

import "github.com/mcpolicy/mcpolicy/pdp"

// TextExtent measures a text.
func TextExtent(s string) pdp.Extent {
	return pdp.Extent{Text: float64(len(s)), All: float64(len(s)), Values: 1}
}

// ExtentOf measures a JSON value.
func ExtentOf(v any) pdp.Extent {
	sum := pdp.Extent{Values: 1}
	switch v := v.(type) {
	case string:
		return TextExtent(v)
	case []any:
		for _, x := range v {
			sum = sum.Plus(ExtentOf(x))
		}
	case map[string]any:
		for name, x := range v {
			sum = sum.Plus(TextExtent(name)).Plus(ExtentOf(x))
		}
	}
	return sum
}
