package main

import (
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-21c57000/sallyport/internal/config"
	"github.com/seed-21c57000/sallyport/internal/server"
)

func doctorCommand() *cobra.Command {
	var asJSON bool
	cmd := withConfig(&cobra.Command{
		Use: "doctor", Short: "Print every setting with where it comes from, and check what it names", Args: cobra.NoArgs,
		Long: `Exit code 0 means that the server would start. Problems of the file are all told at once, each with its line.
Like serve it makes the database and the key file where there are none yet.`,
		Example: `  sallyport doctor --config sallyport.yaml
  sallyport doctor --config sallyport.yaml --json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadConfig(cmd)
			if err != nil {
				return err
			}
			if asJSON {
				if err := printJSON(cmd.OutOrStdout(), settingRows(cfg)); err != nil {
					return err
				}
			} else if err := tellSettings(cmd, cfg); err != nil {
				return err
			}
			return checkParts(cmd, cfg)
		},
	})
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the settings as JSON")
	return cmd
}

type settingRow struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Origin string `json:"origin"`
	Doc    string `json:"doc"`
	Bounds string `json:"bounds,omitempty"`
}

func settingRows(cfg config.Config) (rows []settingRow) {
	for _, s := range cfg.Effective() {
		rows = append(rows, settingRow(s))
	}
	return rows
}

func tellSettings(cmd *cobra.Command, cfg config.Config) error {
	table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "SETTING\tVALUE\tFROM")
	for _, s := range cfg.Effective() {
		fmt.Fprintf(table, "%s\t%s\t%s\n", s.Key, s.Value, s.Origin)
	}
	return table.Flush()
}

// checkParts opens what the configuration names, without serving.
func checkParts(cmd *cobra.Command, cfg config.Config) error {
	quiet := newLog(cmd.ErrOrStderr(), config.Log{Level: config.LevelError, Format: config.FormatText})
	srv, err := server.New(cmd.Context(), cfg, server.Options{Now: time.Now, Log: quiet})
	if err != nil {
		return fmt.Errorf("the server would not start: %w", err)
	}
	_, err = srv.Log.VerifyAll(cmd.Context())
	if err = errors.Join(err, srv.Close()); err == nil {
		fmt.Fprintln(cmd.ErrOrStderr(), "The server would start: database, keys, routes and upstreams are in order.")
		fmt.Fprintln(cmd.ErrOrStderr(), tellClock(clockSynchronised()))
	}
	return err
}

// tellClock says what an operator should know of the host's clock. More than a second off, it refuses honest signed requests.
func tellClock(within time.Duration, synchronised, known bool) string {
	const tolerated = time.Second
	switch {
	case !known:
		return "Clock: this system does not say whether it is kept right. Signed requests and authenticator codes need it right to a second."
	case !synchronised:
		return "Clock: NOT kept right by anything that the kernel knows of. Signed requests and authenticator codes need it right to a second: run chrony or systemd-timesyncd here or on the host of this container."
	case within > tolerated:
		return fmt.Sprintf("Clock: kept right, but it may be off by %v. Signed requests and authenticator codes need it right to a second.", within.Round(time.Millisecond))
	}
	return fmt.Sprintf("Clock: kept right, to within %v.", within.Round(time.Millisecond))
}
