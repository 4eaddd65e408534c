package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-21c57000/sallyport/client"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/server"
	"github.com/seed-21c57000/sallyport/sign"
)

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

