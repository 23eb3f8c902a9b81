package scaffold

import (
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/manifest"
)

// subject is what a tool is about, as far as its name says: the word behind the verb, or the one
// before it where it ends the name.
func subject(name string) string {
	words := manifest.Words(name)
	at := slices.IndexFunc(words, func(w string) bool { _, ok := verbs[w]; return ok || manifest.NameSaysDestructive(w) })
	var word string
	switch {
	case len(words) == 0:
		return ""
	case at > 0:
		word = words[0] // what all tools about a thing begin with
	case at == 0 && len(words) > 1:
		word = words[1]
	case at < 0:
		word = words[0]
	}
	if len(word) > 3 && strings.HasSuffix(word, "s") && !strings.HasSuffix(word, "ss") {
		word = strings.TrimSuffix(word, "s")
	}
	return word
}

// few is how many actions are read without being divided.
const few = 24

// A block is some actions of a rule, with what stands above them.
type block struct {
	comment string
	actions []action
}

// blocks divides the actions of a rule: by whether what tools do was inferred, and where there are
// many, by what they are about.
func blocks(actions []action) []block {
	var whys []string
	for _, a := range actions {
		if !slices.Contains(whys, a.why) {
			whys = append(whys, a.why)
		}
	}
	slices.Sort(whys)
	var list []block
	for _, why := range whys {
		of := slices.DeleteFunc(slices.Clone(actions), func(a action) bool { return a.why != why })
		head := ""
		if why != "" {
			head = "review: " + why
		}
		if len(of) <= few {
			list = append(list, block{head, of})
			continue
		}
		list = append(list, bySubject(head, of)...)
	}
	return list
}

// bySubject divides actions by subject. Subjects of one tool are put together.
func bySubject(head string, actions []action) []block {
	about := map[string][]action{}
	var names []string
	for _, a := range actions {
		if about[a.subject] == nil {
			names = append(names, a.subject)
		}
		about[a.subject] = append(about[a.subject], a)
	}
	slices.Sort(names)
	var list []block
	var others []action
	for _, name := range names {
		if len(about[name]) <= 2 || name == "" {
			others = append(others, about[name]...)
			continue
		}
		list = append(list, block{name, about[name]})
	}
	if len(others) > 0 {
		list = append(list, block{"others", others})
	}
	if head != "" {
		list[0].comment = head + "\n" + list[0].comment
	}
	return list
}
