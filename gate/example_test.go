package gate_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/seed-21c57000/sallyport/gate"
)

func Example() {
	key, err := gate.HS256("k1", secret) // from the backend's configuration: 32 bytes, shared with the gateway
	if err != nil {
		panic(err)
	}
	g, err := gate.New(gate.Config{
		Issuer: "https://gate.example", Audience: "exchange", Keys: []gate.Key{key},
		Now:      func() time.Time { return now }, // time.Now in a program
		OnRefuse: func(_ *http.Request, reason error) { fmt.Println("refused:", reason) },
	})
	if err != nil {
		panic(err)
	}
	handler := g.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		who, _ := gate.From(r.Context())
		fmt.Println(who.Environment, who.Subaccount, "may withdraw here:", who.Class.Covers(gate.ClassWithdraw))
	}))

	request := httptest.NewRequestWithContext(context.Background(), "GET", "/v1/accounts", nil)
	handler.ServeHTTP(httptest.NewRecorder(), request)
	request.Header.Set(gate.Header, gate.SignHS256("k1", secret, claimsFor("GET", "/v1/accounts", "")))
	handler.ServeHTTP(httptest.NewRecorder(), request)
	// Output:
	// refused: assertion: not exactly one header
	// live sub_1 may withdraw here: false
}
