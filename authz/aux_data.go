package authz

import "github.com/mcpolicy/mcpolicy/source"

// AuxData is the auxiliary data of a request, as conditions see it: the claims
// of one token, or those of several by their names. Nil is none.
type AuxData struct {
	JWT  map[string]any
	JWTs map[string]map[string]any
}

// ReadAuxData reads auxiliary data as Cerbos's fixtures have it, with the
// claims as they are in the token: {jwt: {CLAIM: VALUE}}, or {jwts: {NAME:
// {claims: {CLAIM: VALUE}}}}. It returns all the mistakes beside it, each with
// its position.
func ReadAuxData(n *source.Node) (AuxData, []error) {
	var r auxReader
	var aux AuxData
	if n.Is(source.Null) {
		return aux, nil
	}
	if !r.mapping("auxData", n, "the key jwt or jwts") {
		return aux, r.errs
	}
	for _, f := range n.Fields {
		switch f.Name {
		case "jwt":
			aux.JWT = r.claims("jwt", f.Value)
		case "jwts":
			aux.JWTs = r.tokens(f.Value)
		default:
			r.errs = append(r.errs, source.UnknownKey(f, []string{"jwt", "jwts"}))
		}
	}
	if aux.JWT != nil && aux.JWTs != nil {
		r.fail(n.Pos, "auxData: a request has either jwt or jwts, not both")
	}
	return aux, r.errs
}

type auxReader struct{ errs []error }

func (r *auxReader) fail(pos source.Pos, format string, args ...any) {
	r.errs = append(r.errs, source.Errorf(pos, format, args...))
}

// mapping reports whether n is a mapping, and a mistake if it is not.
func (r *auxReader) mapping(name string, n *source.Node, with string) bool {
	if !n.Is(source.Mapping) {
		r.fail(n.Pos, "%s: want a mapping with %s, have %v", name, with, n.Kind)
		return false
	}
	r.twice(n)
	return true
}

func (r *auxReader) twice(n *source.Node) {
	for _, f := range n.Duplicates {
		r.fail(f.Pos, "key %q stands here twice", f.Name)
	}
}

func (r *auxReader) tokens(n *source.Node) map[string]map[string]any {
	if n.Is(source.Null) || !r.mapping("jwts", n, "tokens by their names") {
		return nil
	}
	tokens := map[string]map[string]any{}
	for _, f := range n.Fields {
		if f.Name == "" {
			r.fail(f.Pos, "jwts: a token without a name")
		}
		if !r.mapping("jwts: token "+f.Name, f.Value, "the key claims") {
			continue
		}
		tokens[f.Name] = map[string]any{}
		for _, below := range f.Value.Fields {
			if below.Name != "claims" {
				r.fail(below.Pos, "jwts: token %s: unknown key %q; its claims stand under the key claims", f.Name, below.Name)
				continue
			}
			tokens[f.Name] = r.claims("claims", below.Value)
		}
	}
	return tokens
}

func (r *auxReader) claims(name string, n *source.Node) map[string]any {
	if n.Is(source.Null) || !r.mapping(name, n, "claims") {
		return nil
	}
	claims := map[string]any{}
	for _, f := range n.Fields {
		before := len(r.errs)
		r.value(f.Value)
		if len(r.errs) > before {
			continue
		}
		v, shown, err := Claim(f.Name, f.Value.Value())
		if err != nil {
			r.fail(f.Value.Pos, "%w", err)
		}
		if shown {
			claims[f.Name] = v
		}
	}
	return claims
}

// value reports the mistakes in a JSON value.
func (r *auxReader) value(n *source.Node) {
	r.twice(n)
	if n.Is(source.Number) {
		if _, isNumber := n.Value().(float64); !isNumber {
			r.fail(n.Pos, "%s is not a number that a policy can work with", n.Text)
		}
	}
	for _, item := range n.Items {
		r.value(item)
	}
	for _, f := range n.Fields {
		r.value(f.Value)
	}
}
