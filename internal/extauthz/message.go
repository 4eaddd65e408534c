package extauthz

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/seed-21c57000/sallyport/internal/httpx"
)

// restore makes the request that a question is about: the target as it came, the connection's address as Envoy knows it. What a client
// wrote about its address stays in the headers, for the chain to believe or not.
func (s server) restore(ctx context.Context, about *authv3.AttributeContext) *http.Request {
	asked := about.GetRequest().GetHttp()
	source := about.GetSource().GetAddress().GetSocketAddress()
	target, err := url.ParseRequestURI(asked.GetPath())
	if err != nil {
		target = &url.URL{} // the check refuses what cannot be read, by the raw target
	}
	r := (&http.Request{
		Method: asked.GetMethod(), RequestURI: asked.GetPath(), URL: target, Host: asked.GetHost(), Header: header(asked),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: http.NoBody,
		RemoteAddr: net.JoinHostPort(source.GetAddress(), strconv.FormatUint(uint64(source.GetPortValue()), 10)),
	}).WithContext(ctx)
	if asked.GetScheme() == "https" {
		r.TLS = &tls.ConnectionState{}
	}
	if s.Bodies {
		r.Body, r.ContentLength = body(asked, r.Header)
	}
	return r
}

// header reads the client's headers, line by line where Envoy sends them so (encode_raw_headers), else joined as it joins them.
func header(asked *authv3.AttributeContext_HttpRequest) http.Header {
	h := http.Header{}
	add := func(name, value string) {
		if !strings.HasPrefix(name, ":") && !strings.EqualFold(name, "Host") {
			h.Add(name, value)
		}
	}
	if lines := asked.GetHeaderMap().GetHeaders(); len(lines) > 0 {
		for _, line := range lines {
			value := line.GetValue()
			if raw := line.GetRawValue(); len(raw) > 0 {
				value = string(raw)
			}
			add(line.GetKey(), value)
		}
		return h
	}
	for name, value := range asked.GetHeaders() {
		add(name, value)
	}
	return h
}

// partialBody is Envoy's word on a body that it sends along. Without a body there is none of its own.
const partialBody = "X-Envoy-Auth-Partial-Body"

// errBodyNotWhole makes reading the body fail, and with it the check.
var errBodyNotWhole = errors.New("the proxy did not send the whole body")

// body is the request's body if the question brings all of it. A part of one, one as text (whose bytes Envoy may have replaced), and none
// where the client announced one cannot be read.
func body(asked *authv3.AttributeContext_HttpRequest, h http.Header) (io.ReadCloser, int64) {
	raw, word := asked.GetRawBody(), h[partialBody]
	delete(h, partialBody)
	announced := h.Get("Content-Length")
	whole := asked.GetBody() == "" && (announced == "" || announced == strconv.Itoa(len(raw)))
	switch {
	case len(raw) > 0:
		whole = whole && slices.Equal(word, []string{"false"})
	case len(h["Transfer-Encoding"]) > 0:
		whole = whole && slices.Equal(word, []string{"false"})
	}
	if !whole {
		return io.NopCloser(failing{}), -1
	}
	return io.NopCloser(bytes.NewReader(raw)), int64(len(raw))
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errBodyNotWhole }

// kept are headers that Envoy writes itself after it has read the client's.
var kept = map[string]bool{"X-Forwarded-For": true, "X-Forwarded-Proto": true, "X-Request-Id": true}

// allowed puts our headers in place of the client's, and takes away what the proxy would have taken away from what the client sent.
func (s server) allowed(heard *recorder, sent http.Header) *authv3.CheckResponse {
	clean := sent.Clone()
	s.Clean(clean)
	ok := &authv3.OkHttpResponse{}
	for _, name := range slices.Sorted(maps.Keys(sent)) {
		switch lines := clean[name]; {
		case heard.header[name] != nil || kept[name]:
		case len(lines) == 0:
			ok.HeadersToRemove = append(ok.HeadersToRemove, strings.ToLower(name))
		case !slices.Equal(lines, sent[name]): // our cookies among others
			ok.Headers = append(ok.Headers, option(name, strings.Join(lines, "; "), corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(heard.header)) {
		switch {
		case name == httpx.DeprecationHeader, name == httpx.SunsetHeader: // the upstream's own stand
			ok.ResponseHeadersToAdd = append(ok.ResponseHeadersToAdd, option(name, heard.header.Get(name), corev3.HeaderValueOption_ADD_IF_ABSENT))
		case name == httpx.RetiresHeader: // is for the client, with the upstream's answer
			ok.ResponseHeadersToAdd = append(ok.ResponseHeadersToAdd, option(name, heard.header.Get(name), corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD))
		case strings.HasPrefix(name, "Sallyport-") || name == "X-Request-Id":
			ok.Headers = append(ok.Headers, option(name, heard.header.Get(name), corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD))
		}
	}
	return &authv3.CheckResponse{
		Status: status.New(codes.OK, "").Proto(), HttpResponse: &authv3.CheckResponse_OkResponse{OkResponse: ok},
	}
}

// denied is the check's answer as the client hears it. An answer that is neither yes nor a refusal refuses.
func denied(heard *recorder) *authv3.CheckResponse {
	said := heard.status
	if said < 300 {
		said = http.StatusForbidden
	}
	no := &authv3.DeniedHttpResponse{Status: &typev3.HttpStatus{Code: typev3.StatusCode(said)}, Body: string(heard.body)}
	for _, name := range slices.Sorted(maps.Keys(heard.header)) {
		for _, value := range heard.header[name] {
			no.Headers = append(no.Headers, option(name, value, corev3.HeaderValueOption_APPEND_IF_EXISTS_OR_ADD))
		}
	}
	return &authv3.CheckResponse{
		Status: status.New(codes.PermissionDenied, "").Proto(), HttpResponse: &authv3.CheckResponse_DeniedResponse{DeniedResponse: no},
	}
}

func option(name, value string, action corev3.HeaderValueOption_HeaderAppendAction) *corev3.HeaderValueOption {
	return &corev3.HeaderValueOption{Header: &corev3.HeaderValue{Key: strings.ToLower(name), Value: value}, AppendAction: action}
}
