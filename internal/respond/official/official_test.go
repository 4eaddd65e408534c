package official_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/respond/official"
)

var places = official.Places{
	Origins: []official.Origin{
		{At: "https://gate.exchange.example", For: official.Dashboard},
		{At: "https://confirm.exchange.example:8443", For: official.Confirmations},
		{At: "http://localhost:8080", For: official.Programs},
	},
	Senders: []string{"gate@exchange.example"},
}

func TestJudge(t *testing.T) {
	type reasons = []official.Why
	tests := map[string]struct {
		ours bool
		want reasons
	}{
		"https://gate.exchange.example":                       {true, reasons{official.OurHost}},
		"https://GATE.exchange.example./not-me/x?a=b#c":       {true, reasons{official.OurHost}},
		" gate.exchange.example/messages ":                    {true, reasons{official.OurHost}},
		"https://gate.exchange.example:443/":                  {true, reasons{official.OurHost}},
		"https://confirm.exchange.example:8443/c/x":           {true, reasons{official.OurHost}},
		"http://localhost:8080/":                              {true, reasons{official.OurHost}},
		"gate@exchange.example":                               {true, reasons{official.OurSender}},
		"Sallyport <GATE@exchange.example>":                   {true, reasons{official.OurSender}},
		"mailto:gate@exchange.example":                        {true, reasons{official.OurSender}},
		"http://gate.exchange.example/":                       {false, reasons{official.NotSecure}},
		"https://gate.exchange.example:8443/":                 {false, reasons{official.OtherPort}},
		"https://confirm.exchange.example/":                   {false, reasons{official.OtherPort}},
		"https://evil.test/gate.exchange.example/sign-in":     {false, reasons{official.OtherHost, official.OurNameElsewhere}},
		"https://gate.exchange.example.evil.test/":            {false, reasons{official.OtherHost, official.OurNameElsewhere}},
		"https://gate-exchange-example.evil.test/":            {false, reasons{official.OtherHost, official.OurNameElsewhere}},
		"https://evil.test/?to=https://gate.exchange.example": {false, reasons{official.OtherHost, official.OurNameElsewhere}},
		"https://gate.exchange.example@evil.test/":            {false, reasons{official.BeforeAt, official.OtherHost, official.OurNameElsewhere}},
		"https://evil.test@gate.exchange.example/":            {false, reasons{official.BeforeAt}},
		"https://gate.exchang3.example/":                      {false, reasons{official.OtherHost, official.Lookalike}},
		"https://gate.exchnge.example/":                       {false, reasons{official.OtherHost, official.Lookalike}},
		"https://gаte.exchange.example/":                      {false, reasons{official.OtherHost, official.OurNameElsewhere, official.Lookalike}}, // a Cyrillic а
		"https://exchange.example.test/":                      {false, reasons{official.OtherHost, official.OurNameElsewhere}},
		"https://203.0.113.9/":                                {false, reasons{official.Number, official.OtherHost}},
		"https://other.test/":                                 {false, reasons{official.OtherHost}},
		"javascript:alert(1)":                                 {false, reasons{official.NoWebAddress}},
		"data:text/html,x":                                    {false, reasons{official.NoWebAddress}},
		"ftp://gate.exchange.example/":                        {false, reasons{official.NoWebAddress}},
		"https:\\\\gate.exchange.example\\":                   {false, reasons{official.Unreadable}},
		"https://gate.exchange.example\u200b/":                {false, reasons{official.Unreadable}},
		"https://gate.exchange.example/ https://evil.test":    {false, reasons{official.Unreadable}},
		"":                                      {false, reasons{official.Unreadable}},
		"gate@exchange.example.evil.test":       {false, reasons{official.OurNameElsewhere, official.OtherSender}},
		"gate@exchnge.example":                  {false, reasons{official.Lookalike, official.OtherSender}},
		"gate@exchange.example <eve@evil.test>": {false, reasons{official.OtherSender}},
		"eve@evil.test":                         {false, reasons{official.OtherSender}},
	}
	for text, tt := range tests {
		t.Run(text, func(t *testing.T) {
			got := places.Judge(text)
			if diff := cmp.Diff(tt.want, got.Reasons); got.Ours != tt.ours || diff != "" {
				t.Errorf("ours %t at %q (-want +got):\n%s", got.Ours, got.Where, diff)
			}
		})
	}
}

// Whatever is called ours leads to one of our origins, or names one of our senders.
func FuzzJudge(f *testing.F) {
	for _, text := range []string{"https://gate.exchange.example/", "https://a@gate.exchange.example", "gate@exchange.example", "//gate.exchange.example", "https:gate.exchange.example"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := places.Judge(text)
		if len(got.Reasons) == 0 {
			t.Fatalf("%q: no reason", text)
		}
		hosts := []string{"gate.exchange.example", "confirm.exchange.example", "localhost", "gate@exchange.example"}
		if got.Ours && !slices.Contains(hosts, got.Where) {
			t.Fatalf("%q is called ours at %q", text, got.Where)
		}
	})
}
