package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
)

// kinds says how the items of each type are listed.
var kinds = [...]struct{ method, list, name string }{
	authz.ToolItem:     {"tools/list", "tools", "name"},
	authz.PromptItem:   {"prompts/list", "prompts", "name"},
	authz.ResourceItem: {"resources/list", "resources", "uri"},
	authz.TemplateItem: {"resources/templates/list", "resourceTemplates", "uriTemplate"},
}

// A List is everything of one type that a server shows a principal.
type List struct {
	Type  authz.ItemType
	Items []Item // in the server's order
	Pages int
	// Missing says that the server does not have lists of this type.
	Missing bool
	// Private says that the list may differ for whoever asks.
	Private bool
}

// An Item is one element of a list.
type Item struct {
	Name string // that it is used by: a name, a URI, a URI template
	Raw  json.RawMessage
}

// Names returns the names of the items, in the server's order.
func (l *List) Names() []string {
	names := make([]string, len(l.Items))
	for i := range l.Items {
		names[i] = l.Items[i].Name
	}
	return names
}

// A page is the result of one list request.
type page struct {
	fields     map[string]json.RawMessage
	NextCursor *string `json:"nextCursor"`
	CacheScope string  `json:"cacheScope"`
}

// List reads a whole list, page by page. One that does not end, or is larger
// than the options allow, is a [*LimitError]; one that is not a list of named
// items is an error that says where it is not. With the error of a request come
// the pages before it.
func (s *Session) List(ctx context.Context, t authz.ItemType) (*List, error) {
	method := kinds[t].method
	l := &List{Type: t}
	seen := map[string]bool{}
	bytes := 0
	var params map[string]any
	for {
		raw, err := s.Request(ctx, method, params)
		if err != nil {
			if l.Pages == 0 && s.lacks(t, err) {
				l.Missing = true
				return l, nil
			}
			return l, err
		}
		l.Pages++
		bytes += len(raw)
		p, err := l.add(raw)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s: page %d: %w", method, l.Pages, err)
		case p.NextCursor == nil || *p.NextCursor == "":
			return l, nil
		case seen[*p.NextCursor]:
			return nil, &LimitError{method, fmt.Sprintf("the list does not end: page %d names a next page that was read already", l.Pages)}
		case l.Pages >= s.options.MaxPages:
			return nil, &LimitError{method, fmt.Sprintf("the list does not end: %d pages were read, and more follow", l.Pages)}
		case len(l.Items) > s.options.MaxItems:
			return nil, &LimitError{method, fmt.Sprintf("the list does not end: %d items were read, and more follow", len(l.Items))}
		case bytes > s.options.MaxBytes:
			return nil, &LimitError{method, fmt.Sprintf("the list does not end: %d MiB were read, and more follow", bytes>>20)}
		}
		seen[*p.NextCursor] = true
		params = map[string]any{"cursor": *p.NextCursor}
	}
}

// lacks reports whether an error says that the server has no list of the type.
// One that never declared it may say so in its own way.
func (s *Session) lacks(t authz.ItemType, err error) bool {
	var e *RPCError
	if !errors.As(err, &e) {
		return false
	}
	return e.Code == CodeMethodNotFound || !s.server.Declares(t)
}

// Declares reports whether the server's capabilities speak of items of the
// type.
func (s Server) Declares(t authz.ItemType) bool {
	var capabilities map[string]json.RawMessage
	if err := json.Unmarshal(s.Capabilities, &capabilities); err != nil {
		return false
	}
	name := [...]string{"tools", "prompts", "resources", "resources"}[t]
	return capabilities[name] != nil
}

// add takes in one page.
func (l *List) add(raw json.RawMessage) (*page, error) {
	var p page
	if err := json.Unmarshal(raw, &p.fields); err != nil || p.fields == nil {
		return nil, fmt.Errorf("want an object, have %s", kind(raw))
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		return nil, errors.New("nextCursor and cacheScope: want strings")
	}
	key := kinds[l.Type].list
	var items []json.RawMessage
	if err := json.Unmarshal(p.fields[key], &items); err != nil || items == nil {
		return nil, fmt.Errorf("%s: want a list, have %s", key, kind(p.fields[key]))
	}
	l.Private = l.Private || p.CacheScope == "private"
	for i, item := range items {
		name, err := nameOf(item, kinds[l.Type].name)
		if err != nil {
			return nil, fmt.Errorf("%s[%d]: %w", key, i, err)
		}
		l.Items = append(l.Items, Item{Name: name, Raw: slices.Clone(item)})
	}
	return &p, nil
}

func nameOf(item json.RawMessage, key string) (string, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(item, &fields); err != nil || fields == nil {
		return "", fmt.Errorf("want an object, have %s", kind(item))
	}
	var name *string
	if err := json.Unmarshal(fields[key], &name); err != nil || name == nil {
		return "", fmt.Errorf("%s: want a string, have %s", key, kind(fields[key]))
	}
	if *name == "" {
		return "", fmt.Errorf("%s is empty", key)
	}
	if strings.Contains(*name, redacted) {
		return "", fmt.Errorf("%s holds a secret that was sent, so it cannot be told", key)
	}
	return *name, nil
}

// kind returns what a value is, in the words of a message.
func kind(raw json.RawMessage) string {
	if len(raw) == 0 {
		return "nothing"
	}
	switch raw[0] {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "a string"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	}
	return "a number"
}
