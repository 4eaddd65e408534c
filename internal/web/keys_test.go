package web_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/client"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
	"github.com/seed-21c57000/sallyport/sign"
)

func TestKeysTeachWhenThereAreNone(t *testing.T) {
	s, _ := stack(t)
	b := as(t, s, s.SignUp("ada@example.com"))
	b.get("/keys")
	b.shows(http.StatusOK, "No API keys yet", "read-only key", "you need a second factor")
	b.get("/keys/new")
	b.shows(http.StatusForbidden, "two factors")
}

// owner is a browser of somebody who may make keys.
func owner(t *testing.T, s *authtest.Stack) (*browser, *authtest.Person) {
	t.Helper()
	ada := s.SignUp("ada@example.com")
	ada.EnrolTOTP()
	return as(t, s, ada), ada
}

// confirmKey answers the question for a code, after the one that was spent.
func confirmKey(b *browser, p *authtest.Person) {
	b.t.Helper()
	b.shows(http.StatusForbidden, "Confirm that it is you")
	b.submit("/keys", "proof_code", p.Code())
}

func TestCreateKeyWithSecret(t *testing.T) {
	s, clock := stack(t)
	b, ada := owner(t, s)
	clock.Advance(time.Minute)
	b.get("/keys/new")
	b.shows(http.StatusOK, "203.0.113.7", "A key that may withdraw needs an allowlist", "Live moves real money")
	b.submit("/keys", "name", "Grid BTC", "purpose", "Rebalances the grid", "scopes", "orders:read|orders:write", "here", "yes", "life", "2592000", "window", "5", "vendor", "Kimchi Bots")
	b.shows(
		http.StatusForbidden, "Key “Grid BTC” (test), until "+clock.Now().AddDate(0, 0, 30).Format("2 Jan 2006")+". It may: see orders and fills, place orders.",
		"Rebalances the grid", "203.0.113.7", "HMAC-SHA256", "Oldest signature", "5 seconds", "Given to a vendor", "Kimchi Bots", "Nothing has changed yet",
	)
	b.submit("/keys", "proof_code", "000000")
	b.shows(http.StatusForbidden, says(fault.TOTPCodeRefused), "Grid BTC", "203.0.113.7")
	confirmKey(b, ada)
	b.shows(http.StatusOK, "The key Grid BTC is ready", "We show the secret only now", "sallyport call GET "+authtest.Origin+"/v1/session --key-file grid-btc.json")
	if b.page.Header.Get("Cache-Control") != "no-store" {
		t.Error("the secret may be kept by a cache")
	}

	var file client.KeyFile
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(b.href("Save grid-btc.json"), "data:application/json;base64,"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	signer, err := file.Signer()
	if err != nil {
		t.Fatal(err)
	}
	r := s.Signed(authtest.Key{Key: apikey.Key{}, Signer: signer}, http.MethodGet, "localhost:8080", "/v1/session", "")
	if res := s.Do(r); res.StatusCode != http.StatusOK {
		t.Errorf("the key file does not work: %d %s", res.StatusCode, authtest.Body(t, res))
	}

	b.get("/keys")
	b.shows(http.StatusOK, "Grid BTC", "Active", "Test", "place orders", "203.0.113.7", "in 30 days")
	if strings.Contains(b.page.body, file.Secret) {
		t.Error("the secret is shown again")
	}
}

// What the form lets one choose is said again before it is made, every field of it; the script that says it while it is filled in knows the same fields.
func TestTheSummarySaysEveryField(t *testing.T) {
	s, clock := stack(t)
	b, ada := owner(t, s)
	who := ada.Principal()
	host := principal.Host("tests")
	host.Account = who.Account
	cold, err := s.Subaccounts.Open(t.Context(), host, "Cold storage")
	if err != nil {
		t.Fatal(err)
	}
	clock.Advance(time.Minute)
	b.get("/keys/new?template=market_maker")
	b.submit("/keys", "name", "Maker", "purpose", "Quotes", "scopes", "orders:read|orders:write", "subaccount", cold.String(), "allowlist", "198.51.100.0/24",
		"here", "yes", "life", "2592000", "window", "5", "on_end", "cancel_all", "standby", "yes", "markets", "KRW-BTC", "order_most", "1000000",
		"day_most", "9000000", "per_second", "77")
	for _, said := range []string{
		"Maker", "Quotes", "test", "see orders and fills, place orders", "Cold storage", "198.51.100.0/24, 203.0.113.7", clock.Now().AddDate(0, 0, 30).Format("2 Jan 2006"),
		"5 seconds", "cancel all", "May lie unused without being put to sleep", "KRW-BTC", "1000000", "9000000", "77", "Market maker", "HMAC-SHA256",
	} {
		b.shows(http.StatusForbidden, said)
	}
	script, err := os.ReadFile("../../web/src/newkey.ts")
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`(?s)const rest = \[(.*?)\]`).FindString(string(script))
	for _, field := range []string{"owner", "subaccount", "on_end", "pin", "standby", "markets", "order_most", "day_most", "per_second", "settings"} {
		if !strings.Contains(list, `"`+field+`"`) {
			t.Errorf("the script does not say %s", field)
		}
	}
}

// A dialect's settings are chosen where the key is, said before it is made and by its page, and changed on the form that edits it.
func TestDialectSettingsByPage(t *testing.T) {
	s, clock := stack(t)
	b, ada := owner(t, s)
	clock.Advance(time.Minute)
	b.get("/keys/new")
	b.submit("/keys", "name", "Upbit bot", "purpose", "Reads", "scopes", "orders:read", "kind", "upbit", "settings", "lenient rising")
	b.shows(http.StatusUnprocessableEntity, "These are no settings of this way of signing")
	b.submit("/keys", "name", "Upbit bot", "purpose", "Reads", "scopes", "orders:read", "kind", "upbit", "settings", "as-sent  lenient")
	b.shows(http.StatusForbidden, "How its program writes what it signs", "as-sent lenient")
	confirmKey(b, ada)
	b.shows(http.StatusOK, "The key Upbit bot is ready")
	name := keyText.FindString(b.page.body)
	kid, err := s.APIKeys.Named(name)
	if err != nil {
		t.Fatal(name, err)
	}
	settings := func() string { return strings.Join(sign.Upbit.SettingsWords(s.KeyNow(kid).Settings), " ") }
	if settings() != "as-sent lenient" {
		t.Errorf("the settings are %q", settings())
	}
	at := "/keys/" + name
	b.get(at)
	b.shows(http.StatusOK, "as-sent lenient")
	b.get(at + "/edit")
	b.submit(at+"/edit", "settings", "")
	b.follow()
	if settings() != "" {
		t.Errorf("the settings are still %q", settings())
	}
}

func TestCreateKeyWithOwnPair(t *testing.T) {
	s, clock := stack(t)
	b, ada := owner(t, s)
	clock.Advance(time.Minute)
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	prove := func() string {
		challenge := ""
		for _, field := range all(b.page.root, "input") {
			if get(field, "name") == "challenge" {
				challenge = get(field, "value")
			}
		}
		return base64.StdEncoding.EncodeToString(ed25519.Sign(private, apikey.ProofText(challenge)))
	}
	fill := func(possession string) {
		b.submit("/keys", "name", "own", "purpose", "mine", "kind", "ed25519", "public_key", base64.StdEncoding.EncodeToString(public), "possession", possession)
	}
	b.get("/keys/new")
	fill(base64.StdEncoding.EncodeToString(make([]byte, 64)))
	b.shows(http.StatusUnprocessableEntity, says(fault.KeyPossessionUnproven))
	possession := prove()
	clock.Advance(11 * time.Minute)
	fill(possession)
	b.shows(http.StatusUnauthorized, "The challenge was too old", "Nothing was made")
	fill(prove())
	confirmKey(b, ada)
	b.shows(http.StatusOK, "The private key is with you alone", "--key-file key.json")
	s.Settle()
	letters := s.Mailbox.Letters(ada.Mail)
	if last := letters[len(letters)-1]; last.Notice != notify.KeyCreated || last.Facts[apikey.ByFact] != "" {
		t.Errorf("told that somebody else made it: %s %v", last.Notice, last.Facts)
	}
	b.get("/keys")
	b.shows(http.StatusOK, "Ed25519")
}

// Every kind of key that the form offers is made there, and the command that the page shows with it finds the key at work.
func TestTheShownCommandProvesEveryKindOfKey(t *testing.T) {
	s, _ := stack(t)
	form, _ := owner(t, s)
	form.get("/keys/new")
	var kinds []string
	for _, field := range all(form.page.root, "input") {
		if kind := get(field, "value"); get(field, "name") == "kind" && kind != "browser" { // which script makes, as an ed25519 key
			kinds = append(kinds, kind)
		}
	}
	if len(kinds) < 12 {
		t.Fatalf("the form offers %v", kinds)
	}
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			s, clock := stack(t)
			b, ada := owner(t, s)
			clock.Advance(time.Minute)
			b.get("/keys/new")
			typed := []string{"name", kind, "purpose", "to be tried", "kind", kind}
			shown := keygenOf(t, b, kind)
			own, private, possession := pairFor(t, b, shown.Algorithm)
			typed = append(typed, own...)
			typed = append(typed, possession...)
			b.submit("/keys", typed...)
			confirmKey(b, ada)
			b.shows(http.StatusOK, "Try it")
			command := regexp.MustCompile(`sallyport call (GET|POST) (http://[^/ ]+)(/\S*) --key-file (\S+\.json)`).FindStringSubmatch(b.page.body)
			if command == nil || command[2] != authtest.Origin {
				t.Fatalf("the page shows no command for the dashboard: %q", command)
			}
			file := client.KeyFile{PrivateKey: private}
			if private == "" {
				raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(b.href("Save "+command[4]), "data:application/json;base64,"))
				if err != nil {
					t.Fatal(err)
				}
				if err := json.Unmarshal(raw, &file); err != nil {
					t.Fatal(err)
				}
			} else {
				file.KeyID, file.Algorithm, file.Dialect = keyText.FindString(b.page.body), shown.Algorithm, shown.Dialect
			}
			signer, err := file.Signer()
			if err != nil {
				t.Fatal(err)
			}
			res := s.Do(s.Signed(authtest.Key{Signer: signer}, command[1], strings.TrimPrefix(authtest.Origin, "http://"), command[3], ""))
			if body := authtest.Body(t, res); res.StatusCode != http.StatusOK || !strings.Contains(body, file.KeyID) {
				t.Errorf("%s %s answers %d %s", command[1], command[3], res.StatusCode, body)
			}
		})
	}
}

var keyText = regexp.MustCompile(`spk_test_\w+`)

// keygenOf is the key file that the shown command of a kind makes, as far as the command decides it; nothing for kinds that are no pair.
func keygenOf(t *testing.T, b *browser, kind string) (file client.KeyFile) {
	t.Helper()
	command := regexp.MustCompile(`id="make-pair-` + kind + `">sallyport keygen --key-file key\.json(?: --dialect (\S+) --algorithm (\S+))?</code>`).FindStringSubmatch(b.page.body)
	switch {
	case command == nil:
	case command[1] == "": // what keygen makes by itself
		file.Dialect, file.Algorithm = sign.Native.String(), sign.Ed25519.String()
	default:
		file.Dialect, file.Algorithm = command[1], command[2]
	}
	return file
}

// pairFor makes a key pair of its reader's own of an algorithm, with the fields of the form that say so; nothing for those of shared secrets.
func pairFor(t *testing.T, b *browser, algorithm string) (own []string, private string, possession []string) {
	t.Helper()
	var key crypto.Signer
	var public []byte
	switch algorithm {
	case sign.Ed25519.String():
		half, whole, err := ed25519.GenerateKey(nil)
		if err != nil {
			t.Fatal(err)
		}
		key, public = whole, half
	case sign.ES256.String():
		whole, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if public, err = whole.PublicKey.Bytes(); err != nil {
			t.Fatal(err)
		}
		key = whole
	default:
		return nil, "", nil
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	challenge := ""
	for _, field := range all(b.page.root, "input") {
		if get(field, "name") == "challenge" {
			challenge = get(field, "value")
		}
	}
	text, hash := apikey.ProofText(challenge), crypto.Hash(0)
	if algorithm == sign.ES256.String() {
		digest := sha256.Sum256(text)
		text, hash = digest[:], crypto.SHA256
	}
	proof, err := key.Sign(rand.Reader, text, hash)
	if err != nil {
		t.Fatal(err)
	}
	private = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	return []string{"public_key", base64.StdEncoding.EncodeToString(public)}, private, []string{"possession", base64.StdEncoding.EncodeToString(proof)}
}

// What the form takes is checked where it stands, and comes back as it was filled in.
func TestCreateKeyRefused(t *testing.T) {
	s, _ := stack(t)
	b, _ := owner(t, s)
	tests := []struct {
		name   string
		typed  []string
		status int
		shows  []string
	}{
		{"no name", []string{"name", " "}, 422, []string{"Enter a name of 1 to 80 characters"}},
		{"no purpose", []string{"purpose", ""}, 422, []string{"Say in 1 to 80 characters"}},
		{"no address", []string{"allowlist", "not an address"}, 422, []string{"one address or network a line", "wider than an IPv4 /16 or an IPv6 /32: not"}},
		{"half the internet", []string{"allowlist", "10.0.0.0/8"}, 422, []string{"wider than an IPv4 /16 or an IPv6 /32: 10.0.0.0/8"}},
		{"no way of signing", []string{"kind", "browser"}, 422, []string{"Choose one of the ways of signing"}},
		{"no environment", []string{"environment", "prod"}, 422, []string{"Choose live or test"}},
		{"no scope", []string{"scopes", "orders:everything"}, 422, []string{"Choose from the list"}},
		{"hours", []string{"life", "1h"}, 422, []string{"Choose one of the times"}},
		{"no time", []string{"life", "-1"}, 422, []string{"Choose one of the times"}},
		{"too long a time", []string{"life", "77760000"}, 422, []string{"Choose one of the times"}},
		{"no subaccount", []string{"subaccount", "main"}, 422, []string{says(fault.RequestInvalid)}},
		{"foreign subaccount", []string{"subaccount", "sub_069g9r2kt0f7s8w3a5q1z7y6xc"}, 422, []string{says(fault.RequestInvalid)}},
		{"money for a vendor", []string{"vendor", "Kimchi Bots", "scopes", "withdrawals:write", "allowlist", "203.0.113.7"}, 422, []string{says(fault.KeyVendorNoWithdraw)}},
		{"money to anywhere", []string{"scopes", "withdrawals:write", "allowlist", "203.0.113.7"}, 422, []string{says(fault.KeyNeedsDestinations)}},
		{"half a destination", []string{"destinations", "BTC bc1q"}, 422, []string{"asset, network and address on one line", "This one cannot be read: BTC bc1q"}},
		{"beyond its way of signing", []string{"kind", "upbit", "scopes", "withdrawals:write"}, 422, []string{"Upbit's dialect", "trading"}},
		{"no public key", []string{"kind", "ed25519", "public_key", "x", "possession", "y"}, 422, []string{"not an Ed25519 public key"}},
		{"an unknown field", []string{"admin", "yes"}, 400, []string{"a field is not known"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b.get("/keys/new")
			typed := append([]string{"name", "grid", "purpose", "kept words"}, test.typed...)
			b.submit("/keys", typed...)
			b.shows(test.status, test.shows...)
			kept := false
			for _, field := range all(b.page.root, "input") {
				kept = kept || get(field, "name") == "purpose" && (get(field, "value") == "kept words" || test.name == "no purpose")
			}
			if test.status == 422 && !kept {
				t.Error("what was typed is lost")
			}
		})
	}
}

func TestRevokeKey(t *testing.T) {
	s, _ := stack(t)
	ada := s.SignUp("ada@example.com")
	b := as(t, s, ada)
	k := s.IssueKey(ada, apikey.IssueInput{Name: "grid", Purpose: "trades", Environment: id.Live, Scopes: []string{"orders:write"}})
	b.get("/keys")
	b.shows(http.StatusOK, "grid", "Live", "its right to trade ends", "in 30 days", "Any address", "Never", "nothing brings it back")
	action := "/keys/" + k.Text() + "/revoke"
	b.submit(action)
	b.leads("/keys")
	b.follow()
	b.shows(http.StatusOK, "The key is revoked", "Revoked")
	b.post(action, tokenOf(b, "/keys"))
	b.shows(http.StatusNotFound, says(fault.KeyNotFound))
	b.post("/keys/nonsense/revoke", tokenOf(b, "/keys"))
	b.shows(http.StatusNotFound, says(fault.KeyNotFound))

	other := s.IssueKey(s.SignUp("eve@example.com"), apikey.IssueInput{})
	b.post("/keys/"+other.Text()+"/revoke", tokenOf(b, "/keys"))
	b.shows(http.StatusNotFound, says(fault.KeyNotFound))
	twin := strings.Replace(other.Text(), "spk_test_", "spk_live_", 1)
	b.post("/keys/"+twin+"/revoke", tokenOf(b, "/keys"))
	b.shows(http.StatusNotFound, says(fault.KeyNotFound))
}

// A live key is made of a test key after the same proof as any other, and its secret is shown once; of a live key none is.
func TestPromoteByPage(t *testing.T) {
	s, clock := stack(t)
	b, ada := owner(t, s)
	clock.Advance(time.Minute)
	in := apikey.IssueInput{Name: "grid", Purpose: "trades", Scopes: []string{"orders:write"}, Allowlist: []string{"203.0.113.0/24"}, Dialect: sign.Upbit, Algorithm: sign.HMACSHA2}
	k := s.IssueKey(ada, in)
	b.get("/keys/" + k.Text())
	b.shows(http.StatusOK, "Make a live key like this one")
	action := "/keys/" + k.Text() + "/promote"
	b.get(action)
	b.shows(http.StatusOK, "grid", "203.0.113.0/24")
	b.submit(action)
	b.shows(http.StatusForbidden, "Confirm that it is you", "Key “grid” (live)")
	b.submit(action, "proof_code", ada.Code())
	b.shows(http.StatusOK, "The key grid is ready", "We show the secret only now")
	b.get("/keys")
	live := regexp.MustCompile(`spk_live_[0-9A-Za-z]+`).FindString(b.page.body)
	b.get("/keys/" + live)
	if strings.Contains(b.page.body, "/promote") {
		t.Error("a live key is offered to be made live")
	}
	b.post("/keys/"+live+"/promote", tokenOf(b, "/keys"))
	b.shows(http.StatusConflict, says(fault.KeyNotTest))
}

// Each way to stop a key says what becomes of its open orders, as its owner chose.
func TestTheKeyPageSaysWhatBecomesOfOrders(t *testing.T) {
	const stay, cancelled = "Open orders stay as they are.", "The exchange is asked to cancel the open orders that this key placed."
	s, clock := stack(t)
	b, ada := owner(t, s)
	for _, tt := range []struct {
		name            string
		in              apikey.IssueInput
		stay, cancelled int // times that it is said
	}{
		{"leaves", apikey.IssueInput{Scopes: []string{"orders:write"}}, 4, 0},
		{"cancels", apikey.IssueInput{Scopes: []string{"orders:write"}, OnEnd: apikey.CancelOrders}, 0, 4},
		{"places none", apikey.IssueInput{OnEnd: apikey.CancelOrders}, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := s.IssueKey(ada, tt.in)
			b.get("/keys/" + k.Text())
			if got := strings.Count(b.page.body, stay); got != tt.stay {
				t.Errorf("%q %d times, want %d", stay, got, tt.stay)
			}
			if got := strings.Count(b.page.body, cancelled); got != tt.cancelled {
				t.Errorf("%q %d times, want %d", cancelled, got, tt.cancelled)
			}
			s.Settle()
			clock.Advance(time.Second)
			if err := s.APIKeys.Stop(t.Context(), principal.Host("tests"), k.ID, apikey.Freeze); err != nil {
				t.Fatal(err)
			}
			s.Settle()
			b.get("/messages")
			newest := regexp.MustCompile(`/messages/msg_[0-9a-z]+`).FindString(b.page.body)
			b.get(newest)
			b.shows(http.StatusOK, "An API key was frozen")
			for text, want := range map[string]bool{"open orders stay": tt.stay > 0, "asked to cancel": tt.cancelled > 0} {
				if got := strings.Contains(b.page.body, text); got != want {
					t.Errorf("the letter says %q: %t, want %t", text, got, want)
				}
			}
		})
	}
}

// The old secret of a rotation is given more time once, with a proof.
func TestRotateAndExtendByPage(t *testing.T) {
	s, clock := stack(t)
	b, ada := owner(t, s)
	clock.Advance(time.Minute)
	k := s.IssueKey(ada, apikey.IssueInput{Name: "grid", Purpose: "trades", Dialect: sign.Upbit, Algorithm: sign.HMACSHA2})
	b.get("/keys/" + k.Text())
	b.shows(http.StatusOK, "Not at all: it stops at once")
	b.submit("/keys/"+k.Text()+"/rotate", "overlap", "1")
	b.submit("/keys/"+k.Text()+"/rotate", "proof_code", ada.Code())
	b.shows(http.StatusOK, "rotate again", "The old secret ends", "in 1 hour")
	clock.Advance(time.Minute) // the app shows another code
	b.get("/keys/" + k.Text())
	b.shows(http.StatusOK, "Let the old secret go on")
	action := "/keys/" + k.Text() + "/extend"
	ends := s.APIKeys.Cutover(k.ID)[1].RetiresAt.Add(24 * time.Hour)
	b.submit(action, "by", "24")
	b.shows(http.StatusForbidden, "Confirm that it is you", "Let the old secret of the key “grid” go on until "+ends.Format("2 Jan 2006 15:04 UTC"))
	b.submit(action, "proof_code", ada.Code())
	b.get("/keys/" + k.Text())
	if strings.Contains(b.page.body, "/extend") {
		t.Error("it is offered twice")
	}
	if view := s.APIKeys.Cutover(k.ID); len(view) != 2 || !view[1].RetiresAt.Equal(ends) {
		t.Errorf("the view: %+v", view)
	}
}

func TestKeyStates(t *testing.T) {
	s, clock := stack(t)
	ada := s.SignUp("ada@example.com")
	s.IssueKey(ada, apikey.IssueInput{Name: "short", Purpose: "p", Life: 48 * time.Hour})
	s.IssueKey(ada, apikey.IssueInput{Name: "upbit", Purpose: "p", Dialect: sign.Upbit, Algorithm: sign.HMACSHA2})
	b := as(t, s, ada)
	b.get("/keys")
	b.shows(http.StatusOK, "Expires soon", "in 2 days", "Upbit-compatible")
	clock.Advance(60 * time.Hour)
	again := another(t, s, "ada@example.com")
	again.get("/keys")
	again.shows(http.StatusOK, "Expired")
}

// The page of a key says what a thief could do, what it did, and what changed it; its timeline offers the signed file.
func TestThePageOfAKeyTellsItsPast(t *testing.T) {
	s, clock := stack(t)
	b, ada := owner(t, s)
	key := s.IssueKey(ada, apikey.IssueInput{Name: "Grid", Purpose: "tests", Scopes: []string{"balances:read", "orders:write"}})
	b.get("/keys/" + key.Text())
	b.shows(http.StatusOK, "If the secret were stolen", "Place orders in your name.", "From anywhere in the world", "It cannot withdraw.", "Nobody used this key")
	home := authtest.PersonOrigin().Addr.String()
	s.Browser(home).Do(s.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts", ""))
	s.Browser(home).Do(s.Signed(key, http.MethodDelete, authtest.APIHost, "/v1/order?uuid=1", ""))
	if err := s.APIKeys.SaveUses(t.Context()); err != nil {
		t.Fatal(err)
	}
	clock.Advance(time.Minute)
	b.get("/keys/" + key.Text())
	b.shows(http.StatusOK, home, "Why it was refused", "This key lacks the scope …. key.scope_missing", "The API key Grid was created.", "21 Nov 1 1")
	b.get("/keys/" + key.Text() + "/timeline?days=30")
	b.shows(http.StatusOK, "Timeline of Grid", "Save as a signed file", "/.well-known/sallyport-assertion-jwks.json as keys.json, then sallyport key verify FILE --jwks keys.json", "The API key Grid was created.", "GET /v1/accounts", "In the hour from")
}

// What a key does not need is taken away with one click, which asks for nothing.
func TestUnneededScopesGoWithOneClick(t *testing.T) {
	s, clock := stack(t)
	ada := s.SignUp("ada@example.com")
	home := authtest.PersonOrigin().Addr.String()
	key := s.IssueKey(ada, apikey.IssueInput{Name: "Grid", Purpose: "tests", Scopes: []string{"balances:read", "orders:cancel", "orders:write"}, Allowlist: []string{home}})
	for range 31 {
		clock.Advance(24 * time.Hour)
		s.Browser(home).Do(s.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts", ""))
		if err := s.APIKeys.SaveUses(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ada.SignIn()
	b := as(t, s, ada)
	b.get("/keys/" + key.Text())
	b.shows(http.StatusOK, "No request of the last 30 days needed these rights", "Take these away")
	b.submit("/keys/" + key.Text() + "/narrow")
	if got := s.KeyNow(key.ID).Scopes.String(); got != "balances:read" {
		t.Errorf("it has %q", got)
	}
	b.get("/keys/" + key.Text())
	if strings.Contains(b.page.body, "Take these away") {
		t.Error("it is offered again")
	}
}

// A key that needs nothing it may do is offered no click that would leave it without rights: its reader is told to revoke it.
func TestAKeyThatNeedsNothingMayAsWellGo(t *testing.T) {
	s, clock := stack(t)
	ada := s.SignUp("ada@example.com")
	home := authtest.PersonOrigin().Addr.String()
	key := s.IssueKey(ada, apikey.IssueInput{Name: "Grid", Purpose: "tests", Scopes: []string{"orders:cancel"}})
	for range 31 {
		clock.Advance(24 * time.Hour)
		s.Browser(home).Do(s.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts", ""))
		if err := s.APIKeys.SaveUses(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ada.SignIn()
	b := as(t, s, ada)
	b.get("/keys/" + key.Text())
	b.shows(http.StatusOK, "No request of the last 30 days needed any right that it has", "revoke it")
	if strings.Contains(b.page.body, "Take these away") {
		t.Error("it is offered to be left without rights")
	}
}

// Who marks a key as leaked names a moment in the zone that the page shows times in, and sees what it did since; without a moment everything.
func TestLeakedSinceAMoment(t *testing.T) {
	for _, test := range []struct {
		name, since, offset, shown string
		used                       bool
	}{
		{"since ever", "", "0", "Everything that is kept of it.", true},
		{"in the hour of its use", "2026-11-21T09:30", "0", "By the hour, since 21 Nov 2026, 09:30 UTC", true},
		{"with seconds nine hours to the east", "2026-11-21T18:30:59", "540", "By the hour, since 21 Nov 2026, 09:30 UTC", true},
		{"after its use", "2026-11-21T10:00", "0", "By the hour, since 21 Nov 2026, 10:00 UTC", false},
		{"after its use five hours to the west", "2026-11-21T05:00", "-300", "By the hour, since 21 Nov 2026, 10:00 UTC", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, _ := stack(t)
			b, ada := owner(t, s)
			key := s.IssueKey(ada, apikey.IssueInput{Name: "Grid", Purpose: "tests", Scopes: []string{"balances:read"}})
			s.Browser(authtest.PersonOrigin().Addr.String()).Do(s.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts", ""))
			b.get("/keys/" + key.Text())
			b.submit("/keys/"+key.Text()+"/leaked", "since", test.since, "since_offset", test.offset)
			b.shows(http.StatusOK, "Grid is dead", test.shown)
			if strings.Contains(b.page.text(), "GET /v1/accounts") != test.used || strings.Contains(b.page.text(), "It was not used in that time.") == test.used {
				t.Errorf("it says %q", b.page.text())
			}
		})
	}
}

// A moment that cannot be read ends no key: its owner is asked again, beside the field.
func TestLeakedAtNoMoment(t *testing.T) {
	s, _ := stack(t)
	b, ada := owner(t, s)
	key := s.IssueKey(ada, apikey.IssueInput{Name: "Grid", Purpose: "tests", Scopes: []string{"balances:read"}})
	for _, wrong := range [][2]string{{"yesterday", "0"}, {"2026-11-21T09:30", "541"}, {"2026-11-21T09:30", "x"}} {
		b.get("/keys/" + key.Text())
		b.submit("/keys/"+key.Text()+"/leaked", "since", wrong[0], "since_offset", wrong[1])
		b.shows(http.StatusUnprocessableEntity, "Show what it did since")
	}
	if !s.KeyNow(key.ID).RevokedAt.IsZero() {
		t.Error("the key is dead")
	}
}
