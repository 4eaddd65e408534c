package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/respond/recovery"
	"github.com/seed-21c57000/sallyport/internal/respond/report"
	"github.com/seed-21c57000/sallyport/internal/server"
)

func caseCommand() *cobra.Command {
	return group(withConfig(&cobra.Command{
		Use: "case", Short: "Read what users said was not them, and decide over recoveries that stopped each other; everything is audited",
		Long: `When two people claim one account, neither goes on by itself. Each brings what is asked for on the page of their case, and operators decide here:
two of them have to approve the same claim, by their own system accounts, and it then waits as any other while its owner is told each day and
can stop it. One operator rejects them all.

When a user says that a session, a sign-in, a change or a key was not them, or stops a recovery of their account, that is a case too: it asks for no decision,
has done what it does already, and can be read with its evidence for 30 days. Who is done with it closes it.`,
		Example: `  sallyport case list --config sallyport.yaml
  sallyport case show cas_069g9r2kt0f7s8w3a5q1z7y6xc`,
	}), caseOpenCommand(), caseListCommand(), caseShowCommand(), caseEvidenceCommand(), caseApproveCommand(), caseRejectCommand(), caseCloseCommand())
}

func caseOpenCommand() *cobra.Command {
	var reach, why string
	cmd := &cobra.Command{
		Use: "open MAIL", Short: "Open a case for somebody who lost their mailbox and everything else", Args: takes("MAIL"),
		Long: `Somebody says that the account of MAIL is theirs and that they have lost its mailbox and every way to sign in. This opens a case in which nothing was
shown: it moves only by what they bring and by the yes of two operators, and the owner is told at once and can stop it. Hand them the code of the case, by the way on which
you reach them; they open it under "Recover" in any browser, and the codes for it go to the address that --reach names.`,
		Example: "  sallyport case open ada@example.com --reach ada.new@example.net --reason 'called support, ticket 4711'",
		RunE: withRooms(func(cmd *cobra.Command, args []string, rooms *server.Rooms) error {
			if strings.TrimSpace(why) == "" {
				return usage(errors.New("--reason says why; it must not be empty"))
			}
			u, _, err := findUser(cmd, rooms, args[0])
			if err != nil {
				return err
			}
			opened, err := rooms.Recoveries.Open(cmd.Context(), host(), u.ID, reach, why)
			if err != nil {
				return err
			}
			return printJSON(cmd.OutOrStdout(), map[string]any{"case": opened.Case, "recovery": opened.ID, "code": string(opened.Code.Reveal())})
		}),
	}
	cmd.Flags().StringVar(&reach, "reach", "", "address at which they are reached")
	cmd.Flags().StringVar(&why, "reason", "", "why; the user sees it")
	_, _ = cmd.MarkFlagRequired("reach"), cmd.MarkFlagRequired("reason")
	return cmd
}

// reportRow is what a user said was not them as JSON.
func reportRow(r report.Report) map[string]any {
	row := map[string]any{"case": r.ID, "user": r.User, "opened_at": r.Born, "expires_at": r.Expires, "state": "reported", "kind": r.Kind, "about": r.About}
	if r.Kind == happening.RecoveryCancelled {
		row["state"] = recovery.Suspected
	}
	if !r.Closed.IsZero() {
		row["state"], row["closed_at"], row["outcome"] = "closed", r.Closed, r.Outcome
	}
	return row
}

// disputeRow is a dispute as JSON.
func disputeRow(d recovery.Dispute) map[string]any {
	row := map[string]any{"case": d.ID, "user": d.User, "opened_at": d.Born, "due_at": d.Due, "expires_at": d.Expires, "state": disputeState(d)}
	if !d.Ended.IsZero() {
		row["ended_at"] = d.Ended
	}
	return row
}

func disputeState(d recovery.Dispute) string {
	if d.Outcome == "" {
		return "open"
	}
	return string(d.Outcome)
}

func caseListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List the cases that are open or ended in the last 30 days, then those that users reported in them, oldest first", Args: cobra.NoArgs,
		Example: `  sallyport case list
  sallyport case list --json`,
		RunE: withRooms(func(cmd *cobra.Command, _ []string, rooms *server.Rooms) error {
			list, err := rooms.Recoveries.Disputes(cmd.Context(), host())
			if err != nil {
				return err
			}
			reports, err := rooms.Reports.List(cmd.Context(), host())
			if err != nil {
				return err
			}
			if asJSON {
				rows := []map[string]any{}
				for _, d := range list {
					rows = append(rows, disputeRow(d))
				}
				for _, r := range reports {
					rows = append(rows, reportRow(r))
				}
				return printJSON(cmd.OutOrStdout(), rows)
			}
			return tellCases(cmd.OutOrStdout(), list, reports)
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func tellCases(out io.Writer, list []recovery.Dispute, reports []report.Report) error {
	if len(list)+len(reports) == 0 {
		_, err := fmt.Fprintln(out, "No recovery waits for people, and nobody reported anything.")
		return err
	}
	table := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "CASE\tSTATE\tUSER\tOPENED\tNOTE")
	for _, d := range list {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\tanswer promised by %s\n", d.ID, disputeState(d), d.User, d.Born.UTC().Format(time.RFC3339), d.Due.UTC().Format(time.RFC3339))
	}
	for _, r := range reports {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s %s\n", r.ID, reportRow(r)["state"], r.User, r.Born.UTC().Format(time.RFC3339), r.Kind, plain(r.About))
	}
	return table.Flush()
}

func caseShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show CASE", Short: "Show a case: its claims, what they brought, and who approved, or what was reported; this is audited", Args: takes("CASE"),
		Example: "  sallyport case show cas_069g9r2kt0f7s8w3a5q1z7y6xc",
		RunE: withRooms(func(cmd *cobra.Command, args []string, rooms *server.Rooms) error {
			which, err := id.Parse[id.CaseKind](args[0])
			if err != nil {
				return usage(err)
			}
			d, err := rooms.Recoveries.Docket(cmd.Context(), host(), which)
			if fault.CodeOf(err) == fault.CaseUnknown {
				return showReport(cmd, rooms, which)
			}
			if err != nil {
				return err
			}
			row := disputeRow(d.Dispute)
			row["mail"], row["claims"], row["approvals"] = d.Mail, claimRows(d.Claims, time.Now()), approvalRows(d.Approvals)
			return printJSON(cmd.OutOrStdout(), row)
		}),
	}
}

// showReport prints a case of what a user said was not them.
func showReport(cmd *cobra.Command, rooms *server.Rooms, which id.Case) error {
	r, err := rooms.Reports.Show(cmd.Context(), host(), which)
	if err != nil {
		return err
	}
	row := reportRow(r)
	row["evidence"] = r.Evidence
	return printJSON(cmd.OutOrStdout(), row)
}

func claimRows(claims []recovery.Standing, now time.Time) []map[string]any {
	rows := []map[string]any{}
	for _, c := range claims {
		evidence := []map[string]any{}
		for _, e := range c.Evidence {
			evidence = append(evidence, map[string]any{"slot": e.Slot, "kind": e.Kind, "size": e.Size, "at": e.Born, "deleted_at": e.Gone})
		}
		missing := recovery.Missing(c.Evidence)
		if missing == nil {
			missing = []string{}
		}
		rows = append(rows, map[string]any{
			"recovery": c.ID, "state": c.State(now), "proof": c.Proof, "claimed_at": c.Claimed, "evidence": evidence, "missing": missing,
		})
	}
	return rows
}

func approvalRows(approvals []recovery.Approval) []map[string]any {
	rows := []map[string]any{}
	for _, a := range approvals {
		rows = append(rows, map[string]any{"operator": a.Operator, "recovery": a.Recovery, "at": a.At})
	}
	return rows
}

// caseAndClaim reads what a command is about.
func caseAndClaim(args []string) (id.Case, id.Recovery, error) {
	which, wrongCase := id.Parse[id.CaseKind](args[0])
	claim, wrongClaim := id.Parse[id.RecoveryKind](args[1])
	if err := errors.Join(wrongCase, wrongClaim); err != nil {
		return which, claim, usage(err)
	}
	return which, claim, nil
}

func caseEvidenceCommand() *cobra.Command {
	var why, out string
	cmd := &cobra.Command{
		Use: "evidence CASE RECOVERY SLOT", Short: "Write what a claimant brought into a file; the reason is audited, and the user sees it", Args: takes("CASE", "RECOVERY", "SLOT"),
		Example: "  sallyport case evidence cas_069g9r2kt0f7s8w3a5q1z7y6xc rcv_069g9r2kt0f7s8w3a5q1z7y6xc document --reason 'comparing names' --out document.pdf",
		RunE: withRooms(func(cmd *cobra.Command, args []string, rooms *server.Rooms) error {
			which, claim, err := caseAndClaim(args)
			if err != nil {
				return err
			}
			if strings.TrimSpace(why) == "" {
				return usage(errors.New("--reason says why you look; it must not be empty"))
			}
			file, err := os.OpenFile(out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
			if err != nil {
				return err
			}
			plain, err := rooms.Recoveries.ReadEvidence(cmd.Context(), host(), which, claim, recovery.Slot(args[2]), why)
			if err != nil {
				return errors.Join(err, file.Close(), os.Remove(out))
			}
			_, err = file.Write(plain)
			return errors.Join(err, file.Close())
		}),
	}
	cmd.Flags().StringVar(&why, "reason", "", "why you look")
	cmd.Flags().StringVar(&out, "out", "", "the file to write, which must not be there yet; delete it when you are done")
	_ = cmd.MarkFlagRequired("reason")
	_ = cmd.MarkFlagRequired("out")
	return cmd
}

func caseApproveCommand() *cobra.Command {
	return &cobra.Command{
		Use: "approve CASE RECOVERY", Short: "Say yes to one claim; a second operator's yes lets it go on", Args: takes("CASE", "RECOVERY"),
		Example: "  sallyport case approve cas_069g9r2kt0f7s8w3a5q1z7y6xc rcv_069g9r2kt0f7s8w3a5q1z7y6xc",
		RunE: withRooms(func(cmd *cobra.Command, args []string, rooms *server.Rooms) error {
			which, claim, err := caseAndClaim(args)
			if err != nil {
				return err
			}
			approved, err := rooms.Recoveries.Approve(cmd.Context(), host(), which, claim)
			if err != nil {
				return err
			}
			if approved {
				fmt.Fprintf(cmd.OutOrStdout(), "%s: approved. It waits now, and its owner can stop it.\n", claim)
				return nil
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: one yes. Another operator's is needed.\n", claim)
			return nil
		}),
	}
}

func caseRejectCommand() *cobra.Command {
	var why string
	cmd := &cobra.Command{
		Use: "reject CASE", Short: "Let none of the claims go on, and tell the user", Args: takes("CASE"),
		Example: "  sallyport case reject cas_069g9r2kt0f7s8w3a5q1z7y6xc --reason 'documents of nobody'",
		RunE: withRooms(func(cmd *cobra.Command, args []string, rooms *server.Rooms) error {
			which, err := id.Parse[id.CaseKind](args[0])
			if err != nil {
				return usage(err)
			}
			if strings.TrimSpace(why) == "" {
				return usage(errors.New("--reason says why; it must not be empty"))
			}
			if err := rooms.Recoveries.Reject(cmd.Context(), host(), which, why); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: rejected.\n", which)
			return nil
		}),
	}
	cmd.Flags().StringVar(&why, "reason", "", "why; the user sees it")
	_ = cmd.MarkFlagRequired("reason")
	return cmd
}

func caseCloseCommand() *cobra.Command {
	var outcome, note string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "close CASE", Short: "Close a case of what a user said was not them: somebody worked on it, and how it ended", Args: takes("CASE"),
		Long: `The outcome is one of: stranger (it was somebody else), mistaken (it was the user after all), unclear (nobody can tell). Closing changes nothing of what was stopped, and
the case can be read until its 30 days are over. It takes one operator and is audited. Cases in which recoveries met are decided instead, with approve or reject.`,
		Example: `  sallyport case close cas_069g9r2kt0f7s8w3a5q1z7y6xc --outcome stranger --note 'sessions ended, spoke to them'
  sallyport case close cas_069g9r2kt0f7s8w3a5q1z7y6xc --outcome mistaken --note 'their own new phone' --json`,
		RunE: withRooms(func(cmd *cobra.Command, args []string, rooms *server.Rooms) error {
			which, err := id.Parse[id.CaseKind](args[0])
			if err != nil {
				return usage(err)
			}
			err = rooms.Reports.Close(cmd.Context(), host(), which, report.Outcome(outcome), note)
			if fault.CodeOf(err) == fault.RequestInvalid {
				return usage(errors.New("--outcome is stranger, mistaken or unclear, and --note one line that says more, of at most 1000 bytes"))
			}
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), map[string]string{"case": which.String(), "state": "closed", "outcome": outcome})
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: closed (%s).\n", which, outcome)
			return err
		}),
	}
	cmd.Flags().StringVar(&outcome, "outcome", "", "stranger, mistaken or unclear")
	cmd.Flags().StringVar(&note, "note", "", "what was found and done, in one line; the user sees it")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	_, _ = cmd.MarkFlagRequired("outcome"), cmd.MarkFlagRequired("note")
	return cmd
}
