package testrunner_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/prove"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

func TestFixtures(t *testing.T) {
	for fixture, want := range map[string]string{
		"quickstart": "",
		"fastmcp":    "",
		"fastmcp2":   "",
		"fastmcp4":   "",
		"github":     "",
		"synapse":    "",
		"voltagent":  "",
		"bank":       "",
		"insecure": `tests/intent.yaml:13:20: sally list get_pipeline_report
tests/intent.yaml:16:20: sally call log_activity
tests/intent.yaml:19:19: scout call delete_customer
tests/intent.yaml:22:20: harry call get_commission_statement
`,
	} {
		t.Run(fixture, func(t *testing.T) {
			t.Parallel()
			in, err := load(t.Context(), os.DirFS(filepath.Join("..", "fixtures", fixture)))
			if err != nil {
				t.Fatal(err)
			}
			r, err := testrunner.Run(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			t.Log(describe(r))
			var got strings.Builder
			for _, s := range r.Suites {
				for _, c := range s.Cases {
					if c.Sentence != "" {
						refuted := c.Outcome == testrunner.Failed && c.Proof.Verdict == prove.Refuted
						if fixture == "insecure" && !refuted || fixture != "insecure" && c.Outcome != testrunner.Passed {
							got.WriteString(c.Pos.String() + ": " + c.Outcome.String() + ": " + c.Sentence + "\n")
						}
						continue
					}
					if c.Outcome != testrunner.Passed {
						got.WriteString(c.Pos.String() + ": " + c.Principals[0].Key + " " + c.Operation.String() + " " + c.Item.Name + "\n")
					}
				}
			}
			if diff := cmp.Diff(want, got.String()); diff != "" {
				t.Errorf("cases that did not pass (-want +got):\n%s\n%s", diff, describe(r))
			}
		})
	}
}
