package api

import (
	"context"
	"net/http"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/sign"
)

// keys is the API keys of an account.
type keys struct {
	room interface {
		List(ctx context.Context, p principal.Principal) ([]apikey.Key, error)
		standings
		Challenge(p principal.Principal) (string, error)
		Issue(ctx context.Context, p principal.Principal, in apikey.IssueInput) (apikey.Issued, error)
		Named(text string) (id.Key, error)
		Revoke(ctx context.Context, p principal.Principal, k id.Key) error
	}
}

func (k *keys) mount(a *API) {
	register(a, operation{
		id: "listKeys", method: http.MethodGet, path: "/v1/keys", summary: "The account's API keys", about: "The newest first, without secrets. With q those in whose name, purpose, owner, vendor or id each of its words stands.",
	}, k.list)
	register(a, operation{
		id: "createKey", method: http.MethodPost, path: "/v1/keys", summary: "Create an API key", status: http.StatusCreated,
		about: "The secret of an HMAC key is in the answer and never readable again. Of an Ed25519 key only the public half arrives, with a proof of the " +
			"private one.",
		codes: []fault.Code{fault.KeyAboveCeiling, fault.KeyNeedsAllowlist, fault.KeyNeedsDestinations, fault.KeyVendorNoWithdraw, fault.KeyPossessionUnproven, fault.SignInExpired},
	}, k.create)
	register(a, operation{
		id: "beginKeyProof", method: http.MethodPost, path: "/v1/keys/challenge", summary: "A challenge to prove a private key with",
		about: "Sign the text sallyport-key-proof-v1, a newline and the challenge with the Ed25519 key; send both with the key.",
	}, k.challenge)
	register(a, operation{
		id: "revokeKey", method: http.MethodDelete, path: "/v1/keys/{key_id}", summary: "Revoke an API key",
		about: "For good, and from the moment of the answer.", codes: []fault.Code{fault.KeyNotFound, fault.Forbidden},
	}, k.revoke)
}

type keyShown struct {
	KeyID        string        `json:"key_id" doc:"The public id" example:"spk_live_01AbCdEfGhIjKlMnOpQrStUvWxYz"`
	Name         string        `json:"name" example:"Rebalancer"`
	Purpose      string        `json:"purpose" example:"Moves the portfolio back to its weights every night"`
	Owner        id.User       `json:"owner" example:"usr_069g9r2kt0f7s8w3a5q1z7y6xc"`
	OwnerUntil   time.Time     `json:"owner_until,omitzero" doc:"When it stops, because its owner left or a sponsor of its owner did"`
	OwnerName    string        `json:"owner_name,omitempty" example:"Min"`
	Subaccount   id.Subaccount `json:"subaccount" doc:"What it is pinned to" example:"sub_069g9r2kt0f7s8w3a5q1z7y6xc"`
	Environment  string        `json:"environment" enum:"live,test"`
	Dialect      string        `json:"dialect" enum:"native,upbit,bithumb,binance,kraken,okx,bybit,coinbase,kucoin" doc:"How its requests are signed"`
	Algorithm    string        `json:"algorithm" enum:"ed25519,hmac-sha256,hmac-sha512,hmac-sha2,ecdsa-p256-sha256"`
	Settings     []string      `json:"settings,omitempty" doc:"How its clients write what they sign, if not as the dialect's usually do" example:"[\"lenient\"]"`
	Scopes       []string      `json:"scopes" doc:"What it was given; never more than its owner may today" example:"[\"balances:read\",\"orders:read\"]"`
	Allowlist    []string      `json:"allowlist" doc:"Networks it may be used from; empty allows every address" example:"[\"203.0.113.0/24\"]"`
	WindowMS     int64         `json:"window_ms,omitempty" doc:"How old its signatures may be, if not as old as the dialect allows" example:"5000"`
	CreatedAt    time.Time     `json:"created_at"`
	ExpiresAt    time.Time     `json:"expires_at"`
	RevokedAt    time.Time     `json:"revoked_at,omitzero" doc:"Missing while it is not revoked"`
	LastUsedAt   time.Time     `json:"last_used_at,omitzero" doc:"Missing if it was never used"`
	LastUsedFrom string        `json:"last_used_from,omitempty" example:"203.0.113.7"`
	State        string        `json:"state" enum:"live,frozen,blocked,expired,revoked,orphan,read_only,disabled,dialect_off" doc:"read_only and disabled: nobody used it for long; dialect_off: the platform accepts its dialect no more"`
	FrozenAt     time.Time     `json:"frozen_at,omitzero"`
	BlockedAt    time.Time     `json:"blocked_at,omitzero"`
	LapsesAt     time.Time     `json:"lapses_at,omitzero" doc:"When it stops to trade, because it is tied to no network"`
	ReleasedAt   time.Time     `json:"released_at,omitzero" doc:"Since when it may withdraw, if it has that scope"`
	Template     string        `json:"template,omitempty" doc:"The usual kind that it was made as"`
	OnEnd        string        `json:"on_end" enum:"leave,cancel_all" doc:"What happens to its open orders when it lapses, is stopped or ends"`
	Standby      bool          `json:"standby" doc:"It may lie unused"`
	Bounds       *boundsShown  `json:"bounds,omitempty" doc:"What it may do at most, beside its scopes; missing if nothing bounds it"`
	Destinations []destShown   `json:"destinations,omitempty" doc:"Where it may send money"`
	Vendor       string        `json:"vendor,omitempty" doc:"Who outside the account was given it; such a key never withdraws" example:"Kimchi Bots"`
	Pin          string        `json:"pin,omitempty" doc:"The network it is held to, or first or first-as until it is used" example:"203.0.113.0/24"`
}

// boundsShown are the bounds of a key, as they are asked for and shown.
type boundsShown struct {
	Markets   []string `json:"markets,omitempty" maxItems:"64" doc:"Markets it may order in, as requests spell them; missing: all" example:"[\"KRW-BTC\"]"`
	OrderMost string   `json:"order_most,omitempty" maxLength:"44" doc:"What one order may be worth, a plain decimal in the currency of the platform's prices" example:"1000000"`
	DayMost   string   `json:"day_most,omitempty" maxLength:"44" doc:"What all orders of a UTC day may be worth" example:"5000000"`
	PerSecond int      `json:"per_second,omitempty" minimum:"0" maximum:"10000" doc:"Requests in a second; missing: no limit of its own" example:"10"`
}

func boundsOf(b apikey.Bounds) *boundsShown {
	if b.IsZero() {
		return nil
	}
	return new(boundsShown(b))
}

func (b *boundsShown) input() apikey.Bounds {
	if b == nil {
		return apikey.Bounds{}
	}
	return apikey.Bounds(*b)
}

// destWanted is a place that a key may send money to, as routes read it of a withdrawal, byte by byte.
type destWanted struct {
	Asset   string `json:"asset" minLength:"1" maxLength:"128" example:"BTC"`
	Network string `json:"network,omitempty" maxLength:"128" doc:"Missing where requests say none" example:"BTC"`
	Address string `json:"address" minLength:"1" maxLength:"128" example:"bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"`
	Memo    string `json:"memo,omitempty" maxLength:"128" doc:"Missing where requests say none"`
}

type destShown struct {
	Asset    string    `json:"asset" example:"BTC"`
	Network  string    `json:"network,omitempty" example:"BTC"`
	Address  string    `json:"address" example:"bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"`
	Memo     string    `json:"memo,omitempty" doc:"Missing where requests say none"`
	CountsAt time.Time `json:"counts_at" doc:"From when on it may be used"`
}

func destsWanted(list []destWanted) (wanted []apikey.Destination) {
	for _, d := range list {
		wanted = append(wanted, apikey.Destination{Asset: d.Asset, Network: d.Network, Address: d.Address, Memo: d.Memo})
	}
	return wanted
}

func destsShown(room standings, list []apikey.Destination) (shown []destShown) {
	for _, d := range list {
		shown = append(shown, destShown{d.Asset, d.Network, d.Address, d.Memo, room.DestinationCounts(d)})
	}
	return shown
}

// standings says how a key stands; see package apikey.
type standings interface {
	Standing(k apikey.Key) (apikey.Standing, time.Time)
	DestinationCounts(d apikey.Destination) time.Time
}

func keyAs(room standings, k apikey.Key) keyShown {
	standing, lapses := room.Standing(k)
	allow := make([]string, 0, len(k.Allowlist))
	for _, network := range k.Allowlist {
		allow = append(allow, network.String())
	}
	return keyShown{
		KeyID: k.Text(), Name: k.Name, Purpose: k.Purpose, Owner: k.Owner, OwnerName: k.OwnerName, OwnerUntil: k.OwnerUntil, Subaccount: k.Subaccount,
		Environment: k.Environment.String(), Dialect: k.Dialect.String(), Algorithm: k.Algorithm.String(), Scopes: k.Scopes.Words(), Settings: k.Dialect.SettingsWords(k.Settings),
		Allowlist: allow, WindowMS: k.WindowPast.Milliseconds(), CreatedAt: k.Born, ExpiresAt: k.ExpiresAt, RevokedAt: k.RevokedAt,
		LastUsedAt: k.LastUsedAt, LastUsedFrom: k.LastUsedFrom, FrozenAt: k.FrozenAt, BlockedAt: k.BlockedAt, ReleasedAt: k.ReleasedAt,
		Template: k.Template, OnEnd: string(k.OnEnd), Standby: k.Standby, Pin: k.Pin, Bounds: boundsOf(k.Bounds), State: string(standing), LapsesAt: lapses, Vendor: k.Vendor, Destinations: destsShown(room, k.Destinations),
	}
}

type keyList struct {
	Keys []keyShown `json:"keys"`
}

type keysOut struct{ Body keyList }

type keysIn struct {
	Search string `query:"q" maxLength:"200" doc:"Words to look for" example:"grid"`
}

func (k *keys) list(ctx context.Context, p principal.Principal, in *keysIn) (*keysOut, error) {
	all, err := k.room.List(ctx, p)
	list := make([]keyShown, 0, len(all))
	for _, key := range all {
		if key.Matches(in.Search) {
			list = append(list, keyAs(k.room, key))
		}
	}
	return &keysOut{keyList{list}}, err
}

type challengeShown struct {
	Challenge string `json:"challenge" doc:"Good for ten minutes and one key"`
}

type challengeOut struct{ Body challengeShown }

func (k *keys) challenge(_ context.Context, p principal.Principal, _ *struct{}) (*challengeOut, error) {
	text, err := k.room.Challenge(p)
	return &challengeOut{challengeShown{text}}, err
}

type keyWanted struct {
	Name         string        `json:"name" maxLength:"320" doc:"At most 80 characters" example:"Rebalancer"`
	Purpose      string        `json:"purpose" maxLength:"320" doc:"What it is for, so that its owner still knows in a year" example:"Weights, every night"`
	Subaccount   id.Subaccount `json:"subaccount,omitzero" pattern:"^sub_[0-9a-z]{26}$" doc:"Missing: the main one"`
	ServiceUser  id.User       `json:"service_user,omitzero" pattern:"^usr_[0-9a-z]{26}$" doc:"The service user of the account that shall own it; missing: me"`
	Environment  string        `json:"environment" enum:"live,test" example:"test"`
	Scopes       []string      `json:"scopes,omitempty" maxItems:"32" doc:"Missing or empty: read-only" example:"[\"balances:read\",\"orders:read\"]"`
	Allowlist    []string      `json:"allowlist,omitempty" maxItems:"64" doc:"Addresses or networks, IPv4 or IPv6" example:"[\"203.0.113.7\"]"`
	LifeSeconds  int64         `json:"life_seconds,omitempty" minimum:"0" maximum:"31622400" doc:"Missing: the policy's"`
	Dialect      string        `json:"dialect" enum:"native,upbit,bithumb,binance,kraken,okx,bybit,coinbase,kucoin" example:"native"`
	Algorithm    string        `json:"algorithm" enum:"ed25519,hmac-sha256,hmac-sha512,hmac-sha2,ecdsa-p256-sha256" doc:"native and binance take ed25519 or hmac-sha256; coinbase ed25519 or ecdsa-p256-sha256; kraken hmac-sha512; upbit hmac-sha2; all others hmac-sha256" example:"hmac-sha256"`
	Template     string        `json:"template,omitempty" enum:"portfolio,accounting,bot,market_maker" doc:"A usual kind, whose scopes and on_end it gets where none are chosen"`
	OnEnd        string        `json:"on_end,omitempty" enum:"leave,cancel_all" doc:"What happens to its open orders when it lapses, is stopped or ends; missing: leave"`
	Standby      bool          `json:"standby,omitempty" doc:"It may lie unused"`
	Destinations []destWanted  `json:"destinations,omitempty" maxItems:"64" doc:"Where it may send money, needed for withdrawals:write; each counts a day after it was added"`
	Vendor       string        `json:"vendor,omitempty" maxLength:"320" doc:"Who outside the account will be given it, in at most 80 characters; such a key cannot hold withdrawals:write" example:"Kimchi Bots"`
	Pin          string        `json:"pin,omitempty" maxLength:"64" doc:"For ed25519: first, or an address of the network it is held to (IPv4 /24, IPv6 /48); where the installation knows autonomous systems also first-as, or one such as AS64500"`
	Bounds       *boundsShown  `json:"bounds,omitempty" doc:"What it may do at most, beside its scopes; missing: nothing bounds it"`
	WindowMS     int64         `json:"window_ms,omitempty" minimum:"0" maximum:"60000" multipleOf:"1000" doc:"How old its signatures may be, in whole seconds; missing: as old as the dialect allows. Not for kraken, which signs no time" example:"5000"`
	Settings     []string      `json:"settings,omitempty" maxItems:"4" doc:"How its clients write what they sign: decoded or as-sent, plain, rfc3986 or form, lenient (upbit, bithumb; the last also binance); nonce-window:N (kraken)" example:"[]"`
	PublicKey    string        `json:"public_key,omitempty" maxLength:"1024" doc:"For key pairs: PEM, base64 or hex"`
	Challenge    string        `json:"challenge,omitempty" maxLength:"8192" doc:"For key pairs: as it was given out"`
	Possession   string        `json:"possession,omitempty" maxLength:"128" doc:"For key pairs: the signature over the proof text, base64; of ecdsa-p256-sha256 in ASN.1"`
}

type createKeyIn struct{ Body keyWanted }

type keyIssued struct {
	Key        keyShown `json:"key"`
	Secret     string   `json:"secret,omitempty" doc:"For HMAC: shown once"`
	Passphrase string   `json:"passphrase,omitempty" doc:"For okx and kucoin: shown once, beside the secret"`
}

type keyOut struct{ Body keyIssued }

func (k *keys) create(ctx context.Context, p principal.Principal, in *createKeyIn) (*keyOut, error) {
	b := in.Body
	wanted := apikey.IssueInput{
		Name: b.Name, Purpose: b.Purpose, Subaccount: b.Subaccount, Owner: b.ServiceUser, Scopes: b.Scopes, Allowlist: b.Allowlist,
		Life: time.Duration(b.LifeSeconds) * time.Second, PublicKey: b.PublicKey, Challenge: b.Challenge, Possession: b.Possession,
		Settings: b.Settings, Template: b.Template, OnEnd: apikey.OnEnd(b.OnEnd), Standby: b.Standby, Pin: b.Pin, Bounds: b.Bounds.input(),
		Vendor: b.Vendor, Destinations: destsWanted(b.Destinations), Window: time.Duration(b.WindowMS) * time.Millisecond,
	}
	// The words were checked against the description, so what does not parse is zero and refused by the room.
	wanted.Environment, _ = id.ParseEnvironment(b.Environment)
	wanted.Dialect, _ = sign.ParseDialect(b.Dialect)
	wanted.Algorithm, _ = sign.ParseAlgorithm(b.Algorithm)
	issued, err := k.room.Issue(ctx, p, wanted)
	return &keyOut{keyIssued{Key: keyAs(k.room, issued.Key), Secret: string(issued.Secret.Reveal()), Passphrase: string(issued.Passphrase.Reveal())}}, err
}

type keyPath struct {
	KeyID string `path:"key_id" doc:"The public id" example:"spk_live_01AbCdEfGhIjKlMnOpQrStUvWxYz"`
}

func (k *keys) revoke(ctx context.Context, p principal.Principal, in *keyPath) (*struct{}, error) {
	kid, err := k.room.Named(in.KeyID)
	if err != nil {
		return nil, err
	}
	return nil, k.room.Revoke(ctx, p, kid)
}
