package manifest_test

import (
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
)

func TestRisk(t *testing.T) {
	const yes, no, unset = manifest.True, manifest.False, manifest.Unset
	tool := func(name string, readOnly, destructive manifest.Hint) *manifest.Item {
		return &manifest.Item{Name: name, Hints: manifest.Hints{ReadOnly: readOnly, Destructive: destructive}}
	}
	lossy := tool("tidy", unset, unset)
	lossy.Hints.Idempotent, lossy.Hints.Lossy = yes, true
	mounted := tool("shelf_put_book", unset, unset)
	mounted.OwnName = "find_book"
	for _, test := range []struct {
		item *manifest.Item
		want string
	}{
		{tool("shelve", unset, yes), "destructive hint"},
		{tool("shelve", no, unset), "destructive schema default"},
		{tool("shelve", yes, yes), "reads hint"}, // the hint has no meaning on a read-only tool
		{tool("shelve", unset, no), "changes hint"},
		{tool("purge_shelf", unset, unset), "destructive name"},
		{tool("purge_shelf", unset, no), "changes hint"},
		{tool("get_post", unset, unset), "reads name"},
		{tool("find_and_replace", unset, unset), "changes name"},
		{tool("posts-publish", unset, unset), "changes name"},
		{tool("bookUpdate", unset, unset), "changes name"},
		{tool("listBooks", unset, unset), "reads name"},
		{tool("shelve", unset, unset), "unknown "},
		{tool("", unset, unset), "unknown "},
		{lossy, "unknown "},
		{mounted, "reads name"},
		{&manifest.Item{Type: authz.PromptItem, Name: "delete_all"}, "reads "},
		{&manifest.Item{Type: authz.ResourceItem, Name: "books://new"}, "reads "},
	} {
		risk, source := test.item.Risk()
		if got := risk.String() + " " + source.String(); got != test.want {
			t.Errorf("%s %+v: %s, want %s", test.item.Name, test.item.Hints, got, test.want)
		}
		if destroys := test.item.Destructive() != manifest.None; destroys != (risk == manifest.Destroys) {
			t.Errorf("%s %+v: risk is %s, destructive is %v", test.item.Name, test.item.Hints, risk, test.item.Destructive())
		}
	}
}
