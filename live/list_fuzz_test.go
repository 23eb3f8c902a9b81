package live

import (
	"encoding/json"
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
)

// FuzzList reads pages that servers could answer. What is taken in has a name that the page
// says, and the item as the server wrote it.
func FuzzList(f *testing.F) {
	for _, seed := range []string{
		`{"tools": []}`, `{"tools": [{"name": "a"}], "nextCursor": "2", "cacheScope": "private"}`, `{"tools": [{"name": ""}]}`, `{"tools": null}`, `null`,
		`{"tools": [null]}`, `{"tools": [{"name": null}]}`, `{"tools": [{"name": "a", "name": "b"}]}`, `{"nextCursor": 1, "tools": []}`, "{\"tools\": [{\"name\": \"\\ud800\"}]}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		l := &List{Type: authz.ToolItem}
		p, err := l.add(data)
		if (p == nil) == (err == nil) {
			t.Fatalf("page %v, error %v", p, err)
		}
		if err == nil && !json.Valid(data) {
			t.Fatal("what is no JSON is taken in")
		}
		for _, item := range l.Items {
			var is struct {
				Name *string `json:"name"`
			}
			if err := json.Unmarshal(item.Raw, &is); err != nil || is.Name == nil {
				t.Fatalf("an item without a name is taken in: %s: %v", item.Raw, err)
			}
		}
	})
}
