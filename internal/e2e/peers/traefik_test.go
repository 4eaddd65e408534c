package peers_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// traefikFile is what this test reads of Traefik's configuration.
type traefikFile struct {
	HTTP struct {
		Middlewares map[string]struct {
			ForwardAuth struct {
				Address string   `yaml:"address"`
				Trust   bool     `yaml:"trustForwardHeader"`
				Copied  []string `yaml:"authResponseHeaders"`
			} `yaml:"forwardAuth"`
			Headers struct {
				Request map[string]string `yaml:"customRequestHeaders"`
			} `yaml:"headers"`
		} `yaml:"middlewares"`
		Services map[string]struct {
			LoadBalancer struct {
				Servers []struct{ URL string } `yaml:"servers"`
			} `yaml:"loadBalancer"`
		} `yaml:"services"`
	} `yaml:"http"`
}

// traefikHops are what Traefik's forwardAuth keeps to itself of a request and of an answer.
var traefikHops = []string{
	"Connection", "Keep-Alive", "Te", "Trailers", "Transfer-Encoding", "Upgrade", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization",
}

// asTraefik listens and does with each request what Traefik does by that file: it has no package in Debian. From its middleware forwardAuth:
// GET to the address with the client's headers but hop-by-hop ones, X-Forwarded-* set anew; on 2xx the named headers in place of the client's
// own, on anything else the answer as it is; then empty custom headers are deleted, and the request goes on.
func asTraefik(t *testing.T, address, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var cfg traefikFile
	if err := yaml.Unmarshal(text, &cfg); err != nil {
		t.Fatal(err)
	}
	auth := cfg.HTTP.Middlewares["sallyport"].ForwardAuth
	if auth.Trust || len(auth.Copied) == 0 {
		t.Fatalf("forwardAuth: %+v", auth)
	}
	away := cfg.HTTP.Middlewares["without-credentials"].Headers.Request
	to := func(name string) *httputil.ReverseProxy {
		target, err := url.Parse(cfg.HTTP.Services[name].LoadBalancer.Servers[0].URL)
		if err != nil {
			t.Fatal(err)
		}
		return &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
			p.Out.URL.Scheme, p.Out.URL.Host = target.Scheme, target.Host
			p.Out.URL.RawQuery = p.In.URL.RawQuery
			p.SetXForwarded()
		}}
	}
	exchange, own := to("exchange"), to("sallyport")
	once := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	l, err := net.Listen("tcp", address) //nolint:noctx // closed with its server
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/.sallyport/") {
			own.ServeHTTP(w, r)
			return
		}
		answer, err := once.Do(traefikAsks(t, auth.Address, r))
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		defer func() { _ = answer.Body.Close() }()
		if answer.StatusCode < 200 || answer.StatusCode >= 300 {
			for name, values := range answer.Header {
				if !slices.Contains(traefikHops, name) {
					w.Header()[name] = values
				}
			}
			w.WriteHeader(answer.StatusCode)
			_, _ = io.Copy(w, answer.Body)
			return
		}
		for _, name := range auth.Copied {
			r.Header.Del(name)
			if values := answer.Header[name]; len(values) > 0 {
				r.Header[name] = values
			}
		}
		for name, value := range away {
			if value == "" {
				r.Header.Del(name)
			}
		}
		exchange.ServeHTTP(w, r)
	})}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
}

// traefikAsks is the question about a request.
func traefikAsks(t *testing.T, address string, r *http.Request) *http.Request {
	q, err := http.NewRequestWithContext(r.Context(), http.MethodGet, address, bytes.NewReader(nil))
	if err != nil {
		t.Error(err)
		return r
	}
	q.Header = r.Header.Clone()
	for _, name := range traefikHops {
		q.Header.Del(name)
	}
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Method", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Host", "X-Forwarded-Uri"} {
		q.Header.Del(name)
	}
	client, _, _ := net.SplitHostPort(r.RemoteAddr)
	q.Header.Set("X-Forwarded-For", client)
	q.Header.Set("X-Forwarded-Method", r.Method)
	q.Header.Set("X-Forwarded-Proto", "http")
	q.Header.Set("X-Forwarded-Host", r.Host)
	q.Header.Set("X-Forwarded-Uri", r.URL.RequestURI())
	return q
}
