package sign_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-21c57000/sallyport/sign"
)

// refusal is one way to be refused.
type refusal struct {
	name string
	run  func() error
	want sign.Reason
}

func runRefusals(t *testing.T, table []refusal) {
	for _, c := range table {
		t.Run(c.name, func(t *testing.T) { want(t, c.run(), c.want) })
	}
}

// Every reason that the package can give is one that some test here makes it give.
func TestEveryReasonHasACase(t *testing.T) {
	reached := map[string]bool{}
	for _, table := range [][]refusal{requestRefusals(), nativeRefusals(), upbitRefusals(), exchangeRefusals(), keyRefusals()} {
		for _, c := range table {
			reached[string(c.want)] = true
		}
	}
	file := must(parser.ParseFile(token.NewFileSet(), "reason.go", nil, 0))
	declared := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Reason" {
			declared++
			word := must(strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value))
			if !reached[word] {
				t.Errorf("no case is refused with %s", word)
			}
		}
		return true
	})
	if declared < 50 {
		t.Errorf("found %d reasons in reason.go: the search is broken", declared)
	}
}

func TestErrorText(t *testing.T) {
	r := balances()
	r = signedAs(r, usualParts+usualParams()+`;`+strings.Repeat("x", 500)+`=1`)
	_, err := sign.Parse(&r)
	refused, ok := errors.AsType[*sign.Error](err)
	if !ok || refused.Reason != sign.UnknownParameter || len(refused.Seen) != 64 {
		t.Fatalf("got %#v", err)
	}
	if got := err.Error(); got != `sign: unknown_parameter: "`+strings.Repeat("x", 64)+`"` {
		t.Errorf("text %s", got)
	}
	if got := (&sign.Error{Reason: sign.TooOld}).Error(); got != "sign: too_old" {
		t.Errorf("text %s", got)
	}
	if got := sign.ReasonOf(errors.New("other")); got != "" {
		t.Errorf("reason %q of a foreign error", got)
	}
}

// Whatever verb or encoder meets a key or a signer, the secret does not come out.
func TestNothingPrintsASecret(t *testing.T) {
	upbit := sign.ExchangeKey{Dialect: sign.Upbit, KeyID: keyID, Secret: []byte(secret)}
	upbitSigner := must(sign.NewExchangeSigner(upbit))
	native := must(sign.NewHMACSigner(keyID, []byte(secret)))
	for _, v := range []any{hmacKey, &hmacKey, upbit, &upbit, native, *native, upbitSigner, *upbitSigner, edSigner()} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
			if text := fmt.Sprintf(verb, v); strings.Contains(text, secret) || strings.Contains(text, fmt.Sprintf("%x", secret)) ||
				strings.Contains(text, "115 112") || strings.Contains(text, "0x73") || text == "" {
				t.Errorf("%T with %s prints %s", v, verb, text)
			}
		}
		if text := must(json.Marshal(v)); strings.Contains(string(text), "c3BzX3Rlc3") {
			t.Errorf("%T as JSON is %s", v, text)
		}
	}
}
