package i18n_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/seed-21c57000/sallyport/internal/i18n"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

func TestSay(t *testing.T) {
	en, ko := i18n.In("en"), i18n.In("ko")
	tests := []struct{ name, got, want string }{
		{"a value", en.Say("key.used_from", "addr", "203.0.113.7"), "from 203.0.113.7"},
		{"one thing", en.Count("time.day", 1), "1 day"},
		{"no thing", en.Count("time.day", 0), "0 days"},
		{"no thing, where it has words of its own", en.Count("open.keys", 0), "No API keys"},
		{"many things", en.Count("time.day", 90), "90 days"},
		{"Korean counts nothing apart", ko.Count("time.day", 1), "1일"},
		{"an unknown language reads English", i18n.In("fr").Say("mail"), "Mail address"},
		{"the zero value reads English", i18n.Words{}.Say("mail"), "Mail address"},
		{"a missing key shows", en.Say("no.such"), "⟦no.such⟧"},
		{"a missing value stays", en.Say("key.used_from"), "from {addr}"},
		{"braces in a value are not looked at", en.Say("key.used_from", "addr", "{addr}{x}"), "from {addr}{x}"},
		{"an open brace", en.Fill("a {b", map[string]string{"b": "x"}), "a {b"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.got != test.want {
				t.Errorf("got %q, want %q", test.got, test.want)
			}
		})
	}
}

func TestParticles(t *testing.T) {
	const text = `{x}을(를) {x}이(가) {x}은(는) {x}과(와) {x}(으)로`
	tests := map[string]string{
		"문":       "문을 문이 문은 문과 문으로",
		"키":       "키를 키가 키는 키와 키로",
		"서울":      "서울을 서울이 서울은 서울과 서울로",
		"3":       "3을 3이 3은 3과 3으로",
		"2":       "2를 2가 2는 2와 2로",
		"7":       "7을 7이 7은 7과 7로",
		"Linux":   "Linux를 Linux가 Linux는 Linux와 Linux로",
		"phone m": "phone m을 phone m이 phone m은 phone m과 phone m으로",
		"email":   "email을 email이 email은 email과 email로",
		"(주)게이트":  "(주)게이트를 (주)게이트가 (주)게이트는 (주)게이트와 (주)게이트로",
		"bot":     "bot을(를) bot이(가) bot은(는) bot과(와) bot(으)로",
		"":        "을(를) 이(가) 은(는) 과(와) (으)로",
		"日本":      "日本을(를) 日本이(가) 日本은(는) 日本과(와) 日本(으)로",
	}
	for value, want := range tests {
		t.Run(value, func(t *testing.T) {
			if got := i18n.In("ko").Fill(text, map[string]string{"x": value}); got != want {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		})
	}
}

func TestParticlesAfterQuotes(t *testing.T) {
	got := i18n.In("ko").Fill(`“{x}”을(를) '{y}'(으)로`, map[string]string{"x": "문", "y": "서울"})
	if want := `“문”을 '서울'로`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := i18n.In("en").Fill("{x}을(를)", map[string]string{"x": "문"}); got != "문을(를)" {
		t.Errorf("English chose a particle: %q", got)
	}
}

// After a Hangul syllable or a digit no reader ever sees both forms, and the value itself is never changed.
func TestParticleLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.StringMatching(`[가-힣0-9a-z ]{0,8}[가-힣0-9]`).Draw(t, "value")
		written := rapid.SampledFrom([]string{"을(를)", "이(가)", "은(는)", "과(와)", "(으)로", "(이)라", "(이)며"}).Draw(t, "written")
		got := i18n.In("ko").Fill("{x}"+written+" 끝", map[string]string{"x": value})
		rest, ok := strings.CutPrefix(got, value)
		if !ok || strings.ContainsAny(rest, "()") || !strings.HasSuffix(rest, " 끝") {
			t.Fatalf("%q with %q became %q", value, written, got)
		}
	})
}

func TestMoments(t *testing.T) {
	now := time.Date(2026, 11, 21, 9, 5, 0, 0, time.UTC)
	tests := []struct {
		name     string
		at       time.Time
		en, ko   string
		absolute string
	}{
		{"now", now.Add(-20 * time.Second), "just now", "방금", "21 Nov 2026, 09:04 UTC"},
		{"in a moment", now.Add(20 * time.Second), "in 20 seconds", "20초 후", "21 Nov 2026, 09:05 UTC"},
		{"minutes", now.Add(-3 * time.Minute), "3 minutes ago", "3분 전", "21 Nov 2026, 09:02 UTC"},
		{"ninety minutes", now.Add(90 * time.Minute), "in 90 minutes", "90분 후", "21 Nov 2026, 10:35 UTC"},
		{"one hour", now.Add(time.Hour), "in 1 hour", "1시간 후", "21 Nov 2026, 10:05 UTC"},
		{"hours", now.Add(11*time.Hour + 20*time.Minute), "in 11 hours", "11시간 후", "21 Nov 2026, 20:25 UTC"},
		{"a day and more", now.Add(-47 * time.Hour), "47 hours ago", "47시간 전", "19 Nov 2026, 10:05 UTC"},
		{"days", now.AddDate(0, 0, 90), "in 90 days", "90일 후", "19 Feb 2027, 09:05 UTC"},
		{"another zone is said in UTC", now.Add(-time.Hour).In(time.FixedZone("KST", 9*3600)), "1 hour ago", "1시간 전", "21 Nov 2026, 08:05 UTC"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			en, ko := i18n.In("en").Moment(test.at, now), i18n.In("ko").Moment(test.at, now)
			if en.Relative != test.en || ko.Relative != test.ko || en.Absolute != test.absolute {
				t.Errorf("got %+v and %+v", en, ko)
			}
			if en.ISO != test.at.UTC().Format(time.RFC3339) {
				t.Errorf("ISO is %s", en.ISO)
			}
		})
	}
	if m := i18n.In("en").Moment(time.Time{}, now); !m.IsZero() {
		t.Errorf("the zero time became %+v", m)
	}
}

// Every action of the log reads well with its facts in both languages: nothing is left to be filled.
func TestHappened(t *testing.T) {
	facts := map[string]string{
		"mail": "kim@example.com", "device": "Chrome on Windows", "count": "2", "host": "exchange.example.com", "action": "totp.enrolled",
		"name": "grid-btc", "reason": "key.expired", "version": "1",
	}
	for _, action := range []audit.Action{
		audit.ServerStarted, audit.UserSignedUp, audit.SessionSignedIn, audit.SessionRevoked, audit.SessionOthersRevoked, audit.SessionAllRevoked,
		audit.SessionChildMade, audit.SignInFailed, audit.StepUpSatisfied, audit.StepUpFailed, audit.PasskeyEnrolled, audit.KeyCreated,
		audit.KeyRevoked, audit.RequestRefused,
	} {
		for _, lang := range []string{"en", "ko"} {
			if got := i18n.In(lang).Happened(action, facts); got == string(action) || strings.ContainsAny(got, "{}") {
				t.Errorf("%s in %s: %q", action, lang, got)
			}
		}
	}
	if got := i18n.In("en").Happened("vendor.killed", nil); got != "vendor.killed" {
		t.Errorf("an action of a newer release became %q", got)
	}
	until := map[string]string{"until": "2026-11-23T02:41:32Z"}
	if got := i18n.In("en").Happened(audit.HoldBegun, until); !strings.Contains(got, "held until 23 Nov 2026 02:41 UTC:") {
		t.Errorf("a moment: %s", got)
	}
	if got := i18n.In("ko").Happened(audit.KeyCreated, map[string]string{"name": "감시"}); got != "API 키 감시를 만들었습니다." {
		t.Errorf("got %q", got)
	}
}

func TestAsked(t *testing.T) {
	key := map[string]string{
		"name": "grid", "environment": "live", "scopes": "orders:read orders:write", "expires": "2027-02-19T10:00:00Z", "purpose": "a bot",
	}
	tests := []struct {
		action audit.Action
		facts  map[string]string
		en, ko string
	}{
		{audit.PasswordSet, nil, "Set a password", "비밀번호 설정"},
		{audit.PasswordChanged, nil, "Set a new password", "새 비밀번호 설정"},
		{audit.TOTPEnrolled, nil, "Add an authenticator app", "인증 앱 추가"},
		{audit.TOTPRemoved, nil, "Remove the authenticator app", "인증 앱 삭제"},
		{audit.PasskeyEnrolled, map[string]string{"name": "Kim's iPhone"}, "Add the passkey “Kim's iPhone”", "패스키 “Kim's iPhone” 추가"},
		{audit.PasskeyRemoved, map[string]string{"name": "{name}"}, "Remove the passkey “{name}”", "패스키 “{name}” 삭제"},
		{
			audit.KeyCreated, key, "Key “grid” (live), until 19 Feb 2027. It may: see orders and fills, place orders.",
			"“grid” 키 (실거래), 2027년 2월 19일까지. 권한: 주문과 체결 조회, 주문.",
		},
		{
			audit.KeyCreated,
			map[string]string{"name": "grid", "environment": "test", "scopes": "future:scope", "expires": "2027-02-19T10:00:00Z"},
			"Key “grid” (test), until 19 Feb 2027. It may: future:scope.", "“grid” 키 (테스트), 2027년 2월 19일까지. 권한: future:scope.",
		},
		{"vendor.killed", key, "vendor.killed", "vendor.killed"},
	}
	for _, test := range tests {
		t.Run(string(test.action), func(t *testing.T) {
			if got := i18n.In("en").Asked(test.action, test.facts); got != test.en {
				t.Errorf("got %q, want %q", got, test.en)
			}
			if got := i18n.In("ko").Asked(test.action, test.facts); got != test.ko {
				t.Errorf("got %q, want %q", got, test.ko)
			}
		})
	}
}

// What was confirmed is told in the reader's language; an event of an older release tells its sentence as it was written down.
func TestHappenedSaysWhatWasConfirmed(t *testing.T) {
	for _, test := range []struct {
		facts map[string]string
		want  string
	}{
		{map[string]string{"action": "passkey.removed", "name": "열쇠"}, "본인 확인을 마쳤습니다: 패스키 “열쇠” 삭제"},
		{map[string]string{"action": "passkey.removed", "summary": "Remove the passkey 열쇠"}, "본인 확인을 마쳤습니다: Remove the passkey 열쇠"},
	} {
		if got := i18n.In("ko").Happened(audit.StepUpSatisfied, test.facts); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

func TestPseudoShowsWhatDoesNotComeFromTheCatalogue(t *testing.T) {
	got := i18n.In(i18n.Pseudo).Say("key.used_from", "addr", "203.0.113.7")
	if !strings.HasPrefix(got, "⟨") || !strings.HasSuffix(got, "⟩") || !strings.Contains(got, "203.0.113.7") {
		t.Errorf("got %q", got)
	}
}
