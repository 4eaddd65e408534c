package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/prove/account"
	"github.com/seed-21c57000/sallyport/internal/prove/mailaddr"
	"github.com/seed-21c57000/sallyport/internal/server"
)

// host is the operator at this machine, named by the system for the audit log, and told from others by it: the name is that of the account that
// runs this, or its number where the system has none. The environment, which everybody sets as they like, names nobody.
func host() principal.Principal {
	uid := strconv.Itoa(os.Getuid())
	if accounts, err := os.ReadFile("/etc/passwd"); err == nil {
		for line := range strings.Lines(string(accounts)) {
			if field := strings.Split(line, ":"); len(field) > 2 && field[2] == uid {
				return principal.Host(field[0])
			}
		}
		return principal.Host("uid " + uid)
	}
	if u, err := user.Current(); err == nil { // Windows, which asks its own tables
		return principal.Host(u.Username)
	}
	return principal.Host("unknown")
}

// withRooms opens the installation for one command and closes it. Where a server runs on the same database, it ends only when that has heard
// what the command did.
func withRooms(run func(cmd *cobra.Command, args []string, rooms *server.Rooms) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		rooms, err := openRooms(cmd)
		if err != nil {
			return err
		}
		err = run(cmd, args, rooms)
		rooms.Store.Spread(cmd.Context())
		return errors.Join(err, rooms.Store.Close())
	}
}

func findUser(cmd *cobra.Command, rooms *server.Rooms, mail string) (account.User, []account.Membership, error) {
	addr, err := mailaddr.Parse(mail)
	if err != nil {
		return account.User{}, nil, usage(err)
	}
	u, memberships, err := rooms.Accounts.ByMail(cmd.Context(), addr.String())
	if fault.CodeOf(err) == fault.NotFound {
		err = fmt.Errorf("no user has the address %s", addr)
	}
	return u, memberships, err
}

// group is a command that only holds others: without one of them it shows its help, with an unknown one it refuses.
func group(cmd *cobra.Command, subs ...*cobra.Command) *cobra.Command {
	cmd.Args = cobra.NoArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	cmd.AddCommand(subs...)
	return cmd
}

func userCommand() *cobra.Command {
	return group(withConfig(&cobra.Command{
		Use: "user", Short: "Look at users, disable, enable and erase them; every change is audited",
		Example: "  sallyport user show ada@example.com --config sallyport.yaml",
	}), userShowCommand(), switchCommand("disable", "End every session of a user and refuse their keys, at once", func(r *server.Rooms) switcher { return r.Accounts.Disable }),
		switchCommand("enable", "Let a disabled user sign in again; nothing that ended comes back", func(r *server.Rooms) switcher { return r.Accounts.Enable }),
		switchCommand("lock", "End every session of a user, freeze their keys and hold their money until they unlock", func(r *server.Rooms) switcher { return r.Locks.Lock }),
		switchCommand("unlock", "Take a lock back for a user", func(r *server.Rooms) switcher { return r.Locks.Unlock }),
		switchCommand("raise", "Tell a user of high value that sensitive changes will ask for a passkey (high_value.notice)", func(r *server.Rooms) switcher { return r.Tiers.Raise }),
		switchCommand("lower", "Ask no more of a user than of others again", func(r *server.Rooms) switcher { return r.Tiers.Lower }), userStaffCommand(), userEraseCommand())
}

func userShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show MAIL", Short: "Show a user and their accounts", Args: takes("MAIL"),
		Example: "  sallyport user show ada@example.com",
		RunE: withRooms(func(cmd *cobra.Command, args []string, rooms *server.Rooms) error {
			u, memberships, err := findUser(cmd, rooms, args[0])
			if err != nil {
				return err
			}
			accounts := []map[string]string{}
			for _, m := range memberships {
				accounts = append(accounts, map[string]string{"account": m.Account.String(), "name": m.AccountName, "role": m.Role.String()})
			}
			locked, err := rooms.Locks.Since(cmd.Context(), u.ID)
			if err != nil {
				return err
			}
			asked, err := rooms.Tiers.From(cmd.Context(), principal.Principal{User: u.ID})
			if err != nil {
				return err
			}
			shown := map[string]any{
				"user": u.ID, "mail": u.Mail, "name": u.Name, "language": u.Lang, "created_at": u.Born, "disabled": !u.DisabledAt.IsZero(), "staff": !u.StaffAt.IsZero(),
				"locked": !locked.IsZero(), "high_value": !asked.IsZero(), "accounts": accounts,
			}
			for name, at := range map[string]time.Time{"locked_at": locked, "passkey_asked_from": asked} {
				if !at.IsZero() {
					shown[name] = at
				}
			}
			return printJSON(cmd.OutOrStdout(), shown)
		}),
	}
}

// switcher changes the state of a user.
type switcher = func(context.Context, principal.Principal, id.User) error

// switchCommand changes how a user stands.
func switchCommand(verb, short string, of func(*server.Rooms) switcher) *cobra.Command {
	return &cobra.Command{
		Use: verb + " MAIL", Short: short, Args: takes("MAIL"), Example: "  sallyport user " + verb + " ada@example.com",
		RunE: withRooms(func(cmd *cobra.Command, args []string, rooms *server.Rooms) error {
			u, memberships, err := findUser(cmd, rooms, args[0])
			if err != nil {
				return err
			}
			err = of(rooms)(cmd.Context(), host(), u.ID)
			done := strings.TrimSuffix(verb, "e") + "ed"
			if code := fault.CodeOf(err); err != nil && (code == fault.NotFound || code == fault.AccountLocked || code == fault.AccountNotLocked || code == fault.TierUnchanged) {
				return fmt.Errorf("%s is %s already", u.Mail, done)
			}
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: %s.\n", u.Mail, done)
			if verb != "disable" {
				return nil
			}
			first, err := ownerless(cmd, rooms, u.ID, memberships)
			for _, line := range first {
				fmt.Fprintln(cmd.ErrOrStderr(), line)
			}
			return err
		}),
	}
}

func userStaffCommand() *cobra.Command {
	var off bool
	cmd := &cobra.Command{
		Use: "staff MAIL", Short: "Mark a user as an operator, whose sessions are shorter and end at their idle limit", Args: takes("MAIL"),
		Long: `Sessions of an operator end after session.operator_idle without a human act and after session.operator_absolute at most, where others rest.
Those that are open end now. It gives no right: who may what in an account is the role of a member.`,
		Example: `  sallyport user staff ada@example.com
  sallyport user staff ada@example.com --off`,
		RunE: withRooms(func(cmd *cobra.Command, args []string, rooms *server.Rooms) error {
			u, _, err := findUser(cmd, rooms, args[0])
			if err != nil {
				return err
			}
			turn, is := rooms.Accounts.MakeStaff, "an operator"
			if off {
				turn, is = rooms.Accounts.EndStaff, "no operator"
			}
			err = turn(cmd.Context(), host(), u.ID)
			if fault.CodeOf(err) == fault.NotFound {
				return fmt.Errorf("%s is %s already", u.Mail, is)
			}
			if err == nil {
				fmt.Fprintf(cmd.OutOrStdout(), "%s: %s.\n", u.Mail, is)
			}
			return err
		}),
	}
	cmd.Flags().BoolVar(&off, "off", false, "take the mark back")
	return cmd
}

func userEraseCommand() *cobra.Command {
	var yes, asJSON bool
	cmd := &cobra.Command{
		Use: "erase MAIL", Short: "Forget a disabled user for good", Args: takes("MAIL"),
		Long: `The key of the user's events is destroyed: nobody can read them any more, and the audit log still verifies. Name, address and credentials go,
their API keys are revoked, and the address may sign up again. Nothing brings any of it back but a backup, which holds it all until it goes too.
The user must be disabled, and no account that others are in may be left without an owner. Without --yes the address has to be typed once more.`,
		Example: `  sallyport user disable ada@example.com
  sallyport user erase ada@example.com
  sallyport user erase ada@example.com --yes --json`,
		RunE: withRooms(func(cmd *cobra.Command, args []string, rooms *server.Rooms) error {
			u, memberships, err := findUser(cmd, rooms, args[0])
			if err != nil {
				return err
			}
			if u.DisabledAt.IsZero() {
				return fmt.Errorf("%s is not disabled: sallyport user disable ends every session first", u.Mail)
			}
			if !yes {
				if err := typedAgain(cmd, u.Mail); err != nil {
					return err
				}
			}
			if err := rooms.Accounts.Erase(cmd.Context(), host(), u.ID); err != nil {
				return lastOwner(cmd, rooms, u, memberships, err)
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), map[string]any{"user": u.ID, "erased": true})
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: erased.\n", u.ID)
			return nil
		}),
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// lastOwner says which accounts keep somebody from being erased, and what to do about each.
func lastOwner(cmd *cobra.Command, rooms *server.Rooms, u account.User, memberships []account.Membership, refused error) error {
	if fault.CodeOf(refused) != fault.AccountLastOwner {
		return refused
	}
	first, err := ownerless(cmd, rooms, u.ID, memberships)
	return errors.Join(fmt.Errorf("%s was not erased: %s", u.Mail, strings.Join(first, "; ")), err)
}

// typedAgain asks for the address, so that a line of the shell's history erases nobody.
func typedAgain(cmd *cobra.Command, mail string) error {
	fmt.Fprintf(cmd.ErrOrStderr(), "This cannot be undone. Type %s to erase: ", mail)
	line, err := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
	if strings.TrimSpace(line) != mail {
		return usage(errors.New("nothing was erased: the address was not typed again"))
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return err
}
