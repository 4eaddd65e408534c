package demo

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/seed-21c57000/sallyport/client"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/signup"
	"github.com/seed-21c57000/sallyport/internal/server"
	"github.com/seed-21c57000/sallyport/sign"
)

// Facts are what the demo prints: where its doors are, who can sign in, and keys that sign.
type Facts struct {
	Dashboard string `json:"dashboard"`
	Gateway   string `json:"gateway"`
	// Live is the gateway's host for live keys, Exchange the host of the exchange's page, Confirmations where withdrawals are confirmed.
	Live          string           `json:"live"`
	Exchange      string           `json:"exchange"`
	Mail          string           `json:"mail"`
	Confirmations string           `json:"confirmations"`
	Users         []User           `json:"users"`
	Keys          []client.KeyFile `json:"keys"`
}

// User is one who can sign in. The role operator is a name so far: until operators have a console it may do what a trader may, and who acts on
// users is the host's command line.
type User struct {
	Email      string `json:"email"`
	Password   string `json:"password"`
	TOTPSecret string `json:"totp_secret"`
	Role       string `json:"role"`
}

// seeded is what is kept beside the data, so that a second start knows what the first one made.
type seeded struct {
	Users []User           `json:"users"`
	Keys  []client.KeyFile `json:"keys"`
}

// seed makes users and keys at the first start, through the operations that everybody uses, and remembers them at the next.
func seed(ctx context.Context, rooms *server.Rooms, facts Facts, o Options) (Facts, error) {
	path := filepath.Join(o.Folder, "demo.json")
	raw, err := os.ReadFile(path)
	var kept seeded
	switch {
	case err == nil:
		err = json.Unmarshal(raw, &kept)
	case errors.Is(err, fs.ErrNotExist):
		s := seeder{rooms: rooms, now: o.Now}
		if kept, err = s.everything(ctx); err == nil {
			err = writeJSON(path, kept)
		}
	}
	if err != nil {
		return facts, err
	}
	facts.Users, facts.Keys = kept.Users, kept.Keys
	for _, k := range kept.Keys {
		if err := writeJSON(KeyFile(o.Folder, k), k); err != nil {
			return facts, err
		}
	}
	return facts, nil
}

// KeyFile is where the demo keeps a key for the programs that sign with it.
func KeyFile(folder string, k client.KeyFile) string {
	name := k.Algorithm
	if k.Dialect == sign.Upbit.String() {
		name = k.Dialect
	}
	return filepath.Join(folder, "key-"+name+".json")
}

func writeJSON(path string, v any) error {
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, raw, 0o600)
}

type seeder struct {
	rooms *server.Rooms
	now   func() time.Time
}

var tradeScopes = []string{"balances:read", "orders:read", "orders:cancel", "orders:write", "transfers:read"}

func (s seeder) everything(ctx context.Context) (kept seeded, err error) {
	trader, who, err := s.user(ctx, "trader@sallyport.example", "Demo Trader", "trader")
	if err != nil {
		return kept, err
	}
	operator, _, err := s.user(ctx, "operator@sallyport.example", "Demo Operator", "operator")
	if err != nil {
		return kept, err
	}
	kept.Users = []User{trader, operator}
	for _, in := range []apikey.IssueInput{
		{Name: "Demo trader", Purpose: "first signed request", Dialect: sign.Native, Algorithm: sign.Ed25519},
		{Name: "Demo worker", Purpose: "first signed request", Dialect: sign.Native, Algorithm: sign.HMACSHA256},
		{Name: "Demo Upbit trader", Purpose: "ccxt and other Upbit clients", Dialect: sign.Upbit, Algorithm: sign.HMACSHA2},
	} {
		key, err := s.key(ctx, who, in)
		if err != nil {
			return kept, err
		}
		kept.Keys = append(kept.Keys, key)
	}
	return kept, nil
}

// user signs somebody up by mail code and password, and gives them an authenticator app.
func (s seeder) user(ctx context.Context, mail, name, role string) (u User, who principal.Principal, err error) {
	u = User{Email: mail, Password: password(), Role: role}
	origin := principal.Origin{Addr: netip.MustParseAddr("127.0.0.1"), Agent: "sallyport demo"}
	browser := sha256.Sum256([]byte(mail))
	sid, err := s.rooms.SignUps.Begin(ctx, origin, signup.Begin{Mail: mail, Name: name, Lang: "en", Browser: browser})
	if err != nil {
		return u, who, err
	}
	if err := s.rooms.SignUps.Verify(ctx, sid, browser, string(s.rooms.SignUps.Code(sid).Reveal())); err != nil {
		return u, who, err
	}
	up, err := s.rooms.SignUps.FinishWithPassword(ctx, signup.From{Origin: origin, Browser: browser}, sid, secret.FromString("password", u.Password))
	if err != nil {
		return u, who, err
	}
	if who, err = s.rooms.Sessions.Authenticate(up.Bearer.Reveal(), "", origin); err != nil {
		return u, who, err
	}
	key, err := s.rooms.Factors.BeginTOTP(ctx, who)
	if err != nil {
		return u, who, err
	}
	uri, err := url.Parse(string(key.URI.Reveal()))
	if err != nil {
		return u, who, err
	}
	u.TOTPSecret = uri.Query().Get("secret")
	// The code of the step before this one, so that the first sign-in need not wait for the next.
	code, err := codeAt(u.TOTPSecret, s.now().Add(-step))
	if err != nil {
		return u, who, err
	}
	renewed, err := s.rooms.Factors.ConfirmTOTP(ctx, who, code)
	if err != nil {
		return u, who, err
	}
	if who, err = s.rooms.Sessions.Authenticate(renewed.Reveal(), "", origin); err != nil {
		return u, who, err
	}
	return u, who, s.rooms.Sessions.SignOut(ctx, who)
}

func (s seeder) key(ctx context.Context, who principal.Principal, in apikey.IssueInput) (k client.KeyFile, err error) {
	in.Account, in.Owner, in.Environment, in.Scopes = who.Account, who.User, id.Test, tradeScopes
	if in.Algorithm == sign.Ed25519 {
		public, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return k, err
		}
		der, err := x509.MarshalPKCS8PrivateKey(private)
		if err != nil {
			return k, err
		}
		in.PublicKey = base64.StdEncoding.EncodeToString(public)
		k.PrivateKey = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	}
	issued, err := s.rooms.APIKeys.Issue(ctx, principal.Host("demo"), in)
	if err != nil {
		return k, fmt.Errorf("issue %s: %w", in.Name, err)
	}
	k.KeyID, k.Algorithm, k.Dialect = issued.Text(), issued.Algorithm.String(), issued.Dialect.String()
	k.Environment, k.Scopes, k.Secret = issued.Environment.String(), issued.Scopes.Words(), string(issued.Secret.Reveal())
	return k, nil
}

// password is long and random: no demo has a password that another demo has.
func password() string {
	return base64.RawURLEncoding.EncodeToString(random32()[:18])
}

func random32() []byte {
	b := make([]byte, 32)
	rand.Read(b)
	return b
}
