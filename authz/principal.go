package authz

import "github.com/mcpolicy/mcpolicy/source"

// A Principal is somebody or something that asks for access.
type Principal struct {
	Key  string // what reports and suites call it: its key in the principals file
	ID   string // what the policies see as P.id
	Kind Kind
	// KindDeclared says that the principals file states the kind, be it human.
	KindDeclared bool
	// OnBehalfOf is the key of the principal that an agent acts for, or "".
	OnBehalfOf string

	Roles         []string
	Attr          map[string]any // JSON values
	PolicyVersion string
	Scope         string
	// AuxData and JWTs are auxData.jwt and auxData.jwts of each request, one of
	// which a request may have: the claims of a token and those of several by
	// their names, as conditions see them ([Claims]).
	AuxData map[string]any
	JWTs    map[string]map[string]any
	// Claims are claims of the principal's token that a suite gives, for enforcement points
	// that make requests of it; null takes one away.
	Claims map[string]any

	Groups []string // the groups of the principals file that name it
	Pos    source.Pos
}

// A Kind says what a principal is. It never reaches the policies.
type Kind uint8

// The kinds of a principal. Human is the zero value, because a Cerbos fixture
// file does not say.
const (
	Human Kind = iota
	Workload
	Agent
)

// Kinds lists the names of the kinds, in the order of their values.
func Kinds() []string { return append([]string(nil), kindNames...) }

var kindNames = []string{"human", "workload", "agent"}

// ParseKind returns the kind of that name.
func ParseKind(name string) (Kind, bool) { return parse[Kind](kindNames, name) }

// String returns human, workload or agent.
func (k Kind) String() string { return kindNames[k] }
