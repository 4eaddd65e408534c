package sign_test

import (
	"slices"
	"testing"

	"github.com/seed-21c57000/sallyport/sign"
)

// Each single-byte change, loss or addition in anything that is covered or carries the signature is refused.
func TestNativeMutations(t *testing.T) {
	for name, c := range map[string]struct {
		signer sign.Signer
		key    sign.Key
		bytes  []byte // what a byte is changed to
	}{
		"HMAC":    {hmacSigner(), hmacKey, allBytes()},
		"Ed25519": {edSigner(), edKey, []byte{0, ' ', '"', 'a', '/', '=', 0x80}},
	} {
		t.Run(name, func(t *testing.T) {
			r := with(order(), c.signer, clock)
			tried := 0
			try := func(part string, set func(*sign.Request, string), text string) {
				for _, changed := range mutations(text, c.bytes) {
					tried++
					m := r
					m.Header = r.Header.Clone()
					set(&m, changed)
					if part == "authority" && sign.CanonicalAuthority(changed) == r.Authority {
						continue // case and default port are spellings of one authority
					}
					if err := verify(&m, c.key, sign.Settings{}, clock); err == nil {
						t.Fatalf("%s %q is accepted", part, changed)
					}
				}
			}
			try("method", func(m *sign.Request, s string) { m.Method = s }, r.Method)
			try("authority", func(m *sign.Request, s string) { m.Authority = s }, r.Authority)
			try("target", func(m *sign.Request, s string) { m.Target = s }, r.Target)
			try("body", func(m *sign.Request, s string) { m.Body = []byte(s) }, string(r.Body))
			for _, header := range []string{"Content-Digest", "Signature-Input", "Signature"} {
				try(header, func(m *sign.Request, s string) { m.Header[header] = []string{s} }, r.Header.Get(header))
			}
			if tried < 1000 {
				t.Errorf("only %d mutations", tried)
			}
		})
	}
}

func allBytes() []byte {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	return all
}

// mutations gives every text that differs from s in one byte: changed to one of the given, lost, doubled, or swapped with the next.
func mutations(s string, bytes []byte) []string {
	var all []string
	for i := range len(s) {
		for _, c := range bytes {
			all = append(all, replaced(s, i, c))
		}
		all = append(all, s[:i]+s[i+1:], s[:i+1]+s[i:])
		if i > 0 {
			all = append(all, s[:i-1]+s[i:i+1]+s[i-1:i]+s[i+1:])
		}
	}
	return slices.DeleteFunc(all, func(changed string) bool { return changed == s })
}
