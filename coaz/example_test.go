package coaz_test

import (
	"encoding/json"
	"fmt"

	"github.com/mcpolicy/mcpolicy/coaz"
	"github.com/mcpolicy/mcpolicy/source"
)

const paySchema = `{
  "type": "object",
  "properties": {"invoice": {"type": "string"}, "amount": {"type": "number"}, "note": {"type": "string"}},
  "required": ["invoice", "amount"],
  "x-authzen-mapping": {"evaluation": {
    "subject": {"id": "$token.sub", "properties": {"cerbos.roles": "$token.?groups"}},
    "action": {"name": "$params.arguments.amount > 1000 ? 'pay_large' : 'pay'"},
    "resource": {"type": "invoice", "id": "$params.arguments.invoice", "properties": {"amount": "$params.arguments.amount", "note": "$params.arguments.?note"}}
  }}
}`

// A point that knows the mapping of a tool asks about the arguments of a call.
func ExamplePoint_Resolve() {
	schema, _ := source.ParseJSON("pay.json", []byte(paySchema))
	mapping, err := coaz.Parse(schema)
	if err != nil {
		fmt.Println(err)
		return
	}
	token := map[string]any{"sub": "ida", "groups": []any{"clerk"}}
	params := map[string]any{"name": "pay", "arguments": map[string]any{"invoice": "i7", "amount": 20.0}}

	outcome := coaz.Point{}.Resolve(mapping, "tools/call", params, token)
	body, _ := json.Marshal(outcome.Evaluations[0])
	fmt.Println(outcome.Kind, string(body))
	request, err := coaz.Translate(outcome.Evaluations[0])
	fmt.Println(request.Principal.Roles, request.Action, request.Resource.Kind, request.Resource.ID, err)

	params["arguments"] = map[string]any{"invoice": "i7"}
	outcome = coaz.Point{}.Resolve(mapping, "tools/call", params, token)
	fmt.Println(outcome.Kind, outcome.Code)
	fmt.Println(outcome.Cause)
	// Output:
	// asked {"action":{"name":"pay"},"resource":{"id":"i7","properties":{"amount":20},"type":"invoice"},"subject":{"id":"ida","properties":{"cerbos.roles":["clerk"]},"type":"identity"}}
	// [clerk] pay invoice i7 <nil>
	// refused -32602
	// action.name: params.arguments.amount > 1000 ? 'pay_large' : 'pay': no such key: amount
	// resource.properties.amount: params.arguments.amount: no such key: amount
}

// Mistakes have their places, and say what comes of them.
func ExampleParse() {
	schema, _ := source.ParseJSON("pay.json", []byte(`{
  "type": "object", "properties": {"invoice": {"type": "integer"}}, "required": ["invoice"],
  "x-authzen-mapping": {"evaluation": {
    "action": {"name": "pay"},
    "resource": {"type": "invoice", "id": "$params.arguments.invoice", "team": "red"}
  }}
}`))
	_, err := coaz.Parse(schema)
	for _, m := range source.Mistakes(err) {
		fmt.Println(m)
	}
	// Output:
	// pay.json:5:43: resource.id comes to a number, and Cerbos takes only a text, so every call is refused; a whole number is made one with string(int(...))
	// pay.json:5:72: resource: unknown key "team"; an attribute stands under properties: Cerbos takes no evaluation with it, so every call is refused
}
