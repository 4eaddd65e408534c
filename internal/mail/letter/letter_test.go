package letter_test

import (
	"flag"
	"fmt"
	"html"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/seed-21c57000/sallyport/internal/mail/letter"
)

var update = flag.Bool("update", false, "write the letters of testdata anew")

var seoul = time.FixedZone("KST", 9*3600)

func frame(language string) letter.Frame {
	return letter.Frame{
		Language: language, Zone: seoul, Product: "Sallyport", Phrase: "blue heron at noon",
		Message: "msg_069g9r2kt0f7s8w3a5q1z7y6xc", NotMe: "/not-me/msg_069g9r2kt0f7s8w3a5q1z7y6xc.q8_-", NotMeFor: 24 * time.Hour,
		Links: letter.Links{Origin: "https://app.example.com"},
	}
}

// usesOfFound are what a found key did, the latest first.
var usesOfFound = []letter.KeyUse{
	{At: time.Date(2026, 11, 21, 9, 5, 0, 0, time.UTC), Calls: "1", Route: "POST /v1/orders", Code: "key.scope_missing", Place: "address 198.51.100.9"},
	{At: time.Date(2026, 11, 21, 8, 5, 0, 0, time.UTC), Calls: "14", Route: "GET /v1/accounts", Place: "near Seoul, KR (address 203.0.113.7)"},
}

// samples holds one letter of each kind, and both sides of each choice within one. Words for devices and places come from outside.
func samples(language string) map[string]letter.Letter {
	at := time.Date(2026, 11, 21, 9, 5, 0, 0, time.UTC)
	seen := letter.Sighting{Device: "Chrome on Windows", Place: "near Seoul, KR (from network address)", At: at}
	scopes := []string{"see balances and orders", "place orders"}
	if language == "ko" {
		seen.Device, seen.Place = "Windows의 Chrome", "서울 부근, KR (네트워크 주소 기준)"
		scopes = []string{"잔고와 주문 조회", "주문"}
	}
	return map[string]letter.Letter{
		"sign_up_code":             letter.SignUpCode{Code: "492817", ValidFor: 10 * time.Minute, Seen: seen},
		"sign_up_existing":         letter.SignUpExisting{Seen: seen},
		"welcome":                  letter.Welcome{},
		"limited_sign_in":          letter.LimitedSignIn{Seen: seen},
		"session_copied":           letter.SessionCopied{Seen: seen},
		"cookie_replayed":          letter.CookieReplayed{Seen: seen, Hold: 24 * time.Hour},
		"session_disowned":         letter.SessionDisowned{Seen: seen, Hold: 24 * time.Hour},
		"try_disowned":             letter.SessionDisowned{Seen: seen, Hold: 24 * time.Hour, Refused: true},
		"new_device":               letter.NewDevice{Seen: seen},
		"password_changed":         letter.PasswordChanged{Seen: seen, Hold: 24 * time.Hour},
		"password_changed_no_hold": letter.PasswordChanged{Seen: seen},
		"factor_added":             letter.FactorAdded{Factor: letter.Passkey, Name: "Kim's iPhone", Seen: seen, Settles: 72 * time.Hour},
		"factor_added_at_once":     letter.FactorAdded{Factor: letter.TOTP, Seen: seen},
		"factor_removed":           letter.FactorRemoved{Factor: letter.TOTP, Name: "old phone", Seen: seen, Hold: 24 * time.Hour},
		"factor_removed_no_hold":   letter.FactorRemoved{Factor: letter.Password, Seen: seen},
		"codes_guessed":            letter.CodesGuessed{Count: 10, Seen: seen},
		"codes_guessed_resting":    letter.CodesGuessed{Count: 100, Resting: true, Seen: seen},
		"passkey_cloned":           letter.PasskeyCloned{Name: "blue key", Seen: seen},
		"key_created_by_platform":  letter.KeyCreated{Key: "key_live_x", Name: "grid-btc", Scopes: scopes, Expires: at.AddDate(0, 0, 90), ByPlatform: true, Seen: letter.Sighting{At: at}},
		"key_created":              letter.KeyCreated{Key: "key_live_x", Name: "grid-btc", Scopes: scopes, Expires: at.AddDate(0, 0, 90), Seen: seen},
		"money_confirmed":          letter.MoneyConfirmed{What: "0.5 BTC → bc1qexample (BTC)", Memo: "7", Exchange: "paper", Seen: seen},
		"key_revoked":              letter.KeyRevoked{Key: "key_live_x", Orders: letter.LeaveOrders, Name: "grid-btc", Seen: seen},
		"signed_out_everywhere":    letter.SignedOutEverywhere{Seen: seen},
		"signed_out_others":        letter.SignedOutOthers{Seen: seen},
		"signed_out_keys_frozen":   letter.SignedOutEverywhere{Seen: seen, Frozen: true},
		"others_out_keys_frozen":   letter.SignedOutOthers{Seen: seen, Frozen: true},
		"account_locked":           letter.AccountLock{Seen: seen},
		"account_unlocked":         letter.AccountLock{Unlocked: true, Seen: seen},
		"departure_begun":          letter.Departure{Ends: at.AddDate(0, 0, 7), Seen: seen},
		"departure_stopped":        letter.Departure{Seen: seen},
		"contact_code":             letter.ContactCode{Code: "492817", ValidFor: 10 * time.Minute},
		"contact_code_texted":      letter.ContactCode{Phone: true, ValidFor: 10 * time.Minute},
		"contact_code_in_the_app":  letter.ContactCode{Second: true, ValidFor: 10 * time.Minute},
		"contact_taken":            letter.ContactTaken{},
		"contact_changed":          letter.ContactChanged{Old: "kim@example.com", New: "kim@example.org", Seen: seen, Hold: 72 * time.Hour},
		"contact_changed_phone":    letter.ContactChanged{Phone: true, Old: "+821012345678", Seen: seen},
		"contact_changed_second":   letter.ContactChanged{Second: true, New: "kim@example.net", Seen: seen},
		"contained":                letter.Contained{Seen: seen, Hold: 24 * time.Hour},
		"key_widened":              letter.KeyChanged{Change: "key_widened", Key: "key_live_x", Name: "grid-btc", Seen: seen},
		"key_woken":                letter.KeyChanged{Change: "key_woken", Key: "key_live_x", Name: "grid-btc", Seen: seen},
		"key_released":             letter.KeyChanged{Change: "key_released", Key: "key_live_x", Name: "grid-btc", Seen: seen},
		"key_expired":              letter.KeyAged{Change: "key_expired", Key: "key_live_x", Name: "grid-btc", Seen: at},
		"key_lapsed":               letter.KeyAged{Change: "key_lapsed", Key: "key_live_x", Name: "grid-btc", Seen: at},
		"key_unused":               letter.KeyAged{Change: "key_unused", Key: "key_live_x", Name: "grid-btc", Seen: at},
		"key_unneeded":             letter.KeyUnneeded{Key: "key_live_x", Name: "grid-btc", Scopes: []string{"Place orders", "See orders"}, Seen: at},
		"key_narrowed":             letter.KeyAged{Change: "key_narrowed", Key: "key_live_x", Name: "grid-btc", Seen: at},
		"key_disabled":             letter.KeyAged{Change: "key_disabled", Key: "key_live_x", Name: "grid-btc", Seen: at},
		"key_expiring":             letter.KeyAged{Change: "key_expiring", Key: "key_live_x", Name: "grid-btc", Ends: at.AddDate(0, 0, 7), Seen: at},
		"key_lapsing":              letter.KeyAged{Change: "key_lapsing", Key: "key_live_x", Name: "grid-btc", Ends: at.AddDate(0, 0, 7), Seen: at},
		"key_found":                letter.KeyFound{Key: "key_live_x", Name: "grid-btc", Host: "gist.github.com", Seen: at, Since: at.AddDate(0, 0, -7), Calls: "0", Places: "0"},
		"key_found_used":           letter.KeyFound{Key: "key_live_x", Name: "grid-btc", Host: "gist.github.com", Orders: "leave", Seen: at, Since: at.AddDate(0, 0, -7), Calls: "15", Places: "2", Uses: usesOfFound},
		"key_strayed":              letter.KeyAged{Change: "key_strayed", Key: "key_live_x", Name: "grid-btc", From: "198.51.100.9", Seen: at},
		"recovery_code":            letter.RecoveryCode{Code: "48201753", ValidFor: 10 * time.Minute, Seen: seen},
		"recovery_nobody":          letter.RecoveryNobody{Seen: seen},
		"recovery_waiting":         letter.RecoveryWaiting{Wait: 72 * time.Hour, Seen: seen},
		"recovery_waiting_since":   letter.RecoveryWaiting{Wait: 7 * 24 * time.Hour, Ends: at.AddDate(0, 0, 6), Seen: seen},
		"invitation":               letter.Invitation{By: "Min", Account: "Desk", Role: "trader", Ends: at.AddDate(0, 0, 7)},
		"membership":               letter.MembershipChanged{Account: "Desk", Role: "viewer"},
		"membership_removed":       letter.MembershipChanged{Account: "Desk"},
		"member_frozen":            letter.MemberFrozen{Account: "Desk"},
		"member_invited":           letter.MemberComing{Mail: "min@example.com", Role: "trader", Seen: seen},
		"contained_other":          letter.ContainedOther{Seen: seen},
		"contained_other_doer":     letter.ContainedOther{Seen: seen, Questioned: true},
		"act_questioned":           letter.ActQuestioned{Member: "Min", Account: "Desk", Reported: "member_invited", Seen: seen, Hold: 24 * time.Hour},
		"member_unfrozen":          letter.MemberUnfrozen{Mail: "min@example.com", Role: "trader", Seen: seen},
		"member_joined":            letter.MemberComing{Mail: "min@example.com", Role: "trader", Joined: true, Seen: letter.Sighting{At: at}},
		"keys_left":                letter.KeysLeft{Member: "Min", Keys: "3", Services: "1", Ends: at.AddDate(0, 0, 14)},
		"sponsor_disabled":         letter.KeysLeft{Member: "Min", Services: "1", Disabled: true, Ends: at.AddDate(0, 0, 14)},
		"sponsors_changed":         letter.SponsorsChanged{Machine: "grid bots", One: "Ada", Two: "Min", Seen: seen},
		"key_transferred":          letter.KeyChanged{Change: "key_transferred", Key: "key_live_x", Name: "grid-btc", Seen: seen},
		"key_orphaned":             letter.KeyAged{Change: "key_orphaned", Key: "key_live_x", Name: "grid-btc", Seen: at},
		"departure_near":           letter.DepartureNear{Ends: at.AddDate(0, 0, 1)},
		"user_raised":              letter.HighValue{From: at.AddDate(0, 0, 7)},
		"user_lowered":             letter.HighValue{},
		"demand_made":              letter.Demand{Area: "trading", Seen: seen},
		"demand_made_settings":     letter.Demand{Area: "settings", Seen: seen},
		"demand_dropped":           letter.Demand{Area: "trading", Until: at.AddDate(0, 0, 7), Seen: seen},
		"demand_dropped_settings":  letter.Demand{Area: "settings", Until: at.AddDate(0, 0, 7), Seen: seen},
		"recovery_ready":           letter.RecoveryReady{Until: at.AddDate(0, 0, 7)},
		"recovery_cancelled":       letter.RecoveryCancelled{Seen: seen},
		"recovery_disputed":        letter.RecoveryDisputed{Seen: seen},
		"recovery_rejected":        letter.RecoveryRejected{},
		"recovery_completed":       letter.RecoveryCompleted{Seen: seen, Hold: 72 * time.Hour},
		"recovery_dropped":         letter.RecoveryCompleted{Seen: seen, Second: "kim@example.net", Number: "+821012345678", Hold: 72 * time.Hour},
		"mailbox_trial":            letter.MailboxTrial{Code: "48201753", ValidFor: 10 * time.Minute, Seen: seen},
		"recovery_codes_replaced":  letter.RecoveryCodesReplaced{Seen: seen, Hold: 72 * time.Hour},
		"recovery_lengthened":      letter.RecoveryLengthened{Wait: 30 * 24 * time.Hour, Seen: seen},
		"phrase_changed":           letter.PhraseChanged{Seen: seen},
		"recovery_opened":          letter.RecoveryOpened{},
		"recovery_shortened":       letter.RecoveryShortened{Wait: 7 * 24 * time.Hour, Seen: seen, Hold: 72 * time.Hour},
		"device_lost":              letter.DeviceLost{Device: seen.Device, Passkeys: "Phone", Seen: seen, Hold: 24 * time.Hour},
		"key_rotated":              letter.KeyChanged{Change: "key_rotated", Key: "key_live_x", Name: "grid-btc", Ends: at.AddDate(0, 0, 1), Seen: seen},
		"key_extended":             letter.KeyChanged{Change: "key_extended", Key: "key_live_x", Name: "grid-btc", Ends: at.AddDate(0, 0, 1), Seen: seen},
		"key_retiring":             letter.KeyAged{Change: "key_retiring", Key: "key_live_x", Name: "grid-btc", From: "203.0.113.7", Ends: at.AddDate(0, 0, 1), Seen: at},
		"key_unseen":               letter.KeyAged{Change: "key_unseen", Key: "key_live_x", Name: "grid-btc", From: "203.0.113.7", Ends: at.AddDate(0, 0, 1), Seen: at},
		"key_frozen":               letter.KeyChanged{Change: "key_frozen", Key: "key_live_x", Orders: letter.CancelOrders, Name: "grid-btc", Seen: seen},
		"key_unfrozen":             letter.KeyChanged{Change: "key_unfrozen", Key: "key_live_x", Name: "grid-btc", Seen: seen},
		"key_blocked":              letter.KeyChanged{Change: "key_blocked", Key: "key_live_x", Name: "grid-btc", Seen: seen},
		"key_unblocked":            letter.KeyChanged{Change: "key_unblocked", Key: "key_live_x", Name: "grid-btc", Seen: seen},
		"key_leaked":               letter.KeyChanged{Change: "key_leaked", Key: "key_live_x", Orders: letter.CancelOrders, Name: "grid-btc", Seen: seen},
	}
}

func render(t *testing.T, l letter.Letter, f letter.Frame) letter.Rendered {
	t.Helper()
	r, err := letter.Render(l, f)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var tags = regexp.MustCompile(`<[^>]*>`)

// visible gives the words that a browser shows of a letter.
func visible(t *testing.T, page string) []string {
	t.Helper()
	_, body, found := strings.Cut(page, "<body")
	if !found {
		t.Fatalf("no body in %s", page)
	}
	return strings.Fields(html.UnescapeString(tags.ReplaceAllString("<body"+body, " ")))
}

func TestBothPartsSayTheSameWords(t *testing.T) {
	for _, language := range []string{"en", "ko"} {
		for name, l := range samples(language) {
			t.Run(language+" "+name, func(t *testing.T) {
				r := render(t, l, frame(language))
				// The address under a button is that of the button, so what can be read is what will be opened.
				if diff := cmp.Diff(strings.Fields(r.Text), visible(t, r.HTML)); diff != "" {
					t.Errorf("text against HTML:\n%s", diff)
				}
				for _, part := range []string{r.Subject, r.Text, r.HTML} {
					if strings.Contains(part, "{") && !strings.Contains(part, "@media") {
						t.Errorf("a placeholder is left in %s", part)
					}
				}
			})
		}
	}
}

// The texts of all letters, for people to read: go test ./internal/mail/letter -update
func TestLettersReadAsInTestdata(t *testing.T) {
	for _, language := range []string{"en", "ko"} {
		path := "testdata/" + language + ".txt"
		var all strings.Builder
		letters := samples(language)
		for _, name := range sortedNames(letters) {
			r := render(t, letters[name], frame(language))
			fmt.Fprintf(&all, "──── %s\nSubject: %s\n\n%s\n", name, r.Subject, r.Text)
		}
		if *update {
			if err := os.WriteFile(path, []byte(all.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), all.String()); diff != "" {
			t.Errorf("%s, which -update writes anew:\n%s", path, diff)
		}
	}
}

var (
	hrefs    = regexp.MustCompile(`href="([^"]*)"`)
	language = regexp.MustCompile(`<html lang="(..)">`)
)

// Nothing is fetched by opening a letter, and nothing leads anywhere but to our own pages, without a query or fragment that could
// carry a secret.
func TestLettersLeadToOurPagesOnly(t *testing.T) {
	for _, lang := range []string{"en", "ko"} {
		for name, l := range samples(lang) {
			t.Run(lang+" "+name, func(t *testing.T) {
				r := render(t, l, frame(lang))
				if got := language.FindStringSubmatch(r.HTML); got == nil || got[1] != lang {
					t.Errorf("language %v, want %s", got, lang)
				}
				for _, forbidden := range []string{"<script", "<img", "<link", "<iframe", "<form", "<object", "@import", "url(", " on", "data:", "cid:"} {
					if strings.Contains(strings.ToLower(tagsOf(r.HTML)), forbidden) {
						t.Errorf("the markup contains %q", forbidden)
					}
				}
				for _, href := range hrefs.FindAllStringSubmatch(r.HTML, -1) {
					if path, ours := strings.CutPrefix(href[1], "https://app.example.com/"); !ours || strings.ContainsAny(path, "?#&%") {
						t.Errorf("leads to %s", href[1])
					}
					if !strings.Contains(r.Text, "\n"+href[1]+"\n") {
						t.Errorf("leads to %s, which cannot be read", href[1])
					}
				}
				if code := "492817"; strings.Contains(r.Subject+r.HTML+r.Text, code) != (name == "sign_up_code" || name == "contact_code") || strings.Contains(r.Subject, code) {
					t.Error("the code is where it should not be, or is missing")
				}
				if !strings.Contains(r.Text, "blue heron at noon") {
					t.Error("the user's phrase is missing")
				}
			})
		}
	}
}

// tagsOf gives the markup of a page without what stands between tags.
func tagsOf(page string) string { return strings.Join(tags.FindAllString(page, -1), "\n") }

func TestFrame(t *testing.T) {
	l := letter.NewDevice{Seen: letter.Sighting{Device: "curl", At: time.Date(2026, 11, 21, 9, 5, 0, 0, time.UTC)}}
	t.Run("a language we lack reads English", func(t *testing.T) {
		if got, want := render(t, l, frame("fr")), render(t, l, frame("en")); got != want {
			t.Error(cmp.Diff(want, got))
		}
	})
	t.Run("without a phrase there is no line about one", func(t *testing.T) {
		f := frame("en")
		f.Phrase = ""
		if r := render(t, l, f); strings.Contains(r.Text, "phrase") {
			t.Error(r.Text)
		}
	})
	t.Run("what was not seen is left out", func(t *testing.T) {
		r := render(t, letter.NewDevice{}, frame("en"))
		for _, label := range []string{"Device:", "Place:", "Time:", "<dl"} {
			if strings.Contains(r.Text+r.HTML, label) {
				t.Errorf("%s is shown without a value", label)
			}
		}
	})
	for name, want := range map[string]string{"Asia/Seoul": "21 November 2026, 18:05 (KST)", "America/Sao_Paulo": "21 November 2026, 06:05 (UTC-03)", "": "21 November 2026, 09:05 (UTC)"} {
		t.Run("times in "+name, func(t *testing.T) {
			f := frame("en")
			f.Zone = nil
			if name != "" {
				zone, err := time.LoadLocation(name)
				if err != nil {
					t.Fatal(err)
				}
				f.Zone = zone
			}
			if r := render(t, l, f); !strings.Contains(r.Text, want) {
				t.Errorf("%s does not name %s", r.Text, want)
			}
		})
	}
	t.Run("times in Korean", func(t *testing.T) {
		if r := render(t, l, frame("ko")); !strings.Contains(r.Text, "2026년 11월 21일 18:05 (KST)") {
			t.Error(r.Text)
		}
	})
}

func TestDurationsReadAsPeopleSay(t *testing.T) {
	tests := []struct {
		d      time.Duration
		en, ko string
	}{
		{time.Second, "within 1 minute.", "1분 안에"},
		{time.Minute, "within 1 minute.", "1분 안에"},
		{10 * time.Minute, "within 10 minutes.", "10분 안에"},
		{90 * time.Minute, "within 90 minutes.", "90분 안에"},
		{time.Hour, "within 1 hour.", "1시간 안에"},
		{24 * time.Hour, "within 24 hours.", "24시간 안에"},
		{72 * time.Hour, "within 72 hours.", "72시간 안에"},
		{7 * 24 * time.Hour, "within 7 days.", "7일 안에"},
	}
	for _, test := range tests {
		l := letter.SignUpCode{Code: "1", ValidFor: test.d}
		if en, ko := render(t, l, frame("en")).Text, render(t, l, frame("ko")).Text; !strings.Contains(en, test.en) || !strings.Contains(ko, test.ko) {
			t.Errorf("%v: want %q and %q in\n%s\n%s", test.d, test.en, test.ko, en, ko)
		}
	}
}

// Each letter about a key has a link to the page of exactly that key.
func TestLettersAboutAKeyLinkToItsPage(t *testing.T) {
	for name, l := range samples("en") {
		switch l.(type) {
		case letter.KeyCreated, letter.KeyRevoked, letter.KeyChanged, letter.KeyAged, letter.KeyUnneeded:
			if text := render(t, l, frame("en")).Text; !strings.Contains(text, "/keys/key_live_x\n") {
				t.Errorf("%s does not:\n%s", name, text)
			}
		}
	}
}

func TestRenderRefuses(t *testing.T) {
	for name, change := range map[string]func(f *letter.Frame){
		"no product":        func(f *letter.Frame) { f.Product = "" },
		"no origin":         func(f *letter.Frame) { f.Links.Origin = "" },
		"no scheme":         func(f *letter.Frame) { f.Links.Origin = "app.example.com" },
		"plain http":        func(f *letter.Frame) { f.Links.Origin = "http://app.example.com" },
		"like localhost":    func(f *letter.Frame) { f.Links.Origin = "http://localhost.example.com" },
		"other scheme":      func(f *letter.Frame) { f.Links.Origin = "javascript://localhost" },
		"slash at the end":  func(f *letter.Frame) { f.Links.Origin = "https://app.example.com/" },
		"path":              func(f *letter.Frame) { f.Links.Origin = "https://app.example.com/x" },
		"query":             func(f *letter.Frame) { f.Links.Origin = "https://app.example.com?x" },
		"user":              func(f *letter.Frame) { f.Links.Origin = "https://app.example.com@evil.example" },
		"line break":        func(f *letter.Frame) { f.Links.Origin = "https://app.example.com\n" },
		"no host":           func(f *letter.Frame) { f.Links.Origin = "https://" },
		"port without host": func(f *letter.Frame) { f.Links.Origin = "https://:8443" },
	} {
		t.Run(name, func(t *testing.T) {
			f := frame("en")
			change(&f)
			if r, err := letter.Render(letter.Welcome{}, f); err == nil || r != (letter.Rendered{}) {
				t.Errorf("rendered for %+v", f)
			}
		})
	}
	t.Run("unknown factor", func(t *testing.T) {
		if _, err := letter.Render(letter.FactorAdded{Factor: "sms"}, frame("en")); err == nil {
			t.Error("rendered a factor without words")
		}
	})
	for _, origin := range []string{"http://localhost:8080", "http://127.0.0.1:8080", "https://app.example.com:8443", "https://xn--3e0b707e.kr"} {
		f := frame("en")
		f.Links.Origin = origin
		if _, err := letter.Render(letter.Welcome{}, f); err != nil {
			t.Error(err)
		}
	}
}

// Whatever a user calls a key or factor, whatever a device calls itself: the subject stays one line of bounded length, the markup
// stays ours, both parts say the same, and the letter is written.
func TestValuesAreShownAndNeverObeyed(t *testing.T) {
	nasty := rapid.OneOf(
		rapid.String(),
		rapid.SampledFrom([]string{
			"x\r\nBcc: victim@example.com", "</title><script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, "{name}", "{product}", "a\u202Eb", "\xff\xfe",
			"javascript:alert(1)", strings.Repeat("문", 500), "&lt;b&gt;", "\u2028\u2029", "", "</style>", "<!--", "]]>",
		}),
	)
	ours := tagsOf(render(t, letter.KeyCreated{Key: "key_live_x", Name: "x", Scopes: []string{"x"}, Expires: time.Unix(1, 0), Seen: letter.Sighting{Device: "x", Place: "x", At: time.Unix(1, 0)}}, frame("en")).HTML)
	rapid.Check(t, func(t *rapid.T) {
		value := func(name string) string { return "x" + nasty.Draw(t, name) } // never empty, so that no row falls away
		f := frame("en")
		f.Phrase = value("phrase")
		r, err := letter.Render(letter.KeyCreated{
			Key: "key_live_x", Name: value("key"), Scopes: []string{value("scope")}, Expires: time.Unix(1, 0),
			Seen: letter.Sighting{Device: value("device"), Place: value("place"), At: time.Unix(1, 0)},
		}, f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.ContainsAny(r.Subject, "\r\n\x00\u0085\u2028\u2029\u202E") || len([]rune(r.Subject)) > 200 {
			t.Fatalf("subject %q", r.Subject)
		}
		if got := tagsOf(r.HTML); got != ours {
			t.Fatalf("the markup became\n%s", cmp.Diff(ours, got))
		}
		if lines := strings.Count(r.Text, "\n"); lines != strings.Count(harmless(t, f), "\n") {
			t.Fatalf("%d lines of text:\n%s", lines, r.Text)
		}
	})
}

// harmless is the text of the same letter with values that nobody minds.
func harmless(t *rapid.T, f letter.Frame) string {
	f.Phrase = "x"
	r, err := letter.Render(letter.KeyCreated{Key: "key_live_x", Name: "x", Scopes: []string{"x"}, Expires: time.Unix(1, 0), Seen: letter.Sighting{Device: "x", Place: "x", At: time.Unix(1, 0)}}, f)
	if err != nil {
		t.Fatal(err)
	}
	return r.Text
}
