package pdp

// An Extent bounds how large a value is: the bytes of the longest text in it, those
// of all texts in it together, and how many values there are in it.
type Extent struct{ Text, All, Values float64 }

// Plus is the extent of what holds both.
func (x Extent) Plus(y Extent) Extent {
	return Extent{Text: max(x.Text, y.Text), All: x.All + y.All, Values: x.Values + y.Values}
}

// Or is the extent of what is one of two.
func (x Extent) Or(y Extent) Extent {
	return Extent{Text: max(x.Text, y.Text), All: max(x.All, y.All), Values: max(x.Values, y.Values)}
}

// A Request is what conditions see of a request, for whoever wants to know how
// large that is.
type Request interface {
	// Total is the extent of all of it.
	Total() Extent
	// At returns the extent of what stands at a path, like P attr name, or more.
	At(path []string) Extent
}
