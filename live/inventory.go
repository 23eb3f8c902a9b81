package live

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
)

// An Inventory is everything that a server shows a principal.
type Inventory struct {
	Server Server
	Lists  [4]*List // by type
}

// Inventory reads all lists. Progress, which may be nil, is called after each.
func (s *Session) Inventory(ctx context.Context, progress func()) (*Inventory, error) {
	inv := &Inventory{Server: s.server}
	for _, t := range authz.ItemTypes() {
		l, err := s.List(ctx, t)
		if err != nil {
			return nil, err
		}
		inv.Lists[t] = l
		if progress != nil {
			progress()
		}
	}
	return inv, nil
}

// Merge returns what several principals see of one server together. Of an
// item that they see differently, the first one's counts.
func Merge(parts ...*Inventory) *Inventory {
	whole := &Inventory{Server: parts[0].Server}
	for _, t := range authz.ItemTypes() {
		l := &List{Type: t, Missing: true}
		known := map[string]bool{}
		for _, part := range parts {
			from := part.Lists[t]
			l.Missing = l.Missing && from.Missing
			l.Private = l.Private || from.Private
			l.Pages += from.Pages
			var fresh []Item
			for _, it := range from.Items {
				if !known[it.Name] {
					fresh = append(fresh, it) // twice in one list is what the server says
				}
			}
			for _, it := range fresh {
				known[it.Name] = true
			}
			l.Items = append(l.Items, fresh...)
		}
		whole.Lists[t] = l
	}
	return whole
}

// Lacks returns the items of whole that inv does not have, by type.
func (inv *Inventory) Lacks(whole *Inventory) [4][]string {
	var missing [4][]string
	for _, t := range authz.ItemTypes() {
		have := inv.Lists[t].Names()
		for _, name := range whole.Lists[t].Names() {
			if !slices.Contains(have, name) {
				missing[t] = append(missing[t], name)
			}
		}
		slices.Sort(missing[t])
		missing[t] = slices.Compact(missing[t])
	}
	return missing
}

// Differs returns the names of the items that both have and that do not say
// the same.
func (inv *Inventory) Differs(other *Inventory) []string {
	var names []string
	for _, t := range authz.ItemTypes() {
		said := map[string]string{}
		for _, it := range inv.Lists[t].Items {
			said[it.Name] += canonical(it.Raw)
		}
		theirs := map[string]string{}
		for _, it := range other.Lists[t].Items {
			theirs[it.Name] += canonical(it.Raw)
		}
		for name, text := range theirs {
			if ours, ok := said[name]; ok && ours != text {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// canonical returns a value without what JSON leaves open.
func canonical(raw json.RawMessage) string {
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return string(raw)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return string(raw)
	}
	return string(b)
}

// file is an inventory as it is written: the results of all list requests
// merged, with what the server says about itself.
type file struct {
	ServerInfo   json.RawMessage   `json:"serverInfo,omitempty"`
	Protocol     string            `json:"protocolVersion"`
	Capabilities json.RawMessage   `json:"capabilities,omitempty"`
	Tools        []json.RawMessage `json:"tools"`
	Prompts      []json.RawMessage `json:"prompts"`
	Resources    []json.RawMessage `json:"resources"`
	Templates    []json.RawMessage `json:"resourceTemplates"`
}

// MarshalJSON writes the inventory as one object: serverInfo, protocolVersion
// and the four lists, sorted by name, each item as the server wrote it.
func (inv *Inventory) MarshalJSON() ([]byte, error) {
	f := file{ServerInfo: inv.Server.Info, Protocol: inv.Server.Protocol, Capabilities: inv.Server.Capabilities}
	for t, into := range [...]*[]json.RawMessage{&f.Tools, &f.Prompts, &f.Resources, &f.Templates} {
		items := slices.Clone(inv.Lists[t].Items)
		slices.SortStableFunc(items, func(a, b Item) int { return cmp.Compare(a.Name, b.Name) })
		*into = make([]json.RawMessage, len(items))
		for i := range items {
			(*into)[i] = items[i].Raw
		}
	}
	return encode(f)
}

// encode writes JSON without the escapes that HTML would need.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
