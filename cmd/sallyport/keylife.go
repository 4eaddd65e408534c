package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-21c57000/sallyport/client"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/respond/leak"
	"github.com/seed-21c57000/sallyport/internal/server"
)

// keyNamed reads a key id.
func keyNamed(text string) (id.Key, error) {
	kid, _, err := id.ParseKey(text)
	if err != nil {
		return kid, usage(fmt.Errorf("%s is no key id; sallyport key list shows those of a user", text))
	}
	return kid, nil
}

// keyUnknown says that there is nothing to look at under a key id.
func keyUnknown(text string, err error) error {
	if fault.CodeOf(err) == fault.KeyNotFound {
		return fmt.Errorf("there is no key %s; sallyport key list shows those of a user", text)
	}
	return err
}

// keyGone says in words of a terminal that a key cannot be changed any more.
func keyGone(text string, err error) error {
	if fault.CodeOf(err) == fault.KeyNotFound {
		return fmt.Errorf("no key %s can be changed so: it is unknown, revoked, or so already", text)
	}
	return err
}

// keyStands says in a word how a key stands now. Errors: key.not_found.
func keyStands(cmd *cobra.Command, rooms *server.Rooms, kid id.Key) (string, error) {
	key, err := rooms.APIKeys.One(cmd.Context(), host(), kid)
	if err != nil {
		return "", err
	}
	stands, _ := rooms.APIKeys.Standing(key)
	return string(stands), nil
}

// keyUnmoved says why a key did not change: there is none, or how it stands already.
func keyUnmoved(cmd *cobra.Command, rooms *server.Rooms, kid id.Key, err error) error {
	if fault.CodeOf(err) != fault.KeyNotFound {
		return err
	}
	stands, unknown := keyStands(cmd, rooms, kid)
	if unknown != nil {
		return errors.New("there is no such key; sallyport key list shows those of a user")
	}
	return fmt.Errorf("nothing changed: the key is %s already", stands)
}

// keyVerbCommand is a command that does one thing to one key and says so in a word.
func keyVerbCommand(verb, short, state string, do func(cmd *cobra.Command, rooms *server.Rooms, kid id.Key) error) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: verb + " KEY_ID", Short: short, Args: takes("KEY_ID"),
		Example: "  sallyport key " + verb + " spk_test_0351hKUa4DLfyxuVexdeC74WjeZZ",
		RunE: withRooms(func(cmd *cobra.Command, args []string, rooms *server.Rooms) error {
			kid, err := keyNamed(args[0])
			if err != nil {
				return err
			}
			if err := do(cmd, rooms, kid); err != nil {
				return keyUnmoved(cmd, rooms, kid, err)
			}
			state := state
			if state == "live" { // something else may stop it still
				if state, err = keyStands(cmd, rooms, kid); err != nil {
					return err
				}
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), map[string]string{"key_id": args[0], "state": state})
			}
			fmt.Fprintln(cmd.OutOrStdout(), "Done: "+state+".")
			return nil
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func keyStopCommand(verb, short string, s apikey.Stop, undo bool) *cobra.Command {
	state := map[apikey.Stop]string{apikey.Freeze: "frozen", apikey.Block: "blocked"}[s]
	if undo {
		state = "live"
	}
	return keyVerbCommand(verb, short, state, func(cmd *cobra.Command, rooms *server.Rooms, kid id.Key) error {
		if undo {
			return rooms.APIKeys.Resume(cmd.Context(), host(), kid, s)
		}
		return rooms.APIKeys.Stop(cmd.Context(), host(), kid, s)
	})
}

func keyLeakedCommand() *cobra.Command {
	var file, since string
	cmd := &cobra.Command{Use: "leaked KEY_ID", Short: "End a key for good because strangers hold its secret, and say what it did"}
	one := withRooms(func(cmd *cobra.Command, args []string, rooms *server.Rooms) error {
		return endLeaked(cmd, rooms, args[0], since)
	})
	cmd.Long = `With a key id that key ends for good, and what it did since a moment is printed, with the other keys of the account that were last used from the same
places. With --file the finds of a scanner are read, in the format of GitHub's secret scanning partners (a JSON
array of objects with token, url and source); every key whose secret is among them is blocked, which its owner can take back, and the owner is told.`
	cmd.Example = `  sallyport key leaked spk_test_0351hKUa4DLfyxuVexdeC74WjeZZ
  sallyport key leaked spk_test_0351hKUa4DLfyxuVexdeC74WjeZZ --since 2026-11-21T09:00:00Z --json
  sallyport key leaked --file finds.json`
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if file != "" {
			return cobra.NoArgs(cmd, args)
		}
		return takes("KEY_ID")(cmd, args)
	}
	many := withRooms(func(cmd *cobra.Command, _ []string, rooms *server.Rooms) error { return blockFinds(cmd, rooms, file) })
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if file != "" {
			return many(cmd, args)
		}
		return one(cmd, args)
	}
	cmd.Flags().StringVar(&file, "file", "", "finds of a scanner instead of a key id; - reads standard input")
	cmd.Flags().StringVar(&since, "since", "", "from which moment on its uses are printed: 2026-11-21T09:00:00Z, 2026-11-21, or 24h for a day ago; without it all that are kept")
	cmd.Flags().Bool("json", false, "print JSON")
	return cmd
}

// momentGiven reads a moment as people write one: with its time, as a day (of UTC), or as how long ago.
func momentGiven(text string, now time.Time) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	ago, err := time.ParseDuration(text)
	if err != nil || ago < 0 {
		return time.Time{}, fmt.Errorf("%s is no moment: write 2026-11-21T09:00:00Z, 2026-11-21, or 24h for a day ago", text)
	}
	return now.Add(-ago), nil
}

// endLeaked ends a key and prints what is known of it.
func endLeaked(cmd *cobra.Command, rooms *server.Rooms, text, since string) error {
	kid, err := keyNamed(text)
	if err != nil {
		return err
	}
	var from time.Time
	if since != "" {
		if from, err = momentGiven(since, time.Now()); err != nil {
			return usage(fmt.Errorf("--since: %w", err))
		}
	}
	known, err := rooms.APIKeys.Leaked(cmd.Context(), host(), kid, from)
	if err != nil {
		return keyGone(text, err)
	}
	others := make([]string, 0, len(known.Others))
	for _, other := range known.Others {
		others = append(others, other.Text())
	}
	if asJSON, _ := cmd.Flags().GetBool("json"); asJSON {
		return printJSON(cmd.OutOrStdout(), map[string]any{"key_id": text, "state": "revoked", "uses": usesRows(known.Uses), "cut": known.Cut, "others": others})
	}
	return tellLeak(cmd.OutOrStdout(), known, others)
}

func usesRows(uses []apikey.Use) []map[string]any {
	rows := make([]map[string]any, 0, len(uses))
	for _, u := range uses {
		rows = append(rows, map[string]any{"hour": u.Hour, "addr": u.Addr, "route": u.Route, "calls": u.Calls, "code": u.Code, "last_at": u.Last})
	}
	return rows
}

func tellLeak(out io.Writer, known apikey.Leak, others []string) error {
	said := []string{"Done: revoked."}
	if len(known.Uses) == 0 {
		said = append(said, "It was not used in that time.")
	}
	for _, u := range known.Uses {
		calls := "calls"
		if u.Calls == 1 {
			calls = "call "
		}
		line := fmt.Sprintf("%s  %5d %s  %s  %s", u.Last.UTC().Format(time.RFC3339), u.Calls, calls, u.Addr, u.Route)
		if u.Code != "" {
			line += "  refused: " + u.Code
		}
		said = append(said, line)
	}
	if known.Cut {
		said = append(said, "There is more than this; these are the latest.")
	}
	for _, other := range others {
		said = append(said, "Used from the same place: "+other)
	}
	_, err := fmt.Fprintln(out, strings.Join(said, "\n"))
	return err
}

func blockFinds(cmd *cobra.Command, rooms *server.Rooms, file string) error {
	text, err := readText(file, cmd.InOrStdin())
	if err != nil {
		return usage(err)
	}
	finds, err := leak.ReadReport([]byte(text))
	if err != nil {
		return usage(errors.New(words(err)))
	}
	blocked, err := rooms.Leaks.Block(cmd.Context(), host(), finds)
	if err != nil {
		return err
	}
	if asJSON, _ := cmd.Flags().GetBool("json"); asJSON {
		return printJSON(cmd.OutOrStdout(), map[string]int{"finds": len(finds), "blocked": blocked})
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "Finds: %d. Keys blocked, and their owners told: %d.\n", len(finds), blocked)
	return err
}

func keyOrphansCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "orphans", Short: "List keys whose owner was disabled or has left the account", Args: cobra.NoArgs,
		Long:    "They are refused. Each stays until somebody revokes it, or its owner comes back: a bot that needs one gets a new key of somebody who is there.",
		Example: "  sallyport key orphans --json",
		RunE: withRooms(func(cmd *cobra.Command, _ []string, rooms *server.Rooms) error {
			keys, err := rooms.APIKeys.Orphans(cmd.Context(), host())
			switch {
			case err != nil:
				return err
			case asJSON:
				return printJSON(cmd.OutOrStdout(), keyRows(rooms.APIKeys, keys))
			case len(keys) == 0:
				_, err = fmt.Fprintln(cmd.OutOrStdout(), "Every key has its owner.")
				return err
			}
			return tellKeys(cmd.OutOrStdout(), rooms.APIKeys, keys)
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func keyRetireCommand() *cobra.Command {
	var sure bool
	cmd := keyVerbCommand("retire", "End the old secret of a rotation now", "live", func(cmd *cobra.Command, rooms *server.Rooms, kid id.Key) error {
		return rooms.APIKeys.Retire(cmd.Context(), host(), kid, sure)
	})
	cmd.Flags().BoolVar(&sure, "sure", false, "also if the new secret was not used yet")
	return cmd
}

func keyExtendCommand() *cobra.Command {
	in := apikey.ExtendInput{}
	cmd := keyVerbCommand("extend", "Let the old secret of a rotation go on for longer, once", "live", func(cmd *cobra.Command, rooms *server.Rooms, kid id.Key) error {
		in.Key = kid
		ends, err := rooms.APIKeys.Extend(cmd.Context(), host(), in)
		if err == nil {
			fmt.Fprintln(cmd.ErrOrStderr(), "The old secret works until "+ends.UTC().Format(time.RFC3339)+".")
		}
		return refusedFlag(cmd, err)
	})
	cmd.Flags().DurationVar(&in.By, "by", apikey.UsualOverlap, "how much longer; never beyond 168h after the rotation")
	return cmd
}

func keyRotateCommand() *cobra.Command {
	var in apikey.RotateInput
	cmd := &cobra.Command{
		Use: "rotate KEY_ID", Short: "Give a key its next secret; the key file goes to standard output", Args: takes("KEY_ID"),
		Long: `The key keeps its rights. Both secrets work until the overlap ends, and answers to the old one say when.`,
		Example: `  (umask 077; sallyport key rotate spk_test_0351hKUa4DLfyxuVexdeC74WjeZZ --overlap 24h > key.json)
  sallyport key rotate spk_test_0351hKUa4DLfyxuVexdeC74WjeZZ | sallyport keychain keep grid --key-file -`,
		RunE: withRooms(func(cmd *cobra.Command, args []string, rooms *server.Rooms) (err error) {
			if in.Key, err = keyNamed(args[0]); err != nil {
				return err
			}
			live := rooms.APIKeys.Find(in.Key)
			if live == nil {
				return keyGone(args[0], fault.New(fault.KeyNotFound))
			}
			file := client.KeyFile{
				KeyID: live.Text(), Algorithm: live.Algorithm.String(), Dialect: live.Dialect.String(), Environment: live.Environment.String(),
				Scopes: live.Scopes.Words(), Settings: live.Dialect.SettingsWords(live.Settings),
			}
			if live.Algorithm.KeepsPublicHalf() {
				if in.PublicKey, file.PrivateKey, err = newPair(live.Dialect, live.Algorithm); err != nil {
					return err
				}
			}
			rotated, err := rooms.APIKeys.Rotate(cmd.Context(), host(), in)
			if err != nil {
				return refusedFlag(cmd, keyGone(args[0], err))
			}
			file.Secret, file.Passphrase = string(rotated.Secret.Reveal()), string(rotated.Passphrase.Reveal())
			fmt.Fprintln(cmd.ErrOrStderr(), "The old secret works until "+rotated.Retires.UTC().Format(time.RFC3339)+".")
			return printJSON(cmd.OutOrStdout(), file)
		}),
	}
	cmd.Flags().DurationVar(&in.Overlap, "overlap", apikey.UsualOverlap, "how long the old secret goes on: from 0 to 168h")
	cmd.Flags().BoolVar(&in.Sure, "sure", false, "with --overlap 0: the old secret may die before the new one was used")
	return cmd
}
