package report_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/browser"
	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/testcoverage"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// checkedFolder checks a folder with all that a page shows.
func checkedFolder(t testing.TB, dir ...string) *report.Document {
	t.Helper()
	return checkedWith(t, nil, dir...)
}

// coveredFolder is checkedFolder with what the suites cover.
func coveredFolder(t testing.TB, dir ...string) *report.Document {
	t.Helper()
	return checkedWith(t, &workspace.Coverage{Thresholds: testcoverage.Thresholds{testcoverage.Rule: 100, testcoverage.Cell: 1}}, dir...)
}

func checkedWith(t testing.TB, covers *workspace.Coverage, dir ...string) *report.Document {
	t.Helper()
	w, err := workspace.Open(t.Context(), os.DirFS(filepath.Join(dir...)), workspace.Options{Now: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	checks := workspace.Everything()
	checks.Details, checks.Coverage = true, covers
	d, err := w.Check(context.Background(), checks)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// openPage opens the page of a fixture; github with a change that is made up has
// "github, changed" for a name, one with coverage "insecure, covered", and "company" is a
// big one.
func openPage(t testing.TB, name string) *browser.Page {
	t.Helper()
	fixture, change, _ := strings.Cut(name, ", ")
	if fixture == "company" {
		return browser.Open(t, bigPage(t, 4))
	}
	if change == "covered" {
		return browser.Open(t, pageFile(t, coveredFolder(t, "..", "fixtures", fixture), report.Options{}))
	}
	d := checkedFolder(t, "..", "fixtures", fixture)
	if change != "" {
		d.Details.Diff, d.Details.Base, d.Details.Revision = madeUpDiff(), "main", "9c41f7e"
	}
	return browser.Open(t, pageFile(t, d, report.Options{}))
}

func pageFile(t testing.TB, d *report.Document, o report.Options) string {
	t.Helper()
	o.FailOn = authz.SeverityWarning
	var b bytes.Buffer
	if err := report.Write("html", &b, d, o); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestPictures writes pictures of pages into the folder that MCPOLICY_PICTURES names:
// each view on each screen, and what is printed.
func TestPictures(t *testing.T) {
	folder := os.Getenv("MCPOLICY_PICTURES")
	if folder == "" {
		t.Skip("MCPOLICY_PICTURES names no folder")
	}
	for name, list := range views {
		p := openPage(t, name)
		for _, view := range list {
			for _, screen := range screens {
				p.Screen(screen.width, screen.height, screen.scheme)
				p.Go(view.hash)
				picture(t, filepath.Join(folder, name+"-"+view.name+"-"+screen.name+".png"), p.Shot())
			}
		}
		picture(t, filepath.Join(folder, name+".pdf"), p.Print())
		p.Quiet()
	}
}

func picture(t *testing.T, file string, data []byte) {
	t.Helper()
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

type pageView struct{ name, hash string }

var views = map[string][]pageView{
	"github": {
		{"overview", "#/"},
		{"matrix", "#/matrix"},
		{"cell", "#/matrix?cell=ola/github/tool/archive_repository"},
		{"reach", "#/reach/sorter"},
		{"role", "#/reach/role/maintainer"},
		{"who", "#/who/github/tool/delete_repository"},
		{"findings", "#/findings"},
		{"tests", "#/tests"},
	},
	"github, changed": {
		{"overview", "#/"}, {"matrix", "#/matrix/diff"}, {"cell", "#/matrix/diff?cell=chen/github/tool/put_file"}, {"whole", "#/matrix"}, {"changes", "#/changes"}, {"reach", "#/reach/sorter"},
	},
	"insecure, covered": {{"overview", "#/"}, {"coverage", "#/coverage"}},
	"company":           {{"overview", "#/"}, {"matrix", "#/matrix"}, {"who", "#/who/company/tool/delete_customer"}},
	"insecure": {
		{"overview", "#/"},
		{"matrix", "#/matrix"},
		{"cell", "#/matrix?cell=scout/crm/tool/get_pipeline_report"},
		{"reach", "#/reach/scout"},
		{"who", "#/who/crm/tool/delete_customer"},
		{"findings", "#/findings"},
		{"tests", "#/tests"},
	},
}

var screens = []struct {
	name          string
	width, height int
	scheme        string
}{
	{"light-wide", 1440, 900, "light"}, {"dark-wide", 1440, 900, "dark"}, {"light-phone", 390, 844, "light"}, {"dark-phone", 390, 844, "dark"},
}
