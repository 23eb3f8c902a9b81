package pdp

// An Extent bounds how large a value is: the bytes of the longest text in it, those
// of all texts in it together, and how many values there are in it.
type Extent struct{ Text, All, Values float64 }

func (x Extent) plus(y Extent) Extent {
	return Extent{Text: max(x.Text, y.Text), All: x.All + y.All, Values: x.Values + y.Values}
}

func (x Extent) or(y Extent) Extent {
	return Extent{Text: max(x.Text, y.Text), All: max(x.All, y.All), Values: max(x.Values, y.Values)}
}

func textExtent(s string) Extent { return Extent{float64(len(s)), float64(len(s)), 1} }

// extentOf measures a JSON value.
func extentOf(v any) Extent {
	sum := Extent{Values: 1}
	switch v := v.(type) {
	case string:
		return textExtent(v)
	case []any:
		for _, x := range v {
			sum = sum.plus(extentOf(x))
		}
	case map[string]any:
		for name, x := range v {
			sum = sum.plus(textExtent(name)).plus(extentOf(x))
		}
	}
	return sum
}

// A Request is what conditions see of a request, for whoever wants to know how
// large that is.
type Request interface {
	// Total is the extent of all of it.
	Total() Extent
	// At returns the extent of what stands at a path, like P attr name, or more.
	At(path []string) Extent
}
