package report_test

import (
	"crypto/sha256"
	"encoding/base64"
	"regexp"
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/report"
)

// TestReviewPage holds that the page of a review has each grant, that its policy of content
// admits its style and nothing else, and that names stay text.
func TestReviewPage(t *testing.T) {
	t.Parallel()
	const hostile = "<img src=x onerror=alert(1)>\u202e"
	server := &matrix.Server{Name: "crm"}
	column := func(name string, op authz.Operation) *matrix.Column {
		return &matrix.Column{Server: server, Item: &manifest.Item{Type: authz.ToolItem, Name: name}, Operation: op}
	}
	ada := &authz.Principal{Key: "ada", Roles: []string{hostile}}
	r := &report.Review{Notes: []report.Note{{Message: hostile}}, Grants: []report.Grant{
		{Principal: ada, Column: column("delete_all", authz.Call), Cell: &matrix.Cell{Access: matrix.Allowed}, Since: &report.Since{Commit: "0123456789abcdef"}},
		{Principal: ada, Column: column(hostile, authz.List), Cell: &matrix.Cell{Access: matrix.Conditional, Condition: authz.Unwritten(hostile)}},
	}}
	var b strings.Builder
	if err := report.ReviewHTML(&b, r, report.Options{}); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, want := range []string{"ada", "delete_all", "destructive", "0123456789ab", "&lt;img src=x onerror=alert(1)&gt;", "2 grants"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in the page", want)
		}
	}
	for _, not := range []string{"<img", "<script", "style=", "\u202e", "http:", "https:"} {
		if strings.Contains(text, not) {
			t.Errorf("%q in the page", not)
		}
	}
	style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(text)
	if style == nil {
		t.Fatal("no style")
	}
	sum := sha256.Sum256([]byte(style[1]))
	if want := "sha256-" + base64.StdEncoding.EncodeToString(sum[:]); !strings.Contains(strings.ReplaceAll(text, "&#43;", "+"), "style-src '"+want+"'") {
		t.Errorf("the policy of content does not have %s", want)
	}
}
