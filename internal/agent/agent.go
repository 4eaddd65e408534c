// Package agent owns the words for the browser or program behind a request, read from its User-Agent header.
//
// It is a label for people and nothing else: the sender chooses the header, so it proves nothing and decides nothing.
//
// Invariant: Browser and System come from closed lists. Whatever a sender writes, none of its words reach a page or a mail, so that
// nobody can have us send a text or an address of theirs.
package agent

import (
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/mileusna/useragent"
)

// Kind says what the agent runs on, for an icon.
type Kind uint8

// The kinds. The zero value is the honest answer to most headers we cannot read.
const (
	Unknown Kind = iota
	Computer
	Phone
	Tablet
	Program // no browser: a command or a library
)

// Agent is what we make of a header. The zero value is an unknown browser, also one that names itself in no header.
type Agent struct {
	Browser string // "Chrome", "curl"; "" if it is not on our list
	System  string // "Windows", "iPhone"; "" if it is not on our list
	Kind    Kind
}

// maxHeader is how much of a header is read; those of real browsers have some 120 bytes.
const maxHeader = 256

// Clip gives what may be kept of a header as received: 256 bytes at most, valid UTF-8, without control characters or those that
// turn the direction of text.
func Clip(header string) string {
	header = strings.ToValidUTF8(header[:min(len(header), maxHeader)], "")
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.C, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) {
			return -1
		}
		return r
	}, header)
}

// browsers maps the library's name → the name people know.
var browsers = map[string]string{
	"Chrome": "Chrome", "Headless Chrome": "Headless Chrome", "Edge": "Edge", "Firefox": "Firefox", "Safari": "Safari",
	"Opera": "Opera", "Opera Mini": "Opera", "Opera Touch": "Opera", "Vivaldi": "Vivaldi", "Whale": "Whale",
	"Samsung Browser": "Samsung Internet", "Miui Browser": "Mi Browser", "Huawei Browser": "Huawei Browser",
	"Internet Explorer": "Internet Explorer", "Trident": "Internet Explorer", "Android browser": "Android Browser",
}

// programs maps the library's name → the name of a program that is no browser. Names stand alone in either language.
var programs = map[string]string{
	"curl": "curl", "libcurl": "curl", "Wget": "Wget", "HTTPie": "HTTPie", "PostmanRuntime": "Postman", "ccxt": "ccxt",
	"python-requests": "Python Requests", "python-httpx": "Python HTTPX", "Python": "Python", "Go-http-client": "Go HTTP client",
	"okhttp": "OkHttp", "Java-http-client": "Java HTTP client", "axios": "axios", "node": "Node.js", "undici": "Node.js", "node-fetch": "Node.js",
}

// inApp holds the browsers inside other apps, which call themselves by the engine they use.
var inApp = []struct{ mark, name string }{{"KAKAOTALK", "KakaoTalk"}, {"NAVER(inapp", "NAVER"}}

// systems maps the library's name → the name people know. iPhone and iPad are named by the device.
var systems = map[string]string{
	useragent.Windows: "Windows", useragent.MacOS: "macOS", useragent.Linux: "Linux", useragent.ChromeOS: "ChromeOS",
	useragent.Android: "Android", useragent.Harmony: "HarmonyOS",
}

// kept begins what Kept writes.
const kept = "kept/1 "

// Kept gives what may be kept of a stranger's header: Describe reads the same browser and system in it, and it holds no word of its sender's.
func Kept(header string) string {
	a := Describe(header)
	return kept + a.Browser + ";" + a.System
}

// readKept reads what Kept wrote. Names that are on none of the lists are no names, whoever wrote them.
func readKept(text string) (a Agent) {
	browser, system, _ := strings.Cut(text, ";")
	for _, list := range []map[string]string{browsers, programs} {
		if slices.Contains(slices.Collect(maps.Values(list)), browser) {
			a.Browser = browser
		}
	}
	for _, app := range inApp {
		if app.name == browser {
			a.Browser = browser
		}
	}
	if system == "iPhone" || system == "iPad" || slices.Contains(slices.Collect(maps.Values(systems)), system) {
		a.System = system
	}
	return a
}

// Describe reads a User-Agent header, or what Kept left of one.
func Describe(header string) Agent {
	header = Clip(header)
	if text, ok := strings.CutPrefix(header, kept); ok {
		return readKept(text)
	}
	ua := useragent.Parse(header)
	a := Agent{Browser: browsers[ua.Name], System: systems[ua.OS], Kind: kindOf(ua)}
	if ua.Device == "iPhone" || ua.Device == "iPad" {
		a.System = ua.Device
	}
	for _, app := range inApp {
		if strings.Contains(header, app.mark) {
			a.Browser = app.name
		}
	}
	if name, ok := programs[ua.Name]; ok {
		a.Browser, a.Kind = name, Program
	}
	return a
}

func kindOf(ua useragent.UserAgent) Kind {
	switch {
	case ua.Tablet:
		return Tablet
	case ua.Mobile:
		return Phone
	case ua.Desktop:
		return Computer
	default:
		return Unknown
	}
}

// Words names the agent for people: "Chrome on Windows", "Windows의 Chrome". Language is "en" or "ko"; any other reads English.
func (a Agent) Words(language string) string {
	unseen, unknown, joined := "Unknown browser", "A browser we do not know", "{browser} on {system}"
	if language == "ko" {
		unseen, unknown, joined = "알 수 없는 브라우저", "알 수 없는 브라우저", "{system}의 {browser}"
	}
	browser := a.Browser
	switch {
	case a.Browser == "" && a.System == "":
		return unseen
	case a.System == "":
		return browser
	case a.Browser == "":
		browser = unknown
	}
	return strings.NewReplacer("{browser}", browser, "{system}", a.System).Replace(joined)
}
