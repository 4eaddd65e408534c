package agent_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/agent"
)

const (
	webkit = " AppleWebKit/537.36 (KHTML, like Gecko) "
	apple  = " AppleWebKit/605.1.15 (KHTML, like Gecko) "
	win    = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
	mac    = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
	iphone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X)"
	droid  = "Mozilla/5.0 (Linux; Android 10; K)"
)

func TestDescribe(t *testing.T) {
	tests := []struct {
		header string
		want   agent.Agent
		en, ko string
	}{
		{win + webkit + "Chrome/143.0.0.0 Safari/537.36", agent.Agent{Browser: "Chrome", System: "Windows", Kind: agent.Computer}, "Chrome on Windows", "Windows의 Chrome"},
		{win + webkit + "Chrome/143.0.0.0 Safari/537.36 Edg/143.0.0.0", agent.Agent{Browser: "Edge", System: "Windows", Kind: agent.Computer}, "Edge on Windows", "Windows의 Edge"},
		{"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0", agent.Agent{Browser: "Firefox", System: "Windows", Kind: agent.Computer}, "Firefox on Windows", "Windows의 Firefox"},
		{win + webkit + "Chrome/142.0.0.0 Safari/537.36 OPR/126.0.0.0", agent.Agent{Browser: "Opera", System: "Windows", Kind: agent.Computer}, "Opera on Windows", "Windows의 Opera"},
		{win + webkit + "Chrome/138.0.0.0 Whale/4.33.325.17 Safari/537.36", agent.Agent{Browser: "Whale", System: "Windows", Kind: agent.Computer}, "Whale on Windows", "Windows의 Whale"},
		{win + webkit + "Chrome/140.0.0.0 Safari/537.36 Vivaldi/7.6.3797.63", agent.Agent{Browser: "Vivaldi", System: "Windows", Kind: agent.Computer}, "Vivaldi on Windows", "Windows의 Vivaldi"},
		{"Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko", agent.Agent{Browser: "Internet Explorer", System: "Windows", Kind: agent.Computer}, "Internet Explorer on Windows", "Windows의 Internet Explorer"},
		{mac + apple + "Version/26.1 Safari/605.1.15", agent.Agent{Browser: "Safari", System: "macOS", Kind: agent.Computer}, "Safari on macOS", "macOS의 Safari"},
		{mac + webkit + "Chrome/143.0.0.0 Safari/537.36", agent.Agent{Browser: "Chrome", System: "macOS", Kind: agent.Computer}, "Chrome on macOS", "macOS의 Chrome"},
		{"Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", agent.Agent{Browser: "Firefox", System: "Linux", Kind: agent.Computer}, "Firefox on Linux", "Linux의 Firefox"},
		{"Mozilla/5.0 (X11; Linux x86_64)" + webkit + "Chrome/143.0.0.0 Safari/537.36", agent.Agent{Browser: "Chrome", System: "Linux", Kind: agent.Computer}, "Chrome on Linux", "Linux의 Chrome"},
		{"Mozilla/5.0 (X11; Linux x86_64)" + webkit + "HeadlessChrome/143.0.0.0 Safari/537.36", agent.Agent{Browser: "Headless Chrome", System: "Linux", Kind: agent.Computer}, "Headless Chrome on Linux", "Linux의 Headless Chrome"},
		{"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0)" + webkit + "Chrome/142.0.0.0 Safari/537.36", agent.Agent{Browser: "Chrome", System: "ChromeOS", Kind: agent.Computer}, "Chrome on ChromeOS", "ChromeOS의 Chrome"},
		{iphone + apple + "Version/26.1 Mobile/15E148 Safari/604.1", agent.Agent{Browser: "Safari", System: "iPhone", Kind: agent.Phone}, "Safari on iPhone", "iPhone의 Safari"},
		{iphone + apple + "CriOS/143.0.7499.92 Mobile/15E148 Safari/604.1", agent.Agent{Browser: "Chrome", System: "iPhone", Kind: agent.Phone}, "Chrome on iPhone", "iPhone의 Chrome"},
		{iphone + apple + "FxiOS/145.0 Mobile/15E148 Safari/605.1.15", agent.Agent{Browser: "Firefox", System: "iPhone", Kind: agent.Phone}, "Firefox on iPhone", "iPhone의 Firefox"},
		{iphone + apple + "Mobile/15E148 NAVER(inapp; search; 2000; 12.14.2; 15PRO)", agent.Agent{Browser: "NAVER", System: "iPhone", Kind: agent.Phone}, "NAVER on iPhone", "iPhone의 NAVER"},
		{"Mozilla/5.0 (iPad; CPU OS 17_7 like Mac OS X)" + apple + "Version/17.7 Mobile/15E148 Safari/604.1", agent.Agent{Browser: "Safari", System: "iPad", Kind: agent.Tablet}, "Safari on iPad", "iPad의 Safari"},
		{droid + webkit + "Chrome/143.0.0.0 Mobile Safari/537.36", agent.Agent{Browser: "Chrome", System: "Android", Kind: agent.Phone}, "Chrome on Android", "Android의 Chrome"},
		{"Mozilla/5.0 (Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0", agent.Agent{Browser: "Firefox", System: "Android", Kind: agent.Phone}, "Firefox on Android", "Android의 Firefox"},
		{droid + webkit + "SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile Safari/537.36", agent.Agent{Browser: "Samsung Internet", System: "Android", Kind: agent.Phone}, "Samsung Internet on Android", "Android의 Samsung Internet"},
		{
			"Mozilla/5.0 (Linux; Android 14; SM-S928N Build/UP1A.231005.007; wv)" + webkit + "Version/4.0 Chrome/139.0.7258.143 Mobile Safari/537.36;KAKAOTALK 2410810",
			agent.Agent{Browser: "KakaoTalk", System: "Android", Kind: agent.Phone},
			"KakaoTalk on Android", "Android의 KakaoTalk",
		},
		{"curl/8.14.1", agent.Agent{Browser: "curl", System: "", Kind: agent.Program}, "curl", "curl"},
		{"python-requests/2.32.5", agent.Agent{Browser: "Python Requests", System: "", Kind: agent.Program}, "Python Requests", "Python Requests"},
		{"Go-http-client/2.0", agent.Agent{Browser: "Go HTTP client", System: "", Kind: agent.Program}, "Go HTTP client", "Go HTTP client"},
		{"ccxt/4.5.84", agent.Agent{Browser: "ccxt", System: "", Kind: agent.Program}, "ccxt", "ccxt"},
		{"undici", agent.Agent{Browser: "Node.js", System: "", Kind: agent.Program}, "Node.js", "Node.js"},
		{"ExchangeApp/3.2 (iPhone; iOS 18.7)", agent.Agent{Browser: "", System: "iPhone", Kind: agent.Phone}, "A browser we do not know on iPhone", "iPhone의 알 수 없는 브라우저"},
		{"Mozilla/5.0 (Windows NT 10.0) SomethingNew/1.0", agent.Agent{Browser: "", System: "Windows", Kind: agent.Computer}, "A browser we do not know on Windows", "Windows의 알 수 없는 브라우저"},
		{"Call-0900-123-and-visit-evil.example/1.0", agent.Agent{}, "Unknown browser", "알 수 없는 브라우저"},
		{"", agent.Agent{}, "Unknown browser", "알 수 없는 브라우저"},
	}
	for _, test := range tests {
		t.Run(test.en+" "+test.header, func(t *testing.T) {
			got := agent.Describe(test.header)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			if en, ko := got.Words("en"), got.Words("ko"); en != test.en || ko != test.ko {
				t.Errorf("%q, %q; want %q, %q", en, ko, test.en, test.ko)
			}
			if kept := agent.Kept(test.header); agent.Describe(kept).Words("ko") != test.ko || agent.Kept(kept) != kept {
				t.Errorf("what is kept is %q", kept)
			}
			if other := got.Words("fr"); other != test.en {
				t.Errorf("in a language we lack: %q, want English", other)
			}
		})
	}
}

func TestClip(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"as it is", "curl/8.14.1", "curl/8.14.1"},
		{"control characters", "curl\r\nBcc: x\x00\x7f\u0085", "curlBcc: x"},
		{"direction and line separators", "a\u202Eb\u2028c\u2029d\u200Be", "abcde"},
		{"not UTF-8", "cu\xffrl", "curl"},
		{"long", strings.Repeat("x", 300), strings.Repeat("x", 256)},
		{"long, cut inside a character", strings.Repeat("x", 255) + "문", strings.Repeat("x", 255)},
		{"other scripts", "브라우저/1.0", "브라우저/1.0"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := agent.Clip(test.in); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

// What stands behind the first 256 bytes is not read.
func TestOnlyTheBeginningIsRead(t *testing.T) {
	if got := agent.Describe(strings.Repeat(" ", 256) + "curl/8.14.1"); got != (agent.Agent{}) {
		t.Errorf("%+v from behind the end", got)
	}
}

func FuzzDescribe(f *testing.F) {
	for _, seed := range []string{
		win + webkit + "Chrome/143.0.0.0 Safari/537.36", iphone + apple + "Mobile/15E148 KAKAOTALK/25.9.0 (INAPP)", "curl/8.14.1", "Android", "Android;",
		"(Android;tablet", "CrOS x86_64 1", "CrOS x86_64", "http://", "https://a(", "Instagram 1.0", "XiaoMi/MiuiBrowser/1", "\xff\r\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		clipped := agent.Clip(header)
		if len(clipped) > 256 || !utf8.ValidString(clipped) || strings.ContainsFunc(clipped, unicode.IsControl) || agent.Clip(clipped) != clipped {
			t.Errorf("%q is clipped to %q", header, clipped)
		}
		if kept := agent.Kept(header); agent.Kept(kept) != kept || agent.Describe(kept).Words("en") != agent.Describe(header).Words("en") {
			t.Errorf("%q is kept as %q", header, kept)
		}
		for _, language := range []string{"en", "ko"} {
			words := agent.Describe(header).Words(language)
			if words == "" || len(words) > 80 || strings.ContainsAny(words, "<>&\"/:@") {
				t.Errorf("%q reads %q", header, words)
			}
		}
	})
}

func BenchmarkDescribe(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		agent.Describe(win + webkit + "Chrome/143.0.0.0 Safari/537.36")
	}
}
