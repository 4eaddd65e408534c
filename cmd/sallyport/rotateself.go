package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-21c57000/sallyport/client"
	"github.com/seed-21c57000/sallyport/internal/filelock"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/sign"
)

// selfRotation is a key giving itself its next secret. The key file holds a secret that works at every moment: what is next lies beside it, in
// FILE.new, until it was tried.
type selfRotation struct {
	origin, file, check string
	overlap             time.Duration
	old                 client.KeyFile
}

// rotatedSelf is what came of it.
type rotatedSelf struct {
	KeyID   string    `json:"key_id"`
	File    string    `json:"file"`
	Retires time.Time `json:"old_retires_at,omitzero"`
	// Resumed says that the secret was given by a run before this one, which did not get to its end.
	Resumed bool `json:"resumed"`
}

func keyRotateSelfCommand() *cobra.Command {
	var s selfRotation
	var asJSON bool
	cmd := &cobra.Command{
		Use: "rotate-self ORIGIN", Short: "Give the key of a key file its next secret, signed by the key itself, and put it into the file once it works", Args: takes("ORIGIN"),
		Long: `For the machine on which a bot runs: it needs neither the server's config nor a person. ORIGIN is the dashboard's, where /v1 is. The old secret works until the
overlap ends, so a bot that reads the file again within it misses no order. The end of the key's life stays where it was.

The next secret is written to FILE.new first, tried with GET ORIGIN/v1/session and with the URL of --check, and only then takes the place of FILE, in one step and with mode
0600. If it does not work FILE stays as it was, and FILE.new stays beside it: run the command again, and it goes on from there. The same after a crash: one before the
answer came, or after it and before FILE.new was written, changes nothing for FILE, whose secret works through the overlap; run it again, and an unused secret is replaced.
Where it is certain that nothing was rotated, no FILE.new is left. FILE.lock is there while it runs: a second run on the same file does nothing and names the first.

Exit codes: 0 the file has the next secret; 1 the server was not reached, a file was not written, or another run has the file; 2 wrong words; 3 the server refused the
rotation, or the check failed.
Keys whose signatures leave method, path or body out are rotated by their owner (key.rotated_by_owner).`,
		Example: `  sallyport key rotate-self https://app.example.com --key-file key.json
  sallyport key rotate-self https://app.example.com --key-file key.json --overlap 1h --check https://api.example.com/v1/accounts --json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			done, err := s.run(cmd, args[0])
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), done)
			}
			said := done.File + " has the next secret of " + done.KeyID + "."
			if !done.Retires.IsZero() {
				said += " The old one works until " + done.Retires.UTC().Format(time.RFC3339) + "."
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), said)
			return err
		},
	}
	cmd.Flags().StringVar(&s.file, "key-file", "", "the key file, of mode 0600")
	cmd.Flags().StringVar(&s.check, "check", "", "an address that has to answer 2xx to a GET with the next secret")
	cmd.Flags().DurationVar(&s.overlap, "overlap", apikey.UsualOverlap, "how long the old secret goes on: from 1m to 168h")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	_ = cmd.MarkFlagRequired("key-file")
	return cmd
}

// next is where the next secret waits for its trial.
func (s *selfRotation) next() string { return s.file + ".new" }

func (s *selfRotation) run(cmd *cobra.Command, origin string) (done rotatedSelf, err error) {
	lock, err := s.claim(origin)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if err := s.read(cmd); err != nil {
		return done, err
	}
	ctx := cmd.Context()
	done = rotatedSelf{KeyID: s.old.KeyID, File: s.file}
	key, waits, err := s.waiting(ctx)
	if err != nil {
		return done, err
	}
	if done.Resumed = waits; !waits {
		if key, done.Retires, err = s.rotate(ctx); err != nil {
			return done, err
		}
	}
	if err := s.try(ctx, key, done.Retires); err != nil {
		return done, err
	}
	// What was tried is written, whatever lies in FILE.new by now.
	if err := writeKeyFile(s.file, key); err != nil {
		return done, err
	}
	return done, os.Remove(s.next())
}

// claim looks at the addresses and makes the key file ours. Two runs at once would each write FILE.new, and one would take what the other was given.
func (s *selfRotation) claim(origin string) (io.Closer, error) {
	s.origin = strings.TrimSuffix(origin, "/")
	for _, address := range []string{s.origin, s.check} {
		if u, err := url.Parse(address); address != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
			return nil, usage(fmt.Errorf("%s is no address: it begins with http:// or https:// and a host", address))
		}
	}
	if u, _ := url.Parse(s.origin); u.Path != "" || u.RawQuery != "" {
		return nil, usage(fmt.Errorf("%s is no origin: it ends with the host", s.origin))
	}
	file, err := filepath.EvalSymlinks(s.file) // a link stays one: what it leads to is locked and replaced
	if err != nil {
		return nil, usage(err)
	}
	s.file = file
	lock, err := filelock.Take(s.file + ".lock")
	if held, is := errors.AsType[*filelock.HeldError](err); is {
		return nil, fmt.Errorf("%s is rotating the key of %s: this run did nothing", held.Who(), s.file)
	}
	return lock, err
}

// read gets the key, once nobody else changes its file.
func (s *selfRotation) read(cmd *cobra.Command) (err error) {
	held := holder{file: s.file}
	if s.old, err = held.read(cmd.ErrOrStderr()); err != nil {
		return err
	}
	if _, err := s.old.Signer(); err != nil {
		return usage(fmt.Errorf("%s: %w", s.file, err))
	}
	if dialect, _ := sign.ParseDialect(s.old.Dialect); !apikey.RotatesItself(dialect) {
		return refused("nothing was rotated: keys of %s cannot rotate themselves, because their signatures leave method, path or body out; their owner rotates them (key.rotated_by_owner)", dialect)
	}
	return nil
}

// waiting finds the next secret that an earlier run was given and did not put in place. What the server does not know is no such secret: that
// run did not get as far, or another took its place.
func (s *selfRotation) waiting(ctx context.Context) (key client.KeyFile, waits bool, err error) {
	key, err = client.ReadKeyFile(s.next())
	if errors.Is(err, fs.ErrNotExist) {
		return key, false, nil
	}
	if err != nil || key.KeyID != s.old.KeyID {
		return key, false, errors.Join(err, usage(fmt.Errorf("%s lies in the way and is no next secret of %s: move it", s.next(), s.old.KeyID)))
	}
	answered, err := s.ask(ctx, key, s.origin+"/v1/session")
	if err != nil || answered == http.StatusOK {
		return key, err == nil, err
	}
	// Only where the old secret is accepted and this one is not, and both by the same clock, this one may be thrown away.
	toOld, err := s.ask(ctx, s.old, s.origin+"/v1/session")
	if err == nil && (answered != http.StatusUnauthorized || toOld != http.StatusOK) {
		err = refused("%s answered %d to the secret in %s and %d to that in %s: neither file was changed; is it the dashboard's origin?", s.origin, answered, s.next(), toOld, s.file)
	}
	return key, false, err
}

// rotate asks for the next secret. A key pair is on disk before its public half leaves, because nobody else could bring it back.
func (s *selfRotation) rotate(ctx context.Context) (key client.KeyFile, retires time.Time, err error) {
	key = s.old
	wanted := map[string]any{"overlap_seconds": int64(s.overlap / time.Second)}
	if key.PrivateKey != "" {
		if err := s.pair(&key, wanted); err != nil {
			return key, retires, err
		}
		if err := writeKeyFile(s.next(), key); err != nil {
			return key, retires, err
		}
	}
	body, err := json.Marshal(wanted)
	if err != nil {
		return key, retires, err
	}
	answer, err := s.send(ctx, s.old, http.MethodPost, s.origin+"/v1/keys/self/rotate", body)
	var given rotationAnswer
	if err == nil && answer.status == http.StatusOK {
		_ = json.Unmarshal(answer.body, &given) // what is no rotation has no end of the old secret
	}
	if given.Retires.IsZero() || key.PrivateKey == "" && given.Secret == "" {
		return key, retires, s.undone(answer, err)
	}
	if key.PrivateKey == "" {
		key.Secret, key.Passphrase = given.Secret, given.Passphrase
		err = writeKeyFile(s.next(), key)
	}
	return key, given.Retires, err
}

// rotationAnswer is what the server says to a key that asks for its next secret: the secret, or why there is none.
type rotationAnswer struct {
	Secret, Passphrase, Code, Title string
	Retires                         time.Time `json:"old_retires_at"`
}

// undone says what became of the secret when no next one came back. Where nothing can have been rotated, FILE.new goes; where the server may
// have done it and nobody heard, FILE.new stays, because it may be the half of a pair that nobody else has.
func (s *selfRotation) undone(answer selfAnswer, err error) error {
	if err == nil {
		var said rotationAnswer
		_ = json.Unmarshal(answer.body, &said)
		words := strings.TrimSpace(said.Code + " " + said.Title)
		if words == "" || answer.status < 400 || answer.status == http.StatusNotFound || answer.status == http.StatusMisdirectedRequest {
			words = strings.TrimSpace(words + " (is it the dashboard's origin?)")
		}
		err = refused("%s answered %d %s", s.origin, answer.status, words)
	}
	if !answer.sent || answer.status >= 300 && answer.status < 500 {
		return errors.Join(fmt.Errorf("nothing was rotated: %w; %s is as it was", err, s.file), removeFile(s.next()))
	}
	beside := ""
	if s.old.PrivateKey != "" {
		beside = ", and " + s.next() + " holds the pair that was offered"
	}
	return fmt.Errorf("nobody can say whether the key was rotated: %w; %s is as it was and works in either case%s: run this again, and it finds out", err, s.file, beside)
}

// removeFile takes a file away, if it is there.
func removeFile(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// pair makes the next key pair of a key, and the proof that we hold its private half.
func (s *selfRotation) pair(key *client.KeyFile, wanted map[string]any) error {
	dialect, _ := sign.ParseDialect(key.Dialect)
	algorithm, err := sign.ParseAlgorithm(key.Algorithm)
	if err != nil {
		return usage(err)
	}
	public, private, err := newPair(dialect, algorithm)
	if err != nil {
		return err
	}
	signer, err := sign.PrivateKeyFor(algorithm, private)
	if err != nil {
		return err
	}
	key.PrivateKey, wanted["public_key"] = private, public
	wanted["possession"], err = proofOf(algorithm, signer, key.KeyID)
	return err
}

// try uses the next secret before anything depends on it.
func (s *selfRotation) try(ctx context.Context, key client.KeyFile, retires time.Time) error {
	until := "the overlap ends"
	if !retires.IsZero() {
		until = retires.UTC().Format(time.RFC3339)
	}
	for _, address := range []string{s.origin + "/v1/session", s.check} {
		if address == "" {
			continue
		}
		status, err := s.ask(ctx, key, address)
		if err == nil && (status < 200 || status > 299) {
			err = refused("%s answered %d to the next secret", address, status)
		}
		if err != nil {
			return fmt.Errorf("the key was rotated, but its next secret is not in place: %w; %s has the old secret, which works until %s, and %s the next one: run this again, and it tries that one again",
				err, s.file, until, s.next())
		}
	}
	return nil
}

func (s *selfRotation) ask(ctx context.Context, key client.KeyFile, address string) (status int, err error) {
	answer, err := s.send(ctx, key, http.MethodGet, address, nil)
	return answer.status, err
}

type selfAnswer struct {
	sent   bool // there was a connection: the server may have heard, whatever it answered
	status int
	body   []byte
}

// send signs with a key and gives the answer. A redirect is an answer: nothing signed goes elsewhere.
func (s *selfRotation) send(ctx context.Context, key client.KeyFile, method, address string, body []byte) (a selfAnswer, err error) {
	signer, err := key.Signer()
	if err != nil {
		return a, usage(err)
	}
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { a.sent = true }})
	r, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return a, usage(err)
	}
	if len(body) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	doer := http.Client{
		Transport: &client.Transport{Signer: signer, Origin: r.URL.Scheme + "://" + r.URL.Host, Next: loopbackNames()}, Timeout: time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	answer, err := doer.Do(r)
	if err != nil {
		return a, unsent(r, err)
	}
	defer func() { _ = answer.Body.Close() }()
	a.status = answer.StatusCode
	a.body, err = io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	return a, err
}

func refused(format string, args ...any) error {
	return &exitError{exitRefused, fmt.Errorf(format, args...)}
}

// writeKeyFile puts a key into a file in one step: whoever reads it sees what was there or what is there now, also after a power cut.
func writeKeyFile(path string, key client.KeyFile) (err error) {
	raw, err := json.MarshalIndent(key, "", "  ")
	if err != nil {
		return err
	}
	made, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // of mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(made.Name())
		}
	}()
	_, err = made.Write(append(raw, '\n'))
	if err = errors.Join(err, made.Sync(), made.Close()); err != nil {
		return err
	}
	if err = os.Rename(made.Name(), path); err != nil {
		return err
	}
	if runtime.GOOS == "windows" {
		return nil // which syncs no folders
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
