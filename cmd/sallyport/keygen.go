package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/seed-21c57000/sallyport/client"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/sign"
)

// newPair makes an Ed25519 pair: the public half in base64, the private one as PEM.
func newPair() (public, private string, err error) {
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", "", err
	}
	der, err := x509.MarshalPKCS8PrivateKey(priv)
	if err != nil {
		return "", "", err
	}
	return base64.StdEncoding.EncodeToString(pub), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), nil
}

// keygenCommand makes a pair whose public half is pasted into the dashboard, for people whose browser has no WebCrypto Ed25519.
func keygenCommand() *cobra.Command {
	var challenge string
	var asJSON bool
	var at holder
	cmd := &cobra.Command{
		Use: "keygen", Short: "Make an Ed25519 pair, or prove to the dashboard that you hold one", Args: cobra.NoArgs,
		Long: `Without --challenge a new pair is kept, in a new key file or in the keychain, and its public half is printed.
With the challenge that the dashboard shows, the signature that proves possession is printed.`,
		Example: `  sallyport keygen --key-file key.json
  sallyport keygen --key-file key.json --challenge 8f3a…
  sallyport keygen --keychain grid --json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if challenge == "" {
				public, err := makePair(&at)
				return tellHalf(cmd, asJSON, "public_key", public, err)
			}
			proof, err := prove(cmd, &at, challenge)
			return tellHalf(cmd, asJSON, "proof", proof, err)
		},
	}
	at.flags(cmd)
	cmd.Flags().StringVar(&challenge, "challenge", "", "the dashboard's challenge")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// tellHalf prints what the dashboard asks for.
func tellHalf(cmd *cobra.Command, asJSON bool, name, value string, err error) error {
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(cmd.OutOrStdout(), map[string]string{name: value})
	}
	_, err = fmt.Fprintln(cmd.OutOrStdout(), value)
	return err
}

func prove(cmd *cobra.Command, at *holder, challenge string) (string, error) {
	key, err := at.read(cmd.ErrOrStderr())
	if err != nil {
		return "", err
	}
	private, _, err := sign.ParsePrivateKey(key.PrivateKey)
	if err != nil {
		return "", usage(fmt.Errorf("%s: %w", at, err))
	}
	return base64.StdEncoding.EncodeToString(ed25519.Sign(private, apikey.ProofText(challenge))), nil
}

func makePair(at *holder) (public string, err error) {
	public, private, err := newPair()
	if err != nil {
		return "", err
	}
	return public, at.keep(client.KeyFile{Algorithm: sign.Ed25519.String(), Dialect: sign.Native.String(), PrivateKey: private})
}

// newKeyFile writes a key file that nobody else may read.
func newKeyFile(path string, key client.KeyFile) error {
	raw, err := json.MarshalIndent(key, "", "  ")
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return usage(fmt.Errorf("%s is there already; a key is never overwritten", path))
	}
	if err != nil {
		return err
	}
	_, err = file.Write(append(raw, '\n'))
	return errors.Join(err, file.Close())
}
