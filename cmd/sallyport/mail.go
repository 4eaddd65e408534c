package main

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-21c57000/sallyport/internal/server"
)

func mailCommand() *cobra.Command {
	return group(withConfig(&cobra.Command{
		Use: "mail", Short: "Look at letters that could not be delivered", Example: "  sallyport mail failed --config sallyport.yaml",
	}), mailFailedCommand())
}

type failedRow struct {
	ID       int64           `json:"id"`
	Kind     string          `json:"kind"`
	Fields   json.RawMessage `json:"fields"`
	Attempts int             `json:"attempts"`
	At       time.Time       `json:"at"`
	Error    string          `json:"error"`
}

func mailFailedCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "failed", Short: "List the letters, and what a platform was to be told, that were given up in the last 30 days", Args: cobra.NoArgs,
		Long:    "Each is tried 18 times over 32 hours; the kind says what it was: key_ended is the end of a key, which its platform was to hear. What it would have said stands in the fields: ids and words, never a secret.",
		Example: "  sallyport mail failed --json",
		RunE: withRooms(func(cmd *cobra.Command, _ []string, rooms *server.Rooms) error {
			jobs, err := rooms.Store.FailedJobs(cmd.Context())
			if err != nil {
				return err
			}
			rows := make([]failedRow, len(jobs))
			for i, job := range jobs {
				rows[i] = failedRow(job)
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), rows)
			}
			if len(rows) == 0 {
				_, err := fmt.Fprintln(cmd.OutOrStdout(), "Nothing was given up.")
				return err
			}
			table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
			fmt.Fprintln(table, "GIVEN UP\tKIND\tTRIES\tFIELDS\tLAST ERROR")
			for _, row := range rows {
				fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%s\n", row.At.Format(time.RFC3339), row.Kind, row.Attempts, row.Fields, row.Error)
			}
			return table.Flush()
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
