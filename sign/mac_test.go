package sign_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"hash"
	"io/fs"
	"testing"

	"github.com/c2sp/wycheproof"
	"pgregory.net/rapid"

	"github.com/seed-21c57000/sallyport/sign"
)

func TestMACIsCryptoHMAC(t *testing.T) {
	for alg, newHash := range map[sign.Algorithm]func() hash.Hash{sign.HMACSHA256: sha256.New, sign.HMACSHA512: sha512.New} {
		rapid.Check(t, func(t *rapid.T) {
			// Around the block sizes, beyond which a key is hashed first.
			length := rapid.SampledFrom([]int{0, 1, 32, 63, 64, 65, 127, 128, 129, 300}).Draw(t, "length")
			key := rapid.SliceOfN(rapid.Byte(), length, length).Draw(t, "key")
			message := rapid.SliceOfN(rapid.Byte(), 0, 3000).Draw(t, "message")
			oracle := hmac.New(newHash, key)
			oracle.Write(message)
			if got := sign.MAC(alg, key, message); !bytes.Equal(got, oracle.Sum(nil)) {
				t.Fatalf("%v: %x", alg, got)
			}
		})
	}
}

type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

type wycheproofFile struct {
	NumberOfTests int `json:"numberOfTests"`
	TestGroups    []struct {
		TagSize   int `json:"tagSize"`
		PublicKey struct {
			PK hexBytes `json:"pk"`
		} `json:"publicKey"`
		Tests []struct {
			ID      int      `json:"tcId"`
			Comment string   `json:"comment"`
			Key     hexBytes `json:"key"`
			Msg     hexBytes `json:"msg"`
			Tag     hexBytes `json:"tag"`
			Sig     hexBytes `json:"sig"`
			Result  string   `json:"result"`
		} `json:"tests"`
	} `json:"testGroups"`
}

func readWycheproof(t *testing.T, name string) wycheproofFile {
	t.Helper()
	var file wycheproofFile
	if err := json.Unmarshal(must(fs.ReadFile(wycheproof.TestVectors, name)), &file); err != nil {
		t.Fatal(err)
	}
	return file
}

// A tag is 256 bits here. Those that Wycheproof cuts to 128 must be refused, and their full MAC must begin with them.
func TestWycheproofHMAC(t *testing.T) {
	file := readWycheproof(t, "hmac_sha256_test.json")
	run := 0
	for _, group := range file.TestGroups {
		for _, c := range group.Tests {
			run++
			valid := c.Result == "valid"
			if got := sign.Holds(sign.HMACSHA256, c.Key, c.Msg, c.Tag); got != (valid && group.TagSize == 256) {
				t.Errorf("test %d (%s): %v", c.ID, c.Comment, got)
			}
			full := sign.MAC(sign.HMACSHA256, c.Key, c.Msg)
			if got := bytes.Equal(full[:group.TagSize/8], c.Tag); got != valid {
				t.Errorf("test %d (%s): prefix %v", c.ID, c.Comment, got)
			}
		}
	}
	if run != file.NumberOfTests || run < 170 {
		t.Errorf("%d tests ran of %d", run, file.NumberOfTests)
	}
}

func TestWycheproofEd25519(t *testing.T) {
	file := readWycheproof(t, "ed25519_test.json")
	run := 0
	for _, group := range file.TestGroups {
		for _, c := range group.Tests {
			run++
			if got := sign.Holds(sign.Ed25519, group.PublicKey.PK, c.Msg, c.Sig); got != (c.Result == "valid") {
				t.Errorf("test %d (%s): %v", c.ID, c.Comment, got)
			}
		}
	}
	if run != file.NumberOfTests || run < 150 {
		t.Errorf("%d tests ran of %d", run, file.NumberOfTests)
	}
}
