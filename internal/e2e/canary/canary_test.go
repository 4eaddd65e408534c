package canary_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/kit/program"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/sign"
)

func TestNoSecretIsLeftAnywhere(t *testing.T) {
	onBothEngines(t, func(w *world) {
		w.byPages("bob@example.com")
		keys := w.byJSON("ada@example.com")
		w.byGateway(keys)
		w.byEveryRoute()
		w.background()
		w.checkPlaces()

		// A server that has lost its database fails in ways of its own, and says why in its log.
		if err := w.Close(); err != nil {
			w.t.Fatal(err)
		}
		b := w.browser(home)
		b.SignIn("ada@example.com", w.secretText("password"), "")
		w.byGateway(keys)
		w.checkText("logs", w.said.bytes())
	})
}

// checkPlaces looks for every secret in every place, and for what must be there: a place that holds nothing proves nothing.
func (w *world) checkPlaces() {
	w.t.Helper()
	for place, text := range w.places() {
		w.checkText(place, text)
		if want, ok := marks[place]; ok && !strings.Contains(string(text), want) {
			w.t.Errorf("%s do not hold %q, so they were not looked through", place, want)
		}
	}
}

// marks are texts without a secret that each place must hold.
var marks = map[string]string{
	"logs": `"route":"POST /v1/sign-in"`, "letters": "Canary key", "metrics": `route="POST /v1/sign-in"`, "audit facts": "Canary key",
	"dump": "Canary of ada@example.com", "files": "Canary of ada@example.com",
}

func (w *world) checkText(place string, text []byte) {
	w.t.Helper()
	for name, at := range w.secrets.places(text) {
		w.t.Errorf("%s hold a secret (%s): %s", place, name, around(text, at))
	}
}

// around is what stands near a place of a text.
func around(text []byte, at int) string {
	return strconv.Quote(string(text[max(0, at-300):min(len(text), at+100)]))
}

// TestWhatIsPlantedOnPurposeIsFound plants a secret in each place by a way that writes it there, and looks with the same eyes.
func TestWhatIsPlantedOnPurposeIsFound(t *testing.T) {
	onBothEngines(t, func(w *world) {
		const secret = "canary-on-purpose"
		w.signUp(w.browser(home), "ada@example.com")
		u, memberships, err := w.Accounts.ByMail(w.t.Context(), "ada@example.com")
		if err != nil {
			w.t.Fatal(err)
		}
		// The name of a key is in its row, in the letter about it and in the facts of its event.
		if _, err := w.APIKeys.Issue(w.t.Context(), principal.Host("test"), apikey.IssueInput{
			Account: memberships[0].Account, Owner: u.ID, Name: secret, Purpose: "tests", Environment: id.Test, Dialect: sign.Native, Algorithm: sign.HMACSHA256,
		}); err != nil {
			w.t.Fatal(err)
		}
		w.background()
		w.log.Debug("a line of the log", "secret", secret)
		w.secrets.plant("on purpose", secret)
		places := w.places()
		delete(places, "metrics") // their labels come from tables, so nothing can be put there
		for place, text := range places {
			if _, counts := marks[place]; counts && !slices.Contains(w.secrets.find(text), "on purpose") {
				w.t.Errorf("%s: a secret that was put there is not found", place)
			}
		}
	})
}

// TestAnUpstreamThatIsDownGivesNothingAway: the gateway says in its log why, and in its answer that.
func TestAnUpstreamThatIsDownGivesNothingAway(t *testing.T) {
	w := newWorld(t, authtest.Options{Upstream: "http://" + program.FreeAddress(t)})
	for _, key := range w.byJSON("ada@example.com") {
		r := w.Signed(key, http.MethodGet, authtest.APIHost, "/v1/accounts?token="+w.secretText("query"), "")
		w.plantHeaders(r)
		if got := w.browser(home).Do(r); got.Status != http.StatusBadGateway {
			t.Errorf("%d %s", got.Status, got.Text)
		}
	}
	w.background()
	w.checkText("logs", w.said.bytes())
	if !strings.Contains(string(w.said.bytes()), "connection refused") {
		t.Error("the log does not say why the upstream did not answer")
	}
}
