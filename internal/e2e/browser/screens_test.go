//go:build screens

package browser_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestScreens keeps a picture of every page in both languages, both themes, wide and on a phone: make screens.
func TestScreens(t *testing.T) {
	p := newPerson(t, startDemo(t))
	walk(p, p.picture)
	p = newPerson(t, startDemo(t))
	confirmation(p, p.picture)
}

func (p *person) picture(name string) {
	p.t.Helper()
	for _, lang := range []string{"ko", "en"} {
		for _, theme := range []string{"light", "dark"} {
			for _, width := range []int64{1280, 360} {
				l := look{lang, theme, width, ""}
				p.wear(l)
				p.keep(name + "-" + l.String() + ".png")
			}
		}
	}
	p.wear(look{"en", "dark", 1280, "more"})
	p.keep(name + "-contrast.png")
	p.wear(look{"en", "light", 1280, ""})
}

func (p *person) keep(name string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, time.Minute)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(p.t.ArtifactDir(), name), picture, 0o644); err != nil {
		p.t.Fatal(err)
	}
}
