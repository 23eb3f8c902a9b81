package source

// flow reads a flow collection, which may go over several lines, and goes behind
// it.
func (q *quickYAML) flow(depth int) *Node {
	switch {
	case !q.spend(depth):
		return nil
	case q.peek(0) == '[':
		return q.flowSequence(depth)
	}
	return q.flowMapping(depth)
}

// flowValue reads a value inside a flow collection.
func (q *quickYAML) flowValue(depth int) *Node {
	if c := q.peek(0); c == '[' || c == '{' {
		return q.flow(depth)
	}
	s, ok := q.scalar(true)
	if !ok || !q.spend(depth) {
		return nil
	}
	return q.leaf(s)
}

// flowSpace goes to what is next, on this line or a later one, and reports
// whether there is anything that a flow collection may have there.
func (q *quickYAML) flowSpace() bool {
	if !q.endsLine() {
		return true
	}
	return q.lineBreak() && q.nextLine() && !q.marker()
}

// flowMore goes behind a comma and the space after it, or behind the end of a
// collection.
func (q *quickYAML) flowMore(end byte) (more, ok bool) {
	if !q.flowSpace() {
		return false, false
	}
	c := q.peek(0)
	q.at++
	if c == ',' {
		return true, q.flowSpace()
	}
	return false, c == end
}

func (q *quickYAML) flowSequence(depth int) *Node {
	n, height := q.node(Sequence, q.pos(q.at)), len(q.openItems)
	q.at++
	if !q.flowSpace() {
		return nil
	}
	if q.peek(0) == ']' {
		q.at++
		return n
	}
	for more := true; more; {
		item := q.flowValue(depth + 1)
		if item == nil {
			return nil
		}
		q.openItems = append(q.openItems, item)
		var ok bool
		if more, ok = q.flowMore(']'); !ok {
			return nil
		}
	}
	n.Items = q.closeItems(height)
	return n
}

func (q *quickYAML) flowMapping(depth int) *Node {
	n, height := q.node(Mapping, q.pos(q.at)), len(q.openFields)
	q.at++
	if !q.flowSpace() {
		return nil
	}
	if q.peek(0) == '}' {
		q.at++
		return n
	}
	for more := true; more; {
		begin := q.at
		key, ok := q.scalar(true)
		if !ok || key.merge() || !q.flowColon(begin, key.plain) || !q.flowSpace() {
			return nil
		}
		q.values.spend() // that there are too many shows at the value
		f := Field{Name: key.text, Pos: key.pos, Value: q.flowValue(depth + 1)}
		if f.Value == nil {
			return nil
		}
		q.openFields = append(q.openFields, f)
		if more, ok = q.flowMore('}'); !ok {
			return nil
		}
	}
	var ok bool
	if n.Fields, ok = q.closeFields(height); !ok {
		return nil
	}
	return n
}

// flowColon goes behind the colon of a key. A plain one has a blank behind it.
func (q *quickYAML) flowColon(begin int, plain bool) bool {
	if plain {
		return q.colon(begin)
	}
	q.spaces()
	if q.peek(0) != ':' || q.at-begin > maxQuickKey {
		return false
	}
	q.at++
	return true
}
