package reach

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/source"
)

// Encode writes the inventory of a server as a file that package manifest reads.
func Encode(f *Found) ([]byte, error) { return written(f.Whole) }

// EncodeAll writes the inventories of servers, under their names.
func EncodeAll(found []*Found) ([]byte, error) {
	byName := map[string]any{}
	for _, f := range found {
		byName[f.Server.Name] = f.Whole
	}
	return written(map[string]any{"servers": byName})
}

func written(content any) ([]byte, error) {
	data, err := pretty(content)
	if err != nil {
		return nil, err
	}
	return data, readBack(data)
}

// pretty writes JSON for people, without the escapes that HTML would need.
func pretty(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// readBack makes sure that the other commands will read what is written.
func readBack(data []byte) error {
	_, err := manifest.Parse("the inventory", data)
	var errs []error
	for _, m := range source.Mistakes(err) {
		var e *source.Error
		if errors.As(m, &e) {
			m = e.Err // the position is one in a file that will not be
		}
		errs = append(errs, fmt.Errorf("what the server lists is no inventory: %w", m))
	}
	return errors.Join(errs...)
}
