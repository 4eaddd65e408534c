package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-21c57000/sallyport/client"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/prove/account"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/mailaddr"
	"github.com/seed-21c57000/sallyport/internal/server"
	"github.com/seed-21c57000/sallyport/sign"
)

// host is the operator at this machine, named by the system for the audit log.
func host() principal.Principal {
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	return principal.Host(name)
}

// withRooms opens the installation for one command and closes it.
func withRooms(run func(cmd *cobra.Command, args []string, rooms *server.Rooms) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		rooms, err := openRooms(cmd)
		if err != nil {
			return err
		}
		return errors.Join(run(cmd, args, rooms), rooms.Store.Close())
	}
}

func findUser(cmd *cobra.Command, rooms *server.Rooms, mail string) (account.User, []account.Membership, error) {
	addr, err := mailaddr.Parse(mail)
	if err != nil {
		return account.User{}, nil, usage(err)
	}
	u, memberships, err := rooms.Accounts.ByMail(cmd.Context(), addr.String())
	if err != nil {
		return u, nil, fmt.Errorf("no user with the address %s: %w", addr, err)
	}
	return u, memberships, nil
}

func printJSON(out io.Writer, v any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

func userCommand() *cobra.Command {
	cmd := withConfig(&cobra.Command{Use: "user", Short: "Look at users, disable and enable them; every change is audited"})
	show := &cobra.Command{
		Use: "show MAIL", Short: "Show a user and their accounts", Args: cobra.ExactArgs(1),
		RunE: withRooms(func(cmd *cobra.Command, args []string, rooms *server.Rooms) error {
			u, memberships, err := findUser(cmd, rooms, args[0])
			if err != nil {
				return err
			}
			accounts := []map[string]string{}
			for _, m := range memberships {
				accounts = append(accounts, map[string]string{"account": m.Account.String(), "name": m.AccountName, "role": m.Role.String()})
			}
			return printJSON(cmd.OutOrStdout(), map[string]any{
				"user": u.ID, "mail": u.Mail, "name": u.Name, "language": u.Lang, "created_at": u.Born, "disabled": !u.DisabledAt.IsZero(), "accounts": accounts,
			})
		}),
	}
	set := func(use, short string, disable bool) *cobra.Command {
		return &cobra.Command{
			Use: use + " MAIL", Short: short, Args: cobra.ExactArgs(1),
			RunE: withRooms(func(cmd *cobra.Command, args []string, rooms *server.Rooms) error {
				u, _, err := findUser(cmd, rooms, args[0])
				if err != nil {
					return err
				}
				if disable {
					err = rooms.Accounts.Disable(cmd.Context(), host(), u.ID)
				} else {
					err = rooms.Accounts.Enable(cmd.Context(), host(), u.ID)
				}
				if err == nil {
					fmt.Fprintf(cmd.OutOrStdout(), "%s: %sd.\n", u.Mail, use)
				}
				return err
			}),
		}
	}
	cmd.AddCommand(show, set("disable", "End every session of a user and refuse their keys, at once", true),
		set("enable", "Let a disabled user sign in again; nothing that ended comes back", false))
	return cmd
}

func keyCommand() *cobra.Command {
	cmd := withConfig(&cobra.Command{Use: "key", Short: "Make, list and revoke API keys; every change is audited"})
	cmd.AddCommand(keyCreateCommand(), keyListCommand(), keyRevokeCommand())
	return cmd
}

func keyCreateCommand() *cobra.Command {
	var in apikey.IssueInput
	var dialect, algorithm, environment string
	cmd := &cobra.Command{
		Use: "create MAIL", Short: "Make a key for a user; the key file goes to standard output", Args: cobra.ExactArgs(1),
		Long:    "An Ed25519 pair is made here and only its public half is kept by the server. The printed file holds the secret: redirect it into a file of mode 0600.",
		Example: "  (umask 077; sallyport key create ada@example.com --name grid --purpose 'grid bot' --scopes balances:read,orders:read > key.json)",
		RunE: withRooms(func(cmd *cobra.Command, args []string, rooms *server.Rooms) error {
			u, memberships, err := findUser(cmd, rooms, args[0])
			if err != nil {
				return err
			}
			if len(memberships) == 0 {
				return fmt.Errorf("%s belongs to no account", u.Mail)
			}
			in.Owner, in.Account = u.ID, memberships[0].Account
			if in.Dialect, err = sign.ParseDialect(dialect); err != nil {
				return usage(err)
			}
			if in.Algorithm, err = sign.ParseAlgorithm(algorithm); err != nil {
				return usage(err)
			}
			if in.Environment, err = id.ParseEnvironment(environment); err != nil {
				return usage(fmt.Errorf("environment %q: want live or test", environment))
			}
			return issueKey(cmd, rooms, in)
		}),
	}
	f := cmd.Flags()
	f.StringVar(&in.Name, "name", "", "what the key is called")
	f.StringVar(&in.Purpose, "purpose", "", "what it is for")
	f.StringVar(&environment, "environment", "test", "live or test")
	f.StringSliceVar(&in.Scopes, "scopes", nil, "scopes; none means read-only")
	f.StringSliceVar(&in.Allowlist, "allow", nil, "addresses or networks that may use it; none means all")
	f.DurationVar(&in.Life, "life", 0, "how long it lives; 0 means the policy's default")
	f.StringVar(&dialect, "dialect", "native", "native or upbit")
	f.StringVar(&algorithm, "algorithm", "ed25519", "ed25519, hmac-sha256, or for upbit "+sign.HMACSHA2.String())
	_ = cmd.MarkFlagRequired("name")
	_ = cmd.MarkFlagRequired("purpose")
	return cmd
}

func issueKey(cmd *cobra.Command, rooms *server.Rooms, in apikey.IssueInput) error {
	file := client.KeyFile{Algorithm: in.Algorithm.String(), Dialect: in.Dialect.String()}
	if in.Algorithm == sign.Ed25519 {
		public, private, err := newPair()
		if err != nil {
			return err
		}
		in.PublicKey, file.PrivateKey = public, private
	}
	issued, err := rooms.APIKeys.Issue(cmd.Context(), host(), in)
	if err != nil {
		return err
	}
	file.KeyID, file.Environment, file.Scopes = issued.Text(), issued.Environment.String(), issued.Scopes.Words()
	file.Secret = string(issued.Secret.Reveal())
	return printJSON(cmd.OutOrStdout(), file)
}

// newPair makes an Ed25519 pair: the public half in base64, the private one as PEM.
func newPair() (public, private string, err error) {
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", "", err
	}
	der, err := x509.MarshalPKCS8PrivateKey(priv)
	if err != nil {
		return "", "", err
	}
	return base64.StdEncoding.EncodeToString(pub), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), nil
}

// keygenCommand makes a pair whose public half is pasted into the dashboard, for people whose browser has no WebCrypto Ed25519.
func keygenCommand() *cobra.Command {
	var challenge, keyFile string
	cmd := &cobra.Command{
		Use: "keygen", Short: "Make an Ed25519 pair, or prove to the dashboard that you hold one", Args: cobra.NoArgs,
		Long: `Without --challenge a new pair is written to the key file and its public half is printed.
With the challenge that the dashboard shows, the signature that proves possession is printed.`,
		Example: `  sallyport keygen --key-file key.json
  sallyport keygen --key-file key.json --challenge 8f3a…`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if challenge == "" {
				return makePair(cmd.OutOrStdout(), keyFile)
			}
			file, err := client.ReadKeyFile(keyFile)
			if err != nil {
				return usage(err)
			}
			private, _, err := sign.ParsePrivateKey(file.PrivateKey)
			if err != nil {
				return usage(fmt.Errorf("%s: %w", keyFile, err))
			}
			proof := ed25519.Sign(private, apikey.ProofText(challenge))
			fmt.Fprintln(cmd.OutOrStdout(), base64.StdEncoding.EncodeToString(proof))
			return nil
		},
	}
	cmd.Flags().StringVar(&keyFile, "key-file", "", "where the pair is kept, with mode 0600")
	cmd.Flags().StringVar(&challenge, "challenge", "", "the dashboard's challenge")
	_ = cmd.MarkFlagRequired("key-file")
	return cmd
}

func makePair(out io.Writer, path string) error {
	public, private, err := newPair()
	if err != nil {
		return err
	}
	raw, err := json.MarshalIndent(client.KeyFile{Algorithm: sign.Ed25519.String(), Dialect: sign.Native.String(), PrivateKey: private}, "", "  ")
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(append(raw, '\n'))
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s\n", public)
	return nil
}

func keyListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list MAIL", Short: "List the keys of a user's account", Args: cobra.ExactArgs(1),
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
				return printJSON(cmd.OutOrStdout(), keyRows(keys))
			}
			return tellKeys(cmd.OutOrStdout(), keys)
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
	ExpiresAt   time.Time `json:"expires_at"`
}

func keyRows(keys []apikey.Key) []keyRow {
	rows := make([]keyRow, len(keys))
	for i, k := range keys {
		state := "live"
		if !k.RevokedAt.IsZero() {
			state = "revoked"
		} else if !time.Now().Before(k.ExpiresAt) {
			state = "expired"
		}
		rows[i] = keyRow{k.Text(), k.Name, k.Environment.String(), k.Dialect.String(), k.Algorithm.String(), k.Scopes.Words(), state, k.ExpiresAt}
	}
	return rows
}

func tellKeys(out io.Writer, keys []apikey.Key) error {
	if len(keys) == 0 {
		_, err := fmt.Fprintln(out, "No API keys yet. Make one with sallyport key create.")
		return err
	}
	table := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "KEY ID\tNAME\tSTATE\tSCOPES\tEXPIRES")
	for _, row := range keyRows(keys) {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", row.KeyID, row.Name, row.State, strings.Join(row.Scopes, " "), row.ExpiresAt.Format(time.DateOnly))
	}
	return table.Flush()
}

func keyRevokeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "revoke KEY_ID", Short: "End a key for good; a running server refuses it at once", Args: cobra.ExactArgs(1),
		RunE: withRooms(func(cmd *cobra.Command, args []string, rooms *server.Rooms) error {
			kid, _, err := id.ParseKey(args[0])
			if err != nil {
				return usage(fmt.Errorf("%s is no key id", args[0]))
			}
			if err := rooms.APIKeys.Revoke(cmd.Context(), host(), kid); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), "Revoked.")
			return nil
		}),
	}
}

func keyringCommand() *cobra.Command {
	cmd := withConfig(&cobra.Command{Use: "keyring", Short: "Rotate the keys that seal secrets; the server goes on meanwhile"})
	cmd.AddCommand(
		&cobra.Command{
			Use: "rotate-data-key", Short: "Seal everything new with a new data key", Args: cobra.NoArgs,
			RunE: withRooms(func(cmd *cobra.Command, _ []string, rooms *server.Rooms) error {
				if err := rooms.Store.Ring().Rotate(cmd.Context()); err != nil {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout(), "New values are sealed with a new data key.")
				return nil
			}),
		},
		&cobra.Command{
			Use: "rotate-kek", Short: "Add a key-encryption key to the key file and wrap all data keys with it", Args: cobra.NoArgs,
			RunE: withRooms(func(cmd *cobra.Command, _ []string, rooms *server.Rooms) error {
				if err := rooms.Keys.AddKEK(); err != nil {
					return err
				}
				n, err := rooms.Store.Ring().Rewrap(cmd.Context())
				if err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%d data keys are wrapped with the new key. Keep a copy of the key file apart from the database's.\n", n)
				return nil
			}),
		},
		&cobra.Command{
			Use: "rotate-pepper", Short: "Season new password hashes with a new pepper", Args: cobra.NoArgs,
			RunE: withRooms(func(cmd *cobra.Command, _ []string, rooms *server.Rooms) error {
				if err := rooms.Keys.AddPepper(); err != nil {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout(), "New password hashes use the new pepper after the next start; older ones follow at each user's next sign-in.")
				return nil
			}),
		},
	)
	return cmd
}

func auditCommand() *cobra.Command {
	cmd := withConfig(&cobra.Command{Use: "audit", Short: "Check the audit log"})
	cmd.AddCommand(&cobra.Command{
		Use: "verify", Short: "Walk the whole log; say where it stops being what was written", Args: cobra.NoArgs,
		RunE: withRooms(func(cmd *cobra.Command, _ []string, rooms *server.Rooms) error {
			n, err := rooms.Log.VerifyAll(cmd.Context())
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%d events hold.\n", n)
			return nil
		}),
	})
	return cmd
}
