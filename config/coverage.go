package config

import (
	"errors"
	"strconv"

	"github.com/mcpolicy/mcpolicy/source"
)

// Coverage says how much suites have to cover.
type Coverage struct {
	Pos source.Pos
	// How many percent of each kind.
	Min Min `yaml:"min"`
}

// Min is how many percent have to be covered, by what is to be covered.
type Min map[string]float64

// DecodeNode reads a mapping of percentages. What there is to cover is for others to know.
func (m *Min) DecodeNode(n *source.Node) error {
	if !n.Is(source.Mapping) {
		return source.Errorf(n.Pos, "min: want a mapping of kinds to percentages, have %s", n.Describe())
	}
	*m = Min{}
	var errs []error
	for _, f := range n.Duplicates {
		errs = append(errs, source.Errorf(f.Pos, "%s is said twice", f.Name))
	}
	for _, f := range n.Fields {
		percent, err := strconv.ParseFloat(f.Value.Text, 64)
		if !f.Value.Is(source.Number) || err != nil || percent < 0 || percent > 100 {
			errs = append(errs, source.Errorf(f.Value.Pos, "%s: want a number from 0 to 100, have %s", f.Name, f.Value.Describe()))
			continue
		}
		(*m)[f.Name] = percent
	}
	return errors.Join(errs...)
}
