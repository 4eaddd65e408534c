// Package extauthz is the door for Envoy: its ext_authz filter asks over gRPC before it passes a request on, and this package turns the
// question into the request that it is about, hands that to the gateway's check, and turns the answer back.
//
//	client ── request ──▶ Envoy ── CheckRequest ──▶ Door ── the request ──▶ check     204: OkHttpResponse, our headers in, credentials out
//	                        └───── request, with our headers ──▶ upstream             else: DeniedHttpResponse with that answer
//
// It has no rule of its own and knows no room: the check is a handler that it is given, and so is the cleaning that the proxy does.
//
// Invariant: a request is let through only by a 204 of the check, and then no header that names an identity, and no credential of ours, is
// left of what the client sent. Whoever is not a declared proxy gets no answer.
package extauthz

import (
	"context"
	"net/http"
	"net/netip"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
)

// Door says who may ask, and whom it asks in turn. All fields are needed; none may change once it answers.
type Door struct {
	// Check answers the request that a question is about: 204 with our headers lets it through, anything else is what the client hears.
	Check http.Handler
	// Clean takes away what no upstream may hear from a client, as the proxy does.
	Clean func(http.Header)
	// Trusted are the declared proxies, who alone may ask.
	Trusted []netip.Prefix
	// Bodies says that Envoy sends bodies along: with_request_body with pack_as_bytes and without allow_partial_message.
	Bodies bool
	// BodyCap bounds them, in bytes.
	BodyCap int64
}

// headRoom is what a question may weigh beside the body.
const headRoom = 256 << 10

// Handler serves the door's questions over HTTP/2.
//
// Errors, on which Envoy refuses unless it was told otherwise (failure_mode_allow): PermissionDenied for one who is not a declared proxy,
// InvalidArgument for a question that does not say which request, or from whom.
func (d Door) Handler() http.Handler {
	s := grpc.NewServer(grpc.MaxRecvMsgSize(int(d.BodyCap)+headRoom), grpc.MaxSendMsgSize(headRoom))
	authv3.RegisterAuthorizationServer(s, server{Door: d})
	return s
}

// server is the door as gRPC calls it.
type server struct {
	authv3.UnimplementedAuthorizationServer
	Door
}

// Check answers one question.
func (s server) Check(ctx context.Context, in *authv3.CheckRequest) (*authv3.CheckResponse, error) {
	if !s.declared(ctx) {
		return nil, status.Error(codes.PermissionDenied, "only declared proxies are answered")
	}
	about := in.GetAttributes()
	if about.GetRequest().GetHttp().GetMethod() == "" || about.GetSource().GetAddress().GetSocketAddress().GetAddress() == "" {
		return nil, status.Error(codes.InvalidArgument, "the question names no request or no source")
	}
	r := s.restore(ctx, about)
	sent := r.Header.Clone() // the check takes away headers that it has read
	heard := &recorder{header: http.Header{}}
	s.Door.Check.ServeHTTP(heard, r)
	if heard.status != http.StatusNoContent {
		return denied(heard), nil
	}
	return s.allowed(heard, sent), nil
}

// declared says whether the one who asks is a declared proxy.
func (s server) declared(ctx context.Context) bool {
	from, ok := peer.FromContext(ctx)
	if !ok {
		return false
	}
	at, err := netip.ParseAddrPort(from.Addr.String())
	if err != nil {
		return false
	}
	addr := at.Addr().Unmap().WithZone("")
	for _, network := range s.Trusted {
		if network.Contains(addr) {
			return true
		}
	}
	return false
}

// recorder keeps the answer of the check.
type recorder struct {
	header http.Header
	status int
	body   []byte
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

func (r *recorder) Write(b []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	r.body = append(r.body, b...)
	return len(b), nil
}
