package audit

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
)

// Key is the log's own: its commitments and MACs are HMAC-SHA-256 under it (RFC 2104). It lies sealed in the database and opens with the key
// file alone. It is never rotated, because the whole log is checked with it.
type Key struct{ bytes secret.Value }

// NewKey takes 32 bytes.
func NewKey(b []byte) Key { return Key{secret.New("key of the audit log", b)} }

// mac binds what it is for and every part with its length, so that no two lists of parts are the same bytes.
func (k Key) mac(purpose string, parts ...[]byte) [32]byte {
	mac := hmac.New(sha256.New, k.bytes.Reveal())
	for _, part := range append([][]byte{[]byte(purpose)}, parts...) {
		mac.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part))))
		mac.Write(part)
	}
	return [32]byte(mac.Sum(nil))
}

// Whose commits to the person and the account of an event. The event's id makes it another one for each event, so that leaves alone do not say
// which of them are about the same person; it holds after an erasure as before.
func (k Key) Whose(event id.Event, person id.User, account id.Account) [32]byte {
	return k.mac("sallyport audit whose", event[:], maybe(person), maybe(account))
}

// maybe is no bytes for the zero id.
func maybe[K id.Kind](v id.Of[K]) []byte {
	if v.IsZero() {
		return nil
	}
	return v[:]
}

// Head is where a log ends.
type Head struct {
	// Seq is the number of events, Chain the chain value of the last, At its time. The empty log's are zero.
	Seq   int64
	Chain [32]byte
	At    time.Time
	MAC   [32]byte
}

// Sign gives the head its MAC.
func (k Key) Sign(h Head) Head {
	h.MAC = k.headMAC(h)
	return h
}

// Signed says whether the head was made by a holder of the key.
func (k Key) Signed(h Head) bool {
	want := k.headMAC(h)
	return hmac.Equal(want[:], h.MAC[:])
}

func (k Key) headMAC(h Head) [32]byte {
	var at int64
	if !h.At.IsZero() {
		at = h.At.UnixMicro()
	}
	return k.mac("sallyport audit head", binary.BigEndian.AppendUint64(nil, uint64(h.Seq)), h.Chain[:], binary.BigEndian.AppendUint64(nil, uint64(at)))
}

const headWord = "sallyport-audit-head"

// headTime keeps the microseconds that the MAC covers.
const headTime = "2006-01-02T15:04:05.000000Z"

// String is the head on one line, to be kept elsewhere: what it is, size, chain value, time and MAC.
func (h Head) String() string {
	return fmt.Sprintf("%s %d %x %s %x", headWord, h.Seq, h.Chain, h.At.UTC().Format(headTime), h.MAC)
}

var errHead = errors.New("this is no head as sallyport audit head prints it")

// ParseHead reads what String wrote, and nothing else.
func ParseHead(text string) (h Head, err error) {
	parts := strings.Fields(text)
	if len(parts) != 5 || parts[0] != headWord {
		return h, errHead
	}
	chain, badChain := hex.DecodeString(parts[2])
	mac, badMAC := hex.DecodeString(parts[4])
	seq, badSeq := strconv.ParseInt(parts[1], 10, 64)
	at, badTime := time.Parse(headTime, parts[3])
	if errors.Join(badChain, badMAC, badSeq, badTime) != nil || len(chain) != len(h.Chain) || len(mac) != len(h.MAC) {
		return h, errHead
	}
	h = Head{Seq: seq, Chain: [32]byte(chain), At: at, MAC: [32]byte(mac)}
	if h.String() != strings.Join(parts, " ") {
		return Head{}, errHead
	}
	return h, nil
}
