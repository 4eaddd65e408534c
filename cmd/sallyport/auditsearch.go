package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/server"
)

// foundEvent is one event as it is exported.
type foundEvent struct {
	Number  int64             `json:"number"`
	At      time.Time         `json:"at"`
	Action  audit.Action      `json:"action"`
	Account id.Account        `json:"account,omitzero"`
	Person  id.User           `json:"person,omitzero"`
	Actor   string            `json:"actor,omitempty"`
	Key     id.Key            `json:"key,omitzero"`
	Addr    string            `json:"addr,omitempty"`
	Agent   string            `json:"agent,omitempty"`
	Request id.Request        `json:"request,omitzero"`
	Facts   map[string]string `json:"facts,omitempty"`
	Erased  bool              `json:"erased,omitempty"`
	Broken  bool              `json:"broken,omitempty"`
}

func foundAs(t audit.Told) foundEvent {
	r := t.Readable
	return foundEvent{
		Number: t.Seq, At: t.At, Action: t.Action, Account: t.Account, Person: t.Person, Actor: r.Kind, Key: r.Key, Addr: r.Addr, Agent: r.Agent,
		Request: r.Request, Facts: r.Facts, Erased: t.Erased, Broken: t.Broken != nil,
	}
}

// searched reads what is looked for from the flags.
func searched(code, key string, since time.Duration) (f audit.Filter, err error) {
	if code != "" {
		if _, known := fault.Lookup(fault.Code(code)); !known {
			return f, usage(fmt.Errorf("%s is no code; docs/reference/errors.md lists them", code))
		}
	}
	f.Code = code
	if key != "" {
		if f.Key, err = keyNamed(key); err != nil {
			return f, err
		}
		f.KeyText = key
	}
	if since > 0 {
		f.Since = time.Now().Add(-since)
	}
	return f, nil
}

// nothingFound says that a search found nothing, and what it looked in.
func nothingFound(f audit.Filter) string {
	in := "the whole log"
	if !f.Since.IsZero() {
		in = "the log since " + f.Since.UTC().Format(time.RFC3339)
	}
	said := "No event matched in " + in
	if f.Code != "" {
		said += ", of those that were refused with " + f.Code
	}
	if f.KeyText != "" {
		said += ", of those about the key " + f.KeyText
	}
	return said + "."
}

func auditSearchCommand() *cobra.Command {
	var code, key string
	var since time.Duration
	var asJSON bool
	cmd := &cobra.Command{
		Use: "search", Short: "Find events of the whole installation, the oldest first; that somebody searched is recorded", Args: cobra.NoArgs,
		Long: "Refusals are counted: count says how many one line stands for. What was about erased people is told by its time and action alone.",
		Example: `  sallyport audit search --code key.ip_not_allowed --since 24h
  sallyport audit search --key spk_live_0351hKUa4DLfyxuVexdeC74WjeZZ --json > events.json`,
		RunE: withRooms(func(cmd *cobra.Command, _ []string, rooms *server.Rooms) error {
			f, err := searched(code, key, since)
			if err != nil {
				return err
			}
			found := []foundEvent{}
			if err := rooms.Log.SearchAll(cmd.Context(), host(), f, func(t audit.Told) error {
				found = append(found, foundAs(t))
				return nil
			}); err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), found)
			}
			if len(found) == 0 {
				_, err := fmt.Fprintln(cmd.OutOrStdout(), nothingFound(f))
				return err
			}
			table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
			fmt.Fprintln(table, "NUMBER\tAT\tACTION\tADDRESS\tFACTS")
			for _, e := range found {
				var facts []string
				for _, name := range slices.Sorted(maps.Keys(e.Facts)) {
					if e.Facts[name] != "" {
						facts = append(facts, name+"="+plain(e.Facts[name]))
					}
				}
				fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\n", e.Number, e.At.UTC().Format(time.RFC3339), e.Action, e.Addr, strings.Join(facts, " "))
			}
			return table.Flush()
		}),
	}
	cmd.Flags().StringVar(&code, "code", "", "why something was refused, a code of docs/reference/errors.md")
	cmd.Flags().StringVar(&key, "key", "", "a key: what was done with it or to it")
	cmd.Flags().DurationVar(&since, "since", 0, "how far back, 24h for a day; everything without it")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
