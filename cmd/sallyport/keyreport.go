package main

import (
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/server"
)

// censusRow is how many keys have the same power, and how old their newest secrets are.
type censusRow struct {
	Environment string `json:"environment"`
	Class       string `json:"class"`
	Tied        bool   `json:"tied"`
	Keys        int    `json:"keys"`
	MeanDays    int    `json:"mean_age_days"`
	// Younger maps days → keys whose newest secret is no older.
	Younger map[int]int `json:"no_older_than_days"`
}

func censusRows(census []apikey.Census) []censusRow {
	rows := make([]censusRow, len(census))
	for i, c := range census {
		rows[i] = censusRow{c.Environment.String(), c.Class.String(), c.Tied, c.Keys, int(c.Age / time.Duration(c.Keys) / (24 * time.Hour)), map[int]int{}}
		for j, step := range apikey.AgeSteps {
			rows[i].Younger[int(step/(24*time.Hour))] = c.Younger[j]
		}
	}
	return rows
}

func keyReportCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "report", Short: "Count the keys that have not ended, and the ages of their secrets", Args: cobra.NoArgs,
		Long:    "By environment, the highest class of their scopes, and whether they are tied to a network. A server tells the same under /metrics.",
		Example: "  sallyport key report --json",
		RunE: withRooms(func(cmd *cobra.Command, _ []string, rooms *server.Rooms) error {
			rows := censusRows(rooms.APIKeys.Census())
			if asJSON {
				return printJSON(cmd.OutOrStdout(), rows)
			}
			if len(rows) == 0 {
				_, err := fmt.Fprintln(cmd.OutOrStdout(), "No keys to count: none was made yet, or all have ended.")
				return err
			}
			table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
			fmt.Fprintln(table, "ENVIRONMENT\tCLASS\tTIED\tKEYS\tMEAN AGE\t<= 1d\t<= 7d\t<= 30d\t<= 90d\t<= 180d\t<= 365d")
			for _, r := range rows {
				fmt.Fprintf(table, "%s\t%s\t%t\t%d\t%dd", r.Environment, r.Class, r.Tied, r.Keys, r.MeanDays)
				for _, step := range apikey.AgeSteps {
					fmt.Fprintf(table, "\t%d", r.Younger[int(step/(24*time.Hour))])
				}
				fmt.Fprintln(table)
			}
			return table.Flush()
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
