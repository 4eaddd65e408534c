package main

import (
	"errors"
	"fmt"
	"net"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-21c57000/sallyport/internal/config"
	"github.com/seed-21c57000/sallyport/internal/mail/published"
	"github.com/seed-21c57000/sallyport/internal/server"
)

func doctorCommand() *cobra.Command {
	var asJSON, production bool
	cmd := withConfig(&cobra.Command{
		Use: "doctor", Short: "Print every setting with where it comes from, and check what it names", Args: cobra.NoArgs,
		Long: `Exit code 0 means that the server would start, or start again where one runs on this data. Problems of the file are all told at once, each with its line.
It changes nothing: it says which database or key file a start would create, and whether the schema would be brought up to date.
It opens no listener and calls no upstream and no issuer of certificates. With --production it also meets the mail relay, and refuses an
installation from which somebody who lost a phone could not come back.`,
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
			if err := checkParts(cmd, cfg); err != nil || !production {
				return err
			}
			notes, err := server.ExamineProduction(cmd.Context(), cfg, time.Now)
			for _, note := range notes {
				fmt.Fprintln(cmd.ErrOrStderr(), note)
			}
			if err != nil {
				return fmt.Errorf("not fit for production: %w", err)
			}
			fmt.Fprintln(cmd.ErrOrStderr(), "Fit for production: people can recover their accounts, and the relay takes mail.")
			return nil
		},
	})
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the settings as JSON")
	cmd.Flags().BoolVar(&production, "production", false, "also refuse what may run, but not for real people: no mail, no way to recover")
	cmd.AddCommand(doctorMailCommand())
	return cmd
}

func doctorMailCommand() *cobra.Command {
	var asJSON bool
	cmd := withConfig(&cobra.Command{
		Use: "mail", Short: "Ask the DNS whether receivers will believe our mails, and say what to publish", Args: cobra.NoArgs,
		Long: `It looks at the SPF, DKIM and DMARC records of the domain of mail.from. Exit code 0 means that all three are in order.
It asks the resolver of this host, and nobody else.`,
		Example: `  sallyport doctor mail --config sallyport.yaml`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadConfig(cmd)
			if err != nil {
				return err
			}
			if cfg.Mail.From == "" {
				return errors.New("mail.from is not set, so no mail leaves and there is nothing to ask")
			}
			sender, err := server.MailSender(cfg)
			if err != nil {
				return err
			}
			findings := published.Check(cmd.Context(), net.DefaultResolver, sender)
			if asJSON {
				if err := printJSON(cmd.OutOrStdout(), findings); err != nil {
					return err
				}
			}
			return tellPublished(cmd, findings, asJSON)
		},
	})
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// tellPublished says what was found, unless it was said already, and fails if something is not in order.
func tellPublished(cmd *cobra.Command, findings []published.Finding, said bool) error {
	wrong := 0
	for _, f := range findings {
		mark := "ok"
		if !f.OK {
			mark = "NOT IN ORDER"
			wrong++
		}
		if said {
			continue
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s %s: %s: %s\n", f.Record, f.Name, mark, f.Says)
		if f.Publish != "" {
			fmt.Fprintf(cmd.OutOrStdout(), "  publish: %s\n", f.Publish)
		}
	}
	if wrong > 0 {
		return fmt.Errorf("%d of %d records are not in order", wrong, len(findings))
	}
	return nil
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

// checkParts looks at what the configuration names, and changes nothing.
func checkParts(cmd *cobra.Command, cfg config.Config) error {
	quiet := newLog(cmd.ErrOrStderr(), config.Log{Level: config.LevelError, Format: config.FormatText})
	notes, err := server.Examine(cmd.Context(), cfg, server.Options{Now: time.Now, Log: quiet})
	for _, note := range notes {
		fmt.Fprintln(cmd.ErrOrStderr(), note)
	}
	if err != nil {
		return fmt.Errorf("the server would not start: %w", err)
	}
	verdict := "The server would start"
	if runs, err := server.Claimed(cmd.Context(), cfg); err == nil && runs {
		verdict = "A server runs on this data now, so that no second one starts; it would start again"
	}
	fmt.Fprintln(cmd.ErrOrStderr(), verdict+": database, keys, certificates, routes and upstreams are in order.")
	fmt.Fprintln(cmd.ErrOrStderr(), tellClock(clockSynchronised()))
	return nil
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
