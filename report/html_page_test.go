package report_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/browser"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/report"
)

// texts returns what some elements of the page say.
func texts(p *browser.Page, selector string) []string {
	return browser.Eval[[]string](p, fmt.Sprintf("[...document.querySelectorAll(%q)].map((e) => e.textContent)", selector))
}

func wantText(t *testing.T, p *browser.Page, selector, want string) {
	t.Helper()
	if all := texts(p, selector); !slices.ContainsFunc(all, func(s string) bool { return strings.Contains(s, want) }) {
		t.Errorf("%s says %q, want %q", selector, all, want)
	}
}

func wantHash(t *testing.T, p *browser.Page, want string) {
	t.Helper()
	if got := p.Text("decodeURIComponent(location.hash)"); !strings.Contains(got, want) {
		t.Errorf("at %s, want %s", got, want)
	}
}

// click clicks in the middle of the first line of an element: what is hidden in it for those
// who listen to the page may stand outside of it.
func click(p *browser.Page, selector string) {
	at := browser.Eval[[]float64](p, fmt.Sprintf(`(() => {
		const el = document.querySelector(%q);
		el.scrollIntoView({block: 'center'});
		const r = el.getClientRects()[0];
		return [r.x + r.width / 2, r.y + r.height / 2];
	})()`, selector))
	p.Do(chromedp.MouseClickXY(at[0], at[1]))
	p.Settle()
}

func TestPageAnswers(t *testing.T) {
	p := openPage(t, "github")
	wantText(t, p, ".verdict h1", "Nothing to fix: no errors, no warnings, no failed cases")

	// From the keyboard alone: the first question, part of a name, the first answer.
	browser.Eval[bool](p, "document.dispatchEvent(new KeyboardEvent('keydown', {key: 'k', ctrlKey: true, bubbles: true}))")
	if got := p.Text("document.activeElement.id"); got != "q-reach" {
		t.Errorf("the focus is on %q after Ctrl+K", got)
	}
	p.Type("sort")
	if got := p.Text("document.activeElement.getAttribute('aria-expanded') + ' ' + document.getElementById(document.activeElement.getAttribute('aria-activedescendant'))?.textContent"); !strings.HasPrefix(got, "true sorter") {
		t.Errorf("the combobox has %s", got)
	}
	p.Press("\r")
	wantHash(t, p, "#/reach/sorter")
	wantText(t, p, "h1", "What can sorter reach?")
	wantText(t, p, ".lead", "50 of 114 tools, 7 always and 43 on a condition. None is destructive.")
	wantText(t, p, ".card", "On other conditions it may use get_repository")

	p.Do(chromedp.Focus(chromedp.CSS("#q-who")))
	p.Type("nothing like it")
	wantText(t, p, "#q-who ~ .options", "Nothing is called that.")
	p.Press("\x1b", "\x1b")
	p.Type("delete_repo")
	p.Press("\r")
	wantText(t, p, "h1", "Who can call delete_repository?")
	wantText(t, p, ".lead", `1 of 12 principals: ola when arguments.owner in ["acme", "acme-labs"]`)
	wantText(t, p, ".src .hit", "administration")
	wantText(t, p, ".card", "No other role does.")
	if got := p.Text("document.title"); !strings.HasPrefix(got, "Who can call delete_repository?") {
		t.Errorf("the title is %q", got)
	}
	p.Do(chromedp.NavigateBack())
	p.Settle()
	wantText(t, p, "h1", "What can sorter reach?")
	p.Go("#/who/github/tool/no_such_tool")
	wantText(t, p, "h1", "Nothing is called no_such_tool")
	p.Go("#/reach/role/maintainer")
	wantText(t, p, ".lead", "of 114 tools, for anyone who has the role and no other")
	p.Quiet()
}

func TestPageMatrix(t *testing.T) {
	p := openPage(t, "github")
	p.Go("#/matrix")
	wantText(t, p, ".corner", "114 items in 24 rows")

	// Arrows move, Enter explains, Escape returns to the cell.
	p.Do(chromedp.Focus(chromedp.CSS("td[tabindex='0']")))
	p.Press(browser.ArrowDown, browser.ArrowRight, browser.ArrowRight)
	if got := p.Text("document.activeElement.dataset.r + ' ' + document.activeElement.dataset.c"); got != "1 2" {
		t.Errorf("the focus is at %s", got)
	}
	wantText(t, p, ".readout", "mona maintainer → put_file and 3 more: call when arguments.owner")
	p.Press("\r")
	wantText(t, p, ".panel h2", "mona → put_file")
	wantText(t, p, ".panel", `"refuses"`[1:8])
	wantText(t, p, ".panel .cmd", "mcpolicy explain mona put_file call")
	if got := p.Text("document.activeElement.tagName"); got != "H2" {
		t.Errorf("the focus is on %s, not on the panel's heading", got)
	}
	wantHash(t, p, "cell=mona/github/tool/put_file")
	p.Press("\x1b")
	if got := p.Text("document.activeElement.dataset.r + ' ' + document.activeElement.dataset.c"); got != "1 2" {
		t.Errorf("the focus is at %s after Escape", got)
	}
	p.Press("n")
	if got := p.Text("document.activeElement.getAttribute('aria-label')"); !strings.HasPrefix(got, "call always") {
		t.Errorf("n went to a cell that says %q", got)
	}
	p.Press(browser.End, browser.Home)
	if got := p.Text("document.activeElement.dataset.c"); got != "0" {
		t.Errorf("Home went to column %s", got)
	}
	if n := browser.Eval[float64](p, "document.querySelectorAll('.grid [tabindex=\"0\"]').length"); n != 1 {
		t.Errorf("the grid is %v stops of the tab key", n)
	}

	// A pointer, and a link to a cell of a row that is folded.
	click(p, "td[data-r='5'][data-c='3']")
	wantText(t, p, ".panel h2", "ola → archive_repository")
	p.Go("#/matrix?cell=ola/github/tool/delete_secret")
	wantText(t, p, ".panel h2", "ola → archive_repository")
	wantText(t, p, ".panel summary", "and 9 items more")
	click(p, ".grid tbody button")
	if n := len(texts(p, ".grid tbody tr")); n <= 24+3 {
		t.Errorf("%d rows after unfolding one", n)
	}
	p.Quiet()
}

func TestPageFilters(t *testing.T) {
	p := openPage(t, "github")
	for _, test := range []struct{ hash, rows, columns string }{
		{"#/matrix?role=maintainer", "114 items", "1 class in"},
		{"#/matrix?who=sorter&access=condition", "43 items", "1 class in"},
		{"#/matrix?risk=destructive&fold=0", "28 items in 28 rows", "11 classes"},
		{"#/matrix?item=delete_", "9 items", "11 classes"},
		{"#/matrix?kind=agents", "114 items", "2 classes"},
		{"#/matrix?access=always&risk=destructive", "1 item in", "6 classes"},
	} {
		p.Go(test.hash)
		wantText(t, p, ".corner", test.rows)
		wantText(t, p, ".corner", test.columns)
	}
	p.Go("#/matrix?access=unguarded")
	wantText(t, p, ".empty", "Nothing is unguarded: a policy is asked about every call.")
	click(p, ".empty button")
	wantText(t, p, ".corner", "114 items")

	// By the controls themselves; what they say is in the hash.
	p.Do(chromedp.Focus(chromedp.CSS("input[aria-label='Filter tools']")))
	p.Type("delete_gist")
	browser.Eval[float64](p, "new Promise((done) => setTimeout(() => done(0), 300))")
	wantHash(t, p, "item=delete_gist")
	wantText(t, p, ".corner", "1 item in 1 row")
	browser.Eval[bool](p, "(() => { const s = document.querySelector('select[aria-label=role]'); s.value = 'auditor'; return s.dispatchEvent(new Event('change')); })()")
	wantHash(t, p, "role=auditor")
	wantText(t, p, ".corner", "1 class in")
	p.Do(chromedp.NavigateBack())
	p.Settle()
	wantText(t, p, ".corner", "11 classes")
	p.Quiet()
}

func TestPageFindingsAndTests(t *testing.T) {
	p := openPage(t, "insecure")
	wantText(t, p, ".verdict h1", "Not ready: ")
	wantText(t, p, ".card h2", "Fix first")
	click(p, ".cause a")
	wantHash(t, p, "#/findings/")
	wantText(t, p, ".causerow[open] .src .hit", "roles:")
	wantText(t, p, ".causerow[open] .fix", "to the few who need it")
	order := texts(p, ".findings section > h2")
	if len(order) < 3 || !strings.HasPrefix(order[0], "Open now") || !strings.HasPrefix(order[1], "Shut") || !strings.HasPrefix(order[2], "Unclear") {
		t.Errorf("the headings are %q", order)
	}
	click(p, ".only button:nth-child(2)")
	for _, s := range texts(p, ".causerow .sev") {
		if s != "error" {
			t.Errorf("among the errors is a %s", s)
		}
	}
	p.Go("#/tests")
	wantText(t, p, "h1", "14 failed cases, 2 passed")
	wantText(t, p, ".why", "expected allowed, got denied")
	wantText(t, p, ".proof", "refuted")
	p.Quiet()
}

func TestPageChanges(t *testing.T) {
	p := openPage(t, "github, changed")
	wantText(t, p, ".verdict h1", "Not ready: an agent gains 3 destructive tools, 3 other principals gain access")
	wantText(t, p, ".card", "This change opens")
	p.Go("#/changes")
	wantText(t, p, ".change", "triage-agent agent for tariq may now call 3 destructive tools: delete_file, delete_release and delete_gist")
	wantText(t, p, ".change", "contributor may now call put_file")
	wantText(t, p, ".change", "anybody with any other role may now call get_me")
	wantText(t, p, ".card", "2 rules moved")
	p.Go("#/matrix/diff")
	if n := len(texts(p, "td.plus")); n != 6 {
		t.Errorf("%d cells are widened", n)
	}
	if n := len(texts(p, "td.minus")); n != 1 {
		t.Errorf("%d cells are narrowed", n)
	}
	wantText(t, p, ".grid .chip", "hint changed")
	p.Go("#/matrix/diff?cell=chen/github/tool/put_file")
	wantText(t, p, ".panel", "only now")
	p.Quiet()
}

// TestPageAccessible has axe look at every view, in both schemes, wide and on a phone.
func TestPageAccessible(t *testing.T) {
	for name, list := range views {
		t.Run(name, func(t *testing.T) {
			p := openPage(t, name)
			chosen := screens
			if rounds.Of(1, 2) == 1 {
				chosen = screens[1:3] // both schemes, and both widths
			}
			for _, screen := range chosen {
				p.Screen(screen.width, screen.height, screen.scheme)
				for _, v := range list {
					p.Go(v.hash)
					for _, found := range p.Accessible() {
						t.Errorf("%s, %s: %s", v.hash, screen.name, found)
					}
					if p.Text("document.documentElement.scrollWidth > innerWidth") == "true" {
						t.Errorf("%s, %s: the page scrolls sideways", v.hash, screen.name)
					}
				}
			}
		})
	}
}

// TestPageHostile shows that names are text wherever they stand.
func TestPageHostile(t *testing.T) {
	list := []string{
		`</script><script>alert(1)</script>`, `<img src=x onerror=alert(1)>`, `"><svg onload=alert(1)>`, `{{constructor.constructor('alert(1)')()}}`,
		"\u202egnp.exe\u2028\u2066\x00</title>", "javascript:alert(1)", "__proto__", `' && alert(1) && '`, "dеlete_аll", strings.Repeat("a_very_long_name_", 40),
	}
	if rounds.Of(1, 2) == 1 {
		list = []string{strings.Join(list[:5], " "), strings.Join(list[5:8], " "), list[8] + list[9]}
	}
	for i, s := range list {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			p := browser.Open(t, pageFile(t, hostile(t, s), report.Options{}))
			for _, screen := range screens[1:3] {
				p.Screen(screen.width, screen.height, screen.scheme)
				hashes := []string{"#/", "#/matrix", "#/findings", "#/tests"}
				hashes = append(hashes, browser.Eval[[]string](p, "location.hash = '#/', [...document.querySelectorAll('main a')].map((a) => a.getAttribute('href'))")...)
				for _, hash := range hashes {
					p.Go(hash)
					if strings.HasPrefix(hash, "#/matrix") {
						p.Do(chromedp.Focus(chromedp.CSS("td[tabindex='0']")))
						p.Press("\r")
					}
					if n := p.Text("[document.scripts.length, document.querySelectorAll('img, iframe, object, embed, base, form, [style*=url], [onload], [onerror], a:not([href^=\"#\"])').length]"); n != "2,0" {
						t.Errorf("%s: elements that are not the page's own: %s", hash, n)
					}
					if p.Text("document.documentElement.scrollWidth > innerWidth") == "true" {
						t.Errorf("%s: the page scrolls sideways", hash)
					}
				}
			}
			p.Quiet()
		})
	}
}

// TestPagePrint shows that all is printed, whatever is looked at and folded.
func TestPagePrint(t *testing.T) {
	p := openPage(t, "insecure")
	p.Go("#/reach/scout")
	browser.Eval[bool](p, "dispatchEvent(new Event('beforeprint'))")
	for _, want := range []string{"Not ready:", "every principal may call delete_customer", "Failed cases", "Who reaches how much", "Matrix", "What this rests on", "get_commission_statement"} {
		wantText(t, p, "#print", want)
	}
	if n := p.Text("document.querySelectorAll('#print button, #print details:not([open])').length"); n != "0" {
		t.Errorf("%s things that are printed are folded", n)
	}
	browser.Eval[bool](p, "dispatchEvent(new Event('afterprint'))")
	if pdf := p.Print(); len(pdf) < 20_000 {
		t.Errorf("a PDF of %d bytes", len(pdf))
	}
	p.Quiet()
}

// TestPageNameless shows that people's names are nowhere in a page that leaves them out.
func TestPageNameless(t *testing.T) {
	d := checkedFolder(t, "..", "fixtures", "insecure")
	file := pageFile(t, d, report.Options{Nameless: true})
	data, err := os.ReadFile(filepath.Clean(file))
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(data), `id="data">`)
	for who := range d.Matrix.Principals() {
		there := regexp.MustCompile(`\b` + who.Key + `\b`).MatchString(text)
		if person := who.Kind == authz.Human; person == there {
			t.Errorf("%s, a %s: in the page is %v", who.Key, who.Kind, !person)
		}
	}
	p := browser.Open(t, file)
	for _, hash := range []string{"#/", "#/matrix", "#/findings", "#/tests", "#/reach/class 2", "#/who/crm/tool/delete_customer"} {
		p.Go(hash)
		for _, found := range p.Accessible() {
			t.Errorf("%s: %s", hash, found)
		}
	}
	wantText(t, p, ".who", "SALES")
	p.Quiet()
}

// TestPageDelegates shows that an agent that may do more than its person is never
// said to do no more: be it that the person may only on a condition.
func TestPageDelegates(t *testing.T) {
	p := openPage(t, "insecure")
	p.Go("#/reach/scout")
	wantText(t, p, ".card h2", "More than sally may")
	wantText(t, p, ".card", "scout acts for sally, who may not, or not with all arguments, use get_pipeline_report on crm.")
	p = openPage(t, "github")
	p.Go("#/reach/sorter")
	wantText(t, p, ".card h2", "Not the same as tariq may")
	p.Go("#/reach/shipper")
	wantText(t, p, ".card h2", "mona may")
}
