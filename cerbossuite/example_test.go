package cerbossuite_test

import (
	"context"
	"fmt"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/testrunner"
	"github.com/mcpolicy/mcpolicy/workspace"
)

func Example() {
	text := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	w, err := workspace.Open(context.Background(), fstest.MapFS{
		"mcpolicy.yaml": text(`{servers: {till: {manifest: till.json, with: {resourceKind: till}}},
policies: policies, principals: principals.yaml, tests: till.yaml}`),
		"till.json":       text(`{"tools": [{"name": "pay_out", "inputSchema": {"type": "object", "properties": {"amount": {"type": "number"}}}}]}`),
		"principals.yaml": text(`principals: {kim: {id: kim, roles: [cashier]}}`),
		"till.yaml": text(`name: Till
tests:
  - name: up to a limit
    principals: [kim]
    call: {conditional: [pay_out]}
`),
		"policies/till.yaml": text(`apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: till
  version: default
  rules:
    - {actions: ["tools/call::pay_out"], effect: EFFECT_ALLOW, roles: [cashier], condition: {match: {expr: R.attr.arguments.amount <= 20}}}
`),
	}, workspace.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	x, err := w.ExportCerbos(context.Background(), testrunner.Filter{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range x.Suites {
		fmt.Printf("%s: %d case, %d decisions\n%s", s.File, s.Cases, s.Decisions, s.Data())
	}
	// Output:
	// till_test.yaml: 1 case, 2 decisions
	// # Written by mcpolicy export cerbos-tests; a change is lost when it is written again.
	// # yaml-language-server: $schema=https://api.cerbos.dev/latest/cerbos/policy/v1/TestSuite.schema.json
	// name: Till
	// principals:
	//   kim:
	//     id: kim
	//     roles: [cashier]
	// resources:
	//   pay_out:
	//     id: pay_out
	//     kind: till
	//     attr: {arguments: {amount: 19}, source: client, tool_name: pay_out}
	//   'pay_out #2':
	//     id: pay_out
	//     kind: till
	//     attr: {arguments: {}, source: client, tool_name: pay_out}
	// tests:
	//   - name: 'up to a limit'
	//     input:
	//       principals: [kim]
	//       resources: [pay_out, 'pay_out #2']
	//       actions: ['tools/call::pay_out']
	//     expected:
	//       - principal: kim
	//         resource: pay_out
	//         actions: {'tools/call::pay_out': EFFECT_ALLOW}
	//       - principal: kim
	//         resource: 'pay_out #2'
	//         actions: {'tools/call::pay_out': EFFECT_DENY}
}
