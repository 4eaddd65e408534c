package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/prove/account"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/member"
	"github.com/seed-21c57000/sallyport/internal/server"
)

func memberCommand() *cobra.Command {
	return group(withConfig(&cobra.Command{
		Use: "member", Short: "Look at the members of an account, give them roles and remove them; every change is audited",
		Long: "OWNER_MAIL is an owner of the account, and names it; where no owner can be named, its id (acc_…) does. " +
			"MEMBER is a member's mail address, or a user id as the list shows it.",
		Example: "  sallyport member list ada@example.com --config sallyport.yaml",
	}), memberListCommand(), memberRoleCommand(), memberUnfreezeCommand(), memberRemoveCommand())
}

// within is the host's command line in an account: the one with this id, or the one that somebody with this address has owned for the longest.
func within(cmd *cobra.Command, rooms *server.Rooms, owner string) (principal.Principal, error) {
	p := host()
	if a, err := id.Parse[id.AccountKind](owner); err == nil {
		p.Account = a
		circle, err := rooms.Members.Of(cmd.Context(), p)
		if err == nil && len(circle.Members)+len(circle.Left) == 0 {
			err = fmt.Errorf("no account with members has the id %s", owner)
		}
		return p, err
	}
	u, memberships, err := findUser(cmd, rooms, owner)
	if err != nil {
		return p, err
	}
	for _, m := range memberships {
		if m.Role == principal.Owner {
			p.Account = m.Account
			return p, nil
		}
	}
	return p, fmt.Errorf("%s owns no account", u.Mail)
}

// ownerless lists the accounts that other people are in and that nobody but one of memberships' user owns, with what to do about each.
func ownerless(cmd *cobra.Command, rooms *server.Rooms, u id.User, memberships []account.Membership) ([]string, error) {
	var first []string
	for _, m := range memberships {
		if m.Role != principal.Owner {
			continue
		}
		p := host()
		p.Account = m.Account
		circle, err := rooms.Members.Of(cmd.Context(), p)
		if err != nil {
			return nil, err
		}
		others := slices.DeleteFunc(circle.Members, func(one member.Member) bool { return one.User == u || one.Machine != nil })
		if len(others) > 0 && !slices.ContainsFunc(others, func(one member.Member) bool { return one.Role == principal.Owner }) {
			first = append(first, fmt.Sprintf("nobody else owns %s, which others are in: sallyport member role %[1]s MEMBER owner", m.Account))
		}
	}
	return first, nil
}

// memberNamed finds a member by mail address or user id.
func memberNamed(cmd *cobra.Command, rooms *server.Rooms, p principal.Principal, text string) (member.Member, error) {
	circle, err := rooms.Members.Of(cmd.Context(), p)
	if err != nil {
		return member.Member{}, err
	}
	for _, m := range circle.Members {
		if m.User.String() == text || m.Mail != "" && strings.EqualFold(m.Mail, text) {
			return m, nil
		}
	}
	return member.Member{}, usage(fmt.Errorf("nobody in the account is %s; sallyport member list shows who is", text))
}

type memberRow struct {
	User      id.User `json:"user"`
	Name      string  `json:"name"`
	Mail      string  `json:"mail,omitempty"`
	Role      string  `json:"role"`
	Service   bool    `json:"service_user"`
	Left      bool    `json:"left"`
	Frozen    bool    `json:"frozen"`
	Keys      int     `json:"keys"`
	KeysUntil string  `json:"keys_until,omitempty"`
}

func memberListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list OWNER_MAIL", Short: "List the members of an account, its service users, and who left keys behind", Args: takes("OWNER_MAIL"),
		Example: "  sallyport member list ada@example.com --json",
		RunE: withRooms(func(cmd *cobra.Command, args []string, rooms *server.Rooms) error {
			p, err := within(cmd, rooms, args[0])
			if err != nil {
				return err
			}
			circle, err := rooms.Members.Of(cmd.Context(), p)
			if err != nil {
				return err
			}
			rows := []memberRow{}
			for _, m := range append(circle.Members, circle.Left...) {
				row := memberRow{User: m.User, Name: m.Name, Mail: m.Mail, Role: m.Role.String(), Service: m.Machine != nil, Left: !m.RemovedAt.IsZero(), Frozen: !m.FrozenAt.IsZero(), Keys: m.Keys}
				if !m.KeysUntil.IsZero() {
					row.KeysUntil = m.KeysUntil.Format("2006-01-02T15:04Z07:00")
				}
				rows = append(rows, row)
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), rows)
			}
			table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
			fmt.Fprintln(table, "USER\tNAME\tMAIL\tROLE\tKEYS\tKEYS UNTIL")
			for _, row := range rows {
				fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%s\n", row.User, plain(row.Name), row.Mail, row.Role, row.Keys, row.KeysUntil)
			}
			return table.Flush()
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// membership says refusals of a membership in words of a terminal.
func membership(err error) error {
	switch fault.CodeOf(err) { //nolint:exhaustive // the others speak for themselves
	case fault.MemberLastOwner:
		return errors.New("the account would have no owner: make another member an owner first")
	case fault.MemberOnlyAccount:
		return errors.New("it is their only account, and they could not sign in without one")
	case fault.MemberNotFound:
		return errors.New("they have that role already")
	}
	return err
}

func memberRoleCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "role OWNER_MAIL MEMBER ROLE", Short: "Make a member an owner, trader or viewer; their keys can do no more from the next request on",
		Args: takes("OWNER_MAIL", "MEMBER", "ROLE"), Example: "  sallyport member role ada@example.com ben@example.com viewer",
		RunE: withRooms(func(cmd *cobra.Command, args []string, rooms *server.Rooms) error {
			p, err := within(cmd, rooms, args[0])
			if err != nil {
				return err
			}
			m, err := memberNamed(cmd, rooms, p, args[1])
			if err != nil {
				return err
			}
			role := principal.ParseRole(args[2])
			if role == principal.NoRole {
				return usage(fmt.Errorf("%s is no role: want owner, trader or viewer", args[2]))
			}
			if err := rooms.Members.SetRole(cmd.Context(), p, m.User, role); err != nil {
				return membership(err)
			}
			return tell(cmd, map[string]any{"user": m.User, "role": role}, fmt.Sprintf("%s: %s.", plain(m.Name), role))
		}),
	}
	cmd.Flags().Bool("json", false, "print JSON")
	return cmd
}

func memberUnfreezeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "unfreeze OWNER_MAIL MEMBER", Short: "Say that a member who was frozen was reviewed and belongs there", Args: takes("OWNER_MAIL", "MEMBER"),
		Long: "Whoever an owner brought in looks and cancels only once somebody else may have acted as that owner: after a recovery, " +
			"and when the owner reports that something was not them.",
		Example: "  sallyport member unfreeze ada@example.com ben@example.com",
		RunE: withRooms(func(cmd *cobra.Command, args []string, rooms *server.Rooms) error {
			p, err := within(cmd, rooms, args[0])
			if err != nil {
				return err
			}
			m, err := memberNamed(cmd, rooms, p, args[1])
			if err != nil {
				return err
			}
			if err := rooms.Members.Unfreeze(cmd.Context(), p, m.User); err != nil {
				if fault.CodeOf(err) == fault.MemberNotFound {
					return fmt.Errorf("%s is not frozen", plain(m.Name))
				}
				return err
			}
			return tell(cmd, map[string]any{"user": m.User, "role": m.Role}, fmt.Sprintf("%s: %s.", plain(m.Name), m.Role))
		}),
	}
	cmd.Flags().Bool("json", false, "print JSON")
	return cmd
}

func memberRemoveCommand() *cobra.Command {
	var freeze bool
	cmd := &cobra.Command{
		Use: "remove OWNER_MAIL MEMBER", Short: "Remove a member; their keys go on for 14 days, unless they are frozen", Args: takes("OWNER_MAIL", "MEMBER"),
		Example: "  sallyport member remove ada@example.com ben@example.com --freeze",
		RunE: withRooms(func(cmd *cobra.Command, args []string, rooms *server.Rooms) error {
			p, err := within(cmd, rooms, args[0])
			if err != nil {
				return err
			}
			m, err := memberNamed(cmd, rooms, p, args[1])
			if err != nil {
				return err
			}
			if err := rooms.Members.Remove(cmd.Context(), p, member.RemoveInput{User: m.User, Freeze: freeze}); err != nil {
				return membership(err)
			}
			done := fmt.Sprintf("%s: removed. Keys they own here: %d.", plain(m.Name), m.Keys)
			return tell(cmd, map[string]any{"user": m.User, "removed": true, "keys": m.Keys, "frozen": freeze}, done)
		}),
	}
	cmd.Flags().Bool("json", false, "print JSON")
	cmd.Flags().BoolVar(&freeze, "freeze", false, "let their keys look and cancel only, at once")
	return cmd
}

func keyTransferCommand() *cobra.Command {
	return withJSON(&cobra.Command{
		Use: "transfer KEY_ID MEMBER", Short: "Give a key to another member of its account, or to a service user", Args: takes("KEY_ID", "MEMBER"),
		Long:    "MEMBER is a mail address or a user id. The key keeps its id and secrets: whoever had the secret still has it, so rotate it next.",
		Example: "  sallyport key transfer spk_test_0351hKUa4DLfyxuVexdeC74WjeZZ ada@example.com",
		RunE: withRooms(func(cmd *cobra.Command, args []string, rooms *server.Rooms) error {
			kid, err := keyNamed(args[0])
			if err != nil {
				return err
			}
			p := host()
			if live := rooms.APIKeys.Find(kid); live != nil {
				p.Account = live.Account
			}
			m, err := memberNamed(cmd, rooms, p, args[1])
			if err != nil {
				return err
			}
			if _, err := rooms.APIKeys.Transfer(cmd.Context(), p, apikey.TransferInput{Key: kid, To: m.User}); err != nil {
				if fault.CodeOf(err) == fault.RequestInvalid {
					return fmt.Errorf("%s has the key already", plain(m.Name))
				}
				return keyGone(args[0], err)
			}
			return tellDone(cmd, args[0]+": belongs to "+plain(m.Name)+".", map[string]string{"key_id": args[0], "owner": m.User.String()})
		}),
	})
}
