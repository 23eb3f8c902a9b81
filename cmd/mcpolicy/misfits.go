package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/mcpolicy/mcpolicy/manifest"
)

// misfits says what a tool's inputSchema holds against arguments. The
// enforcement point asks before the server looks at them, so they are decided
// all the same.
func misfits(item *manifest.Item, arguments map[string]any) []string {
	if item.Schema == nil || arguments == nil {
		return nil
	}
	const name = "inputSchema"
	c := jsonschema.NewCompiler()
	c.UseLoader(nothingElse{})
	if err := c.AddResource(name, item.Schema.Value()); err != nil {
		return []string{fmt.Sprintf("the inputSchema of %q is no JSON Schema: %v", item.Name, err)}
	}
	schema, err := c.Compile(name)
	if err != nil {
		return []string{fmt.Sprintf("the inputSchema of %q cannot be used: %v", item.Name, err)}
	}
	var invalid *jsonschema.ValidationError
	if err := schema.Validate(arguments); errors.As(err, &invalid) {
		var list []string
		for _, line := range strings.Split(invalid.Error(), "\n")[1:] {
			list = append(list, fmt.Sprintf("the arguments do not fit the inputSchema of %q: %s", item.Name, strings.TrimPrefix(strings.TrimSpace(line), "- ")))
		}
		return list
	}
	return nil
}

// nothingElse loads no other schema: an inventory is a stranger's.
type nothingElse struct{}

func (nothingElse) Load(url string) (any, error) {
	return nil, fmt.Errorf("it refers to %s, which is not loaded", url)
}
