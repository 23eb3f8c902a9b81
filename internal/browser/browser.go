// Package browser lets tests look at pages in a real Chromium, as people see them:
// on screens of any size, light and dark, by keyboard, and printed.
//
// A test that asks for it is skipped in short runs, and where no Chromium is
// installed. With MCPOLICY_REQUIRE_CHROMIUM set it fails there instead, so that CI
// cannot pass by skipping. Checks of accessibility are those of axe-core, from npm, in
// the version that package.json pins and with the hash that package-lock.json has.
package browser

import (
	"context"
	_ "embed" // the pinned package
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/mcpolicy/mcpolicy/internal/npm"
)

// requireEnv names the variable that makes tests fail where they would skip.
const requireEnv = "MCPOLICY_REQUIRE_CHROMIUM"

var (
	//go:embed package.json
	packageJSON []byte
	//go:embed package-lock.json
	packageLock []byte
)

// axe returns the source of axe-core.
var axe = sync.OnceValues(func() (string, error) {
	p := npm.Package{Name: "axe", JSON: packageJSON, Lock: packageLock, File: filepath.Join("axe-core", "axe.min.js")}
	path, err := p.Path()
	if err != nil {
		return "", err
	}
	data, err := os.ReadFile(path)
	return string(data), err
})

// patience bounds all that is done with a page.
const patience = 2 * time.Minute

// A Page is one that is looked at. What it does that it must not is kept.
type Page struct {
	t   testing.TB
	ctx context.Context

	mu       sync.Mutex
	trouble  []string // what the console says, dialogs
	requests []string // but the page's own
}

// Open starts a browser with the page of a file.
func Open(t testing.TB, file string) *Page {
	t.Helper()
	if testing.Short() {
		t.Skip("a browser is not started in short runs")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium(t)), chromedp.NoSandbox,
		chromedp.Flag("force-color-profile", "srgb"), chromedp.Flag("disable-lcd-text", true), chromedp.WSURLReadTimeout(time.Minute))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	p := &Page{t: t, ctx: ctx}
	if err := chromedp.Listen(ctx, p.listen); err != nil {
		t.Fatalf("start %s: %v", chromium(t), err)
	}
	ctx, cancel = context.WithTimeout(ctx, patience)
	t.Cleanup(cancel)
	p.ctx = ctx
	call(p, network.Enable, network.EnableParams{})
	call(p, cdplog.Enable, cdp.Empty{})
	call(p, page.Enable, page.EnableParams{})
	call(p, runtime.Enable, cdp.Empty{})
	p.size(1440, 900)
	p.Do(chromedp.Navigate("file://" + file))
	return p
}

// call runs a command of the browser's protocol.
func call[P, R any](p *Page, command cdp.Command[P, R], params P) R {
	p.t.Helper()
	r, err := chromedp.Call(p.ctx, command, params)
	if err != nil {
		p.t.Fatal(err)
	}
	return r
}

func (p *Page) size(width, height int) {
	p.t.Helper()
	call(p, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: int64(width), Height: int64(height), DeviceScaleFactor: 1, Mobile: width < 500,
	})
}

// chromium returns the path of an installed one.
func chromium(t testing.TB) string {
	t.Helper()
	for _, name := range []string{os.Getenv("MCPOLICY_CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); name != "" && err == nil {
			return path
		}
	}
	if os.Getenv(requireEnv) != "" {
		t.Fatal("no Chromium is installed")
	}
	t.Skip("no Chromium is installed")
	return ""
}

func (p *Page) listen(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if e.Type != network.ResourceTypeDocument && !strings.HasPrefix(e.Request.URL, "data:") {
			p.requests = append(p.requests, e.Request.URL)
		}
	case *runtime.EventConsoleAPICalled:
		p.trouble = append(p.trouble, fmt.Sprintf("console: %s", e.Type))
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if x := e.ExceptionDetails.Exception; x != nil {
			text += " " + x.Description
		}
		p.trouble = append(p.trouble, "exception: "+text)
	case *cdplog.EventEntryAdded:
		p.trouble = append(p.trouble, "log: "+e.Entry.Text)
	case *page.EventJavascriptDialogOpening:
		p.trouble = append(p.trouble, "dialog: "+e.Message)
		go func() {
			_, _ = chromedp.Call(p.ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{})
		}()
	}
}

// Do does something with the page.
func (p *Page) Do(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, actions...); err != nil {
		p.t.Fatalf("%v\n%s", err, strings.Join(p.trouble, "\n"))
	}
}

// Eval returns what an expression comes to in the page.
func Eval[T any](p *Page, expression string) T {
	p.t.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%s: %v\n%s", expression, err, strings.Join(p.trouble, "\n"))
	}
	return v
}

// Text returns what an expression comes to in the page, as a text.
func (p *Page) Text(expression string) string {
	p.t.Helper()
	return Eval[string](p, "String("+expression+")")
}

// drawn is when the page has been drawn.
const drawn = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(0), 30))))"

// Go goes to a view by its hash, and waits until it is drawn.
func (p *Page) Go(hash string) {
	p.t.Helper()
	Eval[float64](p, fmt.Sprintf("location.hash = %q; %s", hash, drawn))
}

// Screen sets the size of the screen and the scheme: light or dark.
func (p *Page) Screen(width, height int, scheme string) {
	p.t.Helper()
	p.size(width, height)
	call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
	Eval[float64](p, drawn)
}

// Shot returns a picture of what shows, as a PNG.
func (p *Page) Shot() []byte {
	p.t.Helper()
	png, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.t.Fatal(err)
	}
	return png
}

// Print returns the page as it is printed, as a PDF.
func (p *Page) Print() []byte {
	p.t.Helper()
	pdf, err := chromedp.Run(p.ctx, chromedp.PrintToPDF(chromedp.PDFPreferCSSPageSize(), chromedp.PDFPrintBackground()))
	if err != nil {
		p.t.Fatal(err)
	}
	return pdf
}

// Press presses keys, one after the other.
func (p *Page) Press(keys ...string) {
	p.t.Helper()
	for _, k := range keys {
		p.Do(chromedp.KeyEvent(k))
	}
	Eval[float64](p, drawn)
}

// Keys that have no character of their own, for Press.
const (
	ArrowDown  = kb.ArrowDown
	ArrowRight = kb.ArrowRight
	Home       = kb.Home
	End        = kb.End
)

// Type types a text where the focus is.
func (p *Page) Type(text string) {
	p.t.Helper()
	p.Do(chromedp.KeyEvent(text))
	p.Settle()
}

// Settle waits until the page has been drawn.
func (p *Page) Settle() {
	p.t.Helper()
	Eval[float64](p, drawn)
}

// Quiet fails the test if the page asked for anything, or said anything on the console.
func (p *Page) Quiet() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.requests) > 0 {
		p.t.Errorf("the page asked for %s", strings.Join(p.requests, ", "))
	}
	if len(p.trouble) > 0 {
		p.t.Errorf("the page is not quiet:\n%s", strings.Join(p.trouble, "\n"))
	}
}

// Accessible returns what axe-core has against what shows.
func (p *Page) Accessible() []string {
	p.t.Helper()
	text, err := axe()
	npm.Need(p.t, "axe-core", requireEnv, "", err)
	if !Eval[bool](p, "typeof axe === 'object'") {
		Eval[float64](p, text+"; 0")
	}
	return Eval[[]string](p, `axe.run(document, {resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})
		.then((r) => r.violations.flatMap((v) => v.nodes.slice(0, 3).map((n) => v.id + ': ' + n.html.slice(0, 200) + ' ' + n.failureSummary.replace(/\s+/g, ' '))))`)
}
