package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httputil"
	"net/textproto"
	"strings"
	"sync"

	"github.com/seed-21c57000/sallyport/gate"
	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/sign"
)

// forwardKey carries the visit through httputil.ReverseProxy, whose hooks get nothing but the request.
type forwardKey struct{}

func visitOf(r *http.Request) *visit {
	v, _ := r.Context().Value(forwardKey{}).(*visit)
	return v
}

// forward takes the request to its upstream. Errors: busy, where a tunnel finds no room.
func (v *visit) forward() error {
	ctx := v.r.Context()
	if v.tunnels {
		watched, cancel := context.WithCancel(ctx)
		tunnel, fill, err := v.watched(stirs, cancel)
		if err != nil {
			cancel()
			return err
		}
		defer fill()
		v.tunnel, ctx = tunnel, watched
	}
	r := v.r.WithContext(context.WithValue(ctx, forwardKey{}, v)) //nolint:forbidigo // see forwardKey
	r.Body = io.NopCloser(bytes.NewReader(v.body))
	r.ContentLength = int64(len(v.body))
	r.TransferEncoding = nil
	if len(v.body) == 0 {
		r.Body = http.NoBody
	}
	v.g.proxy.ServeHTTP(v.w, r)
	return nil
}

func (g *Gateway) newProxy() *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Transport: g.Transport, Rewrite: rewrite, ModifyResponse: cleanResponse, BufferPool: &bufferPool{}, ErrorHandler: upstreamFailed,
	}
}

// rewrite prepares what goes on: the raw target as it came, no word about identity but ours. It runs after the hop-by-hop headers were
// removed, so that no Connection header can take ours away.
func rewrite(p *httputil.ProxyRequest) {
	v := visitOf(p.In)
	u := v.host.Upstream
	p.Out.URL.Scheme, p.Out.URL.Host = u.URL.Scheme, u.URL.Host
	p.Out.URL.Path, p.Out.URL.RawPath, p.Out.URL.RawQuery = p.In.URL.Path, p.In.URL.RawPath, p.In.URL.RawQuery
	p.Out.Host = u.URL.Host
	CleanRequest(p.Out.Header)
	h := p.Out.Header
	h["X-Forwarded-For"] = []string{v.rec.Addr.String()}
	h["X-Forwarded-Host"] = []string{v.raw.Authority}
	proto := "http"
	if v.rec.Secure {
		proto = "https"
	}
	h["X-Forwarded-Proto"] = []string{proto}
	h["X-Request-Id"] = []string{v.rec.ID.String()}
	h[gate.Header] = []string{v.assertion()}
}

// assertion is what the upstream gets to know about the request.
func (v *visit) assertion() string {
	return v.host.Upstream.Assert.Token(asserted{
		principal: v.who, route: v.route, environment: v.host.Environment, request: v.rec.ID, method: v.r.Method, target: v.raw.Target,
		body: v.body, unseen: v.unseen, digest: v.digest, now: v.now, confirmation: v.confirmation,
	})
}

// CleanRequest removes everything by which a client could speak about identity, in every spelling a server may fold into another, and the
// credentials that were meant for us.
func CleanRequest(h http.Header) {
	var room [usualName]byte
	for name := range h {
		text := folded(room[:0], name)
		if strings.Contains(name, "_") || bytes.HasPrefix(text, ourNames) || bytes.HasPrefix(text, proxyNames) || removed[string(text)] {
			delete(h, name)
		}
	}
	cleanCookies(h)
}

// What the names of identity headers begin with, and of those by which a proxy speaks of the request before it.
var ourNames, proxyNames = []byte("sallyport-"), []byte("x-forwarded-")

// usualName is room for the name of nearly every header; a longer one moves to the heap.
const usualName = 64

// folded appends a header's name as the loosest server reads it: in lower case, with dashes for underscores.
func folded(dst []byte, name string) []byte {
	for i := range len(name) {
		c := name[i]
		switch {
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case c == '_':
			c = '-'
		}
		dst = append(dst, c)
	}
	return dst
}

// removed maps headers that are ours to read or ours to say: credentials in every dialect, whichever the request spoke, and what an upstream
// may take for another request than the one that was checked.
var removed = func() map[string]bool {
	names := map[string]bool{
		"authorization": true, "proxy-authorization": true, "forwarded": true, "x-real-ip": true, "x-request-id": true, "early-data": true,
	}
	maps.Copy(names, otherRequest)
	for _, d := range sign.AllDialects() {
		for _, name := range d.Headers() {
			names[strings.ToLower(name)] = true
		}
	}
	return names
}()

// otherRequest are headers by which an upstream may take a request for another than the one that was checked.
var otherRequest = map[string]bool{
	"x-original-url": true, "x-rewrite-url": true, "x-http-method-override": true, "x-http-method": true, "x-method-override": true,
}

// cleanCookies keeps the upstream's own cookies and drops ours.
func cleanCookies(h http.Header) {
	lines := h["Cookie"]
	if len(lines) == 0 {
		return
	}
	var kept []string
	for _, line := range lines {
		for pair := range strings.SplitSeq(line, ";") {
			pair = textproto.TrimString(pair)
			if name, _, _ := strings.Cut(pair, "="); pair != "" && !httpx.Ours(textproto.TrimString(name)) {
				kept = append(kept, pair)
			}
		}
	}
	delete(h, "Cookie")
	if len(kept) > 0 {
		h["Cookie"] = []string{strings.Join(kept, "; ")}
	}
}

// cleanResponse keeps an upstream from speaking in our name: it cannot set our cookies, nor claim an assertion. That it switches protocols
// unasked is refused by httputil.
func cleanResponse(r *http.Response) error {
	r.Header.Del(gate.Header)
	r.Header.Del(httpx.RetiresHeader)
	r.Header.Del(httpx.RefusalHeader)
	v := visitOf(r.Request)
	for _, name := range [...]string{httpx.DeprecationHeader, httpx.SunsetHeader} {
		if r.Header.Get(name) != "" { // of its own address
			v.w.Header().Del(name)
		}
	}
	if v.tunnel != nil && r.StatusCode == http.StatusSwitchingProtocols {
		if both, ok := r.Body.(io.ReadWriteCloser); ok {
			r.Body = &passing{ReadWriteCloser: both, t: v.tunnel}
		}
	} else if err := v.streams(r); err != nil {
		return err
	}
	cookies := r.Header["Set-Cookie"]
	kept := cookies[:0]
	for _, line := range cookies {
		if name, _, _ := strings.Cut(line, "="); !httpx.Ours(textproto.TrimString(name)) {
			kept = append(kept, line)
		}
	}
	if len(kept) < len(cookies) {
		r.Header["Set-Cookie"] = kept
	}
	r.Header.Del("X-Request-Id") // ours is set already
	return nil
}

// upstreamFailed tells what went wrong after the check. What we refused ourselves is not blamed on the upstream.
func upstreamFailed(_ http.ResponseWriter, r *http.Request, err error) {
	if _, ours := errors.AsType[*fault.Error](err); !ours {
		err = fault.New(fault.GatewayUpstreamDown).Because(err)
	}
	visitOf(r).refuse(err)
}

// bufferPool lends ReverseProxy its copy buffers.
type bufferPool struct{ pool sync.Pool }

func (b *bufferPool) Get() []byte {
	if buffer, ok := b.pool.Get().(*[]byte); ok {
		return *buffer
	}
	return make([]byte, 32<<10)
}

func (b *bufferPool) Put(buffer []byte) { b.pool.Put(&buffer) }
