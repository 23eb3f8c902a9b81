package manifest

import (
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

var listMethods = []string{"tools/list", "prompts/list", "resources/list", "resources/templates/list"}

// notFound is the JSON-RPC error of a server that does not have a surface at
// all: there are no prompts where there is no prompts/list.
const notFound = "-32601"

// isEnvelope recognises a JSON-RPC message, or the result that MCP Inspector's
// command line prints.
func isEnvelope(n *source.Node) bool { return n.Get("jsonrpc") != nil || isObject(n, "result") }

// isMessage recognises an element of a batch or recording.
func isMessage(n *source.Node) bool {
	return isEnvelope(n) || n.Get("method").Is(source.String) || n.Get("error").Get("code") != nil
}

// envelope reads one message: the response to a list request.
func (r *reader) envelope(n *source.Node) []*Inventory {
	failed := n.Get("error")
	hasResult := n.Get("result") != nil && !n.Get("result").Is(source.Null)
	switch {
	case !hasResult && n.Get("method") != nil:
		r.refuse(notInventory(n.Pos, "a JSON-RPC request ("+describe(n.Get("method"))+")",
			"it asks the server, and the answer is what counts", saveResult))
		return nil
	case !hasResult && failed.Is(source.Mapping):
		r.errorf(failed.Pos, "the server answered with an error, not with a list: %s; %s", rpcError(failed), saveResult)
		return nil
	case !hasResult:
		r.errorf(n.Pos, "a JSON-RPC message without a result; %s", saveResult)
		return nil
	case failed.Is(source.Mapping):
		r.note(failed.Pos, "a JSON-RPC error stands beside the result and is ignored: %s", rpcError(failed))
	}
	r.answer = true
	return r.value(n.Get("result"))
}

func rpcError(e *source.Node) string {
	s := "error"
	if code := e.Get("code"); code.Is(source.Number) {
		s += " " + code.Text
	}
	if msg := e.Get("message").Str(); msg != "" {
		s += " " + quote(msg)
	}
	return s
}

// A transcriptReader puts the list results of a recording together: the pages of a
// list follow one another, and a list that is taken again replaces the
// earlier one.
type transcriptReader struct {
	r        *reader
	inv      *Inventory
	items    [4][]*Item        // by type
	open     TypeSet           // lists whose next page has not come yet
	requests map[string]string // the method of each request, by its id
	errors   []*source.Node
}

// transcript reads the messages of one session with one server.
func (r *reader) transcript(n *source.Node) []*Inventory {
	t := &transcriptReader{r: r, requests: map[string]string{}, inv: &Inventory{Format: ListResult, Pos: n.Pos}}
	if slices.ContainsFunc(n.Items, isMessage) {
		t.inv.Format = Transcript
		r.answer = true
	}
	for _, m := range n.Items {
		t.message(m)
	}
	if t.inv.Types == 0 && len(t.inv.Gaps) == 0 && len(r.errs) == 0 {
		if len(t.errors) > 0 {
			r.errorf(t.errors[0].Pos, "the server answered with errors only, not with a list: %s; %s", rpcError(t.errors[0]), saveResult)
			return nil
		}
		r.refuse(notInventory(n.Pos, "a JSON-RPC recording", "it has no answer to tools/list, prompts/list or resources/list", saveResult))
		return nil
	}
	t.inv.Items = slices.Concat(t.items[:]...)
	return []*Inventory{t.inv}
}

func (t *transcriptReader) message(m *source.Node) {
	result := m
	switch {
	case m.Is(source.Sequence): // a batch
		for _, inner := range m.Items {
			if inner.Is(source.Sequence) {
				t.r.want(inner, "", "a JSON-RPC message")
				continue
			}
			t.message(inner)
		}
		return
	case !m.Is(source.Mapping):
		t.r.want(m, "", "a JSON-RPC message")
		return
	case m.Get("method") != nil:
		if id := m.Get("id"); id != nil {
			t.requests[id.Text] = m.Get("method").Str()
		}
		return
	case m.Get("error").Is(source.Mapping):
		t.failure(m)
		return
	case isEnvelope(m) || m.Get("result") != nil:
		result = m.Get("result")
	}
	if info := result.Get("serverInfo"); info.Is(source.Mapping) {
		t.inv.Server = t.r.str(info, "name")
		t.inv.Protocol = t.r.str(result, "protocolVersion")
	}
	if listsAnything(result) {
		t.add(t.r.lists(result))
	}
}

// failure records an error. The answer to a list request is missed, unless the
// server says that it does not have that list.
func (t *transcriptReader) failure(m *source.Node) {
	e := m.Get("error")
	t.errors = append(t.errors, e)
	method := ""
	if id := m.Get("id"); id != nil {
		method = t.requests[id.Text]
	}
	i := slices.Index(listMethods, method)
	if i < 0 {
		t.r.note(e.Pos, "a request was answered with %s: ignored", rpcError(e))
		return
	}
	of := authz.ItemTypes()[i]
	if e.Get("code").Is(source.Number) && e.Get("code").Text == notFound {
		t.inv.Types |= Types(of)
		return
	}
	t.inv.Gaps = append(t.inv.Gaps, Gap{
		Reason: Failed, Pos: e.Pos, Types: Types(of),
		Message: method + " was answered with " + rpcError(e) + "; take the inventory again when the server answers",
	})
}

// add takes in the result of one list request.
func (t *transcriptReader) add(part *Inventory) {
	for _, of := range authz.ItemTypes() {
		if part.Types.Has(of) && t.inv.Types.Has(of) && !t.open.Has(of) {
			if t.inv.Format != Transcript && !covers(part.Of(of), t.items[of]) {
				continue // pieces of one list, which nothing dates
			}
			t.r.note(part.Pos, "the %s are listed again here: this list counts, not the earlier one", plural(of))
			t.items[of] = nil
		}
	}
	t.inv.Gaps = append(unanswered(t.inv.Gaps, part.Types), part.Gaps...)
	t.open &^= part.Types
	for _, g := range part.Gaps {
		if g.Reason == Truncated {
			t.open |= part.Types
		}
	}
	for _, it := range part.Items {
		t.items[it.Type] = append(t.items[it.Type], it)
	}
	t.inv.Types |= part.Types
}

// covers reports whether every earlier item is among those listed now.
func covers(now, earlier []*Item) bool {
	names := make(map[string]bool, len(now))
	for _, it := range now {
		names[it.Name] = true
	}
	return !slices.ContainsFunc(earlier, func(it *Item) bool { return !names[it.Name] })
}

// unanswered returns the gaps without those that a later list closes.
func unanswered(gaps []Gap, listed TypeSet) []Gap {
	return slices.DeleteFunc(slices.Clone(gaps), func(g Gap) bool {
		return (g.Reason == Truncated || g.Reason == Failed || g.Reason == Dynamic) && g.Types != 0 && g.Types&^listed == 0
	})
}
