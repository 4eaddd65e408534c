package sign

import (
	"errors"
	"slices"
)

// ErrUnknownName is the answer to a word that names no dialect, algorithm or form.
var ErrUnknownName = errors.New("sign: unknown dialect, algorithm or form")

// Dialect is a request-signing scheme. A key has exactly one, and the request never selects it.
type Dialect uint8

// The dialects. The zero value is none and is refused everywhere.
const (
	// Native is the profile sallyport-v1 of RFC 9421 with RFC 9530.
	Native Dialect = iota + 1
	// Upbit is the Bearer JWT of Upbit's API with query_hash.
	Upbit
	// Bithumb is Upbit's token with a time that must be there (API 2.0).
	Bithumb
	// Binance puts time and signature among the parameters.
	Binance
	// Kraken signs path and body with a rising nonce.
	Kraken
	// OKX signs time, method, target and body (API v5).
	OKX
	// Bybit signs time, key, window and query or body (API v5).
	Bybit
	// Coinbase is the Bearer JWT of the Coinbase Developer Platform.
	Coinbase
	// KuCoin signs time, method, target and body (key version 2).
	KuCoin

	// Dialects is the length of an array that a Dialect indexes.
	Dialects = int(KuCoin) + 1
)

// dialects says of each dialect what it is called, which parts of a request its signature covers at the least, which algorithms its keys
// may have, whether its signature can be read only together with the body, and the header lines that carry its credentials, each of which
// stands once; where the body is needed, the one that names the key first. A new dialect is a line here, a file of its own, and a case
// in Parse, AppendBase, CheckBody, ExchangeSigner.Headers and problemsOf.
var dialects = [Dialects]struct {
	name      string
	covers    Coverage
	pins      []Algorithm
	bodyFirst bool
	headers   []string
}{
	Native: {
		"native",
		Coverage{Method: true, Path: true, Query: true, Body: true, Host: true, Time: true, SingleUse: true},
		[]Algorithm{Ed25519, HMACSHA256},
		false,
		[]string{"Signature-Input", "Signature"},
	},
	// Query and body are covered by their hash. Time is covered when the token carries timestamp or iat (Signature.Coverage).
	Upbit:   {"upbit", Coverage{Query: true, Body: true, SingleUse: true}, []Algorithm{HMACSHA2}, false, bearerOnly},
	Bithumb: {"bithumb", Coverage{Query: true, Body: true, Time: true, SingleUse: true}, []Algorithm{HMACSHA256}, false, bearerOnly},
	Binance: {
		"binance",
		Coverage{Query: true, Body: true, Time: true, SingleUse: true},
		[]Algorithm{HMACSHA256, Ed25519},
		true,
		[]string{binanceKey},
	},
	// Neither method nor query is covered: the one is always POST, the other always empty.
	Kraken: {"kraken", Coverage{Path: true, Body: true, SingleUse: true}, []Algorithm{HMACSHA512}, true, []string{krakenKey, krakenSign}},
	OKX: {
		"okx",
		Coverage{Method: true, Path: true, Query: true, Body: true, Time: true, SingleUse: true},
		[]Algorithm{HMACSHA256},
		true,
		[]string{okxKey, okxSign, okxTime, okxPassphrase},
	},
	// A GET signs its query and must have no body, all others sign their body and must have no query.
	Bybit: {
		"bybit",
		Coverage{Query: true, Body: true, Time: true, SingleUse: true},
		[]Algorithm{HMACSHA256},
		true,
		[]string{bybitKey, bybitSign, bybitTime, bybitWindow},
	},
	Coinbase: {
		"coinbase", Coverage{Method: true, Path: true, Host: true, Time: true, SingleUse: true}, []Algorithm{ES256, Ed25519}, false, bearerOnly,
	},
	KuCoin: {
		"kucoin",
		Coverage{Method: true, Path: true, Query: true, Body: true, Time: true, SingleUse: true},
		[]Algorithm{HMACSHA256},
		true,
		[]string{kucoinKey, kucoinSign, kucoinTime, kucoinPassphrase, kucoinVersion},
	},
}

var bearerOnly = []string{"Authorization"}

// Coverage says which parts of a request a signature covers: whoever sees a signed request on its way can change none of these.
type Coverage struct {
	Method, Path, Query, Body, Host, Time bool
	// SingleUse: the signature is good once, by a value that it carries or by itself (Signature.SingleUse).
	SingleUse bool
}

// Coverage is what every signature of the dialect covers.
func (d Dialect) Coverage() Coverage {
	if int(d) < len(dialects) {
		return dialects[d].covers
	}
	return Coverage{}
}

// Headers lists the canonical names of the header lines that carry the dialect's credentials: what a gate takes away before a request goes
// on. Binance's time and signature stand among the parameters and are not of them.
func (d Dialect) Headers() []string {
	if int(d) < len(dialects) {
		return slices.Clone(dialects[d].headers)
	}
	return nil
}

// String is the name of the exchange in lower case, "native", or empty.
func (d Dialect) String() string {
	if int(d) < len(dialects) {
		return dialects[d].name
	}
	return ""
}

// ParseDialect reads what String wrote. Errors: ErrUnknownName.
func ParseDialect(s string) (Dialect, error) {
	for d, line := range dialects {
		if d != 0 && line.name == s {
			return Dialect(d), nil
		}
	}
	return 0, ErrUnknownName
}

// AllDialects lists the dialects in the order of their constants.
func AllDialects() []Dialect {
	list := make([]Dialect, 0, Dialects-1)
	for d := Native; int(d) < Dialects; d++ {
		list = append(list, d)
	}
	return list
}

// Algorithms lists the algorithms that a key of the dialect may be pinned to, the advised one first.
func (d Dialect) Algorithms() []Algorithm {
	if int(d) < len(dialects) {
		return slices.Clone(dialects[d].pins)
	}
	return nil
}

// Pins says whether a key of the dialect may be pinned to the algorithm.
func (d Dialect) Pins(a Algorithm) bool {
	return int(d) < len(dialects) && slices.Contains(dialects[d].pins, a)
}

// HasPassphrase says whether the dialect's clients send a passphrase beside the secret.
func (d Dialect) HasPassphrase() bool { return d == OKX || d == KuCoin }

// Ceiling is the highest class of action that a signature may carry: an upper bound, whatever else allows the action.
type Ceiling uint8

// The ceilings, in rising order. The zero value is the lowest.
const (
	CeilingRead Ceiling = iota
	CeilingTrade
	CeilingWithdraw
)

// Ceiling follows from the coverage. Everything covered and single use: withdraw. An unsigned body, or neither path nor time: read,
// because what is captured can be turned into something else or kept for ever. Trade otherwise.
func (c Coverage) Ceiling() Ceiling {
	switch {
	case !c.Body || (!c.Path && !c.Time):
		return CeilingRead
	case c == Coverage{Method: true, Path: true, Query: true, Body: true, Host: true, Time: true, SingleUse: true}:
		return CeilingWithdraw
	default:
		return CeilingTrade
	}
}

// Lift is the highest ceiling that an operator may set instead: withdraw when nothing but the host is open, otherwise trade.
func (c Coverage) Lift() Ceiling {
	c.Host = true
	return max(c.Ceiling(), CeilingTrade)
}
