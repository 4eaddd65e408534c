package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-21c57000/sallyport/client"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/prove/lab"
	"github.com/seed-21c57000/sallyport/sign"
)

// signExplainCommand is the signing lab without a server: the code that checks requests there runs here.
func signExplainCommand() *cobra.Command {
	var key holder
	var base string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "explain FILE", Short: "Show what a request's signature has to be over, and where yours differs", Args: takes("FILE"),
		Long: `FILE holds the request: raw HTTP, or the line of curl that sends it; - reads standard input. Nothing is sent: the program does what the server
would do with these bytes. The exit code is 3 when the signature does not hold.`,
		Example: `  sallyport sign explain request.txt --key-file key.json
  sallyport sign GET https://api.example.com/v1/accounts --key-file key.json --curl | sallyport sign explain - --key-file key.json
  sallyport sign explain request.txt --key-file key.json --base what-i-signed.txt --json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := readText(args[0], cmd.InOrStdin())
			if err != nil {
				return usage(err)
			}
			yours := ""
			if base != "" {
				if yours, err = readText(base, cmd.InOrStdin()); err != nil {
					return usage(err)
				}
			}
			file, err := key.read(cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			mine, err := labKey(file)
			if err != nil {
				return usage(fmt.Errorf("%s: %w", &key, err))
			}
			r, err := lab.Read(text)
			if err != nil {
				return usage(errors.New(words(err)))
			}
			e, err := lab.Explain(r, yours, time.Now(), func(id string) (lab.Key, bool) { return mine, id == file.KeyID })
			if fault.CodeOf(err) == fault.LabNoTestKey {
				return usage(fmt.Errorf("the request names another key than %s, which is the one of %s", file.KeyID, &key))
			}
			if err != nil {
				return err
			}
			return tellExplained(cmd, e, asJSON)
		},
	}
	key.flags(cmd)
	cmd.Flags().StringVar(&base, "base", "", "a file with the text that you signed, to compare")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func readText(path string, stdin io.Reader) (string, error) {
	if path == "-" {
		raw, err := io.ReadAll(stdin)
		return string(raw), err
	}
	raw, err := os.ReadFile(path)
	return string(raw), err
}

// labKey is the verifier's half of the key in a key file.
func labKey(file client.KeyFile) (k lab.Key, err error) {
	if k.Dialect, err = sign.ParseDialect(file.Dialect); err != nil {
		return k, fmt.Errorf("dialect %q: %w", file.Dialect, err)
	}
	secret := sign.Key{Dialect: k.Dialect}
	if secret.Algorithm, err = sign.ParseAlgorithm(file.Algorithm); err != nil || !k.Dialect.Pins(secret.Algorithm) {
		return k, fmt.Errorf("algorithm %q does not belong to dialect %s", file.Algorithm, k.Dialect)
	}
	if k.Settings, err = k.Dialect.ParseSettings(file.Settings); err != nil {
		return k, fmt.Errorf("settings %v: %w", file.Settings, err)
	}
	if secret.Algorithm.KeepsPublicHalf() {
		secret.Material, err = publicHalf(secret.Algorithm, file.PrivateKey)
	} else {
		secret.Material, err = sign.MaterialOf(k.Dialect, []byte(file.Secret), file.Passphrase)
	}
	k.Secrets = []sign.Key{secret}
	return k, err
}

func publicHalf(a sign.Algorithm, private string) ([]byte, error) {
	pair, err := sign.PrivateKeyFor(a, private)
	if err != nil {
		return nil, fmt.Errorf("private_key: %w", err)
	}
	return sign.PublicHalf(pair)
}

type explained struct {
	KeyID    string   `json:"key_id,omitempty"`
	Holds    bool     `json:"holds"`
	Problems []string `json:"problems"`
	ToSign   string   `json:"base,omitempty"`
	Hashed   string   `json:"hashed,omitempty"`
	// DiffersAt counts from 0; missing where there is nothing to compare, -1 where the two are the same.
	DiffersAt *int `json:"differs_at,omitempty"`
}

func tellExplained(cmd *cobra.Command, e lab.Explanation, asJSON bool) error {
	shown := explained{KeyID: e.KeyID, Holds: len(e.Problems) == 0, Problems: []string{}, ToSign: e.ToSign, Hashed: e.Hashed}
	for _, problem := range e.Problems {
		shown.Problems = append(shown.Problems, strings.TrimPrefix((&sign.Error{Reason: problem.Reason, Seen: problem.Seen}).Error(), "sign: "))
	}
	if e.Compared {
		shown.DiffersAt = &e.Differs
	}
	if asJSON {
		if err := printJSON(cmd.OutOrStdout(), shown); err != nil {
			return err
		}
	} else {
		tellBase(cmd.OutOrStdout(), e)
	}
	if shown.Holds && !asJSON {
		fmt.Fprintln(cmd.ErrOrStderr(), "The signature holds. This is what it is over; time, nonce, address and scope were not looked at.")
	}
	if !shown.Holds {
		return &exitError{exitRefused, errors.New("the signature does not hold: " + strings.Join(shown.Problems, ", "))}
	}
	return nil
}

// tellBase prints the base line by line, with a mark under the byte in which the other text differs.
func tellBase(out io.Writer, e lab.Explanation) {
	if e.ToSign == "" {
		return
	}
	if !e.Compared || e.Differs < 0 {
		fmt.Fprintln(out, e.ToSign)
	} else {
		fmt.Fprintf(out, "server: %q\nyours:  %q\n", cutAround(e.ToSign, e.Differs), cutAround(e.Yours, e.Differs))
		fmt.Fprintf(out, "The first byte that differs is number %d, in line %d.\n", e.Differs+1, 1+strings.Count(e.ToSign[:e.Differs], "\n"))
	}
	if e.Hashed != "" {
		fmt.Fprintf(out, "under query_hash: %s\n", e.Hashed)
	}
}

// cutAround is what stands around a byte of a text.
func cutAround(text string, at int) string {
	const beside = 24
	return text[max(at-beside, 0):min(at+beside, len(text))]
}
