package browser_test

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/webauthn"
)

// ahead lets a test move the page's clock, and run what the page does once a minute.
const ahead = `{
	const real = Date.now, every = window.setInterval, minutely = [];
	let offset = 0;
	Date.now = () => real() + offset;
	window.setInterval = (f, ms) => { if (ms === 60000) minutely.push(f); return every(f, ms); };
	window.later = (minutes) => { offset += minutes * 60000; minutely.forEach((f) => f()); return ""; };
}`

// TestWhatIsToComeCountsDown: a page that stays open tells how far an end is, and says it aloud only once it is near.
func TestWhatIsToComeCountsDown(t *testing.T) {
	p := newPerson(t, startDemo(t))
	call(p, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: ahead})
	p.plug(webauthn.AuthenticatorTransportInternal, true)
	p.withPasskey("ada@example.com")
	p.open(p.demo.Dashboard + "/")
	rest := func() string {
		return p.text(`(() => { const t = document.querySelector("time[data-counts]"); return t.textContent + " " + (t.getAttribute("aria-live") ?? "quiet") })()`)
	}
	for _, row := range []struct{ minutes, want string }{
		{"0", "in 30 minutes quiet"}, {"10", "in 20 minutes quiet"}, {"16", "in 4 minutes polite"}, {"4", "just now polite"}, {"5", "5 minutes ago polite"},
	} {
		p.text("later(" + row.minutes + ")")
		if got := rest(); !strings.EqualFold(got, row.want) {
			t.Errorf("%s minutes on: %q, want %q", row.minutes, got, row.want)
		}
	}
}
