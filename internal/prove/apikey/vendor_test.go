package apikey_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/kernel/txn"
	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/store"
	"github.com/seed-21c57000/sallyport/sign"
)

var (
	money  = []string{"balances:read", "withdrawals:write"}
	places = []string{"203.0.113.0/24"}
)

// A key that a vendor is given is never made able to withdraw, in whatever order it is asked for, and does not even if a row says so.
func TestVendorsDoNotWithdraw(t *testing.T) {
	l := newLife(t, authtest.Options{})
	to := *destinations(t, "BTC BTC bc1qexample")
	vendor, nobody, look := "Kimchi Bots", "", []string{"balances:read"}
	in := apikey.IssueInput{
		Account: l.owner.Account, Owner: l.owner.User, Name: "n", Purpose: "p", Environment: id.Test, Dialect: sign.Native, Algorithm: sign.HMACSHA256,
		Scopes: money, Allowlist: places, Vendor: vendor,
	}
	if _, err := l.APIKeys.Issue(t.Context(), host, in); codeOf(err) != fault.KeyVendorNoWithdraw {
		t.Errorf("made so: %v", err)
	}
	given, own := l.issue(apikey.IssueInput{Vendor: vendor}), l.issue(apikey.IssueInput{Scopes: money})
	for _, row := range []struct {
		name string
		key  authtest.Key
		in   apikey.EditInput
		want fault.Code
	}{
		{"a vendor's key that shall withdraw", given, apikey.EditInput{Scopes: &money, Allowlist: &places, Destinations: &to}, fault.KeyVendorNoWithdraw},
		{"a key that withdraws for a vendor", own, apikey.EditInput{Vendor: &vendor}, fault.KeyVendorNoWithdraw},
		{"both at once", given, apikey.EditInput{Vendor: &nobody, Scopes: &money, Allowlist: &places, Destinations: &to}, fault.KeyVendorSecret},
		{"without the money", own, apikey.EditInput{Vendor: &vendor, Scopes: &look}, ""},
	} {
		if err := l.edit(row.key, row.in); codeOf(err) != row.want {
			t.Errorf("%s: %v, want %q", row.name, err, row.want)
		}
	}
	if key := l.KeyNow(given.ID); !key.Matches("kimchi") {
		t.Error("a search does not find it by its vendor")
	}

	planted := l.issue(apikey.IssueInput{Scopes: money})
	err := store.Of[apikey.Tx](l.Store).Update(t.Context(), func(tx apikey.Tx) (audit.Event, error) {
		key := l.KeyNow(planted.ID)
		key.Vendor = vendor
		_, err := tx.ChangeKey(context.WithoutCancel(t.Context()), key)
		tx.Announce(txn.Change{Subject: txn.SubjectKey, ID: key.ID})
		return audit.Quiet(audit.KeyUsed), err
	})
	if err != nil {
		t.Fatal(err)
	}
	if l.APIKeys.Find(planted.ID).ScopesAt(l.clock.Now()).Has(scope.WithdrawalsWrite) {
		t.Error("a row that has both withdraws")
	}
}

// A key does not change hands without a proof: from one vendor to another no more than out of a vendor's.
func TestAKeyGoesToAnotherVendorWithAProof(t *testing.T) {
	l := newLife(t, authtest.Options{})
	first, other, own := "Kimchi Bots", "Bibimbap Bots", l.issue(apikey.IssueInput{})
	edit := func(vendor string) fault.Code {
		_, err := l.APIKeys.Edit(t.Context(), l.owner, apikey.EditInput{Key: own.ID, Vendor: &vendor})
		return codeOf(err)
	}
	if got := edit(first); got != "" {
		t.Errorf("the first vendor: %q", got)
	}
	if got := edit(first); got != "" {
		t.Errorf("the same again: %q", got)
	}
	if got := edit(other); got != fault.StepUpRequired && got != fault.AssuranceTooLow {
		t.Errorf("another vendor: %q", got)
	}
	if got := l.KeyNow(own.ID).Vendor; got != first {
		t.Errorf("it is %q's", got)
	}
	if err := l.edit(own, apikey.EditInput{Vendor: &other}); err != nil || l.KeyNow(own.ID).Vendor != other {
		t.Errorf("with a proof: %v", err)
	}
}

// To take the mark away asks for a proof and takes nothing out of the vendor's hands: no secret that they had, or made themselves, withdraws.
func TestASecretThatAVendorHadNeverWithdraws(t *testing.T) {
	l := newLife(t, authtest.Options{})
	l.clock.Advance(3 * time.Second)
	nobody, to := "", *destinations(t, "BTC BTC bc1qexample")
	key := l.issue(apikey.IssueInput{Vendor: "Kimchi Bots", Algorithm: sign.HMACSHA256})
	_, err := l.APIKeys.Edit(t.Context(), l.owner, apikey.EditInput{Key: key.ID, Vendor: &nobody})
	if code := codeOf(err); code != fault.StepUpRequired && code != fault.AssuranceTooLow {
		t.Errorf("the mark is taken away without a proof: %v", err)
	}
	withdraw := func() fault.Code {
		return codeOf(l.edit(key, apikey.EditInput{Scopes: &money, Allowlist: &places, Destinations: &to}))
	}
	if err := l.edit(key, apikey.EditInput{Vendor: &nobody}); err != nil {
		t.Fatal(err)
	}
	if got := withdraw(); got != fault.KeyVendorSecret {
		t.Errorf("with the vendor's secret: %q", got)
	}
	// The vendor gives itself the next one.
	if got := l.Browser("203.0.113.7").Do(l.Signed(key, http.MethodPost, "localhost:8080", "/v1/keys/self/rotate", `{"overlap_seconds":60}`)); got.Status != http.StatusOK {
		t.Fatalf("%d %s", got.Status, got.Text)
	}
	l.clock.Advance(2 * time.Minute)
	if got := withdraw(); got != fault.KeyVendorSecret {
		t.Errorf("with a secret that the vendor made: %q", got)
	}
	if _, err := l.APIKeys.Rotate(t.Context(), host, apikey.RotateInput{Key: key.ID, Overlap: time.Hour}); err != nil {
		t.Fatal(err)
	}
	if got := withdraw(); got != fault.KeyVendorSecret {
		t.Errorf("while the vendor's secret goes on: %q", got)
	}
	l.clock.Advance(time.Hour)
	if got := withdraw(); got != "" {
		t.Errorf("with a secret that only the owner saw: %q", got)
	}
}
