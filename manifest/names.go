package manifest

import (
	"strings"
	"unicode"
)

// destructiveVerbs make a name destructive wherever they stand in it.
var destructiveVerbs = set("delete", "destroy", "drop", "erase", "expunge", "kill", "purge", "remove", "revoke", "rm",
	"rmdir", "terminate", "truncate", "uninstall", "wipe")

// harmlessVerbs take it back when they stand before: the name speaks about a
// deletion (get_delete_status), or undoes it, or only moves things (drag and
// drop).
var harmlessVerbs = set("can", "describe", "drag", "fetch", "find", "get", "has", "is", "read", "should", "undo")

// harmlessNouns do so too, but may also be what is deleted (todo_list_delete).
var harmlessNouns = set("check", "count", "list", "query", "search", "show", "status", "view")

func set(words ...string) map[string]bool {
	m := make(map[string]bool, len(words))
	for _, w := range words {
		m[w] = true
	}
	return m
}

// NameSaysDestructive reports whether a tool's name says that the tool
// destroys something. It goes by whole words of snake, kebab, camel and Pascal
// names, in their plain form: delete_user, pods-delete, userDelete and
// API-delete-a-block say so; deleted_users, airdrop and undelete do not.
//
// A word that reads or undoes, before the destructive one, takes it back:
// get_delete_status, list_drop_rules, undo_remove. It does not where "and" or
// "or" follows it (find_and_remove), or where it is a noun and the name ends
// in the destructive word (todo_list_delete). As the first word, admin says so
// as well (admin_tool), unless the name reads something (admin_list_users).
func NameSaysDestructive(name string) bool {
	words := Words(name)
	verb, noun := false, false // a harmless one came before
	for i, w := range words {
		joined := i+1 < len(words) && (words[i+1] == "and" || words[i+1] == "or")
		switch {
		case destructiveVerbs[w] && !verb && (!noun || i == len(words)-1):
			return true
		case w == "drag", harmlessVerbs[w] && !joined:
			verb = true
		case harmlessNouns[w] && !joined:
			noun = true
		}
	}
	return len(words) > 0 && words[0] == "admin" && !verb && !noun
}

// Words returns the words of a name in lower case. What is no letter separates
// them, and so does a capital that begins a word.
func Words(name string) []string {
	var words []string
	var word []rune
	end := func() {
		if len(word) > 0 {
			words = append(words, strings.ToLower(string(word)))
			word = word[:0]
		}
	}
	runes := []rune(name)
	for i, c := range runes {
		if !unicode.IsLetter(c) {
			end()
			continue
		}
		if i > 0 && unicode.IsUpper(c) {
			afterLower := unicode.IsLower(runes[i-1])
			beforeLower := i+1 < len(runes) && unicode.IsLower(runes[i+1])
			if afterLower || beforeLower {
				end()
			}
		}
		word = append(word, c)
	}
	end()
	return words
}
