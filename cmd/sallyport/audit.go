package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/server"
)

func auditCommand() *cobra.Command {
	return group(withConfig(&cobra.Command{
		Use: "audit", Short: "Check and search the audit log, and print its head to keep elsewhere",
		Example: `  sallyport audit verify --config sallyport.yaml
  sallyport audit head --config sallyport.yaml`,
	}), auditVerifyCommand(), auditHeadCommand(), auditSearchCommand())
}

func auditVerifyCommand() *cobra.Command {
	var kept string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "verify", Short: "Walk the whole log; say where it stops being what was written", Args: cobra.NoArgs,
		Long: `Every event is opened whose person was not erased. With --head the log must also lead through a head that sallyport audit head printed before:
that alone shows that its end was cut off, or an older copy brought back.`,
		Example: `  sallyport audit verify --config sallyport.yaml
  sallyport audit verify --head head.txt`,
		RunE: withRooms(func(cmd *cobra.Command, _ []string, rooms *server.Rooms) error {
			head, err := readHead(kept)
			if err != nil {
				return usage(err)
			}
			found, err := rooms.Log.VerifyAll(cmd.Context(), head)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), map[string]any{"events": found.Events, "erased": found.Erased, "head": headRow(found.Head)})
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%d events hold.%s\n", found.Events, aboutErased(found.Erased))
			return nil
		}),
	}
	cmd.Flags().StringVar(&kept, "head", "", "a head kept elsewhere: the line itself, or a file that ends with it")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func aboutErased(n int64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" %d of them were about people who were erased, and nobody can read them.", n)
}

// readHead takes a head or the name of a file; of a file that a job appends to every day, the last line.
func readHead(kept string) (audit.Head, error) {
	if kept == "" {
		return audit.Head{}, nil
	}
	if raw, err := os.ReadFile(kept); err == nil {
		lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
		kept = lines[len(lines)-1]
	} else if !errors.Is(err, fs.ErrNotExist) {
		return audit.Head{}, err
	}
	return audit.ParseHead(kept)
}

func auditHeadCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "head", Short: "Print the head of the log: size, hash, time and MAC", Args: cobra.NoArgs,
		Long: "Keep the line where whoever can write the database cannot write. It says nothing about anybody.",
		Example: `  sallyport audit head >> heads.txt
  sallyport audit verify --head heads.txt`,
		RunE: withRooms(func(cmd *cobra.Command, _ []string, rooms *server.Rooms) error {
			head, err := rooms.Log.Head(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), headRow(head))
			}
			fmt.Fprintln(cmd.OutOrStdout(), head)
			return nil
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func headRow(h audit.Head) map[string]any {
	return map[string]any{"events": h.Seq, "chain": fmt.Sprintf("%x", h.Chain), "at": h.At, "mac": fmt.Sprintf("%x", h.MAC), "line": h.String()}
}
