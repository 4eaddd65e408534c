package apikey_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/storetest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/sign"
)

// rotate gives a key its next secret, and gives the key with that.
func (l *life) rotate(k authtest.Key, overlap time.Duration) (authtest.Key, apikey.Rotated) {
	l.t.Helper()
	out, err := l.APIKeys.Rotate(l.t.Context(), host, apikey.RotateInput{Key: k.ID, Overlap: overlap})
	if err != nil {
		l.t.Fatal(err)
	}
	k.Secret = string(out.Secret.Reveal())
	if k.Signer, err = sign.NewHMACSigner(k.Text(), []byte(k.Secret)); err != nil {
		l.t.Fatal(err)
	}
	return k, out
}

// No old secret that is used dies silently: its owner hears half-way and near the end, and of a new one that nobody has seen. One that the bot
// has left is not worth a word.
func TestAnOldSecretInUseIsToldTwice(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(engine, func(t *testing.T) {
			o := authtest.Options{}
			if engine == "postgres" {
				o.PostgresDSN = storetest.Postgres.New(t)
			}
			l := newLife(t, o)
			for _, tt := range []struct {
				name string
				// used says which secrets sign in an hour after the rotation.
				used   func(hour int) (old, next bool)
				extend map[int]time.Duration
				want   map[int]string
			}{
				{"the bot never switches", func(int) (bool, bool) { return true, false }, nil, map[int]string{12: "key_unseen", 22: "key_unseen"}},
				{"one of two bots does not", func(int) (bool, bool) { return true, true }, nil, map[int]string{12: "key_retiring", 22: "key_retiring"}},
				{"it switches at once", func(h int) (bool, bool) { return h < 3, h >= 3 }, nil, map[int]string{}},
				{"it switches after the first letter", func(h int) (bool, bool) { return h < 13, h >= 13 }, nil, map[int]string{12: "key_unseen", 22: "key_retiring"}},
				{"nobody is there", func(int) (bool, bool) { return false, false }, nil, map[int]string{}},
				{
					"its end is put off", func(int) (bool, bool) { return true, false },
					map[int]time.Duration{23: 24 * time.Hour},
					map[int]string{12: "key_unseen", 22: "key_unseen", 23: "key_extended", 24: "key_unseen", 44: "key_unseen"},
				},
			} {
				t.Run(tt.name, func(t *testing.T) {
					l.t = t
					old := l.issue(apikey.IssueInput{Scopes: trading, Algorithm: sign.HMACSHA256})
					next, _ := l.rotate(old, 24*time.Hour)
					l.Settle()
					got := map[int]string{}
					for hour := 1; hour <= 50; hour++ {
						l.clock.Advance(time.Hour)
						before := len(l.Mailbox.Letters("ada@example.com"))
						useOld, useNext := tt.used(hour)
						for k, uses := range map[*authtest.Key]bool{&old: useOld, &next: useNext} {
							if uses {
								l.ask(*k, http.MethodGet, "/v1/accounts", "")
							}
						}
						if by := tt.extend[hour]; by != 0 {
							if _, err := l.APIKeys.Extend(t.Context(), host, apikey.ExtendInput{Key: old.ID, By: by}); err != nil {
								t.Fatal(err)
							}
						}
						if err := l.Save(t.Context()); err != nil {
							t.Fatal(err)
						}
						l.Settle()
						for _, letter := range l.Mailbox.Letters("ada@example.com")[before:] {
							got[hour] += string(letter.Notice)
							if !strings.Contains(letter.Facts["retires"], "T") {
								t.Errorf("hour %d: it names no end: %v", hour, letter.Facts)
							}
						}
					}
					if diff := cmp.Diff(tt.want, got); diff != "" {
						t.Errorf("letters by the hour (-want +got):\n%s", diff)
					}
				})
			}
		})
	}
}

// The end of an old secret is put off once, and never beyond seven days after the rotation.
func TestAnOldSecretIsExtendedOnce(t *testing.T) {
	l := newLife(t, authtest.Options{})
	old := l.issue(apikey.IssueInput{Algorithm: sign.HMACSHA256})
	extend := func(by time.Duration) fault.Code {
		_, err := l.APIKeys.Extend(t.Context(), host, apikey.ExtendInput{Key: old.ID, By: by})
		return codeOf(err)
	}
	if got := extend(time.Hour); got != fault.KeyNotRotating {
		t.Errorf("with one secret: %q", got)
	}
	l.rotate(old, 24*time.Hour)
	l.clock.Advance(23 * time.Hour)
	if _, err := l.APIKeys.Extend(t.Context(), l.owner, apikey.ExtendInput{Key: old.ID, By: time.Hour}); codeOf(err) != fault.StepUpRequired && codeOf(err) != fault.AssuranceTooLow {
		t.Errorf("without a proof: %v", err)
	}
	for _, tt := range []struct {
		by   time.Duration
		want fault.Code
	}{
		{0, fault.RequestInvalid},
		{-time.Hour, fault.RequestInvalid},
		{6*day + time.Second, fault.RequestInvalid},
		{6 * day, ""},
		{time.Second, fault.KeyExtended},
	} {
		if got := extend(tt.by); got != tt.want {
			t.Errorf("by %s: %q, want %q", tt.by, got, tt.want)
		}
	}
	if view := l.APIKeys.Cutover(old.ID); len(view) != 2 || view[1].ExtendableBy != 0 {
		t.Errorf("the view: %+v", view)
	}
	l.clock.Advance(6*day + time.Hour - 3*time.Second)
	if got := l.ask(old, http.MethodGet, "/v1/accounts", ""); got != "" {
		t.Errorf("within the longer overlap: %q", got)
	}
	l.clock.Advance(3 * time.Second)
	if got := l.ask(old, http.MethodGet, "/v1/accounts", ""); got != fault.KeySecretRetired {
		t.Errorf("after it: %q", got)
	}
}

// A second rotation keeps the end that the first one said, and says so.
func TestASecondRotationSaysWhatHolds(t *testing.T) {
	l := newLife(t, authtest.Options{})
	key := l.issue(apikey.IssueInput{Algorithm: sign.HMACSHA256})
	_, first := l.rotate(key, 10*time.Minute)
	l.clock.Advance(4 * time.Minute)
	_, second := l.rotate(key, time.Hour)
	if !second.Retires.Equal(first.Retires) {
		t.Errorf("the end moved from %s to %s", first.Retires, second.Retires)
	}
	l.Settle()
	letters := l.Mailbox.Letters("ada@example.com")
	facts := letters[len(letters)-1].Facts
	if facts["overlap"] != "6m0s" || facts["retires"] != first.Retires.UTC().Format(time.RFC3339) {
		t.Errorf("the letter: %v", facts)
	}
}
