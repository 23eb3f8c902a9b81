package config

import "github.com/mcpolicy/mcpolicy/source"

// Probe says how running servers are tried.
type Probe struct {
	Pos source.Pos
	// Where the bearer tokens are, by the keys of their principals.
	Tokens Tokens `yaml:"tokens"`
}

// A Token says where the bearer token of a principal is.
type Token struct {
	Principal string     // its key
	Pos       source.Pos // of the key
	Env       Env
}

// Tokens are sorted by their principals.
type Tokens []Token

// DecodeNode reads a mapping from the keys of principals.
func (t *Tokens) DecodeNode(n *source.Node) error {
	return entries(n, "tokens", func(f source.Field) error {
		token := Token{Principal: f.Name, Pos: f.Pos}
		err := token.Env.DecodeNode(f.Value)
		*t = append(*t, token)
		return err
	})
}
