package testgen

import (
	"slices"
	"strconv"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/source"
)

// A suite is what will be a document of the file.
type suite struct {
	name   string
	notes  []string // comments above it
	server string
	now    time.Time
	tests  []*test
}

// A test is about some principals.
type test struct {
	name       string
	notes      []string
	principals principals
	sections   []*section // in the order of namespaces
}

// A section is what is expected of an operation on items of some types.
type section struct {
	namespace
	hasExactly               bool
	exactly                  []string
	allow, deny, conditional []string
	samples                  []sample
}

// A sample is one use of an item.
type sample struct {
	item      string
	arguments map[string]any // nil for whatever arguments
	expect    authz.Effect
	why       string
	refused   bool // the enforcement point answers by itself, which is no denial
}

// principals are those that a test is about: keys or a @group, or everybody with a role.
type principals struct {
	names []string
	role  string
}

// A namespace is where suites name items together: resources and their templates are in
// one.
type namespace struct {
	types manifest.TypeSet
	list  bool
}

var (
	tools     = manifest.Types(authz.ToolItem)
	prompts   = manifest.Types(authz.PromptItem)
	resources = manifest.Types(authz.ResourceItem, authz.TemplateItem)

	namespaces = []namespace{{tools, true}, {tools, false}, {prompts, true}, {prompts, false}, {resources, true}, {resources, false}}
)

// namespaceOf returns the namespace of a column.
func namespaceOf(col *matrix.Column) namespace {
	n := namespace{manifest.Types(col.Item.Type), col.Operation == authz.List}
	if n.types&resources != 0 {
		n.types = resources
	}
	return n
}

// keys are those below which an operation of the namespace stands in a test.
func (n namespace) keys() []string {
	switch n {
	case namespaces[0]:
		return []string{"list"}
	case namespaces[1]:
		return []string{"call"}
	case namespaces[2]:
		return []string{"prompts", "list"}
	case namespaces[3]:
		return []string{"prompts", "get"}
	case namespaces[4]:
		return []string{"resources", "list"}
	}
	return []string{"resources", "read"}
}

// noun is what suites call an item of the namespace.
func (n namespace) noun() string {
	switch n.types {
	case prompts:
		return "prompt"
	case resources:
		return "resource"
	}
	return "tool"
}

// section returns the section of a namespace, and makes it if it is missing.
func (t *test) section(n namespace) *section {
	for _, s := range t.sections {
		if s.namespace == n {
			return s
		}
	}
	s := &section{namespace: n}
	t.sections = append(t.sections, s)
	slices.SortFunc(t.sections, func(a, b *section) int {
		return slices.Index(namespaces, a.namespace) - slices.Index(namespaces, b.namespace)
	})
	return s
}

// add adds a sample, unless it is there.
func (s *section) add(x sample) {
	if x.expect == authz.Conditional {
		if !slices.Contains(s.conditional, x.item) {
			s.conditional = append(s.conditional, x.item)
		}
		return
	}
	for _, other := range s.samples {
		if other.item == x.item && (other.arguments == nil) == (x.arguments == nil) && source.Flow(other.arguments) == source.Flow(x.arguments) {
			return
		}
	}
	s.samples = append(s.samples, x)
}

// unique tells tests of one name apart by numbers.
func (s *suite) unique() {
	seen := map[string]bool{}
	for _, t := range s.tests {
		name := t.name
		for n := 2; seen[t.name]; n++ {
			t.name = name + " (" + strconv.Itoa(n) + ")"
		}
		seen[t.name] = true
	}
}
