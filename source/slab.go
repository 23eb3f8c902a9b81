package source

// A slab hands out the nodes of a tree from batches, and keeps the lists of the
// collections that are being read on two stacks. A tree of a file has many small
// parts, and each would be an allocation of its own.
type slab struct {
	nodes  []Node
	items  []*Node
	fields []Field
	batch  int

	openItems  []*Node
	openFields []Field
}

// maxBatch bounds how many nodes are allocated in advance, perhaps for nothing.
const maxBatch = 256

func (s *slab) node(kind Kind, pos Pos) *Node {
	if len(s.nodes) == 0 {
		s.nodes = make([]Node, s.grow())
	}
	n := &s.nodes[0]
	s.nodes = s.nodes[1:]
	n.Kind, n.Pos = kind, pos
	return n
}

// grow returns the size of the next batch.
func (s *slab) grow() int {
	s.batch = min(max(4, 2*s.batch), maxBatch)
	return s.batch
}

// closeItems takes the items off the stack that lie above a height.
func (s *slab) closeItems(height int) []*Node {
	open := s.openItems[height:]
	s.openItems = s.openItems[:height]
	if len(open) == 0 {
		return nil
	}
	if len(s.items) < len(open) {
		s.items = make([]*Node, max(len(open), s.batch))
	}
	list := s.items[:len(open):len(open)]
	s.items = s.items[len(open):]
	copy(list, open)
	return list
}

// closeFields takes the fields off the stack that lie above a height, and
// reports whether no name stands among them twice.
func (s *slab) closeFields(height int) ([]Field, bool) {
	open := s.openFields[height:]
	s.openFields = s.openFields[:height]
	if len(open) == 0 {
		return nil, true
	}
	if repeats(open) {
		return nil, false
	}
	if len(s.fields) < len(open) {
		s.fields = make([]Field, max(len(open), s.batch))
	}
	list := s.fields[:len(open):len(open)]
	s.fields = s.fields[len(open):]
	copy(list, open)
	return list, true
}

// fewFields is the number of fields up to which comparing each name with each other
// is the cheapest.
const fewFields = 12

// repeats reports whether a name stands among fields twice.
func repeats(fields []Field) bool {
	if len(fields) <= fewFields {
		for i := range fields {
			for j := range i {
				if fields[i].Name == fields[j].Name {
					return true
				}
			}
		}
		return false
	}
	seen := make(map[string]struct{}, len(fields))
	for i := range fields {
		seen[fields[i].Name] = struct{}{}
	}
	return len(seen) < len(fields)
}
