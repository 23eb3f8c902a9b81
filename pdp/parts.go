package pdp

// A Part is one of the expressions that a condition combines by and, or, not
// and if.
type Part struct {
	Relation Relation
	// Terms are what it relates: both sides of a comparison, the list of In
	// last; the text and what is looked for in it; one of Has and True; all
	// that is mentioned where the relation is Opaque.
	Terms []Term
	// Elements are what an Opaque part reads of the members of lists: the path
	// of the list, an empty step, and the path below the member.
	Elements []Term
	// Functions names what an Opaque part calls.
	Functions []string
}

// A Relation says how a part follows from its terms.
type Relation uint8

// The relations. Opaque is whatever is none of the others.
const (
	Opaque Relation = iota
	True            // the term itself
	Has
	Equal     // or not equal
	Ordered   // <, <=, > and >=
	In        // the left is a member of the right
	HasPrefix // startsWith
	HasSuffix // endsWith
	Contains
	Matches // a regular expression
)

// A Term is a place in a request, or a constant.
type Term struct {
	// Path is the place: P attr x, P id, R attr x, or jwt x for auxiliary data.
	// Nil for a constant.
	Path []string
	// Size says that it is the size of what stands there.
	Size  bool
	Value any // of a constant; a JSON value
}
