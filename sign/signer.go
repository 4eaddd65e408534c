package sign

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Signer signs the requests of one key. Two requests never get the same nonce. It is safe for concurrent use and prints as the id
// of its key.
type Signer interface {
	// Headers gives the header lines that sign r, body included, as made at now. They replace lines of the same names. A dialect that puts
	// its time, nonce or signature among the parameters (Binance, Kraken) changes r.Target or gives r a new Body.
	// Refusals: those of CheckTarget, and what the verifier would refuse in the body.
	Headers(r *Request, now time.Time) (http.Header, error)
}

// Sign signs an outgoing request in place. body is what the request would carry; where the dialect adds to it or to the query, the
// request carries the longer one afterwards.
// Refusals: those of Signer.Headers.
func Sign(req *http.Request, body []byte, s Signer, now time.Time) error {
	r := Outgoing(req, body)
	target := r.Target
	h, err := s.Headers(&r, now)
	if err != nil {
		return err
	}
	if req.Header == nil {
		req.Header = make(http.Header, len(h))
	}
	maps.Copy(req.Header, h)
	if r.Target != target {
		_, req.URL.RawQuery = r.split()
	}
	if len(r.Body) != len(body) {
		req.ContentLength = int64(len(r.Body))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(r.Body)), nil }
		req.Body, _ = req.GetBody()
	}
	return nil
}

// NativeSigner signs in the native profile.
type NativeSigner struct {
	keyID   string
	private ed25519.PrivateKey // one of the two is there
	secret  []byte
}

// NewEd25519Signer takes a private key, as ParsePrivateKey reads it. Refusals: BadParameter, KeyUnreadable.
func NewEd25519Signer(keyID string, private ed25519.PrivateKey) (*NativeSigner, error) {
	if len(private) != ed25519.PrivateKeySize {
		return nil, refuse(KeyUnreadable, "")
	}
	if err := checkKeyID(keyID); err != nil {
		return nil, err
	}
	return &NativeSigner{keyID: keyID, private: slices.Clone(private)}, nil
}

// NewHMACSigner takes the secret as it was shown, prefix and checksum included: its ASCII bytes are the key, nothing is decoded.
// Refusals: BadParameter, KeyWeak.
func NewHMACSigner(keyID string, secret []byte) (*NativeSigner, error) {
	if len(secret) == 0 {
		return nil, refuse(KeyWeak, "empty secret")
	}
	if err := checkKeyID(keyID); err != nil {
		return nil, err
	}
	return &NativeSigner{keyID: keyID, secret: slices.Clone(secret)}, nil
}

// Format prints the id of the key and never its secret, whatever the verb.
func (n NativeSigner) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, n.keyID) }

// Headers gives Signature-Input, Signature and, with a body, Content-Digest.
func (n *NativeSigner) Headers(r *Request, now time.Time) (http.Header, error) {
	return n.headers(r, now, rand.Text())
}

func (n *NativeSigner) headers(r *Request, now time.Time, nonce string) (http.Header, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	list := `("@method" "@authority" "@path" "@query"`
	h := make(http.Header, 3)
	if len(r.Body) > 0 {
		h["Content-Digest"] = []string{contentDigestOf(r.Body)}
		list += ` "content-digest"`
	}
	params := list + `);created=` + strconv.FormatInt(now.Unix(), 10) + `;keyid="` + n.keyID + `";nonce="` + nonce + `";tag="` + nativeTag + `"`
	h["Signature-Input"] = []string{"sig1=" + params}

	s := Signature{Dialect: Native}
	if _, err := s.parseInput(h["Signature-Input"][0]); err != nil {
		return nil, err
	}
	signed := *r
	signed.Header = h
	h["Signature"] = []string{"sig1=:" + base64.StdEncoding.EncodeToString(n.sign(&s, &signed)) + ":"}
	return h, nil
}

func (n *NativeSigner) sign(s *Signature, r *Request) []byte {
	if n.private != nil {
		return ed25519.Sign(n.private, s.AppendBase(nil, r))
	}
	mac := hmacSHA256(n.secret, s.AppendBase(make([]byte, room256, room256+usualBase), r))
	return mac[:]
}

// newUUID is a random UUID (RFC 9562 §5.4), the nonce that the dialect asks for.
func newUUID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
