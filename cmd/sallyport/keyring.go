package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed-21c57000/sallyport/internal/server"
)

func keyringCommand() *cobra.Command {
	cmd := withConfig(&cobra.Command{Use: "keyring", Short: "Rotate the keys that seal secrets; the server goes on meanwhile"})
	cmd.AddCommand(
		&cobra.Command{
			Use: "rotate-data-key", Short: "Seal everything new with a new data key", Args: cobra.NoArgs,
			RunE: withRooms(func(cmd *cobra.Command, _ []string, rooms *server.Rooms) error {
				if err := rooms.Store.Ring().Rotate(cmd.Context()); err != nil {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout(), "New values are sealed with a new data key.")
				return nil
			}),
		},
		&cobra.Command{
			Use: "rotate-kek", Short: "Add a key-encryption key to the key file and wrap all data keys with it", Args: cobra.NoArgs,
			RunE: withRooms(func(cmd *cobra.Command, _ []string, rooms *server.Rooms) error {
				if err := rooms.Keys.AddKEK(); err != nil {
					return err
				}
				n, err := rooms.Store.Ring().Rewrap(cmd.Context())
				if err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%d data keys are wrapped with the new key. Keep a copy of the key file apart from the database's.\n", n)
				return nil
			}),
		},
		&cobra.Command{
			Use: "rotate-pepper", Short: "Season new password hashes with a new pepper", Args: cobra.NoArgs,
			RunE: withRooms(func(cmd *cobra.Command, _ []string, rooms *server.Rooms) error {
				if err := rooms.Keys.AddPepper(); err != nil {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout(), "New password hashes use the new pepper after the next start; older ones follow at each user's next sign-in.")
				return nil
			}),
		},
	)
	return cmd
}

