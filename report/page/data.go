package page

// Version is the version of [Data].
const Version = 1

// Data is what a page shows. Lists that are shared are referred to by index; a
// reference that may be none is -1.
type Data struct {
	Version int     `json:"version"`
	Run     Run     `json:"run"`
	Verdict Verdict `json:"verdict"`

	Servers []Server `json:"servers"`
	Items   []Item   `json:"items"`
	Classes []Class  `json:"classes"`

	Rules      []Rule   `json:"rules"`
	Conditions []string `json:"conditions"`
	Cells      []Cell   `json:"cells"`
	// Variants are pairs of cells: of list, and of call, get or read.
	Variants [][2]int `json:"variants"`
	// Rows are what classes may do: a variant for each item. Classes with the same
	// access share one.
	Rows [][]int `json:"rows"`

	// Witnesses are calls on either side of a condition, by the item and the cell:
	// their arguments are among Calls.
	Witnesses []Witness `json:"witnesses"`
	Calls     []string  `json:"calls"`
	// ByRole says what anybody may do who has a role, declared or not. Items share
	// the answers. It is empty if that was not asked.
	ByRole []RoleAnswer `json:"byRole"`

	Causes []Cause `json:"causes"`
	Tests  []Test  `json:"tests"`
	Proofs []Proof `json:"proofs"`
	Notes  []Line  `json:"notes"`
	Diff   *Diff   `json:"diff"`
	// Coverage is what the suites cover; nil if that was not measured.
	Coverage *Coverage `json:"coverage,omitempty"`
}

// Run is what was run, and what it rests on.
type Run struct {
	Title    string   `json:"title"`
	Revision string   `json:"revision,omitempty"`
	Base     string   `json:"base,omitempty"` // the revision that access is compared with
	Facts    []string `json:"facts"`          // the first is shown with the verdict
	Linted   bool     `json:"linted"`
	Tested   bool     `json:"tested"`
	Nameless bool     `json:"nameless"` // people's names are left out
}

// A Verdict says how the run ended.
type Verdict struct {
	Level string `json:"level"` // bad, warn, good, or info where nothing was judged
	Text  string `json:"text"`
}

// A Server is an MCP server.
type Server struct {
	Name    string `json:"name"`
	Profile string `json:"profile"`
}

// An Item is a tool, prompt, resource or resource template.
type Item struct {
	Server      int      `json:"s"`
	Type        string   `json:"t"`
	Name        string   `json:"n"`
	Title       string   `json:"title,omitempty"`
	Description string   `json:"d,omitempty"`
	Use         string   `json:"u"` // call, get or read
	Risk        string   `json:"r"` // destructive, changes, reads or unknown
	RiskSource  string   `json:"from,omitempty"`
	Tags        []string `json:"tags,omitempty"`
	At          string   `json:"at,omitempty"`
	Roles       int      `json:"roles"` // the answer by role, or -1
}

// A Class is principals that the policies cannot tell apart.
type Class struct {
	Names  []string    `json:"p"` // none of people where those are left out
	Size   int         `json:"n"`
	Kind   string      `json:"k"`
	ActFor []string    `json:"for,omitempty"`
	Roles  []string    `json:"roles"`
	Attr   [][2]string `json:"attr,omitempty"` // of the first of them
	Row    int         `json:"row"`
	// Conditions are those of its cells.
	Conditions []int `json:"cs"`
}

// A Rule is a rule of a policy.
type Rule struct {
	ID     string   `json:"id"`
	Name   string   `json:"name"`
	Effect string   `json:"effect"`
	File   string   `json:"file,omitempty"`
	Line   int      `json:"line,omitempty"`
	Source []string `json:"src,omitempty"` // its lines, from Line on
}

// The accesses of a Cell, as package matrix numbers them.
const (
	Denied = iota
	Allowed
	Conditional
	Unguarded
)

// RefusedSomehow is the code of a refusal that is not known.
const RefusedSomehow = 1

// A Cell is an access. Its condition is one of those of the class that has the cell, so
// that classes share cells and rows that differ in nothing but a value in conditions.
type Cell struct {
	Access    int    `json:"a"`
	Condition int    `json:"c"` // among the class's; -1 for none
	Rules     []int  `json:"r,omitempty"`
	Reason    string `json:"why,omitempty"` // of a condition that comes to nothing else
	Refused   int    `json:"x,omitempty"`   // of what is denied by no policy: the code that the enforcement point answers by itself
}

// A Witness is calls of an item by those who have a cell with a condition, put to the
// engine.
type Witness struct {
	Item      int   `json:"i"`
	Condition int   `json:"c"` // among all
	Rules     []int `json:"r"` // of the cell
	Allows    int   `json:"y"` // -1 where none was found
	Refuses   int   `json:"n"`
}

// A RoleAnswer says who may use an item by role.
type RoleAnswer struct {
	Roles []RoleAccess `json:"roles"`
	Notes []string     `json:"notes,omitempty"` // what is not settled by roles
}

// A RoleAccess is what anybody with a role may do.
type RoleAccess struct {
	Role      string `json:"role"` // "*" for any other
	Access    int    `json:"a"`
	Condition int    `json:"c"`
	Held      bool   `json:"held,omitempty"` // a declared principal has it
}

// A Cause is findings that have one reason, as far as that is known: the first one
// stands for all.
type Cause struct {
	ID         string    `json:"id"`
	Heading    string    `json:"heading"` // open, shut or unclear
	Severity   string    `json:"severity"`
	Confidence string    `json:"confidence"`
	Title      string    `json:"title"`
	File       string    `json:"file,omitempty"`
	Line       int       `json:"line,omitempty"`
	Source     []string  `json:"src,omitempty"` // from First on
	First      int       `json:"first,omitempty"`
	Findings   []Finding `json:"findings"`
	Waived     bool      `json:"waived,omitempty"`
	Known      bool      `json:"known,omitempty"` // at the base, too
}

// A Finding is a finding of lint, of a probe or of a comparison with production.
type Finding struct {
	Rule      string   `json:"rule"`
	Severity  string   `json:"severity"`
	Message   string   `json:"message"`
	Evidence  []string `json:"evidence,omitempty"`
	Fix       string   `json:"fix,omitempty"`
	Related   []Line   `json:"related,omitempty"`
	Standards []string `json:"standards,omitempty"`
	Items     []int    `json:"items,omitempty"`
	Who       []string `json:"who,omitempty"`
	Waiver    string   `json:"waiver,omitempty"` // its reason
	WaivedAt  string   `json:"waivedAt,omitempty"`
}

// A Line is a text, and the place that it is about.
type Line struct {
	At   string `json:"at,omitempty"`
	Text string `json:"text"`
}

// A Test is the cases of one test of a suite.
type Test struct {
	Suite   string `json:"suite"`
	Name    string `json:"name"`
	At      string `json:"at,omitempty"`
	Passed  int    `json:"passed,omitempty"`
	Skipped int    `json:"skipped,omitempty"`
	Failed  []Case `json:"failed,omitempty"` // errored ones among them
}

// A Case is one that failed or errored.
type Case struct {
	Sentence string `json:"sentence"`
	At       string `json:"at,omitempty"`
	Errored  bool   `json:"errored,omitempty"`
	Lines    []Line `json:"lines"`
}

// A Proof is what is known of the sentences of one test about everybody who could
// exist.
type Proof struct {
	Test     string `json:"test"`
	At       string `json:"at,omitempty"`
	Outcome  string `json:"outcome"` // refuted if one is, else unknown if one is, else proved
	Sentence string `json:"sentence"`
	Over     string `json:"over,omitempty"`
	Proved   int    `json:"proved"`
	Open     []Case `json:"open,omitempty"` // those that are not proved
}

// A Coverage is what suites cover.
type Coverage struct {
	About    string          `json:"about"`    // the metric, and which lines it is of
	Asserted string          `json:"asserted"` // by how many cases
	Counts   []CoverageCount `json:"counts"`
	Points   []CoveragePoint `json:"points"` // what is not covered, by kind
}

// A CoverageCount is how much of a kind is covered.
type CoverageCount struct {
	Kind    string `json:"kind"` // rule, outcome, mcdc, derived-role or cell
	Covered int    `json:"covered"`
	Of      int    `json:"of"`
	Percent string `json:"percent,omitempty"` // none of nothing
	Note    string `json:"note,omitempty"`    // of what is impossible, or may be
	Missed  string `json:"missed,omitempty"`  // the threshold that it is below
	Listed  int    `json:"listed"`            // how many are among the points, and how many more are not covered
	More    int    `json:"more"`
}

// A CoveragePoint is something that no case covers.
type CoveragePoint struct {
	Kind  string   `json:"kind"`
	Title string   `json:"title"`
	At    string   `json:"at,omitempty"`
	Words []string `json:"words,omitempty"`
	Tests []string `json:"tests,omitempty"` // that would cover it, each a line of YAML
}

// A Diff is what changed in who may do what.
type Diff struct {
	Fails      bool              `json:"fails"` // the run fails because of it
	Cells      []Change          `json:"cells"`
	Roles      []Change          `json:"roles"` // what anybody gains or loses who has a role, declared or not
	Items      []ItemChange      `json:"items"`
	Principals []PrincipalChange `json:"principals"`
	Budget     []Line            `json:"budget"` // what is over
	Notes      []Line            `json:"notes"`  // of what shows no difference: 2 rules moved
}

// A Change is a cell that is not what it was.
type Change struct {
	Principals []string `json:"who"` // keys; or the roles, "*" for any other
	Server     string   `json:"server"`
	Type       string   `json:"type"`
	Name       string   `json:"name"`
	Operation  string   `json:"op"`
	From       string   `json:"from"` // denied, allowed, conditional, unguarded or absent
	To         string   `json:"to"`
	Was        string   `json:"was,omitempty"` // the condition before
	Now        string   `json:"now,omitempty"`
	Change     string   `json:"change"`             // widened, narrowed, changed or unknown
	Relation   string   `json:"relation,omitempty"` // wider, narrower, equal, incomparable, unknown
	Gained     string   `json:"gained,omitempty"`   // arguments of a call that only now is allowed
	Lost       string   `json:"lost,omitempty"`     // and of one that no longer is
	Rules      []Line   `json:"rules,omitempty"`    // the lines of policies that did it
}

// An ItemChange is an item that came or went, or whose hints or schema changed.
type ItemChange struct {
	Server string `json:"server"`
	Type   string `json:"type"`
	Name   string `json:"name"`
	Change string `json:"change"` // added, removed, hints, schema or description
	Text   string `json:"text,omitempty"`
}

// A PrincipalChange is a principal that came or went, or is another than it was.
type PrincipalChange struct {
	Name   string `json:"name"`
	Change string `json:"change"` // added, removed or changed
	Text   string `json:"text,omitempty"`
}
