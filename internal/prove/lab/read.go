package lab

import (
	"net/textproto"
	"strconv"
	"strings"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/sign"
)

// Read reads a request as people have one at hand: raw, as it went over the wire, or as the line of curl that sends it.
//
//	POST /v1/orders?market=KRW-BTC HTTP/1.1        curl -X POST 'https://api.example.com/v1/orders' \
//	Host: api.example.com                            -H 'Signature-Input: …' --data-binary '{"side":"bid"}'
//	Signature-Input: …
//
//	{"side":"bid"}
//
// Bytes are kept as they are. The last line end of a raw body goes, unless Content-Length counts it.
// Errors: request.malformed.
func Read(text string) (sign.Request, error) {
	trimmed := strings.TrimLeft(text, " \t\r\n")
	if trimmed == "" {
		return sign.Request{}, malformed("pasted_nothing", "")
	}
	if command, rest, _ := strings.Cut(trimmed, " "); command == "curl" {
		words, err := shellWords(rest)
		if err != nil {
			return sign.Request{}, err
		}
		return readCurl(words)
	}
	return readRaw(trimmed)
}

func malformed(problem, seen string) error {
	if seen == "" {
		return fault.New(fault.RequestMalformed, "problem", problem)
	}
	return fault.New(fault.RequestMalformed, "problem", problem, "seen", seen)
}

func readRaw(text string) (sign.Request, error) {
	first, rest, _ := strings.Cut(text, "\n")
	words := strings.Fields(first)
	if len(words) < 2 || len(words) > 3 || len(words) == 3 && !strings.HasPrefix(words[2], "HTTP/") {
		return sign.Request{}, malformed("pasted_line", "")
	}
	r := sign.Request{Method: words[0], Target: words[1], Header: map[string][]string{}}
	if strings.HasPrefix(r.Target, "http://") || strings.HasPrefix(r.Target, "https://") {
		r.Authority, r.Target, _ = cutAddress(r.Target)
	}
	for rest != "" {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		if line = strings.TrimSuffix(line, "\r"); line == "" {
			break
		}
		if err := addHeader(&r, line); err != nil {
			return r, err
		}
	}
	if r.Authority == "" {
		return r, malformed("pasted_host", "")
	}
	r.Body = rawBody(r.Header.Get("Content-Length"), rest)
	return r, nil
}

func rawBody(length, rest string) []byte {
	if n, err := strconv.Atoi(length); err == nil && n >= 0 && n <= len(rest) {
		return []byte(rest[:n])
	}
	return []byte(strings.TrimSuffix(strings.TrimSuffix(rest, "\n"), "\r"))
}

func addHeader(r *sign.Request, line string) error {
	name, value, ok := strings.Cut(line, ":")
	if !ok || name == "" || strings.ContainsAny(name, " \t") {
		return malformed("pasted_header", "")
	}
	value = strings.Trim(value, " \t")
	if name = textproto.CanonicalMIMEHeaderKey(name); name == "Host" {
		r.Authority = value
		return nil
	}
	r.Header[name] = append(r.Header[name], value)
	return nil
}

// cutAddress takes an address apart without changing a byte of it. What stands behind # is not sent.
func cutAddress(address string) (authority, target string, ok bool) {
	scheme, rest, found := strings.Cut(address, "://")
	if !found {
		rest, scheme = address, "http"
	}
	rest, _, _ = strings.Cut(rest, "#")
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	authority, target = rest[:end], rest[end:]
	if !strings.HasPrefix(target, "/") {
		target = "/" + target
	}
	return authority, target, (scheme == "http" || scheme == "https") && authority != ""
}

// Options of curl: those that say something about the request, and those that do not; of these, which take a word with them.
var (
	curlSays    = map[string]string{"-X": "method", "--request": "method", "-H": "header", "--header": "header", "--url": "url"}
	curlData    = map[string]bool{"-d": true, "--data": true, "--data-raw": true, "--data-binary": true, "--data-ascii": true, "--json": true}
	curlSilent  = map[string]bool{"-s": true, "-S": true, "-sS": true, "-i": true, "-v": true, "-k": true, "-L": true, "-g": true, "-f": true, "--silent": true, "--show-error": true, "--include": true, "--verbose": true, "--insecure": true, "--location": true, "--globoff": true, "--fail": true, "--path-as-is": true, "--compressed": true, "--http1.1": true, "--http2": true}
	curlIgnores = map[string]bool{"-o": true, "--output": true, "-w": true, "--write-out": true, "-m": true, "--max-time": true, "--connect-timeout": true, "--cacert": true, "--resolve": true, "-A": true, "--user-agent": true}
)

func readCurl(words []string) (r sign.Request, err error) {
	r.Header = map[string][]string{}
	var address string
	var data []string
	for i := 0; i < len(words); i++ {
		word := words[i]
		if !strings.HasPrefix(word, "-") || word == "-" {
			address = word
			continue
		}
		if curlSilent[word] {
			continue
		}
		if curlSays[word] == "" && !curlData[word] && !curlIgnores[word] {
			return r, malformed("pasted_option", word)
		}
		if i++; i == len(words) {
			return r, malformed("pasted_option", word)
		}
		switch {
		case curlSays[word] == "method":
			r.Method = words[i]
		case curlSays[word] == "url":
			address = words[i]
		case curlSays[word] == "header":
			err = addHeader(&r, words[i])
		case curlData[word]:
			data, err = addData(&r, data, word, words[i])
		}
		if err != nil {
			return r, err
		}
	}
	return finishCurl(r, address, data)
}

func addData(r *sign.Request, data []string, option, text string) ([]string, error) {
	if strings.HasPrefix(text, "@") && option != "--data-raw" {
		return nil, malformed("pasted_file", text)
	}
	kind := "application/x-www-form-urlencoded"
	if option == "--json" {
		kind = "application/json"
	}
	if r.Header.Get("Content-Type") == "" {
		r.Header.Set("Content-Type", kind)
	}
	return append(data, text), nil
}

func finishCurl(r sign.Request, address string, data []string) (sign.Request, error) {
	authority, target, ok := cutAddress(address)
	if !ok {
		return r, malformed("pasted_host", "")
	}
	if r.Target = target; r.Authority == "" {
		r.Authority = authority
	}
	r.Body = []byte(strings.Join(data, "&"))
	switch {
	case r.Method == "" && len(data) > 0:
		r.Method = "POST"
	case r.Method == "":
		r.Method = "GET"
	}
	return r, nil
}

// shellWords splits a line as a POSIX shell does, with quotes and a backslash, and without expanding anything.
func shellWords(text string) (words []string, err error) {
	var word strings.Builder
	open, begun := byte(0), false
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case open == '\'' && c != '\'', open == '"' && c != '"' && c != '\\':
			word.WriteByte(c)
		case open != 0 && c == open:
			open = 0
		case c == '\\':
			if i++; i == len(text) {
				return nil, malformed("pasted_quote", "")
			}
			if open == '"' && !strings.ContainsRune("\"\\$`\n", rune(text[i])) {
				word.WriteByte('\\')
			}
			if text[i] != '\n' { // a line that goes on
				word.WriteByte(text[i])
				begun = true
			}
		case c == '\'' || c == '"':
			open, begun = c, true
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			if begun {
				words = append(words, word.String())
				word.Reset()
				begun = false
			}
		default:
			word.WriteByte(c)
			begun = true
		}
	}
	if open != 0 {
		return nil, malformed("pasted_quote", "")
	}
	if begun {
		words = append(words, word.String())
	}
	return words, nil
}
