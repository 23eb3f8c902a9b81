package solver_test

import (
	"slices"
	"testing"

	"github.com/mcpolicy/mcpolicy/solver"
)

// TestPart asks about requests of which only a part is open.
func TestPart(t *testing.T) {
	s := solver.New(engine(t))
	const possible, impossible, unknown = solver.Possible, solver.Impossible, solver.Unknown
	const sizes = `{"properties": {"size": {"type": "integer", "maximum": 9}, "note": {"type": "string"}}, "required": ["size"]}`
	for _, c := range []struct {
		name, schema, text    string
		arguments, attributes []string
		want                  solver.Verdict
	}{
		{"the open argument is enough", "", `R.attr.arguments.size > 5 && P.attr.team == "sea"`, []string{"size"}, nothing, possible},
		{"the attribute stays", "", `R.attr.arguments.size > 5 && P.attr.team == "land"`, []string{"size"}, nothing, impossible},
		{"the attribute may change", "", `R.attr.arguments.size > 5 && P.attr.team == "land"`, []string{"size"}, []string{"team"}, possible},
		{"an attribute is compared with what stays", "", `P.attr.team == R.attr.arguments.note`, nothing, []string{"team"}, possible},
		{"what stays is not there", "", `P.attr.team == R.attr.arguments.colour`, nothing, []string{"team"}, impossible},
		{"a list that stays", "", `R.attr.arguments.note in P.attr.ports`, []string{"note"}, nothing, possible},
		{"a list that stays, and what is not in it", "", `R.attr.arguments.note in P.attr.ports && R.attr.arguments.note != "oslo"`, []string{"note"}, nothing, impossible},
		{"all are open", "", `R.attr.arguments.colour == P.attr.team && P.attr.team != "sea"`, nil, nil, possible},
		{"nothing is open", "", `R.attr.arguments.size == 3`, nothing, nothing, possible},
		{"nothing is open, and that is not so", "", `R.attr.arguments.size != 3`, nothing, nothing, impossible},
		{"all arguments at once", "", `size(R.attr.arguments) == 7`, []string{"colour"}, nothing, unknown},
		{"all arguments at once, which stay", "", `size(R.attr.arguments) == 7`, nothing, []string{"team"}, impossible},
		{"the schema asks for what stays", sizes, `R.attr.arguments.note == "b"`, []string{"note"}, nothing, possible},
		{"the schema bounds what is open", sizes, `R.attr.arguments.size > 9`, []string{"size"}, nothing, impossible},
		{"the schema asks for what is not there", `{"required": ["colour"]}`, `R.attr.arguments.note == "b"`, []string{"note"}, nothing, impossible},
		{"the schema refuses what stays", `{"properties": {"size": {"type": "string"}}}`, `R.attr.arguments.note == "b"`, []string{"note"}, nothing, impossible},
		{"the schema refuses what is open", `{"properties": {"size": {"type": "string"}}}`, `R.attr.arguments.note == "b"`, []string{"note", "size"}, nothing, possible},
	} {
		t.Run(c.name, func(t *testing.T) {
			var schema any
			if c.schema != "" {
				schema = decoded(t, c.schema)
			}
			w := world(schema, nil, "GUEST")
			w.Only = &solver.Part{Arguments: c.arguments, Attributes: c.attributes, Claims: nothing}
			w.Requests[0].Resource.Attr["arguments"] = map[string]any{"size": 3.0, "note": "a"}
			w.Requests[0].Principal.Attr = map[string]any{"team": "sea", "ports": []any{"oslo"}}
			a, err := s.Solve(t.Context(), w, []solver.Goal{{Formula: solver.Expr(c.text), To: solver.Only(solver.Met)}})
			if err != nil {
				t.Fatal(err)
			}
			if a.Verdict != c.want {
				t.Fatalf("got %v %v, want %v", a.Verdict, a.Open, c.want)
			}
			never, _, err := s.Impossible(t.Context(), w, []solver.Goal{{Formula: solver.Expr(c.text), To: solver.Only(solver.Met)}})
			if err != nil || never != (c.want == impossible) {
				t.Errorf("impossible: %v, %v", never, err)
			}
			if a.Verdict != possible {
				return
			}
			arguments, _ := a.Requests[0].Resource.Attr["arguments"].(map[string]any)
			for _, stays := range []struct {
				open      []string
				have, was map[string]any
			}{{c.arguments, arguments, map[string]any{"size": 3.0, "note": "a"}}, {c.attributes, a.Requests[0].Principal.Attr, map[string]any{"team": "sea"}}} {
				for name, v := range stays.was {
					if stays.open != nil && !slices.Contains(stays.open, name) && stays.have[name] != v {
						t.Errorf("%s was %v, and is %v", name, v, stays.have[name])
					}
				}
			}
		})
	}
}

// nothing is open.
var nothing = []string{}
