package lint

import (
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/mcpolicy/mcpolicy/source"
)

// An Option is one of a rule's options.
type Option struct {
	Name    string // as the config has it
	Type    string // a number, a whole number, a list of strings ...
	Default string // as JSON
	Doc     string
}

// OptionList lists the rule's options. They are the fields of the struct that
// Options returns: the tag yaml has the name of one, the tag doc what it means,
// and the field its default.
func (r *Rule) OptionList() []Option {
	if r.Options == nil {
		return nil
	}
	v := reflect.ValueOf(r.Options()).Elem()
	var list []Option
	for _, f := range reflect.VisibleFields(v.Type()) {
		value, err := json.Marshal(v.FieldByIndex(f.Index).Interface())
		if err != nil || string(value) == "null" {
			value = []byte("[]") // a list of nothing: options are plain values
		}
		list = append(list, Option{f.Tag.Get("yaml"), typeName(f.Type), string(value), f.Tag.Get("doc")})
	}
	return list
}

func typeName(t reflect.Type) string {
	switch t.Kind() { //nolint:exhaustive // options are of these types
	case reflect.Float64:
		return "a number"
	case reflect.Int:
		return "a whole number"
	case reflect.Slice:
		return "a list of strings"
	}
	return "a " + t.Kind().String()
}

// decodeOptions returns the rule's options as a config sets them. What the
// config does not say keeps its default.
func (r *Rule) decodeOptions(n *source.Node) (any, error) {
	if r.Options == nil {
		if n != nil && !n.Is(source.Null) {
			return nil, source.Errorf(n.Pos, "the rule %s has no options", r.ID)
		}
		return nil, nil
	}
	options := r.Options()
	if n == nil {
		return options, nil
	}
	return options, source.Decode(n, options)
}

// optionsOf returns the options of the rule at work.
func optionsOf[T any](p *Pass) *T {
	return p.settings[p.rule.ID].(*T) //nolint:errcheck // made by the rule itself
}

// outside reports an option whose value is out of its range.
func outside(n *source.Node, name, want string) error {
	v := n.Get(name)
	return source.Errorf(v.Pos, "%s: want %s, have %s", name, want, fmt.Sprintf("%q", v.Text))
}
