package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-21c57000/sallyport/client"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/sign"
)

// signing is what the commands that sign have in common.
type signing struct {
	key               holder
	data, contentType string
}

func (s *signing) flags(cmd *cobra.Command) {
	s.key.flags(cmd)
	cmd.Flags().StringVarP(&s.data, "data", "d", "", "the body; @FILE reads a file, @- standard input")
	cmd.Flags().StringVar(&s.contentType, "content-type", "application/json", "the body's type")
}

// request builds the request with its body, unsigned, and the signer of the key.
func (s *signing) request(cmd *cobra.Command, method, target string) (*http.Request, []byte, sign.Signer, error) {
	key, err := s.key.read(cmd.ErrOrStderr())
	if err != nil {
		return nil, nil, nil, err
	}
	signer, err := key.Signer()
	if err != nil {
		return nil, nil, nil, usage(fmt.Errorf("%s: %w", &s.key, err))
	}
	body, err := s.body(cmd.InOrStdin())
	if err != nil {
		return nil, nil, nil, usage(err)
	}
	if u, err := url.Parse(target); err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, nil, nil, usage(fmt.Errorf("%s is no address to send to: it begins with http:// or https:// and a host", target))
	}
	r, err := http.NewRequestWithContext(cmd.Context(), strings.ToUpper(method), target, bytes.NewReader(body))
	if err != nil {
		return nil, nil, nil, usage(err)
	}
	if len(body) > 0 {
		r.Header.Set("Content-Type", s.contentType)
	}
	return r, body, signer, nil
}

func (s *signing) body(stdin io.Reader) ([]byte, error) {
	path, isFile := strings.CutPrefix(s.data, "@")
	switch {
	case !isFile:
		return []byte(s.data), nil
	case path == "-":
		return io.ReadAll(stdin)
	}
	return os.ReadFile(path)
}

func callCommand() *cobra.Command {
	var s signing
	var show, asJSON bool
	cmd := &cobra.Command{
		Use: "call METHOD URL", Short: "Sign a request, send it and print the answer", Args: takes("METHOD", "URL"),
		Long: `The answer's body goes to standard output; with --json one object on one line, with status, headers and body. The exit code is 3 when the
answer's status is 400 or above, so that scripts notice.`,
		Example: `  sallyport call GET http://127.0.0.1:8081/v1/accounts --key-file key.json
  sallyport call GET http://127.0.0.1:8081/v1/accounts --keychain grid --json
  sallyport call POST http://127.0.0.1:8081/v1/orders --key-file key.json --data @order.json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			r, _, signer, err := s.request(cmd, args[0], args[1])
			if err != nil {
				return err
			}
			origin := r.URL.Scheme + "://" + r.URL.Host
			http := http.Client{Transport: &client.Transport{Signer: signer, Origin: origin, Next: loopbackNames()}, Timeout: time.Minute}
			answer, err := http.Do(r)
			if err != nil {
				return unsent(r, err)
			}
			defer func() { _ = answer.Body.Close() }()
			tell := tellAnswer(show) //nolint:bodyclose // it prints an answer whose body is closed above
			if asJSON {
				tell = tellAnswerJSON
			}
			return tellRefused(cmd, answer, tell)
		},
	}
	s.flags(cmd)
	cmd.Flags().BoolVarP(&show, "include", "i", false, "print status and headers too, to standard error")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object: status, headers and body")
	cmd.MarkFlagsMutuallyExclusive("include", "json")
	return cmd
}

// loopbackNames finds names below localhost on this machine, as browsers do (RFC 6761 §6.3); most resolvers do not.
func loopbackNames() http.RoundTripper {
	var dialer net.Dialer
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if host, port, err := net.SplitHostPort(addr); err == nil && strings.HasSuffix(host, ".localhost") {
			addr = net.JoinHostPort("localhost", port)
		}
		return dialer.DialContext(ctx, network, addr)
	}
	return t
}

// unsent says why a request did not leave, without the caller's URL in front of it.
func unsent(r *http.Request, err error) error {
	if refused, ok := errors.AsType[*sign.Error](err); ok {
		return usage(fmt.Errorf("a request like this cannot be signed: %s (docs/signing.md says what trips people up)", strings.TrimPrefix(refused.Error(), "sign: ")))
	}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	return fmt.Errorf("no answer from %s: %w", r.URL.Host, err)
}

// tellRefused prints an answer. One that refuses ends the program with its exit code; one of a gate that does not know the sender says what is
// most often wrong.
func tellRefused(cmd *cobra.Command, answer *http.Response, tell func(*cobra.Command, *http.Response, []byte) error) error {
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if err := tell(cmd, answer, body); err != nil {
		return err
	}
	if answer.StatusCode < http.StatusBadRequest {
		return nil
	}
	why := "the server answered " + answer.Status
	var problem struct {
		Code fault.Code `json:"code"`
	}
	if json.Unmarshal(body, &problem) == nil && problem.Code == fault.Unauthorized {
		why += "; does this key belong to " + answer.Request.URL.Host + "?"
	}
	return &exitError{exitRefused, errors.New(why)}
}

func tellAnswer(show bool) func(*cobra.Command, *http.Response, []byte) error {
	return func(cmd *cobra.Command, answer *http.Response, body []byte) error {
		if show {
			fmt.Fprintln(cmd.ErrOrStderr(), unobeyed(strings.Join(append([]string{answer.Status}, headerLines(answer.Header)...), "\n")))
		}
		var pretty bytes.Buffer
		if json.Indent(&pretty, body, "", "  ") == nil {
			body = append(bytes.TrimRight(pretty.Bytes(), "\n"), '\n')
		}
		if out := cmd.OutOrStdout(); isTerminal(out) {
			_, err := io.WriteString(out, unobeyed(strings.ReplaceAll(string(body), "\r\n", "\n")))
			return err
		}
		_, err := cmd.OutOrStdout().Write(body)
		return err
	}
}

// tellAnswerJSON prints an answer as one object. A body that is no JSON is a text in it.
func tellAnswerJSON(cmd *cobra.Command, answer *http.Response, body []byte) error {
	var said any = string(body)
	if json.Valid(body) {
		said = json.RawMessage(body)
	}
	raw, err := json.Marshal(struct {
		Status  int         `json:"status"`
		Headers http.Header `json:"headers"`
		Body    any         `json:"body"`
	}{answer.StatusCode, answer.Header, said})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(cmd.OutOrStdout(), unobeyed(string(raw)))
	return err
}

func signCommand() *cobra.Command {
	var s signing
	var asCurl, asJSON bool
	cmd := &cobra.Command{
		Use: "sign METHOD URL", Short: "Print the headers that sign a request, or a curl line", Args: takes("METHOD", "URL"),
		Long: "A signature is good for seconds and once: sign right before sending, and again for every try.",
		Example: `  sallyport sign GET http://127.0.0.1:8081/v1/accounts --key-file key.json
  eval "$(sallyport sign GET http://127.0.0.1:8081/v1/accounts --key-file key.json --curl)"
  sallyport sign GET http://127.0.0.1:8081/v1/accounts --keychain grid --json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			r, body, signer, err := s.request(cmd, args[0], args[1])
			if err != nil {
				return err
			}
			before := r.URL.String() + string(body)
			if err := sign.Sign(r, body, signer, time.Now()); err != nil {
				return unsent(r, err)
			}
			if r.Body != nil { // some dialects add to it
				if body, err = io.ReadAll(r.Body); err != nil {
					return err
				}
			}
			switch lines := headerLines(r.Header); {
			case asCurl:
				_, err = fmt.Fprintln(cmd.OutOrStdout(), curlLine(r, lines, body))
			case r.URL.String()+string(body) != before:
				return usage(errors.New("this dialect signs within the query or body: use --curl"))
			case asJSON:
				return printJSON(cmd.OutOrStdout(), signedRequestOf(r))
			default:
				_, err = fmt.Fprintln(cmd.OutOrStdout(), strings.Join(lines, "\n"))
			}
			return err
		},
	}
	s.flags(cmd)
	cmd.Flags().BoolVar(&asCurl, "curl", false, "print a curl line that a shell can run")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON: method, url and headers")
	cmd.MarkFlagsMutuallyExclusive("curl", "json")
	cmd.AddCommand(signExplainCommand())
	return cmd
}

type signedRequest struct {
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
}

// signedRequestOf has one line of each header, as every request has that is made here.
func signedRequestOf(r *http.Request) signedRequest {
	made := signedRequest{r.Method, r.URL.String(), map[string]string{}}
	for name := range r.Header {
		made.Headers[name] = r.Header.Get(name)
	}
	return made
}

func headerLines(h http.Header) []string {
	var lines []string
	for name, values := range h {
		for _, value := range values {
			lines = append(lines, name+": "+value)
		}
	}
	slices.Sort(lines)
	return lines
}

// curlLine sends exactly the signed bytes: --path-as-is keeps curl from rewriting the path, --data-binary from touching the body.
func curlLine(r *http.Request, lines []string, body []byte) string {
	words := []string{"curl", "-sS", "--path-as-is", "-X", r.Method}
	for _, line := range lines {
		words = append(words, "-H", quote(line))
	}
	if len(body) > 0 {
		words = append(words, "--data-binary", quote(string(body)))
	}
	return strings.Join(append(words, quote(r.URL.String())), " ")
}

// quote makes one word for a POSIX shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
