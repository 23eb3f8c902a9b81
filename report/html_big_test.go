package report_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/mcpolicy/mcpolicy/internal/browser"
	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// bigCompany is 300 tools by 2,000 principals, in so many regions, which conditions
// read: four make 200 classes of them, and 2,000 one for each.
func bigCompany(regions int) fstest.MapFS {
	var tools, rules, people strings.Builder
	verbs := []string{"delete", "archive", "create", "update", "send", "get", "list", "search", "read", "count"}
	nouns := strings.Fields(`customer invoice order refund ticket article contract candidate device deployment incident metric audience employee payslip
		certificate pipeline dashboard flag subscription quote shipment supplier campaign budget asset policy room vehicle survey`)
	departments := []string{"sales", "support", "finance", "legal", "hr", "ops", "data", "platform", "design", "audit"}
	levels := []string{"viewer", "editor", "lead", "admin", "bot"}
	for i, noun := range nouns {
		for j, verb := range verbs {
			hint := [...]string{`"destructiveHint": true`, `"destructiveHint": false`, `"readOnlyHint": true`}[min(2, j*3/7)]
			fmt.Fprintf(&tools, "%s\n{\"name\": \"%s_%s\", \"annotations\": {%s}, \"inputSchema\": {\"type\": \"object\", \"properties\": {\"region\": {\"type\": \"string\"}}}}",
				[...]string{",", ""}[btoi(i+j == 0)], verb, noun, hint)
			for k, level := range levels[:4] {
				if j/3 > k+2 || (i+j+k)%3 == 0 && k < 3 || j < 2 && k < 3 {
					continue
				}
				var roles []string
				for d := range departments {
					if (d*7+i*3+j+k)%(5-k) == 0 {
						roles = append(roles, departments[d]+"-"+level)
						if k == 1 && j > 1 {
							roles = append(roles, departments[d]+"-bot")
						}
					}
				}
				if len(roles) == 0 {
					continue
				}
				condition := ""
				if k < 3 && j < 5 {
					condition = ", condition: {match: {expr: R.attr.arguments.region == P.attr.region}}"
				}
				fmt.Fprintf(&rules, "    - {name: %s-%s-%s, actions: [\"tools/list::%s_%s\", \"tools/call::%s_%s\"], effect: EFFECT_ALLOW, roles: [%s]%s}\n",
					verb, noun, level, verb, noun, verb, noun, strings.Join(roles, ", "), condition)
			}
		}
	}
	for i := range 2000 {
		department, level := departments[i%10], levels[i/10%5]
		kind := [...]string{"", ", kind: agent"}[btoi(level == "bot")]
		fmt.Fprintf(&people, "  %s-%s-%04d: {id: p%d, roles: [%s-%s], attr: {region: r%d}%s}\n", department, level, i, i, department, level, i/50%regions+i*(regions/2000), kind)
	}
	return fstest.MapFS{
		"mcpolicy.yaml":   {Data: []byte("servers: {company: {manifest: tools.json}}\npolicies: policies\nprincipals: principals.yaml\n")},
		"tools.json":      {Data: []byte(`{"tools": [` + tools.String() + "]}")},
		"principals.yaml": {Data: []byte("principals:\n" + people.String())},
		"policies/company.yaml": {Data: []byte("apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n  rules:\n" +
			"    - {name: open, actions: [tools/list], effect: EFFECT_ALLOW, roles: [\"*\"]}\n" + rules.String())},
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// bigPage writes the page of the big company.
func bigPage(t testing.TB, regions int) string {
	t.Helper()
	w, err := workspace.Open(t.Context(), bigCompany(regions), workspace.Options{Now: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	m, err := w.Matrix(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d := &report.Document{Matrix: m}
	if d.Details, err = w.Details(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	return pageFile(t, d, report.Options{})
}

// longTasks are those over 50 ms while something is done, in milliseconds.
const longTasks = `new Promise((done) => {
	const long = [], box = document.querySelector('.scroll');
	new PerformanceObserver((l) => l.getEntries().forEach((e) => long.push(Math.round(e.duration)))).observe({entryTypes: ['longtask']});
	let i = 0;
	const step = () => {
		i++;
		box.scrollTop += i < 60 ? 35 : -20;
		box.scrollLeft += i < 90 ? 40 : -60;
		if (i < 120) requestAnimationFrame(step);
		else setTimeout(() => done(long), 200);
	};
	requestAnimationFrame(step);
})`

// TestPageBig holds the page of a big company to what it may take. The times are
// those of the machine: what they are is in the log, and a limit of ten times as much
// fails; MCPOLICY_QUIET_MACHINE says that the limits themselves hold.
func TestPageBig(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	for _, regions := range []int{4, 2000} {
		t.Run(fmt.Sprint(regions, " regions"), func(t *testing.T) { checkBigPage(t, regions) })
	}
}

func checkBigPage(t *testing.T, regions int) {
	file := bigPage(t, regions)
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	slack := 10.0
	if os.Getenv("MCPOLICY_QUIET_MACHINE") != "" {
		slack = 1
	}
	p := browser.Open(t, file)
	opened := browser.Eval[float64](p, "performance.getEntriesByType('navigation')[0].domComplete")
	start := time.Now()
	p.Go("#/matrix")
	matrix := time.Since(start)
	long := browser.Eval[[]float64](p, longTasks)
	nodes := browser.Eval[float64](p, "document.querySelectorAll('*').length")
	t.Logf("%.2f MB, opened in %.0f ms, the matrix in %v, long tasks while scrolling %v, %v nodes", float64(info.Size())/1e6, opened, matrix.Round(time.Millisecond), long, nodes)
	if info.Size() > 5_000_000 || opened > 1000*slack || nodes > 3500 {
		t.Error("more than the page may take")
	}
	for _, ms := range long {
		if ms > 100*slack {
			t.Errorf("a task of %v ms while scrolling", ms)
		}
	}
	wantText(t, p, ".corner", "300 items")
	t.Log(texts(p, ".corner"))
	// By keyboard: the cell that has the focus is the only one in the document.
	browser.Eval[bool](p, "document.querySelector('.live').focus() || true")
	p.Press(browser.ArrowDown, browser.ArrowRight, "n")
	if got := p.Text("document.activeElement.getAttribute('role') + ' ' + document.activeElement.getAttribute('aria-label')"); !strings.HasPrefix(got, "gridcell call always") {
		t.Errorf("the focus is on %s", got)
	}
	p.Press(browser.End)
	p.Press("\r")
	wantText(t, p, ".panel h2", "→")
	for _, found := range p.Accessible() {
		t.Error(found)
	}
	p.Go("#/matrix?item=delete_customer")
	wantText(t, p, ".corner", "1 item in 1 row")
	p.Quiet()
}
