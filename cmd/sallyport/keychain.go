package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/spf13/cobra"
	"github.com/zalando/go-keyring"

	"github.com/seed-21c57000/sallyport/client"
)

// keychainRoom is what our entries in the system's keychain are filed under.
const keychainRoom = "sallyport"

// holder says where the holder of an API key keeps it: in a key file, or in the keychain of the system.
type holder struct{ file, chain string }

func (h *holder) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&h.file, "key-file", "", "the key file, of mode 0600: JSON with key_id, algorithm, dialect and secret or private_key")
	cmd.Flags().StringVar(&h.chain, "keychain", "", "instead of a file, the key's name in the system's keychain")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if (h.file == "") == (h.chain == "") {
			return errors.New("where is the key? Give either --key-file FILE or --keychain NAME")
		}
		return nil
	}
}

// String is how messages name the place.
func (h *holder) String() string {
	if h.chain != "" {
		return "the keychain's " + h.chain
	}
	return h.file
}

// read gives the key. A file that others may read is used all the same, with a warning.
func (h *holder) read(warnings io.Writer) (client.KeyFile, error) {
	if h.chain != "" {
		return fromKeychain(h.chain)
	}
	if info, err := os.Stat(h.file); err == nil && info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows" {
		fmt.Fprintf(warnings, "sallyport: others may read %s: chmod 600 %s\n", h.file, quote(h.file))
	}
	key, err := client.ReadKeyFile(h.file)
	if err != nil {
		return key, usage(err)
	}
	return key, nil
}

// keep puts a key where it was not before.
func (h *holder) keep(key client.KeyFile) error {
	if h.chain == "" {
		return newKeyFile(h.file, key)
	}
	switch _, err := keyring.Get(keychainRoom, h.chain); {
	case err == nil:
		return usage(fmt.Errorf("%s is there already; a key is never overwritten", h))
	case !errors.Is(err, keyring.ErrNotFound):
		return noKeychain(err)
	}
	return intoKeychain(h.chain, key)
}

func fromKeychain(name string) (key client.KeyFile, err error) {
	text, err := keyring.Get(keychainRoom, name)
	if errors.Is(err, keyring.ErrNotFound) {
		return key, usage(fmt.Errorf("the keychain has no key %s; sallyport keychain keep puts one there", name))
	}
	if err != nil {
		return key, noKeychain(err)
	}
	if err := json.Unmarshal([]byte(text), &key); err != nil {
		return key, fmt.Errorf("the keychain's %s is no key file: %w", name, err)
	}
	return key, nil
}

func intoKeychain(name string, key client.KeyFile) error {
	text, err := json.Marshal(key)
	if err != nil {
		return err
	}
	if err := keyring.Set(keychainRoom, name, string(text)); err != nil {
		return noKeychain(err)
	}
	return nil
}

func noKeychain(err error) error {
	return fmt.Errorf("the system's keychain does not answer (%w): where there is none, keep the key in a file of mode 0600 and name it with --key-file", err)
}

func keychainCommand() *cobra.Command {
	return group(&cobra.Command{
		Use: "keychain", Short: "Keep API keys in the system's keychain instead of in files",
		Long: `The keychain is that of the person who is signed in to this machine: Keychain on macOS, Credential Manager on Windows, the Secret Service
elsewhere. A machine without a desktop has none: keep the key in a file of mode 0600 there.`,
		Example: `  sallyport keychain keep grid --key-file key.json && rm key.json
  sallyport call GET http://127.0.0.1:8081/v1/accounts --keychain grid`,
	}, keychainKeepCommand(), keychainNameCommand(), keychainForgetCommand())
}

func keychainKeepCommand() *cobra.Command {
	var asJSON bool
	from := holder{}
	cmd := &cobra.Command{
		Use: "keep NAME", Short: "Put the key of a key file into the keychain", Args: takes("NAME"),
		Example: `  sallyport keychain keep grid --key-file key.json
  sallyport key create ada@example.com --name grid --purpose 'grid bot' | sallyport keychain keep grid --key-file -`,
		RunE: func(cmd *cobra.Command, args []string) error {
			key, err := from.readOrInput(cmd)
			if err != nil {
				return err
			}
			if _, err := key.Signer(); err != nil {
				return usage(fmt.Errorf("%s: %w", &from, err))
			}
			to := holder{chain: args[0]}
			if err := to.keep(key); err != nil {
				return err
			}
			return tellKept(cmd, asJSON, args[0], key.KeyID)
		},
	}
	cmd.Flags().StringVar(&from.file, "key-file", "", "the key file; - reads standard input")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	_ = cmd.MarkFlagRequired("key-file")
	return cmd
}

func (h *holder) readOrInput(cmd *cobra.Command) (key client.KeyFile, err error) {
	if h.file != "-" {
		return h.read(cmd.ErrOrStderr())
	}
	if err := json.NewDecoder(cmd.InOrStdin()).Decode(&key); err != nil {
		return key, usage(fmt.Errorf("standard input holds no key file: %w", err))
	}
	return key, nil
}

func keychainNameCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "set-id NAME KEY_ID", Short: "Write the key id into a pair that keygen made, once the dashboard has given it one", Args: takes("NAME", "KEY_ID"),
		Example: `  sallyport keygen --keychain grid
  sallyport keychain set-id grid spk_test_0351hKUa4DLfyxuVexdeC74WjeZZ`,
		RunE: func(cmd *cobra.Command, args []string) error {
			key, err := fromKeychain(args[0])
			if err != nil {
				return err
			}
			key.KeyID = args[1]
			if _, err := key.Signer(); err != nil {
				return usage(err)
			}
			if err := intoKeychain(args[0], key); err != nil {
				return err
			}
			return tellKept(cmd, asJSON, args[0], key.KeyID)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func tellKept(cmd *cobra.Command, asJSON bool, name, keyID string) error {
	if asJSON {
		return printJSON(cmd.OutOrStdout(), struct {
			Name  string `json:"name"`
			KeyID string `json:"key_id"`
		}{name, keyID})
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "The keychain keeps %s as %s.\n", keyID, name)
	return err
}

func keychainForgetCommand() *cobra.Command {
	return &cobra.Command{
		Use: "forget NAME", Short: "Take a key out of the keychain; the key itself stays live", Args: takes("NAME"),
		Example: "  sallyport keychain forget grid",
		RunE: func(_ *cobra.Command, args []string) error {
			err := keyring.Delete(keychainRoom, args[0])
			if errors.Is(err, keyring.ErrNotFound) {
				return usage(fmt.Errorf("the keychain has no key %s", args[0]))
			}
			if err != nil {
				return noKeychain(err)
			}
			return nil
		},
	}
}
