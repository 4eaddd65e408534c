package apikey_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/sign"
)

// A window of a key's own holds for all of its requests but cancels, whatever its dialect and environment have.
func TestAKeyHasItsOwnWindow(t *testing.T) {
	l := newLife(t, authtest.Options{})
	l.clock.Advance(3 * time.Second)
	for _, row := range []struct {
		name        string
		window, age time.Duration
		environment id.Environment
		method      string
		want        fault.Code
	}{
		{"the dialect's", 0, 9 * time.Second, id.Live, http.MethodGet, ""},
		{"older than the dialect's", 0, 30 * time.Second, id.Live, http.MethodGet, fault.SignatureTooOld},
		{"in a window that is wider", time.Minute, 30 * time.Second, id.Live, http.MethodGet, ""},
		{"older than the widest", time.Minute, 61 * time.Second, id.Live, http.MethodGet, fault.SignatureTooOld},
		{"older than a narrow one", 2 * time.Second, 5 * time.Second, id.Live, http.MethodGet, fault.SignatureTooOld},
		{"in a narrow one", 2 * time.Second, time.Second, id.Live, http.MethodGet, ""},
		{"of a test key", 2 * time.Second, 5 * time.Second, id.Test, http.MethodGet, fault.SignatureTooOld},
		{"of a test key without one", 0, 30 * time.Second, id.Test, http.MethodGet, ""},
		{"of a cancel", 2 * time.Second, 30 * time.Second, id.Live, http.MethodDelete, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			key := l.issue(apikey.IssueInput{Scopes: trading, Window: row.window, Environment: row.environment})
			host, target := authtest.LiveHost, "/v1/accounts"
			if row.environment == id.Test {
				host = authtest.APIHost
			}
			if row.method == http.MethodDelete {
				target = "/v1/order?uuid=unknown"
			}
			r := l.Signed(key, row.method, host, target, "")
			l.clock.Advance(row.age)
			got := l.Browser("203.0.113.7").Do(r)
			if code := got.Code; code != row.want && (row.method != http.MethodDelete || code == fault.SignatureTooOld) {
				t.Errorf("%d %q, want %q", got.Status, code, row.want)
			}
		})
	}
}

// What switches a rule of a dialect off, or lets older nonces in, asks for a proof; to write what is signed in another way asks for none.
func TestSettingsThatWiden(t *testing.T) {
	l := newLife(t, authtest.Options{})
	for name, row := range map[string]struct {
		dialect       sign.Dialect
		before, after []string
		want          fault.Code
	}{
		"another spelling":             {sign.Upbit, nil, []string{"as-sent", "form"}, ""},
		"without the strict rules":     {sign.Upbit, nil, []string{"lenient"}, fault.StepUpRequired},
		"with them again":              {sign.Binance, []string{"lenient"}, nil, ""},
		"another spelling without":     {sign.Upbit, []string{"lenient"}, []string{"as-sent", "lenient"}, fault.StepUpRequired},
		"another body without":         {sign.Upbit, []string{"as-sent", "lenient"}, []string{"as-sent", "form", "lenient"}, fault.StepUpRequired},
		"another, with them again":     {sign.Upbit, []string{"as-sent", "lenient"}, []string{"form"}, ""},
		"a wider window of nonces":     {sign.Kraken, []string{"nonce-window:10"}, []string{"nonce-window:11"}, fault.StepUpRequired},
		"a narrower window of nonces":  {sign.Kraken, []string{"nonce-window:10"}, []string{"nonce-window:9"}, ""},
		"a setting of another dialect": {sign.Kraken, nil, []string{"lenient"}, fault.RequestInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			key := l.issue(apikey.IssueInput{Dialect: row.dialect, Settings: row.before})
			_, err := l.APIKeys.Edit(t.Context(), l.owner, apikey.EditInput{Key: key.ID, Settings: &row.after})
			if code := codeOf(err); code != row.want && (row.want != fault.StepUpRequired || code != fault.AssuranceTooLow) {
				t.Errorf("%v, want %q", err, row.want)
			}
			want := row.after
			if row.want != "" {
				want = row.before
			}
			if got := row.dialect.SettingsWords(l.KeyNow(key.ID).Settings); strings.Join(got, " ") != strings.Join(want, " ") {
				t.Errorf("the settings are %v, want %v", got, want)
			}
		})
	}
}

// A window is chosen in whole seconds, and a wider one asks for a proof.
func TestWindowsAreChosenWithinBounds(t *testing.T) {
	l := newLife(t, authtest.Options{})
	for name, row := range map[string]struct {
		window    time.Duration
		dialect   sign.Dialect
		algorithm sign.Algorithm
		want      fault.Code
	}{
		"a second":         {time.Second, sign.Native, sign.HMACSHA256, ""},
		"a minute":         {time.Minute, sign.Native, sign.HMACSHA256, ""},
		"more":             {61 * time.Second, sign.Native, sign.HMACSHA256, fault.RequestInvalid},
		"less":             {-time.Second, sign.Native, sign.HMACSHA256, fault.RequestInvalid},
		"half a second":    {1500 * time.Millisecond, sign.Native, sign.HMACSHA256, fault.RequestInvalid},
		"without any time": {time.Second, sign.Kraken, sign.HMACSHA512, fault.RequestInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			issued, err := l.APIKeys.Issue(t.Context(), host, apikey.IssueInput{
				Account: l.owner.Account, Owner: l.owner.User, Name: "n", Purpose: "p", Environment: id.Test, Dialect: row.dialect, Algorithm: row.algorithm, Window: row.window,
			})
			if codeOf(err) != row.want || err == nil && l.KeyNow(issued.ID).WindowPast != row.window {
				t.Errorf("%v, want %q", err, row.want)
			}
		})
	}
	usual, narrow, wide := time.Duration(0), 5*time.Second, 30*time.Second
	for name, row := range map[string]struct {
		before, after time.Duration
		asks          bool
	}{
		"narrower than the dialect's": {usual, narrow, false},
		"wider than the dialect's":    {usual, wide, true},
		"back to a wider dialect's":   {narrow, usual, true},
		"back to a narrower one":      {wide, usual, false},
	} {
		t.Run(name, func(t *testing.T) {
			key := l.issue(apikey.IssueInput{Window: row.before})
			_, err := l.APIKeys.Edit(t.Context(), l.owner, apikey.EditInput{Key: key.ID, Window: &row.after})
			code := codeOf(err)
			if asks := code == fault.StepUpRequired || code == fault.AssuranceTooLow; asks != row.asks || !asks && err != nil {
				t.Errorf("%v, asks %t", err, asks)
			}
			if now := l.KeyNow(key.ID).WindowPast; row.asks && now != row.before || !row.asks && now != row.after {
				t.Errorf("the window is %v", now)
			}
		})
	}
}
