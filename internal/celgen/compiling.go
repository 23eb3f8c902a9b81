package celgen

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/source"
)

// Conditions returns up to so many conditions, those of them that compile.
func (s *Source) Conditions(ctx context.Context, n int) ([]string, error) {
	var list []string
	for range n {
		list = append(list, s.Condition())
	}
	for len(list) > 0 {
		var p strings.Builder
		p.WriteString("apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n  rules:\n")
		above := strings.Count(p.String(), "\n")
		for _, text := range list {
			fmt.Fprintf(&p, "    - {actions: [a], effect: EFFECT_ALLOW, roles: [A], condition: {match: {all: {of: [{expr: %q}, {expr: %q}]}}}}\n", text, "!("+text+")")
		}
		_, err := embedded.Open(ctx, fstest.MapFS{"p.yaml": {Data: []byte(p.String())}}, pdp.Options{})
		if err == nil {
			break
		}
		bad := linesOf(err)
		if len(bad) == 0 {
			return nil, err
		}
		kept := list[:0]
		for i, text := range list {
			if !slices.Contains(bad, above+i+1) {
				kept = append(kept, text)
			}
		}
		list = kept
	}
	return list, nil
}

// linesOf lists the lines that mistakes are in.
func linesOf(err error) []int {
	var lines []int
	if joined, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // what is joined
		for _, e := range joined.Unwrap() {
			lines = append(lines, linesOf(e)...)
		}
		return lines
	}
	var at *source.Error
	if errors.As(err, &at) {
		lines = append(lines, at.Pos.Line)
	}
	return lines
}
