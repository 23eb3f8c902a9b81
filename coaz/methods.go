package coaz

import (
	"fmt"
	"sync"

	"github.com/mcpolicy/mcpolicy/source"
)

const toolsCall = "tools/call"

// serverMethods are about the server as a whole, each with what it adds to the context.
var serverMethods = map[string]map[string]string{
	"initialize": {"protocol_version": "$params.protocolVersion"}, "logging/setLevel": {"level": "$params.level"},
	"tools/list": {}, "resources/list": {}, "prompts/list": {}, "tasks/list": {},
}

// itemMethods are about one thing each: its type and what its id is.
var itemMethods = map[string][2]string{
	toolsCall:               {"tool", "$params.name"},
	"resources/read":        {"resource", "$params.uri"},
	"resources/subscribe":   {"resource", "$params.uri"},
	"resources/unsubscribe": {"resource", "$params.uri"},
	"prompts/get":           {"prompt", "$params.name"},
	"tasks/get":             {"task", "$params.taskId"},
	"tasks/result":          {"task", "$params.taskId"},
	"tasks/cancel":          {"task", "$params.taskId"},
	// As the draft prints it there is a second $ inside the expression, which is no CEL.
	// Implementations leave it out.
	"completion/complete": {
		"$params.ref.type == 'ref/prompt' ? 'prompt' : 'resource'",
		"$params.ref.type == 'ref/prompt' ? params.ref.name : params.ref.uri",
	},
}

// defaultMappings are the mappings of the methods without a declared one.
var defaultMappings = sync.OnceValue(func() map[string]*Mapping {
	all := map[string]*Mapping{}
	for method, context := range serverMethods {
		all[method] = defaultMapping(method, "mcp_server", "$token.aud", context)
	}
	for method, target := range itemMethods {
		all[method] = defaultMapping(method, target[0], target[1], nil)
	}
	return all
})

func defaultMapping(method, kind, id string, context map[string]string) *Mapping {
	text := func(s string) *source.Node { return &source.Node{Kind: source.String, Text: s} }
	object := func(fields ...source.Field) *source.Node { return &source.Node{Kind: source.Mapping, Fields: fields} }
	more := object(source.Field{Name: "agent", Value: text("$token.?client_id")})
	for name, expression := range context {
		more.Fields = append(more.Fields, source.Field{Name: name, Value: text(expression)})
	}
	m, err := Parse(object(source.Field{Name: Key, Value: object(source.Field{Name: evaluationName, Value: object(
		source.Field{Name: "action", Value: object(source.Field{Name: "name", Value: text(method)})},
		source.Field{Name: "resource", Value: object(source.Field{Name: "type", Value: text(kind)}, source.Field{Name: "id", Value: text(id)})},
		source.Field{Name: "context", Value: more},
	)})}))
	if err != nil {
		panic(fmt.Sprintf("coaz: %s: %v", method, err)) // a mistake in the tables above
	}
	return m
}
