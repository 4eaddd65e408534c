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
	"io"
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
	var challenge, keyFile string
	cmd := &cobra.Command{
		Use: "keygen", Short: "Make an Ed25519 pair, or prove to the dashboard that you hold one", Args: cobra.NoArgs,
		Long: `Without --challenge a new pair is written to the key file and its public half is printed.
With the challenge that the dashboard shows, the signature that proves possession is printed.`,
		Example: `  sallyport keygen --key-file key.json
  sallyport keygen --key-file key.json --challenge 8f3a…`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if challenge == "" {
				return makePair(cmd.OutOrStdout(), keyFile)
			}
			file, err := client.ReadKeyFile(keyFile)
			if err != nil {
				return usage(err)
			}
			private, _, err := sign.ParsePrivateKey(file.PrivateKey)
			if err != nil {
				return usage(fmt.Errorf("%s: %w", keyFile, err))
			}
			proof := ed25519.Sign(private, apikey.ProofText(challenge))
			fmt.Fprintln(cmd.OutOrStdout(), base64.StdEncoding.EncodeToString(proof))
			return nil
		},
	}
	cmd.Flags().StringVar(&keyFile, "key-file", "", "where the pair is kept, with mode 0600")
	cmd.Flags().StringVar(&challenge, "challenge", "", "the dashboard's challenge")
	_ = cmd.MarkFlagRequired("key-file")
	return cmd
}

func makePair(out io.Writer, path string) error {
	public, private, err := newPair()
	if err != nil {
		return err
	}
	raw, err := json.MarshalIndent(client.KeyFile{Algorithm: sign.Ed25519.String(), Dialect: sign.Native.String(), PrivateKey: private}, "", "  ")
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
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s\n", public)
	return nil
}
