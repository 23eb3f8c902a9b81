package coaz

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/pdp/expr"
	"github.com/mcpolicy/mcpolicy/source"
)

// Key is where a tool's inputSchema has its mapping.
const Key = "x-authzen-mapping"

// earlierKeys are where earlier drafts had it.
var earlierKeys = []string{"x-coaz-mapping", "coazMapping"}

// Parse reads the mapping that a tool declares in its inputSchema, which may be nil. It
// returns nil if it declares none: then the default mapping of tools/call counts. All
// mistakes are returned beside the mapping, joined, each a *source.Error with a [Mistake]
// in it. A mapping with mistakes is one that a point has too, and does with what a point
// does.
func Parse(inputSchema *source.Node) (*Mapping, error) {
	r := &reader{mapping: &Mapping{arguments: arguments{inputSchema}}}
	declared := inputSchema.Get(Key)
	r.earlier(inputSchema, declared != nil)
	if declared == nil {
		return nil, errors.Join(r.errs...)
	}
	r.mapping.Pos = declared.Pos
	r.envelope(declared)
	return r.mapping, errors.Join(r.errs...)
}

type reader struct {
	mapping *Mapping
	errs    []error
	read    int // bytes of expressions
	depth   int // of objects
}

// fail notes a mistake, and what it means for all calls.
func (r *reader) fail(kind MistakeKind, pos source.Pos, format string, args ...any) {
	r.add(wrong(kind, pos, format, args...))
}

func (r *reader) add(err error) {
	r.errs = append(r.errs, err)
	var m *Mistake
	if errors.As(err, &m) && m.Kind == Malformed && r.mapping.malformed == nil {
		r.mapping.malformed = m
	}
}

// earlier names the spellings of earlier drafts.
func (r *reader) earlier(schema *source.Node, declared bool) {
	if schema == nil {
		return
	}
	for _, f := range schema.Fields {
		switch {
		case !slices.Contains(earlierKeys, f.Name):
		case declared:
			r.fail(Earlier, f.Pos, "%s is the spelling of an earlier draft, and not read beside %s: remove it", f.Name, Key)
		default:
			r.fail(Earlier, f.Pos, "%s is the spelling of an earlier draft, which is not read any more, so the tool goes by the default mapping; write %s", f.Name, Key)
		}
	}
}

const evaluationName, evaluationsName, optionsName = "evaluation", "evaluations", "options"

const wanted = `write {"evaluation": {...}}, or {"evaluations": {...}} for several`

// envelope reads the one key of a mapping.
func (r *reader) envelope(n *source.Node) {
	if !n.Is(source.Mapping) {
		r.fail(Malformed, n.Pos, "%s: want a mapping, have %v; %s", Key, n.Kind, wanted)
		return
	}
	r.twice(n)
	body := n.Get(evaluationName)
	several := n.Get(evaluationsName)
	switch {
	case len(n.Fields) == 1 && body.Is(source.Mapping):
		r.single(body)
	case len(n.Fields) == 1 && several.Is(source.Mapping):
		r.several(several)
	case body == nil && (n.Get("subject") != nil || n.Get("resource") != nil || several.Is(source.Sequence)):
		r.fail(Malformed, n.Pos, "a mapping without its envelope, as an earlier draft had it: every call is refused; %s", wanted)
	case len(n.Fields) == 1 && (body != nil || several != nil):
		r.fail(Malformed, n.Fields[0].Pos, "%s: want a mapping, have %v", n.Fields[0].Name, n.Fields[0].Value.Kind)
	case body == nil && several == nil:
		for _, f := range n.Fields {
			r.fail(Malformed, f.Pos, "unknown key %q%s: every call is refused; %s", f.Name, source.DidYouMean(f.Name, []string{evaluationName, evaluationsName}), wanted)
		}
		if len(n.Fields) == 0 {
			r.fail(Malformed, n.Pos, "the mapping is empty: every call is refused; %s", wanted)
		}
	default:
		r.fail(Malformed, n.Pos, "a mapping has exactly one key: every call is refused; %s", wanted)
	}
}

func (r *reader) single(body *source.Node) {
	r.twice(body)
	t := r.entry(body, "", nil)
	t.Subject = r.subject(body)
	r.mapping.entries = []*Entry{t}
	r.present(body.Pos, t, "")
}

// several reads an evaluations envelope. A part of an entry takes the place of the default
// as a whole.
func (r *reader) several(body *source.Node) {
	r.twice(body)
	subject := r.subject(body)
	r.mapping.semantic = body.Get(optionsName).Get("evaluations_semantic")
	list := body.Get(evaluationsName)
	defaults := r.entry(body, "", list, evaluationsName, optionsName)
	switch {
	case !list.Is(source.Sequence) || len(list.Items) == 0:
		r.fail(Malformed, posOr(list, body), "evaluations: want a list of at least one evaluation under the key evaluations")
		return
	case len(list.Items) > maxEntries:
		r.fail(Unclear, list.Pos, "%d evaluations; no more than %d are read", len(list.Items), maxEntries)
		r.mapping.unclear = fmt.Errorf("more than %d evaluations", maxEntries)
		return
	}
	for i, n := range list.Items {
		name := fmt.Sprintf("%s[%d]", evaluationsName, i)
		if !n.Is(source.Mapping) {
			r.fail(Malformed, n.Pos, "%s: want a mapping, have %v", name, n.Kind)
			continue
		}
		r.twice(n)
		if s := n.Get("subject"); s != nil {
			r.fail(Malformed, s.Pos, "an entry cannot have a subject of its own: every call is refused; the subject beside the list counts for all entries")
		}
		t := r.entry(n, name+".", nil)
		t.Subject = subject
		t.Action, t.Resource, t.Context = or(t.Action, defaults.Action), or(t.Resource, defaults.Resource), or(t.Context, defaults.Context)
		t.unknown = append(t.unknown, defaults.unknown...)
		r.present(n.Pos, t, name+".")
		r.mapping.entries = append(r.mapping.entries, t)
	}
}

// present reports parts that an evaluation has to have.
func (r *reader) present(pos source.Pos, t *Entry, name string) {
	if t.Action == nil {
		r.fail(Malformed, pos, `%saction is missing: every call is refused; write "action": {"name": "..."}`, name)
	}
	if t.Resource == nil {
		r.fail(Malformed, pos, `%sresource is missing: every call is refused; write "resource": {"type": "...", "id": "..."}`, name)
	}
}

// entry reads the parts of an evaluation. Keys that AuthZEN has not are sent as they
// are, and refused. What each of the entries replaces is not sent, if they are taken one by
// one.
func (r *reader) entry(n *source.Node, prefix string, entries *source.Node, more ...string) *Entry {
	part := func(key string) *Value {
		before, malformed := len(r.errs), r.mapping.malformed
		v := r.part(n, prefix, key)
		if len(r.errs) > before && entries.Is(source.Sequence) && !slices.ContainsFunc(entries.Items, func(e *source.Node) bool { return e.Get(key) == nil }) {
			r.errs, r.mapping.malformed = r.errs[:before], malformed
			r.fail(Unclear, v.Pos, "%s has mistakes, and every entry replaces it: some implementations read it all the same; remove it", key)
			r.mapping.unclear = fmt.Errorf("%s, which every entry replaces, has mistakes", key)
		}
		return v
	}
	t := &Entry{Action: part("action"), Resource: part("resource"), Context: part("context")}
	keys := append([]string{"subject", "action", "resource", "context"}, more...)
	for _, f := range n.Fields {
		if !slices.Contains(keys, f.Name) {
			r.fail(Invalid, f.Pos, "unknown key %q%s: Cerbos takes no evaluation with it, so every call is refused; there are %s",
				f.Name, source.DidYouMean(f.Name, keys), strings.Join(keys, ", "))
			t.unknown = append(t.unknown, f.Name)
		}
	}
	return t
}

func or(v, otherwise *Value) *Value {
	if v != nil {
		return v
	}
	return otherwise
}

func (r *reader) twice(n *source.Node) {
	for _, f := range n.Duplicates {
		r.fail(Unclear, f.Pos, "key %q stands here twice, and which one counts depends on the reader", f.Name)
		r.mapping.unclear = fmt.Errorf("key %q stands in the mapping twice", f.Name)
	}
}

// subject reads the subject. Without an id it is the token's, without a type an identity.
func (r *reader) subject(body *source.Node) *Value {
	anchor := &Value{Name: "subject.id", Pos: body.Pos, IsSubject: true}
	identity := &Value{Name: "subject.type", Pos: body.Pos, Literal: defaultType}
	v := r.part(body, "", "subject")
	if v == nil {
		return &Value{Name: "subject", Pos: body.Pos, object: true, Fields: []Field{{"type", identity}, {"id", anchor}}}
	}
	if !v.object {
		return v
	}
	if id := v.Get("id"); id == nil {
		v.Fields = append(v.Fields, Field{"id", anchor})
	} else if id.expr != nil {
		tree, err := expr.Parse(id.Text)
		if path, ok := []string(nil), false; err == nil {
			path, ok = expr.Path(tree)
			id.IsSubject = ok && !expr.IsOptional(tree) && slices.Equal(path, []string{tokenName, defaultClaim})
		}
	}
	if v.Get("type") == nil {
		v.Fields = append(v.Fields, Field{"type", identity})
	}
	return v
}

func posOr(n, otherwise *source.Node) source.Pos {
	if n != nil {
		return n.Pos
	}
	return otherwise.Pos
}
