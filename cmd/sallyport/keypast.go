package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/i18n"
	"github.com/seed-21c57000/sallyport/internal/record/statement"
	"github.com/seed-21c57000/sallyport/internal/respond/dossier"
	"github.com/seed-21c57000/sallyport/internal/server"
)

// shownPast is what is known of a key, as JSON.
type shownPast struct {
	KeyID    string         `json:"key_id"`
	Name     string         `json:"name"`
	Owner    string         `json:"owner_name"`
	Scopes   []string       `json:"scopes"`
	Expires  time.Time      `json:"expires_at"`
	Stolen   []string       `json:"if_stolen"`
	LastUsed *shownUse      `json:"last_used,omitempty"`
	Unneeded []string       `json:"unneeded_scopes"`
	Refused  []shownRefusal `json:"refused"`
}

type shownUse struct {
	At    time.Time `json:"at"`
	Addr  string    `json:"addr,omitempty"`
	Route string    `json:"route"`
}

type shownRefusal struct {
	Code  string    `json:"code"`
	Calls int       `json:"calls"`
	Last  time.Time `json:"last"`
}

func pastAs(of dossier.Dossier) shownPast {
	shown := shownPast{
		KeyID: of.Text(), Name: of.Name, Owner: of.OwnerName, Scopes: of.Scopes.Words(), Expires: of.ExpiresAt.UTC(), Stolen: []string{},
		Unneeded: append([]string{}, of.Unneeded.Words()...), Refused: []shownRefusal{},
	}
	for _, s := range of.Stolen {
		shown.Stolen = append(shown.Stolen, i18n.In("en").Danger(s.What, s.Facts))
	}
	if of.Latest != nil {
		shown.LastUsed = &shownUse{of.Latest.Last.UTC(), of.Latest.Addr, of.Latest.Route}
	}
	for _, r := range of.Refused {
		shown.Refused = append(shown.Refused, shownRefusal{string(r.Code), int(r.Calls), r.Last.UTC()})
	}
	return shown
}

func keyShowCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "show KEY_ID", Short: "Say how a key was used, and what a thief could do with it", Args: takes("KEY_ID"),
		Long:    "Its last use, refusals by code over twelve weeks, scopes that nobody needed for a month, and what somebody could do who holds its secret.",
		Example: "  sallyport key show spk_test_0351hKUa4DLfyxuVexdeC74WjeZZ",
		RunE: withRooms(func(cmd *cobra.Command, args []string, rooms *server.Rooms) error {
			kid, err := keyNamed(args[0])
			if err != nil {
				return err
			}
			of, err := rooms.Dossiers.Of(cmd.Context(), host(), kid)
			if err != nil {
				return keyUnknown(args[0], err)
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), pastAs(of))
			}
			return tellPast(cmd.OutOrStdout(), of)
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func tellPast(out io.Writer, of dossier.Dossier) error {
	fmt.Fprintf(out, "%s, %s, of %s\n\nIf its secret were stolen:\n", of.Text(), plain(of.Name), plain(of.OwnerName))
	for _, s := range of.Stolen {
		fmt.Fprintln(out, "  "+plain(i18n.In("en").Danger(s.What, s.Facts)))
	}
	if of.Latest == nil {
		fmt.Fprintln(out, "\nNobody used it in the last twelve weeks.")
		return nil
	}
	fmt.Fprintf(out, "\nLast used %s from %s for %s.\n", of.Latest.Last.UTC().Format(time.RFC3339), orElsewhere(of.Latest.Addr), of.Latest.Route)
	if words := of.Unneeded.Words(); len(words) > 0 {
		fmt.Fprintf(out, "Not needed for a month: %s.\n", strings.Join(words, " "))
	}
	if len(of.Refused) == 0 {
		return nil
	}
	fmt.Fprintln(out)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "REFUSED WITH\tCALLS\tLAST")
	for _, r := range of.Refused {
		fmt.Fprintf(table, "%s\t%d\t%s\n", r.Code, r.Calls, r.Last.UTC().Format(time.RFC3339))
	}
	return table.Flush()
}

func orElsewhere(addr string) string {
	if addr == "" {
		return "many places"
	}
	return addr
}

func keyTimelineCommand() *cobra.Command {
	var since time.Duration
	cmd := &cobra.Command{
		Use: "timeline KEY_ID", Short: "Print everything known of a key since a moment, signed", Args: takes("KEY_ID"),
		Long: `Events and calls, the latest first; calls are kept for 90 days. The file is signed with the key of the assertions, whose public half stands at
/.well-known/sallyport-assertion-jwks.json; sallyport key verify checks it.`,
		Example: "  sallyport key timeline spk_test_0351hKUa4DLfyxuVexdeC74WjeZZ --since 720h > timeline.json",
		RunE: withRooms(func(cmd *cobra.Command, args []string, rooms *server.Rooms) error {
			kid, err := keyNamed(args[0])
			if err != nil {
				return err
			}
			signed, err := rooms.Dossiers.Timeline(cmd.Context(), host(), kid, time.Now().Add(-since))
			if err != nil {
				return keyUnknown(args[0], err)
			}
			return printJSON(cmd.OutOrStdout(), signed)
		}),
	}
	cmd.Flags().DurationVar(&since, "since", 7*24*time.Hour, "how far it goes back")
	return cmd
}

func keyVerifyCommand() *cobra.Command {
	var set string
	cmd := &cobra.Command{
		Use: "verify FILE", Short: "Check the signature of a timeline and print what was signed", Args: takes("FILE"),
		Long: `The installation is not asked: all that is needed is its key set, which it publishes at /.well-known/sallyport-assertion-jwks.json. Take it
from there yourself, and not from whoever gave you the file. Only what was signed is printed.`,
		Example: "  curl -s https://trade.example.com/.well-known/sallyport-assertion-jwks.json > keys.json\n  sallyport key verify timeline.json --jwks keys.json",
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := readText(args[0], cmd.InOrStdin())
			if err != nil {
				return usage(err)
			}
			var file struct {
				Statement json.RawMessage     `json:"statement"`
				Signature statement.Signature `json:"signature"`
			}
			if err := httpx.DecodeJSON([]byte(text), &file); err != nil {
				return usage(errors.New("this is no signed statement: " + words(err)))
			}
			keys, err := os.ReadFile(set)
			if err != nil {
				return usage(err)
			}
			public, err := statement.KeyIn(keys, file.Signature.KeyID)
			if err != nil {
				return err
			}
			said, err := statement.Open(file.Statement, file.Signature, public)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), string(said))
			return err
		},
	}
	cmd.Flags().StringVar(&set, "jwks", "", "a file with the key set of the installation")
	_ = cmd.MarkFlagRequired("jwks")
	return cmd
}
