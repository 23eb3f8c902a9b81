package workspace

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	// The engine links this version. A second one would cost every run its
	// start-up.
	"github.com/santhosh-tekuri/jsonschema/v5"

	"github.com/mcpolicy/mcpolicy/manifest"
)

// Misfits says what a tool's inputSchema holds against arguments. The
// enforcement point asks before the server looks at them, so they are decided
// all the same.
func Misfits(item *manifest.Item, arguments map[string]any) []string {
	if item.Schema == nil || arguments == nil {
		return nil
	}
	schema, err := compileSchema(item.Schema.Value())
	if err != nil {
		return []string{fmt.Sprintf("the inputSchema of %q cannot be used: %v", item.Name, err)}
	}
	var invalid *jsonschema.ValidationError
	if err := schema.Validate(any(arguments)); errors.As(err, &invalid) {
		var list []string
		for _, leaf := range leaves(invalid) {
			where := leaf.InstanceLocation
			if where == "" {
				where = "/"
			}
			list = append(list, fmt.Sprintf("the arguments do not fit the inputSchema of %q: at %s: %s", item.Name, where, leaf.Message))
		}
		return list
	}
	return nil
}

func compileSchema(schema any) (*jsonschema.Schema, error) {
	text, err := json.Marshal(schema)
	if err != nil {
		return nil, err
	}
	const name = "inputSchema.json"
	c := jsonschema.NewCompiler()
	// An inventory is a stranger's: nothing that it refers to is loaded.
	c.LoadURL = func(url string) (io.ReadCloser, error) {
		return nil, fmt.Errorf("it refers to %s, which is not loaded", url)
	}
	if err := c.AddResource(name, bytes.NewReader(text)); err != nil {
		return nil, err
	}
	return c.Compile(name)
}

// leaves returns the causes of a validation error that have no causes.
func leaves(e *jsonschema.ValidationError) []*jsonschema.ValidationError {
	if len(e.Causes) == 0 {
		return []*jsonschema.ValidationError{e}
	}
	var list []*jsonschema.ValidationError
	for _, c := range e.Causes {
		list = append(list, leaves(c)...)
	}
	return list
}
