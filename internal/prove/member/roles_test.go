package member_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/httpx/route"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
)

// bodiesOfSettings maps operation → a body that an owner could send.
var bodiesOfSettings = map[string]string{
	"POST /v1/keys":                       `{"name":"bot","purpose":"tests","environment":"test","dialect":"native","algorithm":"hmac-sha256"}`,
	"POST /v1/keys/{key_id}/rotate":       `{"overlap_seconds":3600}`,
	"POST /v1/keys/{key_id}/extend":       `{"by_seconds":3600}`,
	"POST /v1/keys/{key_id}/transfer":     `{"to":"USER"}`,
	"POST /v1/keys/{key_id}/promote":      `{"possession":""}`,
	"PATCH /v1/keys/{key_id}":             `{"standby":true}`,
	"POST /v1/members/invitations":        `{"mail":"other@example.com","role":"viewer"}`,
	"PATCH /v1/members/{id}":              `{"role":"viewer"}`,
	"POST /v1/service-users":              `{"name":"Bots","purpose":"tests","role":"trader","sponsors":["USER","USER"]}`,
	"PUT /v1/service-users/{id}/sponsors": `{"sponsors":["USER","USER"]}`,
	"POST /v1/subaccounts":                `{"name":"Bots"}`,
	"PATCH /v1/subaccounts/{id}":          `{"name":"Bots"}`,
	"POST /v1/members/{id}/remove":        `{"freeze":true}`,
}

// What is for owners is refused to everybody else at every route that says so, about things that are there: no trader and no viewer is asked for a proof first.
func TestNobodyButOwnersChangesAnAccount(t *testing.T) {
	onBoth(t, func(d *desk) {
		owner := d.ada.Principal()
		key := d.IssueKeyTo(d.host.Account, owner.User, apikey.IssueInput{Scopes: trading})
		which, err := d.Members.Invite(d.t.Context(), d.host, "fay@example.com", principal.Viewer)
		d.none(err)
		for _, role := range []string{"trader", "viewer"} {
			b := d.over(d.joined(role+"@example.com", role))
			b.EnrolTOTP()
			for _, l := range route.Of("api") {
				if l.Scope != "setting" && l.Name() != "PATCH /v1/keys/{key_id}" && l.Name() != "POST /v1/members/{id}/remove" && l.Name() != "DELETE /v1/keys/{key_id}" {
					continue
				}
				target := strings.NewReplacer("{key_id}", key.Text(), "/invitations/{id}", "/invitations/"+which.String(), "/subaccounts/{id}", "/subaccounts/"+owner.Subaccount.String(), "{id}", owner.User.String()).Replace(l.Pattern)
				var body any
				if text, ok := bodiesOfSettings[l.Name()]; ok {
					body = raw(strings.ReplaceAll(text, "USER", owner.User.String()))
				}
				if got := b.Call(l.Method, target, body); got.Status != http.StatusForbidden || got.Code != fault.Forbidden {
					d.t.Errorf("a %s at %s: %d %s", role, l.Name(), got.Status, got.Text)
				}
			}
		}
	})
}

// raw is JSON as it is.
type raw string

// MarshalJSON gives the text.
func (r raw) MarshalJSON() ([]byte, error) { return []byte(r), nil }

// Who was only a member takes no name away: somebody who signs up under the name of the account that they are asked into, leaves it and is erased, would rename it.
func TestAnErasedMemberRenamesNobodysAccount(t *testing.T) {
	onBoth(t, func(d *desk) {
		ctx := d.t.Context()
		eve := d.joined("eve@example.com", "viewer").Principal()
		name := func() string {
			places, _, err := d.Members.Mine(ctx, d.ada.Principal())
			d.none(err)
			return places[0].AccountName
		}
		if was := name(); was != eve.Name {
			d.t.Fatalf("the account is called %q, and she %q", was, eve.Name)
		}
		d.none(d.Accounts.Disable(ctx, d.host, eve.User))
		d.none(d.Accounts.Erase(ctx, d.host, eve.User))
		if is := name(); is != eve.Name {
			d.t.Errorf("her erasure renamed it to %q", is)
		}
	})
}
