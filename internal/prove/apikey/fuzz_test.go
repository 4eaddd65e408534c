package apikey_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
)

// FuzzNetworks: an allowlist that is accepted has one entry a word, each a network without host bits that its own text names again, never an
// IPv6 dress of an IPv4 address, under which nobody would be found; and it lets in the addresses that were written.
func FuzzNetworks(f *testing.F) {
	f.Add("203.0.113.7")
	f.Add("203.0.113.9/24\n2001:db8::1/32")
	f.Add("::ffff:203.0.113.7")
	f.Add("::ffff:203.0.113.7/112")
	f.Add("fe80::1%eth0")
	f.Add(" 10.0.0.0/8 ")
	f.Add("0.0.0.0/0")
	f.Add("203.0.113.07")
	f.Fuzz(func(t *testing.T, text string) {
		words := strings.Split(text, "\n")
		list, err := apikey.Networks(words)
		if err != nil {
			if fault.CodeOf(err) != fault.RequestInvalid {
				t.Errorf("%q is refused with %v", words, err)
			}
			return
		}
		if len(list) != len(words) {
			t.Fatalf("%q gives %v", words, list)
		}
		for i, network := range list {
			if network != network.Masked() || network.Addr().Is4In6() || network.Addr().Zone() != "" {
				t.Errorf("%q gives %v", words[i], network)
			}
			again, err := apikey.Networks([]string{network.String()})
			if err != nil || again[0] != network {
				t.Errorf("%v is read again as %v, %v", network, again, err)
			}
			if addr, err := netip.ParseAddr(strings.TrimSpace(words[i])); err == nil && !network.Contains(addr.Unmap()) {
				t.Errorf("%q gives %v, which does not let it in", words[i], network)
			}
		}
	})
}

// FuzzDestination: what is read is written so that it is read again as the same, part by part: no address can come to stand where a memo was.
func FuzzDestination(f *testing.F) {
	f.Add("BTC BTC bc1qexample")
	f.Add("XRP XRP rExample 12345")
	f.Add("KRW - - 110-123")
	f.Add("BTC\u00a0BTC bc1qexample")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := apikey.ParseDestination(text)
		if err != nil {
			if fault.CodeOf(err) != fault.RequestInvalid {
				t.Errorf("%q is refused with %v", text, err)
			}
			return
		}
		if again, err := apikey.ParseDestination(d.String()); err != nil || again != d {
			t.Errorf("%q gives %+v, which is read again as %+v, %v", text, d, again, err)
		}
	})
}
