package witness

import (
	"slices"
	"strings"
)

// dress makes the values of a slot such as the enforcement point sends, where it sends an
// item's name with something around it: no name makes "tool:get" of a text that begins
// otherwise. Where a part asks for more than what a text is, begins or ends with or
// contains, the values stay: they are more than is sent.
func (s *space) dress(q *Search, p *slot) {
	if p.root != ofResourceID && p.root != ofResource || p.sole != isString || len(p.group.slots) != 1 {
		return
	}
	template, _ := valueAt(q.Request.Resource.Attr, p.path).(string)
	if p.root == ofResourceID {
		template = q.Request.Resource.ID
	}
	before, after, _ := strings.Cut(template, AnyName)
	n := p.group.needs()
	if n.ordered || n.sized || n.opaque || n.membersOf > 0 || len(n.patterns)+len(n.members)+len(n.contains) > 0 || strings.Contains(after, AnyName) {
		return
	}
	values := slices.Clone(p.values)
	p.values, p.has = nil, map[string]bool{}
	for _, v := range values {
		text, _ := v.(string)
		begins, ends := strings.HasPrefix(text, before), strings.HasSuffix(text, after)
		if begins && ends && len(text) > len(before)+len(after) {
			p.add(text)
		}
		if begins {
			p.add(text + after)
		}
		if ends {
			p.add(before + text)
		}
		p.add(before + text + after)
	}
	s.exact = s.exact && !p.tooMany
}
