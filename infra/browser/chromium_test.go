//go:build browser

package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// chromium starts the browser that CHROMIUM names, or Debian's. A machine without
// one fails: nothing was looked at then.
func chromium(t testing.TB) context.Context {
	t.Helper()
	path := os.Getenv("CHROMIUM")
	if path == "" {
		path = "chromium"
	}
	if _, err := exec.LookPath(path); err != nil {
		t.Fatalf("there is no %s: install Debian's package chromium, or set CHROMIUM to the path of one", path)
	}
	ctx, cancel := chromedp.NewContext(context.Background(), chromedp.WithAllocatorOptions(chromedp.ExecPath(path), chromedp.NoSandbox,
		chromedp.Flag("hide-scrollbars", true), chromedp.Flag("lang", "ru")))
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("Chromium did not start: %v", err)
	}
	return ctx
}

// axeCore is the engine that judges accessibility, as it came from its registry.
func axeCore(t testing.TB) string {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(root, ".tools/node_modules/axe-core/axe.min.js"))
	if err != nil {
		t.Fatalf("axe-core is not there, infra/check/install node fetches it: %v", err)
	}
	return string(source)
}

// tab is one visitor's window: cookies of its own, scripts on or off.
type tab struct {
	ctx     context.Context
	base    *url.URL
	scripts bool

	world runtime.ExecutionContextID // beside the scripts of the page that is open; 0 before anything was asked

	mu       sync.Mutex
	requests map[network.RequestID]string
	weight   int64    // of the page, its style sheets and scripts, as they came over the wire
	faults   []string // of the page that is open: complaints of the browser, foreign requests
}

// most is how long one act of the browser may take.
const most = 20 * time.Second

func open(t testing.TB, browser context.Context, base string, scripts bool) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	b := &tab{ctx: ctx, base: u, scripts: scripts, requests: map[network.RequestID]string{}}
	scheme := "light"
	if !scripts {
		scheme = "dark" // the two have nothing to do with each other, and so both are looked at
	}
	if err := chromedp.Listen(ctx, b.listen); err != nil {
		t.Fatalf("a window did not open: %v", err)
	}
	if err := b.do(
		tell(network.SetCacheDisabled, network.SetCacheDisabledParams{CacheDisabled: true}),
		tell(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}}),
	); err != nil {
		t.Fatalf("a window did not open: %v", err)
	}
	return b
}

// tell is a command whose answer says nothing.
func tell[P any](command cdp.Command[P, cdp.Empty], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, command, params)
		return err
	})
}

// listen notes what the page does and what the browser says of it.
func (b *tab) listen(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		// The browser draws the marks of its own fields from data.
		if u, err := url.Parse(e.Request.URL); err != nil || u.Host != b.base.Host && u.Scheme != "data" {
			b.faults = append(b.faults, "it asks another host: "+e.Request.URL)
		}
		if e.Type != network.ResourceTypeImage {
			b.requests[e.RequestID] = e.Request.URL
		}
	case *network.EventLoadingFinished:
		if _, counted := b.requests[e.RequestID]; counted {
			b.weight += int64(e.EncodedDataLength)
		}
	case *log.EventEntryAdded:
		// Browsers look for an icon by themselves where a page names none.
		if strings.HasSuffix(e.Entry.URL, "/favicon.ico") {
			return
		}
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			b.faults = append(b.faults, "the browser says: "+e.Entry.Text+" "+e.Entry.URL)
		}
	case *runtime.EventConsoleAPICalled:
		b.faults = append(b.faults, fmt.Sprintf("the console has a word of kind %s", e.Type))
	case *runtime.EventExceptionThrown:
		b.faults = append(b.faults, "a script failed: "+told(e.ExceptionDetails))
	}
}

// told is an exception in words.
func told(e *runtime.ExceptionDetails) string {
	if e.Exception != nil && e.Exception.Description != "" {
		return e.Exception.Description
	}
	return e.Text
}

// take gives what was noted since the last time, and begins anew.
func (b *tab) take() (weight int64, faults []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	weight, faults = b.weight, b.faults
	b.weight, b.faults, b.requests = 0, nil, map[network.RequestID]string{}
	return weight, faults
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) error {
	ctx, cancel := context.WithTimeout(b.ctx, most)
	defer cancel()
	return chromedp.Do(ctx, steps...)
}

// visit opens a page and gives its status. A visitor without scripts has them
// off until it is loaded: what asks the page later needs them, and what the page
// would have run has not run by then.
func (b *tab) visit(path string) (status int64, err error) {
	return b.load(chromedp.Navigate(b.base.String() + path))
}

// load does what leads to another page and gives its status.
func (b *tab) load(step chromedp.Action[chromedp.Void]) (status int64, err error) {
	b.take()
	b.world = 0
	if err := b.do(b.silence(!b.scripts)); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(b.ctx, most)
	defer cancel()
	answer, err := chromedp.RunResponse(ctx, step)
	if err != nil {
		return 0, fmt.Errorf("load a page: %w", err)
	}
	return answer.Status, b.do(b.silence(false))
}

// silence keeps scripts of pages from running.
func (b *tab) silence(on bool) chromedp.Action[chromedp.Void] {
	return tell(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: on})
}

// press clicks what a selector finds first, as a pointer does, and gives the
// status of the page that it leads to.
func (b *tab) press(selector string) (status int64, err error) { return b.load(click(selector)) }

// touch is press of what leads nowhere.
func (b *tab) touch(selector string) error { return b.do(click(selector)) }

func click(selector string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		found, err := find(ctx, t, selector)
		if err != nil {
			return err
		}
		if _, err := cdp.Call(ctx, t, dom.ScrollIntoViewIfNeeded, dom.ScrollIntoViewIfNeededParams{NodeID: found}); err != nil {
			return fmt.Errorf("press %s: %w", selector, err)
		}
		shape, err := cdp.Call(ctx, t, dom.GetContentQuads, dom.GetContentQuadsParams{NodeID: found})
		if err == nil && len(shape.Quads) == 0 {
			err = errors.New("it is not to be seen")
		}
		if err != nil {
			return fmt.Errorf("press %s: %w", selector, err)
		}
		q := shape.Quads[0] // four corners
		_, err = chromedp.MouseClickXY((q[0]+q[4])/2, (q[1]+q[5])/2)(ctx, t)
		return err
	})
}

// choose puts a file into a field, as a person who picks it does.
func (b *tab) choose(selector, file string) error {
	return b.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		found, err := find(ctx, t, selector)
		if err != nil {
			return err
		}
		_, err = cdp.Call(ctx, t, dom.SetFileInputFiles, dom.SetFileInputFilesParams{Files: []string{file}, NodeID: found})
		return err
	}))
}

// find asks the browser, and not the page, for what a selector finds first. A
// browser that is still putting a page together forgets what it has said of it:
// it is asked again for a while.
func find(ctx context.Context, t *chromedp.Target, selector string) (found cdp.NodeID, err error) {
	for range 20 {
		if found, err = findOnce(ctx, t, selector); err == nil {
			return found, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return 0, fmt.Errorf("find %s: %w", selector, err)
}

func findOnce(ctx context.Context, t *chromedp.Target, selector string) (cdp.NodeID, error) {
	document, err := cdp.Call(ctx, t, dom.GetDocument, dom.GetDocumentParams{})
	if err != nil {
		return 0, err
	}
	found, err := cdp.Call(ctx, t, dom.QuerySelector, dom.QuerySelectorParams{NodeID: document.Root.NodeID, Selector: selector})
	if err == nil && found.NodeID == 0 {
		err = errors.New("the page has none")
	}
	return found.NodeID, err
}

// width makes the window as wide as a phone's or a desk's screen.
func (b *tab) width(px int64) error {
	return b.do(tell(emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: px, Height: 800, DeviceScaleFactor: 1, Mobile: px < 600}))
}

// ask evaluates an expression in the page, in a world of its own beside the
// page's scripts, which stays until another page is opened.
func (b *tab) ask(expression string, into any) error {
	yes := true
	return b.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		if b.world == 0 {
			tree, err := cdp.Call(ctx, t, page.GetFrameTree, cdp.Empty{})
			if err != nil {
				return fmt.Errorf("find the page: %w", err)
			}
			world, err := cdp.Call(ctx, t, page.CreateIsolatedWorld, page.CreateIsolatedWorldParams{FrameID: tree.FrameTree.Frame.ID, WorldName: "judge"})
			if err != nil {
				return fmt.Errorf("step beside the page: %w", err)
			}
			b.world = world.ExecutionContextID
		}
		got, err := cdp.Call(ctx, t, runtime.Evaluate, runtime.EvaluateParams{Expression: expression, ContextID: b.world, AwaitPromise: &yes, ReturnByValue: &yes})
		if err != nil {
			return fmt.Errorf("ask the page: %w", err)
		}
		if got.ExceptionDetails != nil {
			return fmt.Errorf("ask the page: %s", told(got.ExceptionDetails))
		}
		if into == nil {
			return nil
		}
		return json.Unmarshal(got.Result.Value, into)
	}))
}

// cookies are those of the visitor.
func (b *tab) cookies() (cookies []*network.Cookie, err error) {
	return cookies, b.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		got, err := cdp.Call(ctx, t, network.GetCookies, network.GetCookiesParams{})
		cookies = got.Cookies
		return err
	}))
}

// picture keeps the whole page as it looks.
func (b *tab) picture(name string) error {
	beyond := true
	return b.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		got, err := cdp.Call(ctx, t, page.CaptureScreenshot, page.CaptureScreenshotParams{CaptureBeyondViewport: &beyond})
		if err != nil {
			return fmt.Errorf("take a picture: %w", err)
		}
		dir := filepath.Join(root, ".build/browser")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, name+".png"), got.Data, 0o644)
	}))
}
