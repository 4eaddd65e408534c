package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-21c57000/sallyport/client"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/prove/account"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/server"
)

func keyWakeCommand() *cobra.Command {
	return keyVerbCommand("wake", "Bring a key back that was put to sleep because nobody used it", "live", func(cmd *cobra.Command, rooms *server.Rooms, kid id.Key) error {
		return rooms.APIKeys.Wake(cmd.Context(), host(), kid)
	})
}

func keyReleaseCommand() *cobra.Command {
	return keyVerbCommand("release", "Let a key withdraw that has the scope for it", "released", func(cmd *cobra.Command, rooms *server.Rooms, kid id.Key) error {
		return rooms.APIKeys.Release(cmd.Context(), host(), kid)
	})
}

// edits are the flags of key edit; one that was not given changes nothing.
type edits struct {
	name, purpose, onEnd, pin string
	scopes, allow, markets    []string
	orderMost, dayMost        string
	perSecond                 int
	standby                   bool
	life, window              time.Duration
	vendor                    string
	destinations, settings    []string
}

func keyEditCommand() *cobra.Command {
	var e edits
	cmd := &cobra.Command{
		Use: "edit KEY_ID", Short: "Change a key; what no flag names stays", Args: takes("KEY_ID"),
		Long: "The bounds (--markets, --order-most, --day-most, --per-second) are set together: give all that shall hold.",
		Example: `  sallyport key edit spk_test_0351hKUa4DLfyxuVexdeC74WjeZZ --allow 203.0.113.7 --scopes balances:read,orders:read
  sallyport key edit spk_test_0351hKUa4DLfyxuVexdeC74WjeZZ --life 720h --standby`,
		RunE: withRooms(func(cmd *cobra.Command, args []string, rooms *server.Rooms) error {
			kid, err := keyNamed(args[0])
			if err != nil {
				return err
			}
			asJSON, _ := cmd.Flags().GetBool("json")
			if cmd.Flags().NFlag() == 0 || asJSON && cmd.Flags().NFlag() == 1 {
				return usage(errors.New("nothing to change: sallyport key edit --help lists what can be"))
			}
			in, err := e.input(kid, cmd.Flags().Changed)
			if err != nil {
				return usage(err)
			}
			if _, err := rooms.APIKeys.Edit(cmd.Context(), host(), in); err != nil {
				return refusedFlag(cmd, keyGone(args[0], err))
			}
			return tell(cmd, map[string]any{"key_id": args[0], "changed": true}, "Changed.")
		}),
	}
	f := cmd.Flags()
	f.Bool("json", false, "print JSON")
	f.StringVar(&e.name, "name", "", "what the key is called")
	f.StringVar(&e.purpose, "purpose", "", "what it is for")
	f.StringSliceVar(&e.scopes, "scopes", nil, "what it may do, separated by commas")
	f.StringSliceVar(&e.allow, "allow", nil, "addresses or networks that may use it; empty allows all")
	f.StringVar(&e.onEnd, "on-end", "", "leave or cancel_all: what becomes of its open orders when it ends")
	f.StringVar(&e.pin, "pin", "", "first, or an address of the network it is held to; with a file of networks first-as, or a system such as AS64500; empty for none")
	f.BoolVar(&e.standby, "standby", false, "it may lie unused")
	f.DurationVar(&e.life, "life", 0, "how long it lives from now on")
	f.StringSliceVar(&e.markets, "markets", nil, "markets it may order in; empty allows all")
	f.StringVar(&e.orderMost, "order-most", "", "what one order may be worth")
	f.StringVar(&e.dayMost, "day-most", "", "what all orders of a UTC day may be worth")
	f.IntVar(&e.perSecond, "per-second", 0, "requests in a second; 0 sets no limit of its own")
	f.DurationVar(&e.window, "window", 0, "how old its signatures may be: whole seconds from 1s to 60s; 0 means as old as the dialect allows. Keys of kraken sign no time and have none")
	f.StringSliceVar(&e.settings, "settings", nil, "how its clients write what they sign, such as lenient or nonce-window:1000; empty as the dialect's usually do")
	f.StringVar(&e.vendor, "vendor", "", "who outside the account is given it; empty takes the mark away")
	f.StringArrayVar(&e.destinations, "destination", nil, "where it may send money, as 'ASSET NETWORK ADDRESS [MEMO]' with - for no network; repeated, it is the whole list")
	return cmd
}

// input is what the flags that were given say.
func (e *edits) input(kid id.Key, given func(string) bool) (in apikey.EditInput, err error) {
	in.Key = kid
	for flag, set := range map[string]func(){
		"name": func() { in.Name = &e.name }, "purpose": func() { in.Purpose = &e.purpose }, "scopes": func() { in.Scopes = &e.scopes },
		"allow": func() { in.Allowlist = &e.allow }, "on-end": func() { in.OnEnd = new(apikey.OnEnd(e.onEnd)) }, "pin": func() { in.Pin = &e.pin },
		"standby": func() { in.Standby = &e.standby }, "life": func() { in.ExpiresAt = new(time.Now().Add(e.life)) },
		"window": func() { in.Window = &e.window }, "settings": func() { in.Settings = &e.settings }, "vendor": func() { in.Vendor = &e.vendor },
	} {
		if given(flag) {
			set()
		}
	}
	if given("markets") || given("order-most") || given("day-most") || given("per-second") {
		in.Bounds = &apikey.Bounds{Markets: e.markets, OrderMost: e.orderMost, DayMost: e.dayMost, PerSecond: e.perSecond}
	}
	if given("destination") {
		list, err := readDestinations(e.destinations)
		if err != nil {
			return in, err
		}
		in.Destinations = &list
	}
	return in, nil
}

func keyPromoteCommand() *cobra.Command {
	return &cobra.Command{
		Use: "promote KEY_ID", Short: "Make a live key like a test key, with an id and a secret of its own", Args: takes("KEY_ID"),
		Long:    "The printed file holds the secret: redirect it into a file of mode 0600, or pipe it into the keychain. The test key goes on.",
		Example: "  (umask 077; sallyport key promote spk_test_0351hKUa4DLfyxuVexdeC74WjeZZ > live.json)",
		RunE: withRooms(func(cmd *cobra.Command, args []string, rooms *server.Rooms) (err error) {
			in := apikey.PromoteInput{}
			if in.Key, err = keyNamed(args[0]); err != nil {
				return err
			}
			live := rooms.APIKeys.Find(in.Key)
			if live == nil {
				return keyGone(args[0], fault.New(fault.KeyNotFound))
			}
			var private string
			if live.Algorithm.KeepsPublicHalf() {
				if in.PublicKey, private, err = newPair(live.Dialect, live.Algorithm); err != nil {
					return err
				}
			}
			issued, err := rooms.APIKeys.Promote(cmd.Context(), host(), in)
			if fault.CodeOf(err) == fault.KeyNotTest {
				return fmt.Errorf("%s is live already", args[0])
			}
			if err != nil {
				return keyGone(args[0], err)
			}
			return printJSON(cmd.OutOrStdout(), client.KeyFile{
				KeyID: issued.Text(), Algorithm: issued.Algorithm.String(), Dialect: issued.Dialect.String(), Environment: issued.Environment.String(),
				Scopes: issued.Scopes.Words(), Settings: issued.Dialect.SettingsWords(issued.Settings), PrivateKey: private,
				Secret: string(issued.Secret.Reveal()), Passphrase: string(issued.Passphrase.Reveal()),
			})
		}),
	}
}

// brought is one line of an import.
type brought struct {
	Mail string `json:"mail"`
	// Account is needed where the owner belongs to several.
	Account    string   `json:"account"`
	KeyID      string   `json:"key_id"`
	Name       string   `json:"name"`
	Purpose    string   `json:"purpose"`
	Dialect    string   `json:"dialect"`
	Algorithm  string   `json:"algorithm"`
	Scopes     []string `json:"scopes"`
	Allowlist  []string `json:"allowlist"`
	Settings   []string `json:"settings"`
	Life       string   `json:"life"`
	OnEnd      string   `json:"on_end"`
	Markets    []string `json:"markets"`
	OrderMost  string   `json:"order_most"`
	DayMost    string   `json:"day_most"`
	PerSecond  int      `json:"per_second"`
	Secret     string   `json:"secret"`
	Passphrase string   `json:"passphrase"`
	Window     string   `json:"window"`
	Vendor     string   `json:"vendor"`
	// Destinations are lines as --destination takes them.
	Destinations []string `json:"destinations"`
	PublicKey    string   `json:"public_key"`
}

func keyImportCommand() *cobra.Command {
	var try bool
	cmd := &cobra.Command{
		Use: "import FILE", Short: "Take keys over with their ids and secrets, so that their bots go on as they are", Args: takes("FILE"),
		Long: `FILE holds a JSON object a line, or is - for standard input: mail of the owner, key_id (spk_live_ or spk_test_, 22 digits of base 62 that are a number below 2^128, and a checksum
of 6 as docs/leaks.md has it: no other ids can come), name, purpose, dialect, algorithm, scopes, and secret (with
passphrase where the dialect has one) or public_key; allowlist, settings, life, window, on_end, markets, order_most, day_most, per_second, vendor and destinations where they shall hold,
and the id of the account where the owner belongs to several. Only its owner may be able to read the file (mode 0600): it holds secrets. They are sealed on their way in, each key is audited, marked as imported and told to its owner.
A line:

  {"mail": "ada@example.com", "key_id": "spk_live_…", "name": "grid", "purpose": "grid bot", "dialect": "upbit", "algorithm": "hmac-sha2",
   "scopes": ["balances:read", "orders:read", "orders:write"], "secret": "…", "allowlist": ["203.0.113.7"], "life": "2160h"}   (all on one line)

With --dry-run everything is checked and nothing kept. A line that is refused stops nothing: it is named, and the others go on.`,
		Example: `  sallyport key import keys.jsonl --dry-run
  sallyport key import - < keys.jsonl`,
		RunE: withRooms(func(cmd *cobra.Command, args []string, rooms *server.Rooms) error {
			in, err := openKept(args[0], cmd.InOrStdin())
			if err != nil {
				return usage(err)
			}
			defer func() { _ = in.Close() }()
			lines := bufio.NewScanner(in)
			taken, refused := []string{}, []map[string]any{}
			for n := 1; lines.Scan(); n++ {
				if len(bytes.TrimSpace(lines.Bytes())) == 0 {
					continue
				}
				key, err := importLine(cmd, rooms, lines.Bytes(), try)
				if err != nil {
					refused = append(refused, map[string]any{"line": n, "error": words(err)})
					fmt.Fprintf(cmd.ErrOrStderr(), "line %d: %s\n", n, plain(words(err)))
					continue
				}
				taken = append(taken, key)
			}
			if err := lines.Err(); err != nil {
				return fmt.Errorf("read keys: %w", err)
			}
			done := "imported"
			if try {
				done = "acceptable; nothing was kept"
			}
			text := fmt.Sprintf("Keys %s: %d. Refused: %d.", done, len(taken), len(refused))
			if err := tell(cmd, map[string]any{"keys": taken, "kept": !try, "refused": refused}, text); err != nil {
				return err
			}
			if len(refused) > 0 {
				return errors.New("some lines were refused")
			}
			return nil
		}),
	}
	cmd.Flags().Bool("json", false, "print JSON")
	cmd.Flags().BoolVar(&try, "dry-run", false, "check everything and keep nothing")
	return cmd
}

// openKept opens a file of secrets that nobody but its owner can read, or standard input.
func openKept(path string, stdin io.Reader) (io.ReadCloser, error) {
	if path == "-" {
		return io.NopCloser(stdin), nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	kept, err := file.Stat()
	if err == nil && kept.Mode().Perm()&fs.FileMode(0o077) != 0 {
		err = fmt.Errorf("others can read %s, and it holds secrets: chmod 600 first", path)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

func importLine(cmd *cobra.Command, rooms *server.Rooms, line []byte, try bool) (string, error) {
	var b brought
	strict := json.NewDecoder(bytes.NewReader(line))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&b); err != nil {
		return "", errors.New("this is no JSON object of a key, or has a member that is not known") // the decoder's words could quote a secret
	}
	u, memberships, err := findUser(cmd, rooms, b.Mail)
	if err != nil {
		return "", err
	}
	into, err := accountOf(u, memberships, b.Account)
	if err != nil {
		return "", err
	}
	w := wanted{dialect: b.Dialect, algorithm: b.Algorithm}
	if err := w.readDialect(); err != nil {
		return "", err
	}
	in := apikey.ImportInput{IssueInput: w.IssueInput, Secret: secret.FromString("api secret", b.Secret), Passphrase: secret.FromString("api passphrase", b.Passphrase), Try: try}
	if in.Key, in.Environment, err = id.ParseKey(b.KeyID); err != nil {
		return "", fmt.Errorf("%s is no key id of ours: want spk_live_ or spk_test_, 22 digits of base 62 below 2^128 and the 6 of a checksum, as docs/leaks.md has it", b.KeyID)
	}
	if b.Life != "" {
		if in.Life, err = time.ParseDuration(b.Life); err != nil {
			return "", fmt.Errorf("life %s: want a length such as 720h", b.Life)
		}
	}
	if b.Window != "" {
		if in.Window, err = time.ParseDuration(b.Window); err != nil {
			return "", fmt.Errorf("window %s: want a length such as 5s", b.Window)
		}
	}
	if in.Destinations, err = readDestinations(b.Destinations); err != nil {
		return "", err
	}
	in.Vendor = b.Vendor
	in.Account, in.Owner, in.Name, in.Purpose = into, u.ID, b.Name, b.Purpose
	in.Scopes, in.Allowlist, in.Settings, in.OnEnd, in.PublicKey = b.Scopes, b.Allowlist, b.Settings, apikey.OnEnd(b.OnEnd), b.PublicKey
	in.Bounds = apikey.Bounds{Markets: b.Markets, OrderMost: b.OrderMost, DayMost: b.DayMost, PerSecond: b.PerSecond}
	if _, err = rooms.APIKeys.Import(cmd.Context(), host(), in); err != nil {
		if f, ok := errors.AsType[*fault.Error](err); ok && f.Code == fault.RequestInvalid {
			return "", fmt.Errorf("%v is not acceptable", f.Fields["field"])
		}
	}
	return b.KeyID, err
}

// accountOf is the account that a key is taken into: the only one of its owner, or the one that its line names.
func accountOf(u account.User, memberships []account.Membership, named string) (id.Account, error) {
	if len(memberships) == 1 && named == "" {
		return memberships[0].Account, nil
	}
	list := make([]string, 0, len(memberships))
	for _, m := range memberships {
		if m.Account.String() == named {
			return m.Account, nil
		}
		list = append(list, m.Account.String())
	}
	switch {
	case len(list) == 0:
		return id.Account{}, fmt.Errorf("%s belongs to no account", u.Mail)
	case named == "":
		return id.Account{}, fmt.Errorf("%s belongs to several accounts: name one as account, of %s", u.Mail, strings.Join(list, ", "))
	}
	return id.Account{}, fmt.Errorf("%s does not belong to account %s, but to %s", u.Mail, named, strings.Join(list, ", "))
}
