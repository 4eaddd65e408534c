package published_test

import (
	"context"
	"errors"
	"maps"
	"net"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/mail/published"
)

// zone maps name → its TXT records.
type zone map[string][]string

func (z zone) LookupTXT(_ context.Context, name string) ([]string, error) {
	if name == "broken.example" {
		return nil, errors.New("no answer")
	}
	if list, ok := z[name]; ok {
		return list, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

var sender = published.Sender{Domain: "exchange.example", SigningDomain: "exchange.example", Selector: "gate", Record: "v=DKIM1; k=ed25519; p=AAAA"}

var good = zone{
	"exchange.example":                 {"google-site-verification=x", "v=spf1 include:relay.example -all"},
	"gate._domainkey.exchange.example": {"v=DKIM1; k=ed25519; p=AA AA"},
	"_dmarc.exchange.example":          {"v=DMARC1; p=reject; rua=mailto:a@exchange.example"},
}

// with is the good zone with other records at a name; none takes the name away.
func with(name string, records ...string) zone {
	z := maps.Clone(good)
	z[name] = records
	if len(records) == 0 {
		delete(z, name)
	}
	return z
}

func TestCheck(t *testing.T) {
	spf, key, dmarc := "exchange.example", "gate._domainkey.exchange.example", "_dmarc.exchange.example"
	strict := sender
	strict.SigningDomain = "mail.exchange.example"
	strictZone := with(dmarc, "v=DMARC1; p=reject; adkim=s")
	strictZone["gate._domainkey.mail.exchange.example"] = good[key]
	for name, tt := range map[string]struct {
		zone   zone
		sender published.Sender
		want   [3]bool // SPF, DKIM, DMARC
	}{
		"all in order":            {good, sender, [3]bool{true, true, true}},
		"nothing is published":    {zone{}, sender, [3]bool{}},
		"nobody answers":          {zone{}, published.Sender{Domain: "broken.example"}, [3]bool{}},
		"two SPF records":         {with(spf, "v=spf1 a -all", "v=spf1 mx -all"), sender, [3]bool{false, true, true}},
		"SPF that lets all send":  {with(spf, "v=spf1 a +all"), sender, [3]bool{false, true, true}},
		"SPF without an end":      {with(spf, "v=spf1 a"), sender, [3]bool{false, true, true}},
		"SPF that lets none send": {with(spf, "v=spf1 -all"), sender, [3]bool{false, true, true}},
		"SPF somewhere else":      {with(spf, "v=spf1 redirect=_spf.relay.example"), sender, [3]bool{true, true, true}},
		"softer SPF":              {with(spf, "v=spf1 mx ~all"), sender, [3]bool{true, true, true}},
		"no key":                  {with(key), sender, [3]bool{true, false, true}},
		"another key":             {with(key, "v=DKIM1; k=ed25519; p=BBBB"), sender, [3]bool{true, false, true}},
		"a revoked key":           {with(key, "v=DKIM1; p="), sender, [3]bool{true, false, true}},
		"a key under test":        {with(key, "v=DKIM1; t=y; p=AAAA"), sender, [3]bool{true, false, true}},
		"unsigned mails":          {good, published.Sender{Domain: "exchange.example"}, [3]bool{true, false, true}},
		"DMARC that does nothing": {with(dmarc, "v=DMARC1; p=none"), sender, [3]bool{true, true, false}},
		"DMARC for some":          {with(dmarc, "v=DMARC1; p=reject; pct=20"), sender, [3]bool{true, true, false}},
		"DMARC for exactly us":    {strictZone, strict, [3]bool{true, true, false}},
	} {
		t.Run(name, func(t *testing.T) {
			var got [3]bool
			for i, f := range published.Check(t.Context(), tt.zone, tt.sender) {
				got[i] = f.OK
				if f.OK != (f.Publish == "") || f.Says == "" {
					t.Errorf("%+v", f)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
