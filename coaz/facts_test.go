package coaz_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/coaz"
)

func TestFacts(t *testing.T) {
	const all = `, "context": "$params.arguments"`
	tests := map[string]struct {
		mapping string
		want    []string // kind, part and path
	}{
		"nothing": {evaluation(all), []string{"by call resource.id ", "by call context "}},
		"dropped": {evaluation(``), []string{
			"dropped argument  n", "dropped argument  b", "dropped argument  o", "dropped argument  any", "dropped argument  two", "by call resource.id ",
		}},
		"needed": {
			evaluation(all + `, "subject": {"properties": {"a": "$params.arguments.n", "b": "$params.arguments.b", "c": "$params.arguments.o.x", "d": "$params.arguments.nowhere.y"}}`),
			[]string{
				"by call resource.id ", "by call context ", "by call subject.properties.a ", "optional argument subject.properties.b b", "by call subject.properties.b ",
				"optional argument subject.properties.c o", "by call subject.properties.c ", "optional argument subject.properties.d nowhere", "by call subject.properties.d ",
			},
		},
		"not needed": {
			evaluation(all + `, "subject": {"properties": {"a": "$params.arguments.?b", "b": "$has(params.arguments.o) && params.arguments.o.x > 1.0",
				"c": "$'b' in params.arguments ? params.arguments.b : false", "d": "$params.arguments[?'two']", "e": "$params.arguments.?o.x"}}`),
			[]string{
				"by call resource.id ", "by call context ", "by call subject.properties.a ", "by call subject.properties.b ", "by call subject.properties.c ",
				"by call subject.properties.d ", "by call subject.properties.e ",
			},
		},
		"not always needed": {
			evaluation(all + `, "subject": {"properties": {"a": "$params.arguments.id == 'x' ? params.arguments.b : false", "b": "$params.arguments.id == 'x' || params.arguments.b || token.x",
				"c": "$['a'].exists(x, x == params.arguments.two)", "d": "$token.?x.orValue(token.y)", "e": "$params.arguments.b ? 1 : 2"}}`),
			[]string{
				"by call resource.id ", "by call context ", "by call subject.properties.a ", "by call subject.properties.b ", "by call subject.properties.c ",
				"optional argument subject.properties.e b", "by call subject.properties.e ",
			},
		},
		"claims": {
			evaluation(all + `, "subject": {"properties": {"a": "$token.org.team", "b": "$token.org.?team", "c": "$token.?org.team", "d": "$token.sub", "e": "$[1].all(token, token.x)", "f": "$token[params.name]"}}`),
			[]string{
				"by call resource.id ", "by call context ", "needed claim subject.properties.a org.team", "needed claim subject.properties.b org", "by call subject.properties.f ",
			},
		},
		"own":         {evaluation(all + `, "subject": {"type": "admin", "id": "$token.?email", "properties": {"cerbos.roles": ["boss"]}}`), []string{"by call resource.id ", "by call context ", "own type subject.type ", "own subject subject.id ", "own roles subject.properties.cerbos.roles "}},
		"caller's":    {evaluation(all + `, "subject": {"type": "identity", "id": "$token['sub']", "properties": {"cerbos.roles": "$token.?org.roles"}}`), []string{"by call resource.id ", "by call context ", "claimed roles subject.properties.cerbos.roles org.roles"}},
		"made roles":  {evaluation(all + `, "subject": {"properties": {"cerbos.roles": "$token.sub == 'eve' ? ['boss'] : []"}}`), []string{"by call resource.id ", "by call context ", "own roles subject.properties.cerbos.roles "}},
		"number":      {withID(`"$'n-' + string(params.arguments.n)"`), []string{"dropped argument  id", "dropped argument  b", "dropped argument  o", "dropped argument  any", "dropped argument  two", "number as text resource.id ", "by call resource.id "}},
		"whole":       {withID(`"$'n-' + string(int(params.arguments.n)) + string(params.arguments)"`), []string{"by call resource.id "}},
		"attribute":   {withProperty(`"$string(params.arguments.n) + string(params.arguments)"`), []string{"by call resource.properties.p "}},
		"semantic":    {`{"evaluations": {"action": {"name": "a"}, "resource": {"type": "t", "id": "$params.arguments.id"}` + all + `, "evaluations": [{}], "options": {"evaluations_semantic": "permit_on_first_permit"}}}`, []string{"by call resource.id ", "by call context ", "semantic  "}},
		"no compiler": {withID(`"$params."`), nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			m, err := coaz.Parse(schema(t, tt.mapping))
			var got []string
			for _, f := range m.Facts() {
				if f.Pos.Line == 0 {
					t.Errorf("%v has no place", f)
				}
				got = append(got, fmt.Sprintf("%v %s %s", f.Kind, f.Part, strings.Join(f.Path, ".")))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("facts (-want +got), beside %v:\n%s", err, diff)
			}
		})
	}
}
