package authz

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// HiddenArguments is the name of the attribute below which the arguments of a call stand that
// an enforcement point does not send as they are, but makes parts of its request of. It
// never goes out.
const HiddenArguments = "(arguments)"

// AllAttributes is the name, in what a profile says of attributes, of a mapping whose entries
// are attributes.
const AllAttributes = "..."

// LookedUp is the name, in the arguments, of what an enforcement point looks up at the time
// of the call. It never goes out there, and reports show it with the arguments.
const LookedUp = "looked up"

// SplitArguments returns the arguments of a call without what is looked up, and that, nil if
// nothing is.
func SplitArguments(all map[string]any) (arguments, lookedUp map[string]any) {
	if lookedUp, _ = all[LookedUp].(map[string]any); lookedUp == nil {
		return all, nil
	}
	return without(all, LookedUp), lookedUp
}

// A Made is a part of a request that an enforcement point makes of the call, of what it looks
// up and of who asks. One of Text, From, Table and Unclear is set.
type Made struct {
	// At is where it stands: kind, id, action, scope, policyVersion, or attr and a path below
	// it. attr alone is a mapping whose entries are attributes.
	At []string
	// Text is a text made of pieces. What is missing is empty in it.
	Text []Piece
	// From is the origin of a value that is sent as it is, or not at all if it is missing.
	From  Origin
	Table *Table
	// Unclear says what the part hangs on, where that is all that is known.
	Unclear string

	// Else is the value at At where the mapping that is spread there has none. A [*Made] in it
	// stands for what is made in its place.
	Else any
	// Schema is the JSON schema of a value that is looked up; nil for any value.
	Schema any
	// But are the names that a mapping that is spread does not set.
	But []string
}

// A Piece is a part of a text: what it is, or where it comes from.
type Piece struct {
	Text string
	From Origin
	// Expr is an expression in CEL over arguments.x, in the place of From: a text, or if
	// there is no other piece a value of any type. Where it cannot be evaluated nothing
	// goes out ([Request.Needs]).
	Expr string
	// Type is the type that the inputSchema gives an argument, "" if it does not say one.
	Type string
}

// IsText reports whether the value is known to be a text.
func (p *Piece) IsText() bool {
	return p.Type == "string" || p.Expr != "" || p.From.OfPrincipal() && p.From[1] != "attr"
}

// An Origin says where a value comes from: arguments and a path below; principal and id,
// roles, scope, policyVersion, or attr and a path below. Nil is nowhere.
type Origin []string

// OfPrincipal reports whether the value is one of who asks.
func (o Origin) OfPrincipal() bool { return len(o) > 0 && o[0] == "principal" }

// String returns it as a placeholder has it.
func (o Origin) String() string { return "{" + strings.Join(o, ".") + "}" }

// A Table has a value for each of some values of something else.
type Table struct {
	By     Origin
	Values map[string]any
	Else   any // where there is none of these; nil for no value
}

// MadeAt returns the part that a path of the resource or the action reads, and how many steps
// the path goes on below it; nil if none does.
func MadeAt(made []Made, path []string) (part *Made, steps int) {
	for i := range made {
		m := &made[i]
		switch {
		case !within(path, m.At):
		case len(m.At) > 1 || m.At[0] != "attr":
			if part == nil || len(m.At) > len(part.At) {
				part, steps = m, len(path)-len(m.At)
			}
		case len(path) > 1 && part == nil && !slices.Contains(m.But, path[1]) && path[1] != HiddenArguments:
			part, steps = m, len(path)-1
		}
	}
	return part, steps
}

// Behind returns the path that one below the resource is read at in its place, if it is made
// of one value as it is, or of one text: with the name of the arguments' or the principal's
// root first.
func (r *Request) Behind(path []string) (of []string, m *Made) {
	m, steps := MadeAt(r.Made, path)
	if m == nil {
		return nil, nil
	}
	from := m.From
	if from == nil && len(m.Text) == 1 {
		from = m.Text[0].From
	}
	switch {
	case from == nil:
		return nil, m
	case from.OfPrincipal():
		of = append([]string{"P"}, from[1:]...)
	default:
		of = slices.Concat([]string{"R", "attr"}, r.Arguments, from[1:])
	}
	return append(of, path[len(path)-steps:]...), m
}

// On says what a part hangs on.
func (m *Made) On() string {
	if m.Unclear != "" {
		return m.Unclear
	}
	return strings.Trim(m.Origins()[0].String(), "{}")
}

// Origins lists where a part comes from, as far as that is known.
func (m *Made) Origins() []Origin {
	var list []Origin
	for _, p := range m.Text {
		switch {
		case p.From != nil:
			list = append(list, p.From)
		case p.Expr != "":
			list = append(list, Origin{"arguments"})
		}
	}
	if m.From != nil {
		list = append(list, m.From)
	}
	if m.Table != nil {
		list = append(list, m.Table.By)
	}
	for below := range MadeIn(m.Else) {
		list = append(list, below.Origins()...)
	}
	return list
}

// MadeIn goes through what is made in a value of [Made.Else].
func MadeIn(v any) iter.Seq[*Made] {
	return func(yield func(*Made) bool) { yieldMade(v, yield) }
}

func yieldMade(v any, yield func(*Made) bool) bool {
	switch v := v.(type) {
	case *Made:
		return yield(v)
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if !yieldMade(v[name], yield) {
				return false
			}
		}
	}
	return true
}

// LookedUp adds the schemas of what is looked up, by the names of the attributes; of one of
// which only a part is, or nothing is known, any value is allowed.
func (r *Request) LookedUp(schemas map[string]any) {
	for i := range r.Made {
		r.Made[i].lookedUp(schemas)
	}
}

func (m *Made) lookedUp(schemas map[string]any) {
	for below := range MadeIn(m.Else) {
		below.lookedUp(schemas)
	}
	own := *m
	own.Else = nil
	for _, o := range own.Origins() {
		if len(o) < 3 || o[1] != LookedUp {
			continue
		}
		schemas[o[2]] = map[string]any{}
		if len(o) == 3 && m.Schema != nil {
			schemas[o[2]] = m.Schema
		}
	}
}

// OfPrincipal reports whether all of it is made of who asks.
func (m *Made) OfPrincipal() bool {
	return !slices.ContainsFunc(m.Origins(), func(o Origin) bool { return !o.OfPrincipal() })
}

// Routes reports whether it decides which policies are asked.
func (m *Made) Routes() bool { return m.At[0] != "attr" && m.At[0] != "id" }

// MakesRoute reports whether the kind, or else the action, is made, so that the request says
// what people read in its place.
func (r *Request) MakesRoute(at string) bool {
	return slices.ContainsFunc(r.Made, func(m Made) bool { return m.At[0] == at })
}

// Sent returns the request as it goes out: with everything filled in that is known, and
// without what only serves to make it; or why nothing goes out, or no engine takes it.
func (r *Request) Sent() (sent Request, refusal *Refusal) {
	if r.By != nil {
		return r.By.Send(r)
	}
	sent = *r
	if r.Made == nil {
		return sent, nil
	}
	sent.Made = nil
	arguments := r.Resource.Mapping(r.Arguments)
	if r.Unknown == nil || !within(r.Unknown, r.Arguments) {
		sent.Resource.Attr = withoutHidden(r.Resource.Attr, r.Arguments)
	}
	var send func(m *Made)
	send = func(m *Made) {
		switch {
		case !r.open(m):
		case m.Else == nil || r.isOpen(m.From):
			sent.Made = append(sent.Made, *m)
			return
		default:
			if v, given := m.From.Value(r.Principal, arguments); given {
				sent.put(m, v, true)
				return
			}
			for below := range MadeIn(m.Else) {
				send(below)
			}
			return
		}
		v, ok, wrong := m.value(r.Principal, arguments)
		if wrong != "" && refusal == nil {
			refusal = &Refusal{Because: wrong}
		}
		sent.put(m, v, ok)
	}
	for i := range r.Made {
		send(&r.Made[i])
	}
	if invalid := sent.invalid(r.Made); invalid != "" && refusal == nil {
		refusal = &Refusal{Because: invalid}
	}
	return sent, refusal
}

// open reports whether a part is not known.
func (r *Request) open(m *Made) bool { return slices.ContainsFunc(m.Origins(), r.isOpen) }

func (r *Request) isOpen(o Origin) bool {
	if o.OfPrincipal() {
		return r.AnyPrincipal && !fixed(o)
	}
	return r.Unknown != nil && overlap(o[1:], r.Unknown[min(len(r.Arguments), len(r.Unknown)):])
}

// fixed reports whether something of the principal is known though the principal is open.
func fixed(o Origin) bool { return len(o) == 2 && o[1] != "id" }

func overlap(a, b []string) bool {
	n := min(len(a), len(b))
	return slices.Equal(a[:n], b[:n])
}

func within(path, of []string) bool { return len(path) >= len(of) && slices.Equal(path[:len(of)], of) }

// Put sets the kind, id, action, scope or policyVersion.
func (r *Request) Put(at, text string) {
	switch at {
	case "kind":
		r.Resource.Kind = text
	case "id":
		r.Resource.ID = text
	case "action":
		r.Action = text
	case "scope":
		r.Resource.Scope = text
	case "policyVersion":
		r.Resource.PolicyVersion = text
	}
}

// put puts a part where it stands.
func (r *Request) put(m *Made, v any, ok bool) {
	switch m.At[0] {
	default:
		text, _ := v.(string)
		r.Put(m.At[0], text)
	case "attr":
		if len(m.At) > 1 {
			if ok {
				r.Resource.Attr = WithValue(r.Resource.Attr, m.At[1:], v)
			}
			return
		}
		spread, _ := v.(map[string]any)
		for name, v := range spread {
			if name != LookedUp && !slices.Contains(m.But, name) {
				r.Resource.Attr = WithValue(r.Resource.Attr, []string{name}, v)
			}
		}
	}
}

// What a PDP takes for a version and a scope, as Cerbos's protocol says.
var (
	validVersion = regexp.MustCompile(`^\w*$`)
	validScope   = regexp.MustCompile(`^(|\.|[0-9a-zA-Z][\w-]*(\.\w[\w-]*)*)$`)
)

// Valid reports whether a PDP takes the scope and the version of a request for such.
func (r *Request) Valid() bool {
	return validScope.MatchString(r.Resource.Scope) && validVersion.MatchString(r.Resource.PolicyVersion)
}

// invalid says why a PDP answers that a request is none, of the parts that are made.
func (r *Request) invalid(made []Made) string {
	for i := range made {
		m := &made[i]
		if slices.ContainsFunc(r.Made, func(open Made) bool { return slices.Equal(open.At, m.At) }) {
			continue
		}
		switch at := m.At[0]; {
		case at == "kind" && r.Resource.Kind == "", at == "id" && r.Resource.ID == "", at == "action" && r.Action == "":
			return "the " + at + " is empty"
		case at == "scope" && !validScope.MatchString(r.Resource.Scope):
			return fmt.Sprintf("%q is no scope", r.Resource.Scope)
		case at == "policyVersion" && !validVersion.MatchString(r.Resource.PolicyVersion):
			return fmt.Sprintf("%q is no policy version", r.Resource.PolicyVersion)
		}
	}
	return ""
}

// value returns what a part comes to, and whether there is something.
func (m *Made) value(who *Principal, arguments map[string]any) (v any, ok bool, wrong string) {
	switch {
	case m.Table != nil:
		by, _ := m.Table.By.Value(who, arguments)
		text, isText := by.(string)
		if v, ok = m.Table.Values[text]; !isText || !ok {
			v, ok = m.Table.Else, m.Table.Else != nil
		}
		return v, ok, ""
	case m.Text == nil:
		if v, ok = m.From.Value(who, arguments); !ok && m.Else != nil {
			return valueOf(m.Else, who, arguments)
		}
		return v, ok, ""
	}
	var b strings.Builder
	for _, p := range m.Text {
		b.WriteString(p.Text)
		if p.From == nil {
			continue
		}
		v, ok := p.From.Value(who, arguments)
		if !ok {
			continue
		}
		switch v := v.(type) {
		case string:
			b.WriteString(v)
		case map[string]any, []any, []string, nil:
			return "", true, fmt.Sprintf("%s is no text to make the %s of", p.From, strings.Join(m.At, "."))
		default:
			data, err := json.Marshal(v)
			if err != nil {
				return "", true, fmt.Sprintf("%s: %v", p.From, err)
			}
			b.Write(data)
		}
	}
	return b.String(), true, ""
}

// valueOf is value of one of [Made.Else].
func valueOf(v any, who *Principal, arguments map[string]any) (of any, ok bool, wrong string) {
	switch v := v.(type) {
	case *Made:
		return v.value(who, arguments)
	case map[string]any:
		list := make(map[string]any, len(v))
		for _, name := range slices.Sorted(maps.Keys(v)) {
			below, there, why := valueOf(v[name], who, arguments)
			if wrong == "" {
				wrong = why
			}
			if there {
				list[name] = below
			}
		}
		return list, true, wrong
	}
	return v, true, ""
}

// Value returns what stands at an origin, and whether something does.
func (o Origin) Value(who *Principal, arguments map[string]any) (any, bool) {
	switch {
	case !o.OfPrincipal() && len(o) == 1:
		return without(arguments, LookedUp), true
	case !o.OfPrincipal():
		return at(arguments, o[1:])
	}
	switch o[1] {
	case "id":
		return who.ID, true
	case "scope":
		return who.Scope, true
	case "policyVersion":
		return who.PolicyVersion, true
	case "roles":
		list := make([]any, len(who.Roles))
		for i, role := range who.Roles {
			list[i] = role
		}
		return list, true
	}
	return at(who.Attr, o[2:])
}

func at(v any, path []string) (any, bool) {
	for _, name := range path {
		m, _ := v.(map[string]any)
		var ok bool
		if v, ok = m[name]; !ok {
			return nil, false
		}
	}
	return v, true
}

// withoutHidden leaves out what never goes out.
func withoutHidden(attr map[string]any, arguments []string) map[string]any {
	if len(arguments) == 1 && arguments[0] == HiddenArguments {
		return without(attr, HiddenArguments)
	}
	of := (&Resource{Attr: attr}).Mapping(arguments)
	if _, ok := of[LookedUp]; !ok {
		return attr
	}
	return WithValue(attr, arguments, without(of, LookedUp))
}

func without(m map[string]any, name string) map[string]any {
	less := make(map[string]any, len(m))
	for k, v := range m {
		if k != name {
			less[k] = v
		}
	}
	return less
}

// WithValue returns attributes with a value at a path, which has a step at least.
func WithValue(attr map[string]any, path []string, v any) map[string]any {
	copied := make(map[string]any, len(attr)+1)
	for k, x := range attr {
		copied[k] = x
	}
	if len(path) > 1 {
		below, _ := attr[path[0]].(map[string]any)
		v = WithValue(below, path[1:], v)
	}
	copied[path[0]] = v //nolint:gosec // paths are never empty
	return copied
}
