package scaffold

import (
	"slices"

	"github.com/mcpolicy/mcpolicy/manifest"
)

// A Tier is how much a tool can do, and so who is given it.
type Tier uint8

// The tiers, each for fewer people than the one before.
const (
	Reads    Tier = iota // for readers and those above them
	Changes              // what can be undone: for editors and administrators
	Destroys             // or may, as far as anybody knows: for administrators
)

// An Intent is what a tool is taken to do.
type Intent struct {
	Tier Tier
	// Why says what it was inferred from where the server does not state it, or states what
	// contradicts itself. A person has to look at it then. "" if the server's hints say it.
	Why string
}

// Why something was inferred.
const (
	byName        = "there are no hints, so by their names"
	byNameOnly    = "the hints leave open whether it can be undone, so by their names"
	againstHints  = "the hints contradict each other, or the name, so the worse of them counts"
	nothingSaysIt = "neither hints nor names say what it does, so it counts as destructive"
)

// IntentOf reads what a tool does. A hint counts by itself in the alarming direction only: a tool
// that says that it is harmless, and whose name says otherwise, is taken by its name.
func IntentOf(tool *manifest.Item) Intent {
	name := tool.Name
	if tool.OwnName != "" {
		name = tool.OwnName
	}
	h, destroys := tool.Hints, manifest.NameSaysDestructive(tool.Name) || manifest.NameSaysDestructive(name)
	switch {
	case h.ReadOnly == manifest.True && (h.Destructive == manifest.True || destroys):
		return Intent{Destroys, againstHints}
	case h.ReadOnly == manifest.True:
		return Intent{Reads, ""}
	case h.Destructive == manifest.True:
		return Intent{Destroys, ""}
	case h.Destructive == manifest.False && destroys:
		return Intent{Destroys, againstHints}
	case h.Destructive == manifest.False:
		return Intent{Changes, ""}
	case h.ReadOnly == manifest.False && !h.Lossy:
		if tier, known := tierOf(name); known && tier == Changes && !destroys {
			return Intent{Changes, byNameOnly}
		}
		return Intent{Destroys, byNameOnly}
	case destroys:
		return Intent{Destroys, byName}
	}
	if tier, known := tierOf(name); known {
		return Intent{tier, byName}
	}
	return Intent{Destroys, nothingSaysIt}
}

// tierOf reads a name: its first verb counts, or what that is joined to. It is not known where
// no word is a verb that says it.
func tierOf(name string) (tier Tier, known bool) {
	words := manifest.Words(name)
	at := slices.IndexFunc(words, func(w string) bool { _, ok := verbs[w]; return ok })
	if at < 0 {
		return Destroys, false
	}
	tier = verbs[words[at]]
	for i, w := range words[at+1:] {
		joined := words[at+i] == "and" || words[at+i] == "or"
		if t, ok := verbs[w]; ok && joined && t > tier {
			tier = t
		}
		if strong[w] {
			tier = Destroys
		}
	}
	return tier, true
}
