package coaz

import (
	"errors"
	"math"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
)

// mostExact is the largest whole number that JSON's readers agree on.
const mostExact = 1 << 53

var errNoNumber = errors.New("it comes to no number that JSON has")

// jsonOf returns a value of CEL's as JSON, and whether it is one at all. For what JSON has
// no value for, implementations differ: errUnknown.
func jsonOf(v ref.Val) (any, bool, error) {
	if o, isOptional := v.(*types.Optional); isOptional {
		if !o.HasValue() {
			return nil, false, nil
		}
		v = o.GetValue()
	}
	switch v := v.(type) {
	case types.Null:
		return nil, true, nil
	case types.Bool:
		return bool(v), true, nil
	case types.String:
		return string(v), true, nil
	case types.Double:
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return nil, false, errNoNumber
		}
		return float64(v), true, nil
	case types.Int:
		if v > mostExact || v < -mostExact {
			return nil, false, errUnknown
		}
		return float64(v), true, nil
	case types.Uint:
		if v > mostExact {
			return nil, false, errUnknown
		}
		return float64(v), true, nil
	case traits.Mapper:
		return jsonMap(v)
	case traits.Lister:
		return jsonList(v)
	}
	return nil, false, errUnknown
}

func jsonList(l traits.Lister) (any, bool, error) {
	list := []any{}
	for it := l.Iterator(); it.HasNext() == types.True; {
		x, there, err := jsonOf(it.Next())
		if err != nil {
			return nil, false, err
		}
		if !there { // a list of nothing
			return nil, false, errUnknown
		}
		list = append(list, x)
	}
	return list, true, nil
}

func jsonMap(m traits.Mapper) (any, bool, error) {
	object := map[string]any{}
	for it := m.Iterator(); it.HasNext() == types.True; {
		key := it.Next()
		name, isText := key.(types.String)
		if !isText {
			return nil, false, errUnknown
		}
		x, there, err := jsonOf(m.Get(key))
		if err != nil {
			return nil, false, err
		}
		if !there {
			return nil, false, errUnknown
		}
		object[string(name)] = x
	}
	return object, true, nil
}
