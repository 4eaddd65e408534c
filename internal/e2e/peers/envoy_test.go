package peers_test

import (
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/seed-21c57000/sallyport/internal/kit/program"
)

// TestEnvoyIsAnsweredByTheProgram: the listener of the configuration speaks gRPC in the clear, and refuses what nobody signed. What is answered
// to which question is tested in internal/extauthz.
func TestEnvoyIsAnsweredByTheProgram(t *testing.T) {
	address := program.FreeAddress(t)
	t.Setenv("SALLYPORT_GATEWAY_EXT_AUTHZ_LISTEN", address)
	in := program.Install(t, program.InstallOptions{YAML: "proxies: {trusted: [127.0.0.0/8]}\n"})
	in.Serve(t)
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	answer, err := authv3.NewAuthorizationClient(conn).Check(t.Context(), &authv3.CheckRequest{Attributes: &authv3.AttributeContext{
		Source: &authv3.AttributeContext_Peer{Address: &corev3.Address{Address: &corev3.Address_SocketAddress{
			SocketAddress: &corev3.SocketAddress{Address: "203.0.113.7"},
		}}},
		Request: &authv3.AttributeContext_Request{Http: &authv3.AttributeContext_HttpRequest{Method: "GET", Host: in.API, Path: "/v1/accounts"}},
	}})
	if err != nil || answer.GetDeniedResponse().GetStatus().GetCode() != 401 {
		t.Errorf("%v %v", answer, err)
	}
}
