package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
)

func TestNoWayOfPrintingShowsTheBytes(t *testing.T) {
	const canary = "canary-7f3a"
	v := secret.FromString("password", canary)
	holder := struct{ P secret.Value }{v}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+verb, v, holder)
	}
	asJSON, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(asJSON)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("sign in", "password", v, "holder", holder)
	if got := out.String(); strings.Contains(got, canary) || strings.Contains(got, fmt.Sprintf("%x", canary)) {
		t.Errorf("the secret surfaced: %s", got)
	}
	if !strings.Contains(out.String(), "[password]") {
		t.Errorf("the kind is missing: %s", out.String())
	}
}

func TestIsBearer(t *testing.T) {
	if !secret.MintBearer("session").IsBearer() {
		t.Error("a minted one is none")
	}
	a := strings.Repeat("A", 42)
	for _, text := range []string{"", a, a + "AA", a + "B", a + "\n", a + "=", a + "+", a + "\x00"} {
		if secret.FromString("x", text).IsBearer() {
			t.Errorf("%q is one", text)
		}
	}
}

func TestMintedBearersDiffer(t *testing.T) {
	a, b := secret.MintBearer("session"), secret.MintBearer("session")
	if a.Equal(b) || len(a.Reveal()) != 43 {
		t.Errorf("two minted values: equal %v, length %d", a.Equal(b), len(a.Reveal()))
	}
}
