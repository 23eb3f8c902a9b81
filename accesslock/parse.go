package accesslock

import (
	"github.com/mcpolicy/mcpolicy/source"
)

type file struct {
	Schema  string        `yaml:"$schema"`
	Version int           `yaml:"version"`
	Items   []itemLine    `yaml:"items"`
	Schemas []schemaLine  `yaml:"schemas"`
	Kinds   []kindLine    `yaml:"kinds"`
	Access  []accessLine  `yaml:"access"`
	Unknown []unknownLine `yaml:"unknown"`
}

type refLine struct {
	Server           *string `yaml:"server"`
	Tool             *string `yaml:"tool"`
	Prompt           *string `yaml:"prompt"`
	Resource         *string `yaml:"resource"`
	ResourceTemplate *string `yaml:"resourceTemplate"`
	ItemVersion      string  `yaml:"itemVersion"`
}

type itemLine struct {
	Pos source.Pos
	refLine
	Hints  hintsLine `yaml:"hints"`
	Schema string    `yaml:"schema"`
	List   string    `yaml:"list"`
}

type hintsLine struct {
	ReadOnly    *bool  `yaml:"readOnly"`
	Destructive *bool  `yaml:"destructive"`
	Idempotent  *bool  `yaml:"idempotent"`
	OpenWorld   *bool  `yaml:"openWorld"`
	Tasks       string `yaml:"tasks"`
}

type schemaLine struct {
	Pos     source.Pos
	Policy  string `yaml:"policy"`
	Schemas string `yaml:"schemas"`
}

type kindLine struct {
	Pos   source.Pos
	Kind  string   `yaml:"kind"`
	Holds []string `yaml:"holds"`
}

type accessLine struct {
	Pos source.Pos
	refLine
	May           []string `yaml:"may"`
	MayNot        []string `yaml:"mayNot"`
	By            []roles  `yaml:"by"`
	ID            string   `yaml:"id"`
	Scope         string   `yaml:"scope"`
	PolicyVersion string   `yaml:"policyVersion"`
	Unguarded     bool     `yaml:"unguarded"`
	conditionLine
	Depends string `yaml:"depends"`
}

type conditionLine struct {
	When      string          `yaml:"when"`
	Unless    string          `yaml:"unless"`
	Any       []conditionLine `yaml:"any"`
	All       []conditionLine `yaml:"all"`
	Unwritten bool            `yaml:"unwritten"`
}

type unknownLine struct {
	Pos source.Pos
	refLine
	Operations []string `yaml:"operations"`
	Because    string   `yaml:"because"`
	Depends    string   `yaml:"depends"`
}

// roles are one role, or several at once.
type roles []string

// DecodeNode reads a name or a list of names.
func (r *roles) DecodeNode(n *source.Node) error {
	if n.Is(source.String) {
		*r = roles{n.Text}
		return nil
	}
	var list []string
	if err := source.Decode(n, &list); err != nil || len(list) == 0 {
		return source.Errorf(n.Pos, "by: want a role or a list of roles, have %s", n.Describe())
	}
	*r = list
	return nil
}
