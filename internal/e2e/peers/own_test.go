package peers_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/client"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/program"
)

// orderText is a limit order far below the market: it stays open.
func orderText(identifier string) string {
	return fmt.Sprintf(`{"market":"KRW-BTC","side":"bid","ord_type":"limit","volume":"0.001","price":"50000000","identifier":%q}`, identifier)
}

type placed struct{ UUID, State, Identifier string }

// call places, lists and cancels an order by the command line, with a key of each kind.
func (h *hall) call(t *testing.T) {
	for _, k := range h.Keys {
		t.Run(k.Dialect+" "+k.Algorithm, func(t *testing.T) {
			file := keep(t, k)
			var o, cancelled placed
			var open []placed
			h.says(t, &o, "call", "POST", h.Gateway+"/v1/orders", "--key-file", file, "--data", orderText("call "+k.Algorithm))
			h.says(t, &open, "call", "get", h.Gateway+"/v1/orders/open?market=KRW-BTC", "--key-file", file)
			h.says(t, &cancelled, "call", "DELETE", h.Gateway+"/v1/order?uuid="+o.UUID, "--key-file", file)
			if len(open) != 1 || open[0] != o || o.State != "wait" || o.Identifier != "call "+k.Algorithm || cancelled.UUID != o.UUID || cancelled.State != "cancel" {
				t.Errorf("placed %+v, open %+v, cancelled %+v", o, open, cancelled)
			}
			stdout, stderr, code := program.Output(t, h.program, "call", "DELETE", h.Gateway+"/v1/order?uuid="+o.UUID, "--key-file", file)
			if code != 3 || !strings.Contains(stdout, `"order_not_found"`) || stderr != "sallyport: the server answered 404 Not Found\n" {
				t.Errorf("cancelled twice: exit %d\n%s%s", code, stdout, stderr)
			}
		})
	}
}

// curl runs the line that sign prints, in a shell, and only once: what it holds is spent by then.
func (h *hall) curl(t *testing.T) {
	program.Missing(t, "curl")
	for _, k := range h.Keys {
		t.Run(k.Dialect+" "+k.Algorithm, func(t *testing.T) {
			// A quote, a backslash, a dollar and text beyond ASCII: what a shell and a query would change if they could.
			identifier := `it's \ $HOME 한글 ` + k.Algorithm
			line := h.curlLine(t, k, "POST", "/v1/orders", "--data", orderText(identifier))
			var o, seen placed
			shell(t, line, &o)
			if o.State != "wait" || o.Identifier != identifier {
				t.Errorf("placed %+v", o)
			}
			var refused struct {
				Code  string
				Error struct{ Name string }
			}
			shell(t, line, &refused)
			if refused.Code+refused.Error.Name != map[string]string{"native": "signature.nonce_reused", "upbit": "nonce_used"}[k.Dialect] {
				t.Errorf("the same line again: %+v", refused)
			}
			shell(t, h.curlLine(t, k, "GET", "/v1/order?identifier="+url.PathEscape(identifier)), &seen)
			if seen != o {
				t.Errorf("placed %+v, seen %+v", o, seen)
			}
			shell(t, h.curlLine(t, k, "DELETE", "/v1/order?uuid="+o.UUID), &seen)
			if seen.State != "cancel" {
				t.Errorf("cancelled %+v", seen)
			}
		})
	}
}

func (h *hall) curlLine(t *testing.T, k client.KeyFile, method, target string, arguments ...string) string {
	t.Helper()
	arguments = append([]string{"sign", "--curl", method, h.Gateway + target, "--key-file", keep(t, k)}, arguments...)
	line, stderr, code := program.Output(t, h.program, arguments...)
	if code != 0 || stderr != "" || strings.Count(line, "\n") != 1 {
		t.Fatalf("sign --curl: exit %d, %q %s", code, line, stderr)
	}
	return line
}

func shell(t *testing.T, line string, into any) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "sh", "-c", line).Output()
	if err != nil || json.Unmarshal(out, into) != nil {
		t.Fatalf("%s\n%v %s", line, err, out)
	}
}

// client uses the Go client as a bot would.
func (h *hall) client(t *testing.T) {
	for _, k := range h.Keys {
		t.Run(k.Dialect+" "+k.Algorithm, func(t *testing.T) {
			signer, err := k.Signer()
			if err != nil {
				t.Fatal(err)
			}
			bot := &http.Client{Transport: &client.Transport{Signer: signer, Origin: h.Gateway}}
			var o, cancelled placed
			send(t, bot, http.MethodPost, h.Gateway+"/v1/orders", orderText("client "+k.Algorithm), &o)
			send(t, bot, http.MethodDelete, h.Gateway+"/v1/order?uuid="+o.UUID, "", &cancelled)
			if o.State != "wait" || cancelled.UUID != o.UUID || cancelled.State != "cancel" {
				t.Errorf("placed %+v, cancelled %+v", o, cancelled)
			}
			// A bot whose clock is off is told the time, and signs again.
			late := &http.Client{Transport: &client.Transport{Signer: signer, Origin: h.Gateway, Now: func() time.Time { return time.Now().Add(-time.Hour) }}}
			var balances []struct{ Currency string }
			send(t, late, http.MethodGet, h.Gateway+"/v1/accounts", "", &balances)
			if len(balances) == 0 || balances[0].Currency != "KRW" {
				t.Errorf("with a late clock: %+v", balances)
			}
		})
	}
}

func send(t *testing.T, bot *http.Client, method, address, body string, into any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	answer, err := bot.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	raw, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode >= 300 || json.Unmarshal(raw, into) != nil {
		t.Fatalf("%s %s: %s %s %v", method, address, answer.Status, raw, err)
	}
}

// revokedElsewhere measures how long a running server takes to hear of a key that another process revoked. The product promises 2 s.
func (h *hall) revokedElsewhere(t *testing.T) {
	k := h.make(t, "--name", "short-lived")
	signer, err := k.Signer()
	if err != nil {
		t.Fatal(err)
	}
	bot := &http.Client{Transport: &client.Transport{Signer: signer, Origin: h.Gateway}}
	status := func() int {
		answer, err := bot.Get(h.Gateway + "/v1/accounts") //nolint:noctx // bounded by the loop
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		return answer.StatusCode
	}
	// The server hears of the new key the same way.
	until(t, func() bool { return status() == http.StatusOK })
	h.revoke(t, k)
	took := until(t, func() bool { return status() == http.StatusUnauthorized })
	t.Logf("refused %v after the command line had ended", took.Round(time.Millisecond))
	if took > 2*time.Second {
		t.Errorf("refused after %v, promised within 2 s", took)
	}
}

// until asks again and again, and says how long it took to come true.
func until(t *testing.T, happened func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !happened() {
		if time.Since(began) > 20*time.Second {
			t.Fatal("it did not happen")
		}
		<-tick.C
	}
	return time.Since(began)
}

// pages looks at what the demo shows to people: letters, and codes for those who have no phone at hand.
func (h *hall) pages(t *testing.T) {
	get := func(path string) (int, string) {
		answer, err := http.Get(h.Mail + path) //nolint:noctx // loopback
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = answer.Body.Close() }()
		raw, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, string(raw)
	}
	// Letters leave by the outbox, a moment after the demo is ready.
	until(t, func() bool {
		_, list := get("/")
		return strings.Contains(list, "Welcome to Sallyport") && strings.Contains(list, h.Users[0].Email)
	})
	if status, letter := get("/messages/1/letter"); status != http.StatusOK || !strings.HasPrefix(letter, "<!doctype html>") {
		t.Errorf("letter 1: %d %s", status, letter)
	}
	if status, page := get("/messages/1"); status != http.StatusOK || !strings.Contains(page, `src="/messages/1/letter"`) {
		t.Errorf("page of letter 1: %d %s", status, page)
	}
	if status, page := get("/messages/999"); status != http.StatusNotFound || !strings.Contains(page, "No such mail") {
		t.Errorf("a letter that is not there: %d %s", status, page)
	}
	until(t, func() bool { // a try that the clock did not turn a step under
		before := authtest.CodeAt(h.Users[0].TOTPSecret, time.Now())
		_, page := get("/codes")
		return strings.Contains(page, before)
	})
}
