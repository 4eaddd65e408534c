package consequence_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/protobuf/proto"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
)

// envoy lets Envoy ask about a request, as its ext_authz filter does.
func (w *world) envoy(about *http.Request) fault.Code {
	w.t.Helper()
	asked := &authv3.AttributeContext_HttpRequest{
		Method: about.Method, Path: about.URL.RequestURI(), Host: about.Host, Scheme: "http", Protocol: "HTTP/1.1", Size: -1, Headers: map[string]string{},
	}
	for name, values := range about.Header {
		asked.Headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	var answer authv3.CheckResponse
	w.overGRPC(&authv3.CheckRequest{Attributes: &authv3.AttributeContext{
		Source: &authv3.AttributeContext_Peer{Address: &corev3.Address{Address: &corev3.Address_SocketAddress{SocketAddress: &corev3.SocketAddress{
			Address: home, PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: 40000},
		}}}},
		Request: &authv3.AttributeContext_Request{Http: asked},
	}}, &answer)
	if answer.GetOkResponse() != nil {
		return open
	}
	no := answer.GetDeniedResponse()
	var problem struct{ Code fault.Code }
	_ = json.Unmarshal([]byte(no.GetBody()), &problem)
	return outcome(authtest.Reply{Status: int(no.GetStatus().GetCode()), Code: problem.Code})
}

// overGRPC makes one call of gRPC without a socket: a byte that says uncompressed, four of length, the message.
func (w *world) overGRPC(in, out proto.Message) {
	w.t.Helper()
	message, err := proto.Marshal(in)
	w.ok(err)
	framed := append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))), message...)
	r := httptest.NewRequestWithContext(w.t.Context(), http.MethodPost, "/envoy.service.auth.v3.Authorization/Check", bytes.NewReader(framed))
	r.ProtoMajor, r.ProtoMinor, r.RemoteAddr = 2, 0, "127.0.0.1:50000"
	r.Header.Set("Content-Type", "application/grpc")
	r.Header.Set("Te", "trailers")
	answer := httptest.NewRecorder()
	w.ExtAuthz.ServeHTTP(answer, r)
	body := answer.Body.Bytes()
	if len(body) < 5 {
		w.t.Fatalf("Envoy hears %d %v", answer.Code, answer.Result().Trailer)
	}
	w.ok(proto.Unmarshal(body[5:], out))
}
