package embedded_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/source"
)

const kiln = `apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: kiln
  version: default
  rules:
    - name: fire
      actions: [fire]
      effect: EFFECT_ALLOW
      roles: [potter]
      condition: {match: {expr: R.attr.degrees <= 1200}}
      output: {when: {ruleActivated: '"fired by " + P.id'}}
    - name: night
      actions: [open]
      effect: EFFECT_ALLOW
      roles: [potter]
      condition: {match: {expr: now().getHours() < 6}}
`

const kilnSuite = `name: Kiln
principals: {ora: {id: ora1, roles: [potter], attr: {n: 1}}, tim: {id: tim1, roles: [guest]}}
resources:
  hot: {id: k1, kind: kiln, attr: {degrees: 1300}}
  warm: {id: k2, kind: kiln, attr: {degrees: 900}}
tests:
  - name: firing
    input: {principals: [ora, tim], resources: [hot, warm], actions: [fire]}
    expected:
      - principal: ora
        resource: warm
        actions:
          fire: EFFECT_ALLOW
        outputs:
          - {action: fire, expected: [{src: resource.kiln.vdefault#fire, val: fired by tim1}]}
      - {principal: tim, resource: hot, actions: {fire: EFFECT_ALLOW}}
  - name: later
    skip: true
    skipReason: no kiln
    input: {principals: [ora], resources: [hot], actions: [fire]}
    expected: [{principal: ora, resource: hot, actions: {fire: EFFECT_DENY}}]
  - name: at night
    input: {principals: [ora], resources: [hot], actions: [open]}
    options: {now: "2031-01-01T03:00:00Z"}
    expected: [{principal: ora, resource: hot, actions: {open: EFFECT_ALLOW}}]
  - name: whenever
    input: {principals: [ora], resources: [hot], actions: [open]}
    expected: [{principal: ora, resource: hot, actions: {open: EFFECT_ALLOW}}]
`

// verifyFiles runs the suites of a folder of the kiln's policy and other files.
func verifyFiles(t testing.TB, files map[string]string) []*pdp.Suite {
	t.Helper()
	fsys := fstest.MapFS{"kiln.yaml": {Data: []byte(kiln)}}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	e, err := embedded.Open(t.Context(), fsys, pdp.Options{Prefix: "p"})
	if err != nil {
		t.Fatal(err)
	}
	suites, err := e.Verify(t.Context(), fsys, pdp.VerifyOptions{Prefix: "p"})
	if err != nil {
		t.Fatal(err)
	}
	return suites
}

func TestVerify(t *testing.T) {
	suites := verifyFiles(t, map[string]string{"kiln_test.yaml": kilnSuite})
	if len(suites) != 1 || suites[0].Err != nil || suites[0].Name != "Kiln" {
		t.Fatalf("suites: %+v", suites)
	}
	type row struct {
		test, who, what, action string
		outcome                 pdp.CheckOutcome
		want, got               authz.Effect
		implied                 bool
		line                    int
	}
	var got []row
	for _, c := range suites[0].Checks {
		got = append(got, row{c.Test, c.Principal, c.Resource, c.Request.Action, c.Outcome, c.Want, c.Got, c.Implied, c.Pos.Line})
	}
	want := []row{
		{"firing", "ora", "hot", "fire", pdp.CheckPassed, authz.Deny, authz.Deny, true, 7},
		{"firing", "ora", "warm", "fire", pdp.CheckFailed, authz.Allow, authz.Allow, false, 13},
		{"firing", "tim", "hot", "fire", pdp.CheckFailed, authz.Allow, authz.Deny, false, 16},
		{"firing", "tim", "warm", "fire", pdp.CheckPassed, authz.Deny, authz.Deny, true, 7},
		{"later", "ora", "hot", "fire", pdp.CheckSkipped, authz.Deny, authz.Deny, false, 21},
		{"at night", "ora", "hot", "open", pdp.CheckPassed, authz.Allow, authz.Allow, false, 25},
		{"whenever", "ora", "hot", "open", pdp.CheckErrored, authz.Allow, authz.Deny, false, 28},
	}
	if !slices.Equal(got, want) {
		t.Errorf("checks:\n%v, want\n%v", got, want)
	}
	outputs := suites[0].Checks[1].Outputs
	if len(outputs) != 1 || outputs[0] != `output of resource.kiln.vdefault#fire: expected "fired by tim1", got "fired by ora1"` {
		t.Errorf("outputs: %q", outputs)
	}
	if p := suites[0].Checks[0].Request.Principal; p.ID != "ora1" || p.Attr["n"] != 1.0 {
		t.Errorf("principal: %+v", p)
	}
}

// TestVerifyMistakes holds that a suite that cannot be run says why and where, that none
// panics, and that the others run.
func TestVerifyMistakes(t *testing.T) {
	const good = "ok_test.yaml"
	for name, x := range map[string]struct {
		files map[string]string
		want  string // the error of the first suite
	}{
		"empty":            {map[string]string{"a_test.yaml": ""}, "p/a_test.yaml:1: the file is empty"},
		"blank":            {map[string]string{"a_test.yml": " \n\n"}, "p/a_test.yml:1: the file is empty"},
		"a comment":        {map[string]string{"a_test.yaml": "# soon\n"}, "p/a_test.yaml:1: the file is empty"},
		"empty JSON":       {map[string]string{"a_test.json": ""}, "p/a_test.json:1: the file is empty"},
		"empty document":   {map[string]string{"a_test.yaml": "---\n---\n" + kilnSuite}, "p/a_test.yaml:1"},
		"null":             {map[string]string{"a_test.yaml": "null\n"}, "p/a_test.yaml:1"},
		"a list":           {map[string]string{"a_test.yaml": "- a\n"}, "p/a_test.yaml:1:1: "},
		"two documents":    {map[string]string{"a_test.yaml": kilnSuite + "---\n" + kilnSuite}, "more than one YAML document"},
		"no YAML":          {map[string]string{"a_test.yaml": "name: [\n"}, "p/a_test.yaml:"},
		"unknown key":      {map[string]string{"a_test.yaml": strings.Replace(kilnSuite, "tests:", "test:", 1)}, "p/a_test.yaml:6:1: "},
		"no tests":         {map[string]string{"a_test.yaml": "name: x\ntests: []\n"}, "tests"},
		"twice":            {map[string]string{"a_test.yaml": strings.Replace(kilnSuite, "name: later", "name: firing", 1)}, "p/a_test.yaml:17:5: another test named firing already exists"},
		"nobody":           {map[string]string{"a_test.yaml": strings.Replace(kilnSuite, "[ora, tim]", "[ora, tom]", 1)}, "p/a_test.yaml:7:5: "},
		"empty fixtures":   {map[string]string{"x/a_test.yaml": kilnSuite, "x/testdata/principals.yaml": ""}, "p/x/testdata/principals.yaml:1: the file is empty"},
		"spoilt fixtures":  {map[string]string{"x/a_test.yaml": kilnSuite, "x/testdata/resources.json": `{"resource": {}}`}, "p/x/testdata/resources.json:1:2: "},
		"fixtures of none": {map[string]string{"x/a_test.yaml": kilnSuite, "x/testdata/principals.yaml": "principalGroups: {g: {principals: [who]}}"}, `missing fixture "who"`},
	} {
		t.Run(name, func(t *testing.T) {
			x.files[good] = kilnSuite
			for _, s := range verifyFiles(t, x.files) {
				if s.Pos.File == "p/"+good {
					if s.Err != nil || len(s.Checks) == 0 {
						t.Errorf("the other suite: %v", s.Err)
					}
					continue
				}
				mistakes := source.Mistakes(s.Err)
				if len(mistakes) == 0 || len(s.Checks) > 0 || !strings.Contains(mistakes[0].Error(), x.want) {
					t.Errorf("have %v with %d checks, want %s", s.Err, len(s.Checks), x.want)
				}
			}
		})
	}
}

// TestVerifyPlaces holds which files are suites.
func TestVerifyPlaces(t *testing.T) {
	suites := verifyFiles(t, map[string]string{
		"_x/a_test.yaml": kilnSuite, ".x/b_Test.YML": kilnSuite, "testdata/c_test.yaml": kilnSuite, "y/testdata/d_test.yaml": kilnSuite, "e_test.yaml": kilnSuite,
	})
	var files []string
	for _, s := range suites {
		files = append(files, s.Pos.File)
	}
	if want := []string{"p/.x/b_Test.YML", "p/_x/a_test.yaml", "p/e_test.yaml"}; !slices.Equal(files, want) {
		t.Errorf("have %q, want %q", files, want)
	}
}

// FuzzVerify looks for suites and fixtures on which Cerbos's runner would panic.
func FuzzVerify(f *testing.F) {
	f.Add(kilnSuite, "principals: {}")
	f.Add("", "")
	f.Add("---\n", "---\n")
	f.Add(strings.ReplaceAll(kilnSuite, "[ora, tim]", "null"), "principalGroups: {g: null}")
	f.Add(strings.ReplaceAll(kilnSuite, "{fire: EFFECT_ALLOW}", "{fire: 7}"), "principals: {a: null}")
	f.Fuzz(func(t *testing.T, suite, fixtures string) {
		for _, s := range verifyFiles(t, map[string]string{"a_test.yaml": suite, "testdata/principals.yaml": fixtures}) {
			if s.Err != nil && len(s.Checks) > 0 {
				t.Error("a suite that cannot be run has checks")
			}
		}
	})
}
