package policy_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/policy"
)

const orders = `apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: orders
  version: default
  schemas:
    resourceSchema: {ref: REF}
  rules:
    - {actions: [ship], effect: EFFECT_ALLOW, roles: [CLERK]}
`

// TestSchemasLeadNowhere holds what schemas refer to: themselves, what the
// library has built in, and files below _schemas.
func TestSchemasLeadNowhere(t *testing.T) {
	const there, latest = "cerbos:///order.json", "https://json-schema.org/draft/2020-12/schema"
	refused := func(line string) string { return "box/_schemas/order.json:" + line }
	for name, tt := range map[string]struct{ ref, order, want string }{
		"web":               {there, `{"$ref": "http://far.example/x.json"}`, refused("1:10: this $ref leads to http://far.example/x.json")},
		"upper case":        {there, `{"$ref": "HTTPS://far.example/x.json"}`, refused("1:10: this $ref leads to HTTPS://far.example/x.json")},
		"file":              {there, `{"$ref": "file:///etc/hostname"}`, refused("1:10: this $ref leads to file:///etc/hostname")},
		"file in capitals":  {there, `{"$ref": "FILE:/etc/hostname"}`, refused("1:10: this $ref leads to FILE:/etc/hostname")},
		"other host":        {there, `{"$ref": "//far.example/x.json"}`, refused("1:10: this $ref leads to cerbos://far.example/x.json")},
		"data":              {there, `{"$ref": "data:,true"}`, refused("1:10: this $ref leads to data:,true")},
		"urn":               {there, `{"$ref": "urn:far"}`, refused("1:10: this $ref leads to urn:far")},
		"dynamic":           {there, `{"$dynamicRef": "http://far.example/#n"}`, refused("1:17: this $dynamicRef leads to http://far.example/")},
		"recursive":         {there, `{"$recursiveRef": "http://far.example/"}`, refused("1:19: this $recursiveRef leads to http://far.example/")},
		"metaschema":        {there, `{"$schema": "https://far.example/draft"}`, refused("1:13: this $schema leads to https://far.example/draft")},
		"part of a draft":   {there, `{"$ref": "http://json-schema.org/draft-07/schema#/definitions/x"}`, refused("1:10: this $ref leads to http://json-schema.org/draft-07/schema")},
		"rebased":           {there, `{"$id": "http://far.example/a.json", "$ref": "b.json"}`, refused("1:46: this $ref leads to http://far.example/b.json")},
		"rebased inside":    {there, `{"properties": {"x": {"$id": "http://far.example/", "items": {"$ref": "b.json"}}}}`, refused("1:71: this $ref leads to http://far.example/b.json")},
		"rebased, draft 4":  {there, `{"$schema": "http://json-schema.org/draft-04/schema#", "id": "http://far.example/", "not": {"$ref": "b"}}`, refused("1:101: this $ref leads to http://far.example/b")},
		"deep":              {there, `{"allOf": [{"properties": {"default": {"$ref": "http://far.example/"}}}]}`, refused("1:48: this $ref leads to http://far.example/")},
		"unknown keyword":   {there, `{"$ref": "#/parts/x", "parts": {"x": {"$ref": "http://far.example/"}}}`, refused("1:47: this $ref leads to http://far.example/")},
		"value as schema":   {there, `{"$ref": "#/const", "const": {"$ref": "http://far.example/"}}`, refused("1:39: this $ref leads to http://far.example/")},
		"encoded pointer":   {there, `{"$ref": "#/%63onst", "const": {"$ref": "http://far.example/"}}`, refused("1:41: this $ref leads to http://far.example/")},
		"another file":      {there, `{"$ref": "cerbos:///more/part.json"}`, "box/_schemas/more/part.json:1:10: this $ref leads to http://far.example/part"},
		"another, relative": {there, `{"$ref": "more/part.json#/x"}`, "box/_schemas/more/part.json:1:10: this $ref leads to http://far.example/part"},
		"beside a bare one": {"order.json", `{"$ref": "part.json"}`, refused(`1:10: this $ref leads to "part.json"`)},
		"above a bare one":  {"order.json", `{"$ref": "../../etc/hostname"}`, refused(`1:10: this $ref leads to "../../etc/hostname"`)},
		"two":               {there, "{\"$ref\": \"http://a.example\",\n\"not\": {\"$ref\": \"http://b.example\"}}", refused("2:17: this $ref leads to http://b.example")},

		"itself":            {there, `{"$ref": "#/$defs/x", "$defs": {"x": {"$ref": "#"}}}`, ""},
		"itself by name":    {there, `{"properties": {"x": {"$ref": "order.json"}}}`, ""},
		"bare, itself":      {"order.json", `{"properties": {"x": {"$ref": "order.json#"}}}`, ""},
		"own identifier":    {there, `{"$id": "https://own.example/a", "not": {"$ref": "https://own.example/a#/x"}, "x": {}}`, ""},
		"identifier inside": {there, `{"$id": "https://own.example/a", "$defs": {"b": {"$id": "b"}}, "not": {"$ref": "b"}}`, ""},
		"built in":          {there, `{"$schema": "` + latest + `", "$ref": "https://json-schema.org/draft/2020-12/meta/core"}`, ""},
		"built in, old":     {there, `{"$schema": "http://json-schema.org/draft-07/schema#"}`, ""},
		"names":             {there, `{"properties": {"$ref": {"type": "string"}, "$id": {}}}`, ""},
		"values":            {there, `{"enum": [{"$ref": "http://far.example/"}], "default": {"$ref": "http://far.example/"}}`, ""},
		"broken":            {there, `{"$ref": `, ""},
		"not asked for":     {"cerbos:///none.json", `{"$ref": "http://far.example/"}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := policy.Load(fstest.MapFS{
				"orders.yaml":             {Data: []byte(strings.Replace(orders, "REF", tt.ref, 1))},
				"_schemas/order.json":     {Data: []byte(tt.order)},
				"_schemas/more/part.json": {Data: []byte(`{"$ref": "http://far.example/part"}`)},
				"_schemas/part.json":      {Data: []byte(`{}`)},
			}, "box")
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("have %v, want %s", err, tt.want)
			}
		})
	}
}
