package httpx_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
)

// pages is the dashboard's origin: what a door of another origin writes leads there.
const pages = "https://dashboard.example"

func TestWriteProblem(t *testing.T) {
	tests := []struct {
		name, lang string
		err        error
		want       httpx.Problem
		retry      string
	}{
		{
			name: "a fault with facts", err: fault.New(fault.RequestTooLarge, "limit", 10), want: httpx.Problem{
				Type: pages + "/errors/request.too_large", Title: "The request is larger than 10 bytes.", Status: 413, Detail: "Send less at once.",
				Code: "request.too_large", Fields: map[string]any{"limit": 10.0},
			},
		},
		{
			name: "in Korean, wrapped", lang: "ko-KR,en;q=0.5", err: fmt.Errorf("read session: %w", fault.New(fault.SessionEnded)), want: httpx.Problem{
				Type: pages + "/errors/session.ended", Title: "세션이 종료되었습니다.", Status: 401, Detail: "다시 로그인해 주십시오.", Code: "session.ended",
			},
		},
		{
			name: "with a time to wait", err: fault.New(fault.Busy).After(1500 * time.Millisecond), retry: "2", want: httpx.Problem{
				Type: pages + "/errors/busy", Title: "We are at the limit of what we can do at once. Nothing was changed.", Status: 503,
				Detail: "Try again in a moment.", Code: "busy",
			},
		},
		{
			name: "an error that says too much", err: errors.New("dial tcp 10.0.0.3: refused"), want: httpx.Problem{
				Type: pages + "/errors/internal", Title: "Something went wrong on our side.", Status: 500,
				Detail: "Check whether it took effect before you try again. If it stays, tell the operator the request id.", Code: "internal",
			},
		},
		{
			name: "a fact that cannot be written", err: fault.New(fault.NotFound, "odd", func() {}),
			want: httpx.Problem{Type: pages + "/errors/internal", Status: 500, Code: "internal"},
		},
		{
			name: "a fact with the place of another in it", err: fault.New(fault.RequestMediaType, "want", "{want}"), want: httpx.Problem{
				Type: pages + "/errors/request.media_type", Title: "This address takes {want} only.", Status: 415,
				Detail: "Set the Content-Type header to {want}.", Code: "request.media_type", Fields: map[string]any{"want": "{want}"},
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header.Set("Accept-Language", tt.lang)
			w := httptest.NewRecorder()
			chain := httpx.Chain{Now: time.Now, Log: slog.New(slog.DiscardHandler), Pages: pages}
			chain.Wrap("gateway", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { httpx.WriteProblem(w, r, tt.err) })).ServeHTTP(w, r)
			var got httpx.Problem
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			got.Instance = ""
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("problem (-want +got):\n%s", diff)
			}
			h := w.Header()
			if w.Code != tt.want.Status || h.Get("Content-Type") != "application/problem+json" || h.Get("Cache-Control") != "no-store" {
				t.Errorf("status %d, headers %v", w.Code, h)
			}
			if h.Get("Retry-After") != tt.retry {
				t.Errorf("Retry-After = %q, want %q", h.Get("Retry-After"), tt.retry)
			}
		})
	}
}

func TestForStranger(t *testing.T) {
	for code, entry := range fault.All() {
		told := httpx.ForStranger(fmt.Errorf("shape of the call: %w", fault.New(code, "seen", "203.0.113.7").After(time.Second)))
		f, ok := errors.AsType[*fault.Error](told)
		if !ok || f.RetryAfter != time.Second {
			t.Fatalf("%s: %v lost its time to wait", code, told)
		}
		if entry.Sight == fault.Anyone {
			if f.Code != code {
				t.Errorf("%s: a stranger is told %s, although everybody may know", code, f.Code)
			}
			continue
		}
		if f.Code != entry.Outside || f.Fields != nil {
			t.Errorf("%s: a stranger is told %s %v, want %s and nothing else", code, f.Code, f.Fields, entry.Outside)
		}
		if !errors.Is(told, fault.New(code)) {
			t.Errorf("%s: the log loses what it was", code)
		}
	}
}

func TestLanguage(t *testing.T) {
	tests := []struct{ name, cookie, accept, want string }{
		{"nothing", "", "", "en"},
		{"a browser in Korean", "", "ko-KR, en;q=0.8", "ko"},
		{"a browser in another language first", "", "fr, ko;q=0.9, en;q=0.8", "ko"},
		{"a browser that knows neither", "", "fr, de", "en"},
		{"a language that begins alike", "", "kok", "en"},
		{"the reader's choice wins", "en", "ko", "en"},
		{"a choice that is none", "xx", "ko", "ko"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header.Set("Accept-Language", tt.accept)
			if tt.cookie != "" {
				r.AddCookie(&http.Cookie{Name: httpx.LangCookie, Value: tt.cookie})
			}
			if got := httpx.Language(r); got != tt.want {
				t.Errorf("Language = %s, want %s", got, tt.want)
			}
		})
	}
}

// A problem is said in the reader's language, with the particles that Korean wants, and never in the words of a library.
func TestAProblemSpeaksTheReadersLanguage(t *testing.T) {
	tests := []struct {
		err    error
		en, ko string
	}{
		{
			fault.New(fault.RequestMalformed, "problem", "member_twice", "seen", "name"),
			"The request could not be read: the member “name” stands twice.", "요청을 읽을 수 없습니다: “name” 항목이 두 번 있음.",
		},
		{
			fault.New(fault.RequestMediaType, "want", "application/json"),
			"This address takes application/json only. Set the Content-Type header to application/json.",
			"이 주소는 application/json 형식만 받습니다. Content-Type 헤더를 application/json으로 설정해 주십시오.",
		},
		{
			fault.New(fault.KeyWrongEnvironment, "key_environment", "test", "environment", "live"),
			"This is a test key; this address takes live keys. Use a key of that environment, or the other address.",
			"이 키는 테스트 환경용이며 이 주소는 실거래 환경의 키를 받습니다. 환경에 맞는 키를 사용하거나 다른 주소로 요청해 주십시오.",
		},
		{
			fault.New(fault.SignatureMalformed, "problem", "missing_parameter", "seen", "nonce"),
			"The signature headers could not be read: the parameter “nonce” is missing. Compare with the signing guide.",
			"서명 헤더를 읽을 수 없습니다: “nonce” 매개변수가 없음. 서명 안내 문서와 비교해 주십시오.",
		},
	}
	for _, test := range tests {
		for lang, want := range map[string]string{"en": test.en, "ko": test.ko} {
			p, _ := httpx.ProblemOf(test.err, lang)
			if got := p.Title + " " + p.Detail; !strings.HasPrefix(got, want) {
				t.Errorf("%s: got %q, want %q", lang, got, want)
			}
		}
	}
}

func TestNoTextOfAnEntryIsLeftWithItsPlaces(t *testing.T) {
	p, _ := httpx.ProblemOf(fault.New(fault.SignatureTooOld, "skew_ms", 12, "window_ms", 10, "server_time", "now"), "ko")
	if strings.ContainsAny(p.Title+p.Detail, "{}") {
		t.Errorf("%s %s", p.Title, p.Detail)
	}
}
