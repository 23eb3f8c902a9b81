package source

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A NodeDecoder decodes itself from a node, for values with more than one
// spelling.
type NodeDecoder interface {
	// DecodeNode sets the value; its error has the position of what is wrong.
	DecodeNode(*Node) error
}

var (
	posType  = reflect.TypeFor[Pos]()
	nodeType = reflect.TypeFor[*Node]()
	timeType = reflect.TypeFor[time.Time]()
)

// Decode fills the struct, slice or map that into points to. Fields are named
// by their yaml tag; a key that no field has is a mistake, and so is a value
// of another kind. A field of type Pos gets the node's position, one of type
// *Node the node itself. Null leaves a field as it is. All mistakes are
// reported, joined, each an [*Error].
func Decode(n *Node, into any) error {
	return decodeInto(n, reflect.ValueOf(into).Elem(), "")
}

func decodeInto(n *Node, v reflect.Value, name string) error {
	if v.CanAddr() {
		if d, ok := v.Addr().Interface().(NodeDecoder); ok {
			return d.DecodeNode(n)
		}
	}
	if v.Type() == nodeType {
		v.Set(reflect.ValueOf(n))
		return nil
	}
	if n.Kind == Null {
		return nil
	}
	if v.Type() == timeType {
		return decodeTime(n, v, name)
	}
	switch v.Kind() { //nolint:exhaustive // the rest is a programming mistake
	case reflect.Pointer:
		p := reflect.New(v.Type().Elem())
		err := decodeInto(n, p.Elem(), name)
		v.Set(p)
		return err
	case reflect.Interface:
		v.Set(reflect.ValueOf(n.Value()))
		return nil
	case reflect.String:
		if n.Kind != String {
			return kindError(n, name, "a string")
		}
		v.SetString(n.Text)
		return nil
	case reflect.Bool:
		if n.Kind != Bool {
			return kindError(n, name, "true or false")
		}
		v.SetBool(n.Text == "true")
		return nil
	case reflect.Int, reflect.Int64:
		i, err := strconv.ParseInt(n.Text, 10, 64)
		if n.Kind != Number || err != nil {
			return kindError(n, name, "a whole number")
		}
		v.SetInt(i)
		return nil
	case reflect.Float64:
		f, err := strconv.ParseFloat(n.Text, 64)
		if n.Kind != Number || err != nil {
			return kindError(n, name, "a number")
		}
		v.SetFloat(f)
		return nil
	case reflect.Slice:
		return decodeSlice(n, v, name)
	case reflect.Map:
		return decodeMap(n, v, name)
	case reflect.Struct:
		return decodeStruct(n, v, name)
	}
	panic("source: cannot decode into " + v.Type().String())
}

func decodeTime(n *Node, v reflect.Value, name string) error {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, n.Text); err == nil && n.Kind == String {
			v.Set(reflect.ValueOf(t))
			return nil
		}
	}
	return kindError(n, name, "a date (2027-01-31) or a time (2027-01-31T12:00:00Z)")
}

func decodeSlice(n *Node, v reflect.Value, name string) error {
	if n.Kind != Sequence {
		return kindError(n, name, "a list")
	}
	list := reflect.MakeSlice(v.Type(), len(n.Items), len(n.Items))
	var errs []error
	for i, item := range n.Items {
		if err := decodeInto(item, list.Index(i), name); err != nil {
			errs = append(errs, err)
		}
	}
	v.Set(list)
	return errors.Join(errs...)
}

func decodeMap(n *Node, v reflect.Value, name string) error {
	if n.Kind != Mapping {
		return kindError(n, name, "a mapping")
	}
	m := reflect.MakeMapWithSize(v.Type(), len(n.Fields))
	errs := n.duplicates()
	for _, f := range n.Fields {
		value := reflect.New(v.Type().Elem()).Elem()
		if err := decodeInto(f.Value, value, f.Name); err != nil {
			errs = append(errs, err)
		}
		m.SetMapIndex(reflect.ValueOf(f.Name).Convert(v.Type().Key()), value)
	}
	v.Set(m)
	return errors.Join(errs...)
}

func decodeStruct(n *Node, v reflect.Value, name string) error {
	if n.Kind != Mapping {
		return kindError(n, name, "a mapping")
	}
	t := fieldsOf(v.Type())
	for _, index := range t.positions {
		v.FieldByIndex(index).Set(reflect.ValueOf(n.Pos))
	}
	errs := n.duplicates()
	for _, f := range n.Fields {
		i := slices.Index(t.names, f.Name)
		if i < 0 {
			errs = append(errs, UnknownKey(f, slices.Clone(t.names)))
			continue
		}
		if err := decodeInto(f.Value, v.FieldByIndex(t.indexes[i]), f.Name); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// structFields are the fields of a struct that take part: those with a name, and
// those that get the position.
type structFields struct {
	names     []string
	indexes   [][]int // of the names
	positions [][]int
}

// knownStructs has the structFields of the types that were asked about.
var knownStructs sync.Map

func fieldsOf(t reflect.Type) *structFields {
	if known, ok := knownStructs.Load(t); ok {
		return known.(*structFields) //nolint:errcheck // nothing else is in it
	}
	s := &structFields{}
	for _, f := range reflect.VisibleFields(t) {
		if !f.IsExported() || f.Anonymous {
			continue
		}
		if f.Type == posType {
			s.positions = append(s.positions, f.Index)
			continue
		}
		if tag, _, _ := strings.Cut(f.Tag.Get("yaml"), ","); tag != "" && tag != "-" {
			s.names, s.indexes = append(s.names, tag), append(s.indexes, f.Index)
		}
	}
	knownStructs.Store(t, s)
	return s
}

// UnknownKey is the mistake of a key that nothing knows, with the nearest of
// those that are known.
func UnknownKey(f Field, known []string) error {
	if hint := DidYouMean(f.Name, known); hint != "" {
		return Errorf(f.Pos, "unknown key %q%s", f.Name, hint)
	}
	slices.Sort(known)
	return Errorf(f.Pos, "unknown key %q; known here: %s", f.Name, strings.Join(known, ", "))
}

// duplicates reports the keys of a mapping that stand in it twice.
func (n *Node) duplicates() []error {
	var errs []error
	for _, f := range n.Duplicates {
		errs = append(errs, Errorf(f.Pos, "key %q stands here twice", f.Name))
	}
	return errs
}

func kindError(n *Node, name, want string) error {
	have := n.Kind.String()
	if n.Kind != Sequence && n.Kind != Mapping {
		have = fmt.Sprintf("%q", n.Text)
	}
	if name == "" {
		return Errorf(n.Pos, "want %s, have %s", want, have)
	}
	return Errorf(n.Pos, "%s: want %s, have %s", name, want, have)
}

// Keys lists the keys that [Decode] knows of a struct of that type.
func Keys[T any]() []string { return slices.Clone(fieldsOf(reflect.TypeFor[T]()).names) }
