package testrunner

import (
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/source"
)

// A Suite is one document of a suite file.
type Suite struct {
	Name    string
	Pos     source.Pos
	Server  Name // what the suite is about; zero if the file does not say
	Options Options
	Skip    string // why it is skipped, or ""
	Tests   []Test

	Include Names    // files with groups, relative to the folder of the config; see [Include]
	Groups  []*Group // its own and, once it is given them, those of the files
}

// Options change the world for one suite.
type Options struct {
	Pos source.Pos // zero without options
	// Now is what now() is in conditions, unless zero.
	Now time.Time
	// Globals replace those of the engine, unless nil.
	Globals map[string]any
	// AuxData replaces that of every principal, unless nil.
	AuxData *authz.AuxData
	// Claims are added to those of every principal's token, for enforcement points that
	// read one; nil adds none.
	Claims map[string]any
}

// of returns a principal with what the options give everybody.
func (o *Options) of(p *authz.Principal) *authz.Principal {
	if o.AuxData == nil && o.Claims == nil {
		return p
	}
	who := *p
	if o.AuxData != nil {
		who.AuxData, who.JWTs = o.AuxData.JWT, o.AuxData.JWTs
	}
	who.Claims = o.Claims
	return &who
}

// A Test is a named group of expectations.
type Test struct {
	Name       string
	Pos        source.Pos
	Skip       string      // why it is skipped, or ""
	AllowEmpty bool        // what stands for nothing yet is no mistake, anywhere in it
	Principals *Principals // whom Operations are about; nil without Operations
	Operations []*Operation
	Never      *Property // nobody may possibly do it
	Always     *Property // everybody may do it, whatever the arguments
	Prove      []*Claim  // what is said of everybody who could exist
}

// An Operation is what a test expects of one operation on items of some types.
type Operation struct {
	Pos         source.Pos // of its key
	Types       manifest.TypeSet
	Operation   authz.Operation
	Exactly     *Exactly // nil if the file does not say
	Allow       Names
	Deny        Names
	Conditional Names
	Refuse      Names    // by the enforcement point itself
	When        []When   // of conditional: those with a condition, or with a rule that decides
	Cases       []Sample // and the rows of tables, and what is allowed or denied by a rule
}

// Exactly lists all that is possible. An empty list means that nothing is.
type Exactly struct {
	Pos   source.Pos // of its key
	Names Names
}

// A When is what items are allowed on: exactly that condition, no wider and no narrower one.
type When struct {
	Pos       source.Pos
	Item      Name
	Condition Name // CEL over arguments and principal, or as policies have it; zero for any
	Basis     Basis
}

// A Sample is one use of an item.
type Sample struct {
	Pos       source.Pos
	Item      Name
	Arguments map[string]any // nil for all arguments at once
	Expect    authz.Effect   // Allow or Deny
	Refused   bool           // in the place of both: the enforcement point refuses by itself
	Basis     Basis          // how it is decided
	Why       string         // a remark, shown with it, or ""
	Skip      string         // why it is skipped, or ""
}

// A Property is something that holds for every principal and item of a
// selection.
type Property struct {
	Pos        source.Pos // of its key
	AllowEmpty bool       // as of a test
	Principals *Principals
	Operations []Selection
}

// A Selection is an operation on selected items.
type Selection struct {
	Pos       source.Pos // of its key
	Operation authz.Operation
	Types     manifest.TypeSet
	Items     *ItemSelector
}

// Principals say whom a test is about: by names or by what they are.
type Principals struct {
	Pos      source.Pos
	Names    Names // keys and @groups; nil with a selector
	Selector *PrincipalSelector
}

// A PrincipalSelector selects the principals that meet each of its fields;
// they meet a list by one of its elements. The zero value selects everybody.
type PrincipalSelector struct {
	Pos    source.Pos
	Keys   Names
	Roles  Names
	Groups Names
	Kinds  []authz.Kind
	Not    *PrincipalSelector

	AllowEmpty bool // as of a test
}

// An ItemSelector selects the items that meet each of its fields; they meet a
// list by one of its elements. The zero value selects all.
type ItemSelector struct {
	Pos         source.Pos
	Names       Names
	Tags        Names
	Destructive *bool // of tools: the effective hint, which may be inferred
	ReadOnly    *bool // of tools
	Not         *ItemSelector

	AllowEmpty bool // as of a test
}

// A Name is a name or a glob, as written.
type Name struct {
	Text string
	Pos  source.Pos
}

// Names is a list of names and globs.
type Names []Name
