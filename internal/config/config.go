// Package config owns the settings of an installation: one strict YAML file, overridden by the environment.
//
// It knows the form and the bounds of every setting, and which settings only make sense together. It does not open what the
// settings name (a database, a key, a certificate): that is for the part that uses it, and for doctor.
//
// The tags of the structs below are the one source: key, default, min and max, oneof (the accepted words), testmin (the lower
// bound where environment is test), required, derived (what an empty value becomes) and doc. Loading, the bounds in a refusal,
// the reference page (docs/reference/config.md) and doctor's list are all read from them.
//
// Invariant: a Config that Load returned holds no value outside its bounds, and no secret: secrets are named by path.
package config

import (
	"net/netip"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
)

// Config is every setting of an installation. Environment stands first because the bounds of others depend on it.
type Config struct {
	Environment id.Environment `key:"environment" default:"live" oneof:"live test" doc:"What the installation guards. Only a test installation may set waiting periods and lifetimes below their bounds."`

	Dashboard     Dashboard     `key:"dashboard" doc:"Where people sign in, and the names that passkeys, mails and tokens are bound to. Nothing of this is ever taken from a request."`
	Gateway       Gateway       `key:"gateway" doc:"The hosts that the gateway guards, and what stands behind them."`
	Metrics       Metrics       `key:"metrics" doc:"Measurements for Prometheus."`
	TLS           TLS           `key:"tls" doc:"Certificates of every listener. A listener beyond loopback needs them, or a declared proxy that has them."`
	Proxies       Proxies       `key:"proxies" doc:"Proxies in front of us. Only their word about a client's address is believed."`
	Store         Store         `key:"store" doc:"Where everything lies that must survive."`
	Keyring       Keyring       `key:"keyring" doc:"The key that wraps every other key."`
	Mail          Mail          `key:"mail" doc:"How mail leaves. Recovery and notices need it."`
	Notices       Notices       `key:"notices" doc:"How people are told beside mail."`
	Official      Official      `key:"official" doc:"What else is ours, for those who ask whether a link or sender really is. The dashboard, the gateway's hosts and mail.from are known."`
	Session       Session       `key:"session" doc:"How long a sign-in lasts."`
	StepUp        StepUp        `key:"step_up" doc:"The fresh proof that a guarded action asks for."`
	Recovery      Recovery      `key:"recovery" doc:"How long the way back into an account takes. The clock starts when the owner has been told."`
	Holds         Holds         `key:"holds" doc:"How long withdrawals and new destinations wait after a change of credentials. The clock starts when the owner has been told."`
	HighValue     HighValue     `key:"high_value" doc:"Users of high value, whom a platform's backend tells of (POST /v1/high-value) or 'sallyport user raise' names: sensitive changes ask them for a passkey."`
	Confirmations Confirmations `key:"confirmations" doc:"The passkey proof without which no withdrawal and no new destination is let through."`
	Passkeys      Passkeys      `key:"passkeys" doc:"Which authenticators are believed and taken."`
	Password      Password      `key:"password" doc:"What hashing a password costs us and a thief (Argon2id). A change takes hold at each user's next sign-in."`
	Departure     Departure     `key:"departure" doc:"How users leave who delete their account themselves."`
	Geo           Geo           `key:"geo" doc:"Places of network addresses, in words. Without a file nothing is said about places."`
	Throttle      Throttle      `key:"throttle" doc:"How tries to prove who one is are slowed down. Nobody is ever locked out."`
	Keys          Keys          `key:"keys" doc:"How long API keys live."`
	Leaks         Leaks         `key:"leaks" doc:"Who is believed when they report that a secret was found where strangers can read it."`
	Dialects      Dialects      `key:"dialects" doc:"The ways of signing a request that the gateway understands."`
	Log           Log           `key:"log" doc:"What the process writes to its standard error."`

	// origins maps a key to where it was set: "file:LINE" or "env NAME". A key that is missing has its default.
	origins map[string]string
}

// Dashboard is the section of that name.
type Dashboard struct {
	Origin             Origin   `key:"origin" required:"true" doc:"Where browsers reach the dashboard: https://host, or http for localhost and names below it."`
	Listen             Listen   `key:"listen" default:"127.0.0.1:8080" required:"true" doc:"Address and port to listen on."`
	RPID               HostName `key:"rp_id" derived:"the host of dashboard.origin" doc:"The domain that passkeys belong to: the host of the origin or a parent of it. A change makes every passkey useless."`
	RelatedOrigins     []Origin `key:"related_origins" doc:"Other origins whose pages may use these passkeys (WebAuthn L3 §5.11): their proofs are accepted, and /.well-known/webauthn lists them. Where rp_id is not the dashboard's host, that address of rp_id must be routed to the dashboard."`
	ConfirmationOrigin Origin   `key:"confirmation_origin" derived:"dashboard.origin" doc:"Where confirmations of money are signed. An origin of its own, where no other page's script runs, is stronger than the default: the dashboard's listener serves no page there, and no gateway host can take it."`
	Issuer             Origin   `key:"issuer" derived:"dashboard.origin" doc:"The issuer that tokens name. Clients compare it byte for byte."`
}

// Gateway is the section of that name.
type Gateway struct {
	Listen    Listen     `key:"listen" default:"127.0.0.1:8081" required:"true" doc:"Address and port to listen on."`
	Forward   Forward    `key:"forward" doc:"The door for proxies that pass requests on themselves and ask before each (forward-auth)."`
	ExtAuthz  ExtAuthz   `key:"ext_authz" doc:"The door for Envoy, which asks over gRPC before it passes a request on."`
	BodyCap   Bytes      `key:"body_cap" default:"1MiB" min:"1KiB" max:"16MiB" doc:"The largest request body, in bytes. A body is held in memory until it is checked."`
	Hosts     []Host     `key:"hosts" doc:"The hosts that clients call. A host that is not listed is answered by nobody."`
	Upstreams []Upstream `key:"upstreams" doc:"The servers that checked requests go to."`
}

// Convention says in which headers a proxy names the request that it asks about.
type Convention string

// The conventions.
const (
	NoConvention Convention = "none"
	XForwarded   Convention = "x-forwarded"
	XOriginal    Convention = "x-original"
)

// Forward is the section gateway.forward.
type Forward struct {
	Listen     Listen     `key:"listen" doc:"Address and port to listen on; empty turns it off. Only the networks of proxies.trusted are answered."`
	Convention Convention `key:"convention" default:"none" oneof:"none x-forwarded x-original" doc:"The headers in which the proxy names the request it asks about. It must set them itself, whatever a client sent. x-forwarded: X-Forwarded-Method, -Uri and -Host, as Caddy and Traefik do unasked. x-original: X-Original-Method, X-Original-Uri and Host, for nginx; refusals are then 401 or 403, because nginx knows no others."`
}

// Bodies says what a question brings of the body of the request that it is about.
type Bodies string

// The kinds of questions.
const (
	BodiesUnseen Bodies = "unseen"
	BodiesWhole  Bodies = "whole"
)

// ExtAuthz is the section gateway.ext_authz.
type ExtAuthz struct {
	Listen Listen `key:"listen" doc:"Address and port to listen on; empty turns it off. Only the networks of proxies.trusted are answered."`
	Bodies Bodies `key:"bodies" default:"unseen" oneof:"unseen whole" doc:"whole: Envoy sends each body along (with_request_body with pack_as_bytes, max_request_bytes as our body_cap, without allow_partial_message); it is then checked as if the request had come here. unseen: it sends none."`
}

// HostKind says what calls a host of the gateway.
type HostKind string

// The kinds of hosts.
const (
	HostAPI  HostKind = "api"
	HostPage HostKind = "page"
)

// Host is one host of the gateway.
type Host struct {
	Authority   Authority      `key:"authority" required:"true" doc:"The name as clients write it: host, or host:port where the port is not the scheme's own. It is part of what they sign."`
	Environment id.Environment `key:"environment" default:"live" oneof:"live test" doc:"The environment of the keys that this host takes."`
	Kind        HostKind       `key:"kind" default:"api" oneof:"api page" doc:"api: signed requests and tokens, cookies never count. page: browsers, with a child session."`
	Upstream    string         `key:"upstream" required:"true" doc:"The name of an entry of gateway.upstreams."`
	Origin      Origin         `key:"origin" doc:"For kind page: the origin of its pages, scheme included."`
	Name        string         `key:"name" derived:"the name of its upstream" doc:"For kind page: what people know it by."`
}

// Assertion says how an upstream is told who calls.
type Assertion string

// The kinds of assertions.
const (
	AssertHMAC  Assertion = "hmac"
	AssertEdDSA Assertion = "eddsa"
)

// Upstream is one server behind the gateway.
type Upstream struct {
	Name      string    `key:"name" required:"true" doc:"Its name in this file."`
	URL       URL       `key:"url" required:"true" doc:"http or https, host and port; paths are handed on as they came."`
	Assertion Assertion `key:"assertion" default:"hmac" oneof:"hmac eddsa" doc:"hmac: under a key that both sides hold. eddsa: under our published key."`
	CAFile    string    `key:"ca_file" doc:"For https: the roots that its certificate must come from, PEM; empty takes the system's."`
	KeyFile   string    `key:"key_file" doc:"For hmac: a file with 32 bytes in base64, one per upstream."`

	BackendKeyFile string `key:"backend_key_file" doc:"For eddsa: a file with the Ed25519 public key (PEM) of its backend, which signs with its own what it posts, reads and cancels (docs/upstream.md); empty: it does not. With hmac the backend signs with key_file."`

	Routes   string `key:"routes_file" required:"true" doc:"The table of its routes: what a request may do at worst, and the scope it needs. What is not in it is not offered."`
	KeysPath string `key:"keys_path" doc:"The path at which it hears that a key can place no more orders, and what its owner wants done with those that are open; empty: it does not. It belongs into no routes file."`

	PricesPath string `key:"prices_path" doc:"The path at which it tells what its markets are worth, asked every few seconds; empty: it does not, and keys with a ceiling cannot order."`
}

// Metrics is the section of that name.
type Metrics struct {
	Listen Listen `key:"listen" default:"127.0.0.1:9090" doc:"Address and port to listen on; empty turns it off."`
}

// TLSMode says where certificates come from.
type TLSMode string

// The modes of TLS.
const (
	TLSOff   TLSMode = "off"
	TLSFiles TLSMode = "files"
	TLSACME  TLSMode = "acme"
)

// TLS is the section of that name.
type TLS struct {
	Mode     TLSMode `key:"mode" default:"off" oneof:"off files acme" doc:"off: plain HTTP, for loopback or behind a declared proxy. files: from cert_file and key_file, read again when they change. acme: from an ACME server."`
	CertFile string  `key:"cert_file" doc:"For files: the chain, PEM."`
	KeyFile  string  `key:"key_file" doc:"For files: the private key, PEM."`
	ACME     ACME    `key:"acme" doc:"For acme: who issues, for which names."`
}

// ACME is the section tls.acme.
type ACME struct {
	DirectoryURL URL        `key:"directory_url" default:"https://acme-v02.api.letsencrypt.org/directory" required:"true" doc:"The directory of the ACME server."`
	Email        Mailbox    `key:"email" doc:"Where the issuer may warn us."`
	Hosts        []HostName `key:"hosts" doc:"The names to get certificates for."`
	CAFile       string     `key:"ca_file" doc:"The root of the ACME server itself, PEM, if it is a private one."`
	AgreeTerms   bool       `key:"agree_terms" default:"false" doc:"Whether you agree to the issuer's terms; nothing is issued otherwise."`
}

// ProxyHeader names the header in which a proxy writes a client's address.
type ProxyHeader string

// The headers that can be believed.
const (
	XForwardedFor ProxyHeader = "X-Forwarded-For"
	Forwarded     ProxyHeader = "Forwarded"
)

// Proxies is the section of that name.
type Proxies struct {
	Trusted []netip.Prefix `key:"trusted" doc:"Networks of the proxies, as prefixes (10.0.0.0/8). Empty: the connection's own address counts and every such header is dropped."`
	Header  ProxyHeader    `key:"header" default:"X-Forwarded-For" oneof:"X-Forwarded-For Forwarded" doc:"The one header the proxies write; every other form is dropped."`
}

// Engine names a database.
type Engine string

// The engines.
const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
)

// Store is the section of that name.
type Store struct {
	Engine   Engine        `key:"engine" default:"sqlite" oneof:"sqlite postgres" doc:"Either serves one node: nonces and budgets are those of one process. sqlite: inside the process. postgres: a server of its own."`
	SQLite   SQLiteStore   `key:"sqlite" doc:"For sqlite."`
	Postgres PostgresStore `key:"postgres" doc:"For postgres."`
}

// SQLiteStore is the section store.sqlite.
type SQLiteStore struct {
	Path string `key:"path" default:"sallyport.db" required:"true" doc:"The database file. Two more appear beside it while it is open, and a lock that lets one server use it."`
}

// PostgresStore is the section store.postgres.
type PostgresStore struct {
	DSNFile string `key:"dsn_file" doc:"A file with the connection string; it holds a password."`
}

// KeyProvider says who holds the key that wraps the others.
type KeyProvider string

// ProviderFile keeps the key in a file of this host.
const ProviderFile KeyProvider = "file"

// Keyring is the section of that name.
type Keyring struct {
	Provider KeyProvider `key:"provider" default:"file" oneof:"file" doc:"Who holds the key."`
	File     FileKeyring `key:"file" doc:"For file."`
}

// FileKeyring is the section keyring.file.
type FileKeyring struct {
	Path string `key:"path" default:"sallyport.kek" required:"true" doc:"The key file, mode 0600. Without it nothing that is sealed can be opened again: keep a copy apart from the database's."`
}

// Session is the section of that name.
type Session struct {
	Idle             time.Duration `key:"idle" default:"30m" min:"5m" max:"1h" testmin:"1s" doc:"Without a human act for this long a session may only look and cancel; one touch of a passkey restores it."`
	Absolute         time.Duration `key:"absolute" default:"12h" min:"15m" max:"24h" testmin:"1s" doc:"After this a session ends, whatever happened in it."`
	OperatorIdle     time.Duration `key:"operator_idle" default:"15m" min:"1m" max:"30m" testmin:"1s" doc:"As idle, of users whom 'sallyport user staff' marks as operators: their session ends then. Never more than idle."`
	OperatorAbsolute time.Duration `key:"operator_absolute" default:"8h" min:"15m" max:"12h" testmin:"1s" doc:"As absolute, of operators. Never more than absolute."`
	Binding          Binding       `key:"binding" doc:"Sessions tied to a key of the browser's device (DBSC), in browsers that can."`
}

// Binding is the section session.binding.
type Binding struct {
	Life time.Duration `key:"cookie_life" default:"10m" min:"5m" max:"10m" testmin:"1s" doc:"How long a bound cookie counts until the device has to prove its key again. Browsers allow about one proof in two minutes."`
}

// StepUp is the section of that name.
type StepUp struct {
	Life      time.Duration `key:"life" default:"5m" min:"1m" max:"5m" testmin:"1s" doc:"How long a fresh proof stands for the one action it was given for."`
	Loosening time.Duration `key:"loosening" default:"168h" min:"168h" max:"720h" testmin:"1s" doc:"How long what users demand of themselves goes on after they gave it up."`
}

// Holds is the section of that name.
type Holds struct {
	Credential time.Duration `key:"credential" default:"24h" min:"24h" max:"168h" testmin:"1s" doc:"After a password was changed, a factor removed, a device lost or a cookie replayed."`
	Contact    time.Duration `key:"contact" default:"72h" min:"72h" max:"720h" testmin:"1s" doc:"After a mail address was changed."`
	Recovery   time.Duration `key:"recovery" default:"72h" min:"72h" max:"720h" testmin:"1s" doc:"After a recovery."`
}

// Recovery is the section of that name.
type Recovery struct {
	WithProof time.Duration `key:"with_proof" default:"72h" min:"72h" max:"720h" testmin:"1s" doc:"The wait with one proof besides the mailbox, from when the owner was told."`
	MailAlone time.Duration `key:"mail_alone" default:"168h" min:"168h" max:"720h" testmin:"1s" doc:"The wait with the mailbox alone; an owner may choose up to 30 days."`
	Decision  time.Duration `key:"decision" default:"240h" min:"24h" max:"720h" testmin:"1s" doc:"Within which time operators promise to decide where claims to one account met. The claimants are shown it."`
}

// HighValue is the section of that name.
type HighValue struct {
	Notice time.Duration `key:"notice" default:"168h" min:"168h" max:"2160h" testmin:"1s" doc:"How long ahead they are told."`
	Value  string        `key:"value" doc:"From how much on a user is so: a plain decimal in the currency of all ceilings. Without it a value says nothing."`
	Roles  []string      `key:"roles" doc:"Whose holders are so, whatever they have: roles in the platform's own words."`
	Stays  time.Duration `key:"stays" default:"720h" min:"24h" max:"8760h" testmin:"1s" doc:"How long a user stays so after a backend last told a value or role that makes them so."`
}

// Confirmations is the section of that name.
type Confirmations struct {
	ValidFor         time.Duration `key:"valid_for" default:"1h" min:"5m" max:"24h" testmin:"1s" doc:"How long a confirmation may be given and used; where a hold is running, from its end."`
	PasskeyAge       time.Duration `key:"passkey_age" default:"24h" min:"24h" max:"720h" testmin:"1s" doc:"How old a passkey must be to approve money."`
	PasskeyAgeDevice time.Duration `key:"passkey_age_new_device" default:"72h" min:"72h" max:"720h" testmin:"1s" doc:"The same for one that was added within a day of a sign-in from a place where the user was not known: a new or forgotten device, another network, a shared computer."`
}

// Attestation says what becomes of what an authenticator says of itself.
type Attestation string

// The ways of dealing with it.
const (
	AttestNone     Attestation = "none"
	AttestAsked    Attestation = "asked"
	AttestRequired Attestation = "required"
)

// Certified is the least FIDO certification of a model.
type Certified string

// The certifications.
const (
	CertifiedNone Certified = "none"
	CertifiedL1   Certified = "l1"
	CertifiedL2   Certified = "l2"
	CertifiedL3   Certified = "l3"
)

// Passkeys is the section of that name.
type Passkeys struct {
	Attestation  Attestation `key:"attestation" default:"none" oneof:"none asked required" doc:"none: no authenticator is asked who made it, and no passkey counts as bound to its device. asked: it is, and those that metadata_file vouches for reach phrh. required: no others are taken."`
	MetadataFile string      `key:"metadata_file" doc:"The blob of the FIDO Metadata Service, as downloaded (a signed JWS); needed unless attestation is none. Its signature is checked at the start and by doctor. Models it calls compromised or revoked are refused, also those enrolled before."`
	MetadataRoot string      `key:"metadata_root_file" doc:"The certificate in which the blob's chain ends, PEM, for a blob of your own. Empty: the FIDO Alliance's, and the blob must be signed by mds.fidoalliance.org."`
	Certified    Certified   `key:"certified" default:"none" oneof:"none l1 l2 l3" doc:"The least FIDO certification that a model must have for its attestation to be accepted."`
	Apps         []App       `key:"apps" doc:"Native apps of your own that may use these passkeys: 20 at most. /.well-known/assetlinks.json and /.well-known/apple-app-site-association name them, which systems ask for at rp_id, so where that is not the dashboard's host, those addresses of rp_id must be routed to the dashboard. Their proofs sign in and step up, and never confirm money; with an Apple app dashboard.confirmation_origin must not be https://rp_id, because Apple's apps sign as that."`
}

// Password is the section of that name.
type Password struct {
	Enabled     bool          `key:"enabled" default:"true" doc:"Whether people may have passwords, and authenticator apps beside them. false: passkeys only. Passwords and apps that users have already count for nothing then, and those who have no passkey cannot sign in."`
	MemoryKiB   int           `key:"memory_kib" default:"47104" min:"19456" max:"262144" doc:"Memory of one hash, in KiB."`
	Iterations  int           `key:"iterations" default:"1" min:"1" max:"10" doc:"Passes over that memory. memory_kib times iterations must be at least 38912."`
	Parallelism int           `key:"parallelism" default:"1" min:"1" max:"8" doc:"Lanes of one hash."`
	Slots       int           `key:"slots" default:"0" min:"0" max:"256" doc:"Hashes computed at once; 0 takes the number of cores."`
	Queue       int           `key:"queue" default:"64" min:"0" max:"4096" doc:"Hashes that may wait for a slot; the next is refused as busy. With 0 none waits."`
	QueueWait   time.Duration `key:"queue_wait" default:"2s" min:"100ms" max:"30s" doc:"How long one waits before it is refused as busy."`
}

// Departure is the section of that name.
type Departure struct {
	Wait time.Duration `key:"wait" default:"168h" min:"168h" max:"720h" testmin:"1s" doc:"From the wish to the erasure. The user is told, and can stay until then."`
}

// Geo is the section of that name.
type Geo struct {
	File           string `key:"file" doc:"A file of MaxMind's format (.mmdb) with countries, or countries and cities: records as of GeoLite2 and DB-IP, or flat ones as of ip-location-db. It is held in memory, and read again when it changes. No address ever leaves this host to be looked up."`
	NetworksFile   string `key:"networks_file" doc:"A file of MaxMind's format with autonomous systems, as of GeoLite2-ASN and DB-IP; it may be the same as file, where that has them. With it a key may be held to the network of one provider. It is read like file."`
	Attribution    string `key:"attribution" doc:"What the file's licence wants to be said where places are shown, such as the name of who made it."`
	AttributionURL URL    `key:"attribution_url" doc:"Where that leads."`
}

// Throttle is the section of that name.
type Throttle struct {
	Free       int           `key:"free" default:"5" min:"1" max:"10" doc:"Wrong tries before the first delay."`
	FirstDelay time.Duration `key:"first_delay" default:"1s" min:"1s" max:"1m" testmin:"1ms" doc:"The first delay; each further wrong try doubles it."`
	MaxDelay   time.Duration `key:"max_delay" default:"15m" min:"1m" max:"1h" testmin:"1ms" doc:"Where the doubling ends."`
}

// Keys is the section of that name.
type Keys struct {
	DefaultLife       time.Duration `key:"default_life" default:"2160h" min:"1h" max:"8760h" testmin:"1s" doc:"Life of a key whose maker chooses none."`
	MaxLife           time.Duration `key:"max_life" default:"8760h" min:"1h" max:"8760h" testmin:"1s" doc:"The longest life that can be chosen."`
	ReadOnlyLife      time.Duration `key:"read_only_life" default:"4320h" min:"1h" max:"8760h" testmin:"1s" doc:"Life of a key that can only look, if its maker chooses none."`
	HighValueLife     time.Duration `key:"high_value_life" default:"720h" min:"1h" max:"8760h" testmin:"1s" doc:"Life of a key that may withdraw, and of one that may trade for a user of high value, if its maker chooses none."`
	UnpinnedTradeLife time.Duration `key:"unpinned_trade_life" default:"720h" min:"1h" max:"720h" testmin:"1s" doc:"How long a key with neither IP allowlist nor network pin may trade."`
	DestinationWait   time.Duration `key:"destination_wait" default:"24h" min:"24h" max:"720h" testmin:"1s" doc:"How long a destination that was added to a key does not count yet."`
	UntimedNonces     int           `key:"untimed_nonces" default:"1000000" min:"1000" max:"100000000" testmin:"1" doc:"Nonces without a time that one key may have spent (Upbit without a timestamp claim; Kraken within its nonce window). Each is a row of 140 to 200 bytes until the key has ended: a million rows are up to 200 MB, and 12 days at one request a second."`
}

// Dialects is the section of that name.
type Dialects struct {
	Native   Native   `key:"native" doc:"Our own: RFC 9421 signatures."`
	Upbit    Upbit    `key:"upbit" doc:"As Upbit's clients sign."`
	Bithumb  Exchange `key:"bithumb" doc:"As Bithumb's clients sign (API 2.0)."`
	Binance  Exchange `key:"binance" doc:"As Binance's clients sign. They may ask for a shorter window."`
	Kraken   Kraken   `key:"kraken" doc:"As Kraken's clients sign."`
	OKX      OKX      `key:"okx" doc:"As OKX's clients sign (API v5)."`
	Bybit    Exchange `key:"bybit" doc:"As Bybit's clients sign (API v5). They may ask for a shorter window."`
	Coinbase Coinbase `key:"coinbase" doc:"As clients of the Coinbase Developer Platform sign."`
	KuCoin   KuCoin   `key:"kucoin" doc:"As KuCoin's clients sign (key version 2)."`
}

// Native is the section dialects.native.
type Native struct {
	WindowPast time.Duration `key:"window_past" default:"10s" min:"1s" max:"60s" doc:"How old a signature may be. Replays are caught by the nonce within it."`
}

// Ceiling is the most that a dialect may do, whatever a key may.
type Ceiling string

// The ceilings.
const (
	CeilingRead  Ceiling = "read"
	CeilingTrade Ceiling = "trade"
)

// Upbit is the section dialects.upbit.
type Upbit struct {
	Enabled bool    `key:"enabled" default:"true" doc:"Whether keys of it are made and accepted. false refuses those that exist, too, until it is true again; the start and doctor say how many."`
	Ceiling Ceiling `key:"ceiling" default:"read" oneof:"read trade" doc:"The most it may do. It carries no time, so every trade costs one durable write against replay."`
}

// Exchange is the section of a dialect whose signatures carry a time.
type Exchange struct {
	Enabled    bool          `key:"enabled" default:"true" doc:"Whether keys of it are made and accepted. false refuses those that exist, too, until it is true again; the start and doctor say how many."`
	WindowPast time.Duration `key:"window_past" default:"60s" min:"1s" max:"60s" doc:"How old a signature may be. Each is good once within it."`
}

// OKX is the section dialects.okx.
type OKX struct {
	Enabled    bool          `key:"enabled" default:"true" doc:"Whether keys of it are made and accepted. false refuses those that exist, too, until it is true again; the start and doctor say how many."`
	WindowPast time.Duration `key:"window_past" default:"30s" min:"1s" max:"60s" doc:"How old a signature may be. Each is good once within it."`
}

// KuCoin is the section dialects.kucoin.
type KuCoin struct {
	Enabled    bool          `key:"enabled" default:"true" doc:"Whether keys of it are made and accepted. false refuses those that exist, too, until it is true again; the start and doctor say how many."`
	WindowPast time.Duration `key:"window_past" default:"5s" min:"1s" max:"60s" doc:"How old a signature may be. Each is good once within it."`
}

// Kraken is the section dialects.kraken.
type Kraken struct {
	Enabled bool `key:"enabled" default:"true" doc:"Whether keys of it are made and accepted, see upbit. Its signatures carry no time, so every request costs one durable write against replay."`
}

// Coinbase is the section dialects.coinbase.
type Coinbase struct {
	Enabled    bool          `key:"enabled" default:"true" doc:"Whether keys of it are made and accepted. false refuses those that exist, too, until it is true again; the start and doctor say how many."`
	WindowPast time.Duration `key:"window_past" default:"60s" min:"1s" max:"60s" doc:"How old a signature may be. Each is good once within it."`
	Ceiling    Ceiling       `key:"ceiling" default:"read" oneof:"read trade" doc:"The most it may do. It signs neither query nor body."`
}

// LogLevel is the least that is written.
type LogLevel string

// The levels, chattiest first.
const (
	LevelDebug LogLevel = "debug"
	LevelInfo  LogLevel = "info"
	LevelWarn  LogLevel = "warn"
	LevelError LogLevel = "error"
)

// LogFormat is the form of a line.
type LogFormat string

// The forms.
const (
	FormatText LogFormat = "text"
	FormatJSON LogFormat = "json"
)

// Log is the section of that name.
type Log struct {
	Level  LogLevel  `key:"level" default:"info" oneof:"debug info warn error" doc:"The least that is written."`
	Format LogFormat `key:"format" default:"json" oneof:"text json" doc:"text for people, json for machines."`
}
