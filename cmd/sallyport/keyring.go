package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed-21c57000/sallyport/internal/server"
)

func keyringCommand() *cobra.Command {
	// rotation is one of three commands that differ in what they do alone.
	rotation := func(use, short string, rotate func(cmd *cobra.Command, rooms *server.Rooms) (fields map[string]any, done string, err error)) *cobra.Command {
		cmd := &cobra.Command{
			Use: use, Short: short, Args: cobra.NoArgs, Example: "  sallyport keyring " + use + " --config sallyport.yaml",
			RunE: withRooms(func(cmd *cobra.Command, _ []string, rooms *server.Rooms) error {
				fields, done, err := rotate(cmd, rooms)
				if err != nil {
					return err
				}
				return tell(cmd, fields, done)
			}),
		}
		cmd.Flags().Bool("json", false, "print JSON")
		return cmd
	}
	return group(
		withConfig(&cobra.Command{
			Use: "keyring", Short: "Rotate the keys that seal secrets; the server goes on meanwhile", Example: "  sallyport keyring rotate-kek --config sallyport.yaml",
		}),
		rotation("rotate-data-key", "Seal everything new with a new data key", func(cmd *cobra.Command, rooms *server.Rooms) (map[string]any, string, error) {
			return map[string]any{"rotated": "data_key"}, "New values are sealed with a new data key.", rooms.Store.Ring().Rotate(cmd.Context())
		}),
		rotation("rotate-kek", "Add a key-encryption key to the key file and wrap all data keys with it", func(cmd *cobra.Command, rooms *server.Rooms) (map[string]any, string, error) {
			if err := rooms.Keys.AddKEK(); err != nil {
				return nil, "", err
			}
			n, err := rooms.Store.Ring().Rewrap(cmd.Context())
			return map[string]any{"rotated": "kek", "data_keys": n}, fmt.Sprintf("Data keys wrapped with the new key: %d. Keep a copy of the key file apart from the database's.", n), err
		}),
		rotation("rotate-pepper", "Add a pepper to the key file and season all password hashes with it", func(cmd *cobra.Command, rooms *server.Rooms) (map[string]any, string, error) {
			if err := rooms.Keys.AddPepper(); err != nil {
				return nil, "", err
			}
			n, full, err := rooms.Factors.RewrapPasswords(cmd.Context(), host())
			done := fmt.Sprintf("Passwords seasoned with the new pepper: %d. Keep the older peppers too: each hash needs them until its user signs in.", n)
			if full > 0 {
				done += fmt.Sprintf(" %d carry too many peppers to take another, and get it at the next sign-in.", full)
			}
			return map[string]any{"rotated": "pepper", "passwords": n, "full": full}, done, err
		}),
	)
}
