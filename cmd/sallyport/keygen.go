package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
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

// newPair makes a key pair: the public half in base64, the private one as clients of the dialect have it, which is PEM, and of Coinbase's
// Ed25519 keys seed and public half in base64.
func newPair(d sign.Dialect, a sign.Algorithm) (public, private string, err error) {
	if a == sign.ES256 {
		return newECPair()
	}
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", "", err
	}
	public = base64.StdEncoding.EncodeToString(pub)
	if d == sign.Coinbase {
		return public, base64.StdEncoding.EncodeToString(priv), nil
	}
	der, err := x509.MarshalPKCS8PrivateKey(priv)
	return public, pemOf("PRIVATE KEY", der), err
}

func newECPair() (public, private string, err error) {
	priv, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", "", err
	}
	point, err := priv.PublicKey.Bytes()
	if err != nil {
		return "", "", err
	}
	der, err := x509.MarshalECPrivateKey(priv)
	return base64.StdEncoding.EncodeToString(point), pemOf("EC PRIVATE KEY", der), err
}

func pemOf(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// keygenCommand makes a pair whose public half is pasted into the dashboard, for people whose browser has no WebCrypto Ed25519.
func keygenCommand() *cobra.Command {
	var challenge string
	var w wanted
	var asJSON bool
	var at holder
	cmd := &cobra.Command{
		Use: "keygen", Short: "Make a key pair, or prove to the dashboard that you hold one", Args: cobra.NoArgs,
		Long: `Without --challenge a new pair is kept, in a new key file or in the keychain, and its public half is printed.
With the challenge that the dashboard shows, the signature that proves possession is printed. So a key comes to be:

  1. sallyport keygen --key-file key.json makes the pair and prints its public half.
  2. Paste that into the dashboard under API keys; it shows a challenge.
  3. sallyport keygen --key-file key.json --challenge CHALLENGE prints the proof; paste it.
  4. Write the key id that the dashboard then shows into the file, as its "key_id"; with --keychain by sallyport keychain set-id.`,
		Example: `  sallyport keygen --key-file key.json
  sallyport keygen --key-file key.json --challenge 8f3a…
  sallyport keygen --keychain grid --json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if challenge == "" {
				public, err := makePair(&at, w)
				if err == nil {
					fmt.Fprintln(cmd.ErrOrStderr(), "Next: paste this public half into the dashboard under API keys, then run keygen with --challenge and what it shows.")
				}
				return tellHalf(cmd, asJSON, "public_key", public, err)
			}
			proof, err := prove(cmd, &at, challenge)
			if err == nil {
				fmt.Fprintln(cmd.ErrOrStderr(), "Next: paste this proof into the dashboard, and keep the key id that it then shows: "+at.keepsID())
			}
			return tellHalf(cmd, asJSON, "proof", proof, err)
		},
	}
	at.flags(cmd)
	cmd.Flags().StringVar(&w.dialect, "dialect", sign.Native.String(), "how its requests are signed: native, binance or coinbase")
	cmd.Flags().StringVar(&w.algorithm, "algorithm", "", "ed25519, or ecdsa-p256-sha256, which is coinbase's default")
	cmd.Flags().StringVar(&challenge, "challenge", "", "the dashboard's challenge")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// keepsID says how the id of a key gets to its other half.
func (h *holder) keepsID() string {
	if h.chain != "" {
		return "sallyport keychain set-id " + h.chain + " KEY_ID"
	}
	return "as \"key_id\" in " + h.file
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

// prove signs the challenge, ECDSA in ASN.1 as openssl does.
func prove(cmd *cobra.Command, at *holder, challenge string) (string, error) {
	key, err := at.read(cmd.ErrOrStderr())
	if err != nil {
		return "", err
	}
	algorithm, err := sign.ParseAlgorithm(key.Algorithm)
	if err != nil {
		return "", usage(fmt.Errorf("%s: algorithm %q: %w", at, key.Algorithm, err))
	}
	private, err := sign.PrivateKeyFor(algorithm, key.PrivateKey)
	if err != nil {
		return "", usage(fmt.Errorf("%s: %w", at, err))
	}
	return proofOf(algorithm, private, challenge)
}

// proofOf is what proves that somebody holds a private key.
func proofOf(algorithm sign.Algorithm, private crypto.Signer, challenge string) (string, error) {
	text, hash := apikey.ProofText(challenge), crypto.Hash(0)
	if algorithm == sign.ES256 {
		digest := sha256.Sum256(text)
		text, hash = digest[:], crypto.SHA256
	}
	proof, err := private.Sign(rand.Reader, text, hash)
	return base64.StdEncoding.EncodeToString(proof), err
}

func makePair(at *holder, w wanted) (public string, err error) {
	if err := w.readDialect(); err != nil {
		return "", usage(err)
	}
	if w.algorithm == "" && w.Dialect == sign.Binance {
		w.Algorithm = sign.Ed25519
	}
	if !w.Algorithm.KeepsPublicHalf() {
		return "", usage(fmt.Errorf("--dialect %s: its keys are no pairs", w.dialect))
	}
	public, private, err := newPair(w.Dialect, w.Algorithm)
	if err != nil {
		return "", err
	}
	return public, at.keep(client.KeyFile{Algorithm: w.Algorithm.String(), Dialect: w.Dialect.String(), PrivateKey: private})
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
