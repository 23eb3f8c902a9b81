package report_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/browser"
	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// checkedPage writes the page of a check of a folder, and returns its file.
func checkedPage(t testing.TB, o report.Options, dir ...string) string {
	t.Helper()
	w, err := workspace.Open(t.Context(), os.DirFS(filepath.Join(dir...)), workspace.Options{Now: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	checks := workspace.Everything()
	checks.Details = true
	d, err := w.Check(context.Background(), checks)
	if err != nil {
		t.Fatal(err)
	}
	o.FailOn = authz.SeverityWarning
	return pageFile(t, d, o)
}

func pageFile(t testing.TB, d *report.Document, o report.Options) string {
	t.Helper()
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

// TestPictures writes pictures of pages into the folder that MCPOLICY_PICTURES names.
func TestPictures(t *testing.T) {
	folder := os.Getenv("MCPOLICY_PICTURES")
	if folder == "" {
		t.Skip("MCPOLICY_PICTURES names no folder")
	}
	for _, name := range []string{"github", "insecure"} {
		p := browser.Open(t, checkedPage(t, report.Options{}, "..", "fixtures", name))
		for _, view := range views[name] {
			for _, screen := range screens {
				p.Screen(screen.width, screen.height, screen.scheme)
				p.Go(view.hash)
				if err := os.WriteFile(filepath.Join(folder, name+"-"+view.name+"-"+screen.name+".png"), p.Shot(), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := os.WriteFile(filepath.Join(folder, name+".pdf"), p.Print(), 0o600); err != nil {
			t.Fatal(err)
		}
		p.Quiet()
	}
}

type pageView struct{ name, hash string }

var views = map[string][]pageView{
	"github": {
		{"overview", "#/"}, {"matrix", "#/matrix"}, {"cell", "#/matrix?cell=ola/github/tool/archive_repository"}, {"reach", "#/reach/sorter"},
		{"role", "#/reach/role/maintainer"}, {"who", "#/who/github/tool/delete_repository"}, {"findings", "#/findings"}, {"tests", "#/tests"},
	},
	"insecure": {
		{"overview", "#/"}, {"matrix", "#/matrix"}, {"cell", "#/matrix?cell=scout/crm/tool/get_pipeline_report"}, {"reach", "#/reach/scout"},
		{"who", "#/who/crm/tool/delete_customer"}, {"findings", "#/findings"}, {"tests", "#/tests"},
	},
}

var screens = []struct {
	name          string
	width, height int
	scheme        string
}{
	{"light-wide", 1440, 900, "light"}, {"dark-wide", 1440, 900, "dark"}, {"light-phone", 390, 844, "light"}, {"dark-phone", 390, 844, "dark"},
}
