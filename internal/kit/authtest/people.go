package authtest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/hotp"

	"github.com/pquerna/otp"

	"github.com/seed-21c57000/sallyport/client"
	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/prove/account"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/session"
	"github.com/seed-21c57000/sallyport/internal/prove/signup"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/store"
	"github.com/seed-21c57000/sallyport/sign"
)

// Password is every test user's.
const Password = "correct horse battery staple gate"

// Person is a user of the stack with a session.
type Person struct {
	Mail string
	User account.User
	// Bearer of the dashboard session, and the device cookie.
	Bearer, Device secret.Value
	// TOTP is the secret in base32, once enrolled.
	TOTP string
	s    *Stack
}

// PersonOrigin is where all test people are.
func PersonOrigin() principal.Origin {
	return principal.Origin{Addr: netip.MustParseAddr("203.0.113.7"), Agent: "Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0"}
}

// SignUp makes a user with a password, by way of the mailed code.
func (s *Stack) SignUp(mail string) *Person {
	s.t.Helper()
	ctx := s.t.Context()
	browser := sha256.Sum256([]byte("browser of " + mail))
	sid, err := s.SignUps.Begin(ctx, PersonOrigin(), signup.Begin{Mail: mail, Name: "Test " + mail, Lang: "en", Browser: browser})
	if err != nil {
		s.t.Fatal(err)
	}
	s.Settle()
	letters := s.Mailbox.Letters(mail)
	if len(letters) == 0 {
		s.t.Fatalf("no letter to %s", mail)
	}
	if err := s.SignUps.Verify(ctx, sid, browser, letters[len(letters)-1].Code); err != nil {
		s.t.Fatal(err)
	}
	up, err := s.SignUps.FinishWithPassword(ctx, signup.From{Origin: PersonOrigin(), Browser: browser}, sid, secret.FromString("password", Password))
	if err != nil {
		s.t.Fatal(err)
	}
	return &Person{Mail: mail, User: up.User, Bearer: up.Bearer, Device: up.DeviceCookie, s: s}
}

// Principal is who the person's session says they are now.
func (p *Person) Principal() principal.Principal {
	p.s.t.Helper()
	who, err := p.s.Sessions.Authenticate(p.Bearer.Reveal(), "", PersonOrigin())
	if err != nil {
		p.s.t.Fatal(err)
	}
	return who
}

// Crossing makes the code that takes somebody over to a gateway host, and the cookie of the browser that set out for it there.
func (s *Stack) Crossing(t testing.TB, who principal.Principal, host, path string) (code, way secret.Value) {
	t.Helper()
	way = secret.MintBearer(httpx.WayCookie)
	code, err := s.Sessions.IssueChildCode(t.Context(), who, session.Way{Host: host, Path: path, State: way.Hash()})
	if err != nil {
		t.Fatal(err)
	}
	return code, way
}

// EnrolTOTP gives the person an authenticator app.
func (p *Person) EnrolTOTP() {
	p.s.t.Helper()
	ctx := p.s.t.Context()
	key, err := p.s.Factors.BeginTOTP(ctx, p.Principal())
	if err != nil {
		p.s.t.Fatal(err)
	}
	parsed, err := otp.NewKeyFromURL(string(key.URI.Reveal()))
	if err != nil {
		p.s.t.Fatal(err)
	}
	p.TOTP = parsed.Secret()
	if p.Bearer, err = p.s.Factors.ConfirmTOTP(ctx, p.Principal(), p.Code()); err != nil {
		p.s.t.Fatal(err)
	}
}

// Code is the authenticator app's code now.
func (p *Person) Code() string { return CodeAt(p.TOTP, p.s.Now()) }

// CodeAt is the code of a secret at a time.
func CodeAt(base32 string, at time.Time) string {
	code, err := hotp.GenerateCodeCustom(base32, uint64(at.Unix()/30), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
	if err != nil {
		panic(err)
	}
	return code
}

// Key is an API key with what its holder needs to sign.
type Key struct {
	apikey.Key
	Signer sign.Signer
	// Secret, or PrivateKey in base64.
	Secret, PrivateKey string
}

// File is the key as its holder keeps it.
func (k Key) File() client.KeyFile {
	return client.KeyFile{
		KeyID: k.Text(), Algorithm: k.Algorithm.String(), Dialect: k.Dialect.String(), Secret: k.Secret, PrivateKey: k.PrivateKey,
	}
}

// KeyNow is a key as its row says.
func (s *Stack) KeyNow(kid id.Key) apikey.Key {
	s.t.Helper()
	key, err := s.APIKeys.Self(s.t.Context(), principal.Principal{Key: kid})
	if err != nil {
		s.t.Fatal(err)
	}
	return key
}

// IssueKey makes a key for the person by the host's way, which needs no step-up: Ed25519 in the native dialect unless in says otherwise.
func (s *Stack) IssueKey(p *Person, in apikey.IssueInput) Key {
	s.t.Helper()
	who := p.Principal()
	return s.IssueKeyTo(who.Account, who.User, in)
}

// IssueKeyTo is IssueKey for an account and an owner. One that may withdraw is released, and from the networks of the tests unless in says otherwise.
func (s *Stack) IssueKeyTo(account id.Account, owner id.User, in apikey.IssueInput) Key {
	s.t.Helper()
	in.Account, in.Owner = account, owner
	if in.Name == "" {
		in.Name, in.Purpose = "test key", "tests"
	}
	if in.Environment == 0 {
		in.Environment = id.Test
	}
	if in.Dialect == 0 {
		in.Dialect = sign.Native
	}
	if in.Algorithm == 0 {
		in.Algorithm = in.Dialect.Algorithms()[0]
	}
	moves := slices.Contains(in.Scopes, scope.WithdrawalsWrite.String())
	if moves && in.Allowlist == nil {
		in.Allowlist = []string{"203.0.113.0/24", "198.51.100.0/24"}
	}
	if moves && in.Destinations == nil {
		in.Destinations = destinations()
	}
	private := s.pair(&in)
	issued, err := s.APIKeys.Issue(s.t.Context(), principal.Host("tests"), in)
	if err != nil {
		s.t.Fatal(err)
	}
	if moves {
		if err := s.APIKeys.Release(s.t.Context(), principal.Host("tests"), issued.ID); err != nil {
			s.t.Fatal(err)
		}
		issued.Key = s.settle(issued.ID)
	}
	k := Key{Key: issued.Key, Secret: string(issued.Secret.Reveal())}
	if ed, ok := private.(ed25519.PrivateKey); ok {
		k.PrivateKey = base64.StdEncoding.EncodeToString(ed)
	}
	switch {
	case in.Dialect != sign.Native:
		k.Signer, err = sign.NewExchangeSigner(sign.ExchangeKey{
			Dialect: in.Dialect, KeyID: k.Text(), Secret: issued.Secret.Reveal(), Passphrase: string(issued.Passphrase.Reveal()), Private: private,
			Settings: k.Settings, Untimed: true,
		})
	case in.Algorithm == sign.Ed25519:
		k.Signer, err = sign.NewEd25519Signer(k.Text(), private.(ed25519.PrivateKey))
	default:
		k.Signer, err = sign.NewHMACSigner(k.Text(), issued.Secret.Reveal())
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return k
}

// destinations are those of the tests that withdraw.
func destinations() (list []apikey.Destination) {
	for _, text := range []string{
		"BTC BTC paper1qexampleaddress", "BTC BTC paper1qexampleaddresz", "BTC BTC Paper1qexampleaddress", "BTC ETH paper1qexampleaddress",
		"ETH BTC paper1qexampleaddress", "BTC BTC paper1qexampleaddress 7", "BTC BTC paper1qotheraddress", "BTC BTC paper1qshown", "BTC BTC paper1qother", "BTC BTC bc1qexample", "BTC - bc1q",
	} {
		d, err := apikey.ParseDestination(text)
		if err != nil {
			panic(err)
		}
		list = append(list, d)
	}
	return list
}

// settle lets the destinations of a key count at once, as if it were older.
func (s *Stack) settle(kid id.Key) (key apikey.Key) {
	s.t.Helper()
	err := store.Of[apikey.Tx](s.Store).Update(s.t.Context(), func(tx apikey.Tx) (audit.Event, error) {
		var err error
		if key, _, err = tx.KeyByID(s.t.Context(), kid); err != nil {
			return audit.Event{}, err
		}
		for i := range key.Destinations {
			key.Destinations[i].Added = key.Born.Add(-30 * 24 * time.Hour)
		}
		tx.Announce(txn.Change{Subject: txn.SubjectKey, ID: kid})
		_, err = tx.ChangeKey(s.t.Context(), key)
		return audit.Quiet(audit.KeyUsed), err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return key
}

// pair makes a key pair where the algorithm has one, and puts its public half into the wish.
func (s *Stack) pair(in *apikey.IssueInput) crypto.Signer {
	s.t.Helper()
	switch in.Algorithm {
	case sign.Ed25519:
		public, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			s.t.Fatal(err)
		}
		in.PublicKey = base64.StdEncoding.EncodeToString(public)
		return private
	case sign.ES256:
		private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			s.t.Fatal(err)
		}
		point, err := private.PublicKey.Bytes()
		if err != nil {
			s.t.Fatal(err)
		}
		in.PublicKey = base64.StdEncoding.EncodeToString(point)
		return private
	default:
		return nil
	}
}

// Signed makes a request to a gateway host, signed by the key now.
func (s *Stack) Signed(k Key, method, host, target, body string) *http.Request {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, "http://"+host+target, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if err := sign.Sign(r, []byte(body), k.Signer, s.Now()); err != nil {
		s.t.Fatal(err)
	}
	return r
}
