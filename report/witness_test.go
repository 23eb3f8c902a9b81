package report_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/report"
)

// TestWitness writes the request that bears a finding out, if it has one: no
// arguments, unlike an empty object, are left out.
func TestWitness(t *testing.T) {
	for want, w := range map[string]*lint.Witness{
		`"witness":{"principal":"scout","operation":"call","name":"report","arguments":{"region":"APAC"}}`: {
			Principal: "scout", Operation: authz.Call, Name: "report", Arguments: map[string]any{"region": "APAC"},
		},
		`"witness":{"principal":"scout","operation":"call","name":"report","arguments":{}}`: {
			Principal: "scout", Operation: authz.Call, Name: "report", Arguments: map[string]any{},
		},
		`"witness":{"principal":"scout","operation":"list","name":"report"}`: {Principal: "scout", Operation: authz.List, Name: "report"},
	} {
		var b bytes.Buffer
		d := &report.Document{Linted: true, Findings: []lint.Finding{{Rule: "x", Message: "y", Severity: authz.SeverityNote, Witness: w}}}
		if err := report.Write("json", &b, d, report.Options{}); err != nil {
			t.Fatal(err)
		}
		if got := strings.ReplaceAll(b.String(), `": `, `":`); !strings.Contains(strings.ReplaceAll(got, ", \"", ",\""), want) {
			t.Errorf("no %s in %s", want, b.String())
		}
	}
}
