package main

import (
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/server"
)

func subaccountCommand() *cobra.Command {
	return group(withConfig(&cobra.Command{
		Use: "subaccount", Short: "List, make, rename and close the subaccounts of an account; every change is audited",
		Long:    "OWNER_MAIL is an owner of the account, and names it; where no owner can be named, its id (acc_…) does. SUBACCOUNT is an id as the list shows it.",
		Example: "  sallyport subaccount list ada@example.com --config sallyport.yaml",
	}), subaccountListCommand(), subaccountAddCommand(), subaccountRenameCommand(),
		subaccountStateCommand("close", "Close a subaccount without keys: nobody acts in it any more, and its sessions end", "closed",
			func(rooms *server.Rooms) setter { return rooms.Subaccounts.Close }),
		subaccountStateCommand("reopen", "Open a closed subaccount again, with the books that it had", "open",
			func(rooms *server.Rooms) setter { return rooms.Subaccounts.Reopen }))
}

type setter func(ctx context.Context, p principal.Principal, which id.Subaccount) error

type subaccountRow struct {
	ID     id.Subaccount `json:"id"`
	Name   string        `json:"name"`
	Main   bool          `json:"main"`
	Closed string        `json:"closed_at,omitempty"`
}

func subaccountListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list OWNER_MAIL", Short: "List the subaccounts of an account, closed ones among them", Args: takes("OWNER_MAIL"),
		Example: "  sallyport subaccount list ada@example.com --json",
		RunE: withRooms(func(cmd *cobra.Command, args []string, rooms *server.Rooms) error {
			p, err := within(cmd, rooms, args[0])
			if err != nil {
				return err
			}
			all, err := rooms.Accounts.Subaccounts(cmd.Context(), p)
			if err != nil {
				return err
			}
			rows := []subaccountRow{}
			for _, s := range all {
				row := subaccountRow{ID: s.ID, Name: s.Name, Main: s.Main}
				if !s.ClosedAt.IsZero() {
					row.Closed = s.ClosedAt.Format("2006-01-02T15:04Z07:00")
				}
				rows = append(rows, row)
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), rows)
			}
			table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
			fmt.Fprintln(table, "SUBACCOUNT\tNAME\tCLOSED")
			for _, row := range rows {
				fmt.Fprintf(table, "%s\t%s\t%s\n", row.ID, plain(row.Name), row.Closed)
			}
			return table.Flush()
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func subaccountAddCommand() *cobra.Command {
	return withJSON(&cobra.Command{
		Use: "add OWNER_MAIL NAME", Short: "Make a subaccount and print its id", Args: takes("OWNER_MAIL", "NAME"),
		Example: "  sallyport subaccount add ada@example.com 'Market making'",
		RunE: withRooms(func(cmd *cobra.Command, args []string, rooms *server.Rooms) error {
			p, err := within(cmd, rooms, args[0])
			if err != nil {
				return err
			}
			made, err := rooms.Subaccounts.Open(cmd.Context(), p, args[1])
			if err != nil {
				return err
			}
			return tellDone(cmd, made.String(), map[string]string{"id": made.String(), "name": args[1]})
		}),
	})
}

func subaccountNamed(text string) (id.Subaccount, error) {
	which, err := id.Parse[id.SubaccountKind](text)
	if err != nil {
		return which, usage(fmt.Errorf("%s is no subaccount's id; sallyport subaccount list shows them", text))
	}
	return which, nil
}

func subaccountRenameCommand() *cobra.Command {
	return withJSON(&cobra.Command{
		Use: "rename OWNER_MAIL SUBACCOUNT NAME", Short: "Give a subaccount another name; keys stay pinned to it", Args: takes("OWNER_MAIL", "SUBACCOUNT", "NAME"),
		Example: "  sallyport subaccount rename ada@example.com sub_069g9r2kt0f7s8w3a5q1z7y6xc Cold",
		RunE: withRooms(func(cmd *cobra.Command, args []string, rooms *server.Rooms) error {
			p, err := within(cmd, rooms, args[0])
			if err != nil {
				return err
			}
			which, err := subaccountNamed(args[1])
			if err != nil {
				return err
			}
			if err := rooms.Subaccounts.Rename(cmd.Context(), p, which, args[2]); err != nil {
				return err
			}
			return tellDone(cmd, which.String()+": renamed.", map[string]string{"id": which.String(), "name": args[2]})
		}),
	})
}

func subaccountStateCommand(verb, short, done string, of func(*server.Rooms) setter) *cobra.Command {
	return withJSON(&cobra.Command{
		Use: verb + " OWNER_MAIL SUBACCOUNT", Short: short, Args: takes("OWNER_MAIL", "SUBACCOUNT"),
		Example: "  sallyport subaccount " + verb + " ada@example.com sub_069g9r2kt0f7s8w3a5q1z7y6xc",
		RunE: withRooms(func(cmd *cobra.Command, args []string, rooms *server.Rooms) error {
			p, err := within(cmd, rooms, args[0])
			if err != nil {
				return err
			}
			which, err := subaccountNamed(args[1])
			if err != nil {
				return err
			}
			if err := of(rooms)(cmd.Context(), p, which); err != nil {
				return err
			}
			return tellDone(cmd, which.String()+": "+done+".", map[string]string{"id": which.String(), "state": done})
		}),
	})
}
