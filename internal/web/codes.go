package web

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/i18n"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/web/page"
)

// codes are the pages about error codes, one each, as every refusal links them.
type codes struct{}

func (c codes) mount(on mounter) {
	on(http.MethodGet, "/errors", c.list)
	on(http.MethodGet, "/errors/{code}", c.show)
}

func (codes) list(v *visit) error {
	var view page.Codes
	all := fault.All()
	for _, code := range slices.Sorted(maps.Keys(all)) {
		e := all[code]
		title := e.English
		if v.words.Lang() == "ko" {
			title = e.Korean
		}
		view.List = append(view.List, page.CodeLine{Code: string(code), Status: strconv.Itoa(e.Status), Title: pieces(title)})
	}
	return v.show(page.CodesPage(v.frame("codes.title"), view))
}

func (codes) show(v *visit) error {
	e, ok := fault.Lookup(fault.Code(v.r.PathValue("code")))
	if !ok {
		return fault.New(fault.NotFound)
	}
	english := page.CodeText{Lang: "en", Heading: i18n.In("en").Say("codes.next"), Title: pieces(e.English), Fix: pieces(e.EnglishFix)}
	korean := page.CodeText{Lang: "ko", Heading: i18n.In("ko").Say("codes.next"), Title: pieces(e.Korean), Fix: pieces(e.KoreanFix)}
	view := page.CodePage{
		Code: string(e.Code), Status: strconv.Itoa(e.Status) + " " + http.StatusText(e.Status), Outside: string(e.Outside),
		Texts: []page.CodeText{english, korean},
	}
	if v.words.Lang() == "ko" {
		slices.Reverse(view.Texts)
	}
	f := v.frame("codes.title")
	f.Title = string(e.Code)
	return v.show(page.CodeOnePage(f, view))
}

// pieces cuts a text of the registry at the values that will stand in it.
func pieces(text string) (list []page.Piece) {
	for {
		before, rest, ok := strings.Cut(text, "{")
		if before != "" {
			list = append(list, page.Piece{Text: before})
		}
		if !ok {
			return list
		}
		name, after, _ := strings.Cut(rest, "}")
		list = append(list, page.Piece{Name: name})
		text = after
	}
}

// languages is the choice of language. It lives in the browser, which may be anybody's; a user who is signed in chooses their own with it, for
// mails and other browsers.
type languages struct {
	accounts interface {
		SetLang(ctx context.Context, p principal.Principal, lang string) error
	}
}

// choiceLife is as long as browsers keep a cookie at most (RFC 6265bis §5.5).
const choiceLife = 400 * 24 * time.Hour

func (l languages) mount(on mounter) { on(http.MethodPost, "/language", l.choose) }

func (l languages) choose(v *visit) error {
	in, err := v.form.only("lang", "return_to")
	if err != nil {
		return err
	}
	if in["lang"] != "en" && in["lang"] != "ko" {
		return fault.New(fault.RequestInvalid, "field", "lang")
	}
	if v.who.Kind == principal.KindUser {
		if err := l.accounts.SetLang(v.r.Context(), v.who, in["lang"]); err != nil {
			return err
		}
	}
	http.SetCookie(v.w, &http.Cookie{
		Name: httpx.LangCookie, Value: in["lang"], Path: "/", MaxAge: int(choiceLife / time.Second), Secure: true, HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
	})
	return v.leave(v.web.local(in["return_to"]))
}
