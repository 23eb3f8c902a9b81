package witness

import "github.com/mcpolicy/mcpolicy/authz"

// claim replaces a slot's values, which are claims of a token, by what conditions see
// of them: a PDP gives some claims another form. A value for which a PDP refuses the
// token is taken away.
func (s *space) claim(p *slot) {
	if p.root != ofAuxData || len(p.path) != 1 {
		return
	}
	name, values := p.path[0], p.values
	p.values, p.has = nil, map[string]bool{}
	switch name {
	case "aud":
		s.exact = false // the values were chosen for all types alike
	case "exp", "iat", "nbf":
		s.exact = false
		values = append(values, "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z")
	}
	for _, v := range values {
		switch v := v.(type) {
		case missing:
			p.add(v)
			continue
		case mapping:
			if _, _, err := authz.Claim(name, v.fresh); err == nil {
				p.add(v)
			}
			continue
		}
		seen, shown, err := authz.Claim(name, v)
		switch {
		case err != nil:
		case shown:
			p.add(seen)
		default:
			p.add(missing{})
		}
	}
}
