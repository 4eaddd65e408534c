package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-21c57000/sallyport/client"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/line"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/server"
	"github.com/seed-21c57000/sallyport/sign"
)

func keyCommand() *cobra.Command {
	return group(withConfig(&cobra.Command{
		Use: "key", Short: "Make, look at, rotate, stop and revoke API keys; every change is audited",
		Example: `  sallyport key list ada@example.com --config sallyport.yaml
  sallyport key revoke spk_test_0351hKUa4DLfyxuVexdeC74WjeZZ`,
	}), keyCreateCommand(), keyListCommand(), keyRevokeCommand(), keyRotateCommand(), keyRotateSelfCommand(), keyExtendCommand(), keyReportCommand(), keyRetireCommand(), keyLeakedCommand(), keyOrphansCommand(), keyTransferCommand(), keyEditCommand(), keyWakeCommand(), keyReleaseCommand(), keyPromoteCommand(), keyImportCommand(),
		keyShowCommand(), keyTimelineCommand(), keyVerifyCommand(),
		keyStopCommand("freeze", "Let a key look and cancel only", apikey.Freeze, false),
		keyStopCommand("unfreeze", "Take a freeze back", apikey.Freeze, true),
		keyStopCommand("block", "Refuse every request of a key until it is unblocked", apikey.Block, false),
		keyStopCommand("unblock", "Take a block back", apikey.Block, true))
}

// wanted is a key as its words on the command line.
type wanted struct {
	apikey.IssueInput
	dialect, algorithm, environment, subaccount string
	destinations                                []string
}

func keyCreateCommand() *cobra.Command {
	var w wanted
	cmd := &cobra.Command{
		Use: "create MAIL", Short: "Make a key for a user; the key file goes to standard output", Args: takes("MAIL"),
		Long: `A key pair is made here and only its public half is kept by the server. The printed file holds the secret: redirect it into a file
of mode 0600, or pipe it into the keychain. The scopes are ` + scope.Everything().String() + `.`,
		Example: `  (umask 077; sallyport key create ada@example.com --name grid --purpose 'grid bot' --scopes balances:read,orders:read > key.json)
  sallyport key create ada@example.com --name grid --purpose 'grid bot' | sallyport keychain keep grid --key-file -
  (umask 077; sallyport key create ada@example.com --name ccxt --purpose 'ccxt bot' --dialect upbit --allow 203.0.113.7 > key.json)`,
		RunE: withRooms(func(cmd *cobra.Command, args []string, rooms *server.Rooms) error {
			u, memberships, err := findUser(cmd, rooms, args[0])
			if err != nil {
				return err
			}
			if len(memberships) == 0 {
				return fmt.Errorf("%s belongs to no account", u.Mail)
			}
			if err := w.read(); err != nil {
				return usage(err)
			}
			w.Owner, w.Account = u.ID, memberships[0].Account
			return issueKey(cmd, rooms, w.IssueInput)
		}),
	}
	f := cmd.Flags()
	f.StringVar(&w.Name, "name", "", "what the key is called: one line of at most 80 characters")
	f.StringVar(&w.Purpose, "purpose", "", "what it is for: one line of at most 80 characters")
	f.StringVar(&w.environment, "environment", "test", "live or test")
	f.StringSliceVar(&w.Scopes, "scopes", nil, "what it may do, separated by commas, of "+strings.Join(scope.Everything().Words(), ", ")+"; none means read-only")
	f.StringSliceVar(&w.Allowlist, "allow", nil, "addresses or networks that may use it, none wider than /16 (IPv4) or /32 (IPv6), such as 203.0.113.7,2001:db8::/32; none means all")
	f.DurationVar(&w.Life, "life", 0, "how long it lives, such as 720h: from 1h to keys.max_life; 0 means the policy's default")
	f.StringVar(&w.dialect, "dialect", sign.Native.String(), "how its requests are signed: "+dialectWords())
	f.StringVar(&w.algorithm, "algorithm", "", "where the dialect has two: ed25519, which is native's default; hmac-sha256, binance's; ecdsa-p256-sha256, coinbase's")
	f.StringSliceVar(&w.Bounds.Markets, "markets", nil, "markets it may order in, separated by commas; none means all")
	f.StringVar(&w.Bounds.OrderMost, "order-most", "", "what one order may be worth, in the currency of the platform's prices")
	f.StringVar(&w.Bounds.DayMost, "day-most", "", "what all orders of a UTC day may be worth")
	f.IntVar(&w.Bounds.PerSecond, "per-second", 0, "requests in a second; 0 sets no limit of its own")
	f.StringSliceVar(&w.Settings, "settings", nil, "how its clients write what they sign, such as lenient or nonce-window:1000; docs/signing.md lists them")
	f.DurationVar(&w.Window, "window", 0, "how old its signatures may be: whole seconds from 1s to 60s; 0 means as old as the dialect allows. Keys of kraken sign no time and have none")
	f.StringVar(&w.Vendor, "vendor", "", "who outside the account is given it: one line of at most 80 characters; such a key cannot withdraw")
	f.StringArrayVar(&w.destinations, "destination", nil, "where it may send money, as 'ASSET NETWORK ADDRESS [MEMO]' with - for no network; may be repeated")
	w.endFlags(cmd)
	_ = cmd.MarkFlagRequired("name")
	_ = cmd.MarkFlagRequired("purpose")
	return cmd
}

// endFlags are what a key is made from, what it is held to, and how it ends.
func (w *wanted) endFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	var names []string
	for _, t := range apikey.Templates() {
		names = append(names, t.Name)
	}
	f.StringVar(&w.Template, "template", "", "what it is made from, where --scopes and --on-end say nothing: "+strings.Join(names, ", "))
	f.StringVar((*string)(&w.OnEnd), "on-end", "", "what becomes of its open orders when it ends: leave or cancel_all; none means leave, or as the template says")
	f.BoolVar(&w.Standby, "standby", false, "may lie unused without being put to sleep")
	f.StringVar(&w.Pin, "pin", "", "the network that an Ed25519 key is held to: first for that of its first use, or an address in it; with a file of networks (geo.networks_file) also first-as, or a system such as AS64500")
	f.StringVar(&w.subaccount, "subaccount", "", "what it is pinned to, as sallyport subaccount list shows it; none means the main one")
}

// read turns the words into what they mean. A dialect with one algorithm needs none named.
func (w *wanted) read() (err error) {
	if err := w.readDialect(); err != nil {
		return err
	}
	if w.Environment, err = id.ParseEnvironment(w.environment); err != nil {
		return fmt.Errorf("--environment %s: want live or test", w.environment)
	}
	if w.subaccount != "" {
		if w.Subaccount, err = subaccountNamed(w.subaccount); err != nil {
			return err
		}
	}
	w.Destinations, err = readDestinations(w.destinations)
	return err
}

// readDestinations turns each flag --destination into the address that it means.
func readDestinations(texts []string) (list []apikey.Destination, err error) {
	for _, text := range texts {
		d, err := apikey.ParseDestination(text)
		if err != nil {
			return nil, fmt.Errorf("--destination %q: want ASSET NETWORK ADDRESS [MEMO]", text)
		}
		list = append(list, d)
	}
	return list, nil
}

func (w *wanted) readDialect() (err error) {
	if w.Dialect, err = sign.ParseDialect(w.dialect); err != nil {
		return fmt.Errorf("--dialect %s: want %s", w.dialect, dialectWords())
	}
	w.Algorithm = w.Dialect.Algorithms()[0]
	if w.algorithm != "" {
		if w.Algorithm, err = sign.ParseAlgorithm(w.algorithm); err != nil || !w.Dialect.Pins(w.Algorithm) {
			return fmt.Errorf("--algorithm %s does not belong to the dialect %s", w.algorithm, w.dialect)
		}
	}
	return nil
}

// dialectWords lists the dialects as one reads a list.
func dialectWords() string {
	var words []string
	for _, d := range sign.AllDialects() {
		words = append(words, d.String())
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// flagOf maps a field of a refused key → the flag that it came from, where the two have different names.
var flagOf = map[string]string{"allowlist": "allow", "order_most": "order-most", "day_most": "day-most", "per_second": "per-second", "on_end": "on-end", "destinations": "destination"}

// refusedFlag says which flag a refusal is about, what was given and what is wanted; "see the marked fields" helps nobody at a terminal.
func refusedFlag(cmd *cobra.Command, err error) error {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || f.Code != fault.RequestInvalid {
		return err
	}
	field := fmt.Sprint(f.Fields["field"])
	if flag := flagOf[field]; flag != "" {
		field = flag
	}
	flag := cmd.Flags().Lookup(field)
	if flag == nil {
		return usage(fmt.Errorf("%s is not acceptable", field))
	}
	return usage(fmt.Errorf("--%s %s is not acceptable. It says %s", field, line.Visible(strings.Trim(flag.Value.String(), "[]")), flag.Usage))
}

func issueKey(cmd *cobra.Command, rooms *server.Rooms, in apikey.IssueInput) error {
	file := client.KeyFile{Algorithm: in.Algorithm.String(), Dialect: in.Dialect.String()}
	if in.Algorithm.KeepsPublicHalf() {
		public, private, err := newPair(in.Dialect, in.Algorithm)
		if err != nil {
			return err
		}
		in.PublicKey, file.PrivateKey = public, private
	}
	issued, err := rooms.APIKeys.Issue(cmd.Context(), host(), in)
	if err != nil {
		return refusedFlag(cmd, err)
	}
	file.KeyID, file.Environment, file.Scopes = issued.Text(), issued.Environment.String(), issued.Scopes.Words()
	file.Secret, file.Passphrase = string(issued.Secret.Reveal()), string(issued.Passphrase.Reveal())
	file.Settings = issued.Dialect.SettingsWords(issued.Settings)
	return printJSON(cmd.OutOrStdout(), file)
}

func keyListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list MAIL", Short: "List the keys of a user's account", Args: takes("MAIL"),
		Example: "  sallyport key list ada@example.com --json",
		RunE: withRooms(func(cmd *cobra.Command, args []string, rooms *server.Rooms) error {
			_, memberships, err := findUser(cmd, rooms, args[0])
			if err != nil {
				return err
			}
			var keys []apikey.Key
			for _, m := range memberships {
				p := host()
				p.Account = m.Account
				list, err := rooms.APIKeys.List(cmd.Context(), p)
				if err != nil {
					return err
				}
				keys = append(keys, list...)
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), keyRows(rooms.APIKeys, keys))
			}
			return tellKeys(cmd.OutOrStdout(), rooms.APIKeys, keys)
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

type keyRow struct {
	KeyID       string    `json:"key_id"`
	Name        string    `json:"name"`
	Environment string    `json:"environment"`
	Dialect     string    `json:"dialect"`
	Algorithm   string    `json:"algorithm"`
	Scopes      []string  `json:"scopes"`
	State       string    `json:"state"`
	Vendor      string    `json:"vendor,omitempty"`
	ExpiresAt   time.Time `json:"expires_at"`
}

func keyRows(room *apikey.Keys, keys []apikey.Key) []keyRow {
	rows := make([]keyRow, len(keys))
	for i, k := range keys {
		stands, _ := room.Standing(k)
		rows[i] = keyRow{k.Text(), k.Name, k.Environment.String(), k.Dialect.String(), k.Algorithm.String(), k.Scopes.Words(), string(stands), k.Vendor, k.ExpiresAt}
	}
	return rows
}

func tellKeys(out io.Writer, room *apikey.Keys, keys []apikey.Key) error {
	if len(keys) == 0 {
		_, err := fmt.Fprintln(out, "No API keys yet. Make one with sallyport key create.")
		return err
	}
	table := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "KEY ID\tNAME\tENVIRONMENT\tSTATE\tDIALECT\tSCOPES\tEXPIRES")
	for _, row := range keyRows(room, keys) {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", row.KeyID, plain(row.Name), row.Environment, row.State, row.Dialect, strings.Join(row.Scopes, " "), row.ExpiresAt.Format(time.DateOnly))
	}
	return table.Flush()
}

func keyRevokeCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "revoke KEY_ID", Short: "End a key for good; a running server refuses it at once", Args: takes("KEY_ID"),
		Example: "  sallyport key revoke spk_test_0351hKUa4DLfyxuVexdeC74WjeZZ",
		RunE: withRooms(func(cmd *cobra.Command, args []string, rooms *server.Rooms) error {
			kid, err := keyNamed(args[0])
			if err != nil {
				return err
			}
			err = rooms.APIKeys.Revoke(cmd.Context(), host(), kid)
			if fault.CodeOf(err) == fault.KeyNotFound {
				return fmt.Errorf("no key %s is live: it is unknown or revoked already", args[0])
			}
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), map[string]string{"key_id": args[0], "state": "revoked"})
			}
			fmt.Fprintln(cmd.OutOrStdout(), "Revoked.")
			return nil
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
