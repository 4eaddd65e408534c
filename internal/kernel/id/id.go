// Package id owns the ids of everything Sallyport keeps: how they are made, written and read.
//
// An id is an address, never a secret: knowing one proves nothing. It is a UUIDv7 (RFC 9562 §5.7) whose time is the caller's
// clock, so that ids sort by birth and tests own time. As text it is a prefix that names the kind, then 26 characters of
// Crockford base32 in lower case; API keys have a form of their own, made for leak scanners (see key.go).
//
//	usr_ 01jk3v4m5n6p7q8r9s0t1v2w3x
//	└─┬┘ └───────────┬────────────┘
//	kind      16 bytes, base32
//
// Invariant: one id has exactly one text, and Parse accepts no other.
package id

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"strings"
	"time"
)

// ErrMalformed is the answer to any text that is not the one canonical form of an id of the wanted kind.
var ErrMalformed = errors.New("malformed id")

// Kind names what an id addresses. It is closed: only this package has kinds.
type Kind interface{ prefix() string }

// Of is the id of one thing of kind K. The zero value addresses nothing.
type Of[K Kind] [16]byte

// The kinds of things that have ids. Each is a type of its own, so that an account can never be handed where a user is wanted.
type (
	User       = Of[UserKind]
	Account    = Of[AccountKind]
	Subaccount = Of[SubaccountKind]
	Session    = Of[SessionKind]
	Device     = Of[DeviceKind]
	Passkey    = Of[PasskeyKind]
	SignUp     = Of[SignUpKind]
	StepUp     = Of[StepUpKind]
	Event      = Of[EventKind]
	Request    = Of[RequestKind]
	Key        = Of[KeyKind]
	Hold       = Of[HoldKind]
	// Confirmation is the user's own proof for one transaction.
	Confirmation = Of[ConfirmationKind]
	// Message is what a user was told.
	Message = Of[MessageKind]
	// ContactChange is a change of an address at which a user is reached.
	ContactChange = Of[ContactChangeKind]
	// Recovery is a way back into an account.
	Recovery = Of[RecoveryKind]
	// Case is work for reviewers.
	Case = Of[CaseKind]
)

// The kinds themselves, for New and Parse.
type (
	UserKind          struct{}
	AccountKind       struct{}
	SubaccountKind    struct{}
	SessionKind       struct{}
	DeviceKind        struct{}
	PasskeyKind       struct{}
	SignUpKind        struct{}
	StepUpKind        struct{}
	EventKind         struct{}
	RequestKind       struct{}
	KeyKind           struct{}
	HoldKind          struct{}
	ConfirmationKind  struct{}
	MessageKind       struct{}
	ContactChangeKind struct{}
	RecoveryKind      struct{}
	CaseKind          struct{}
)

func (UserKind) prefix() string          { return "usr_" }
func (AccountKind) prefix() string       { return "acc_" }
func (SubaccountKind) prefix() string    { return "sub_" }
func (SessionKind) prefix() string       { return "ses_" }
func (DeviceKind) prefix() string        { return "dev_" }
func (PasskeyKind) prefix() string       { return "pk_" }
func (SignUpKind) prefix() string        { return "sup_" }
func (StepUpKind) prefix() string        { return "stp_" }
func (EventKind) prefix() string         { return "evt_" }
func (RequestKind) prefix() string       { return "req_" }
func (KeyKind) prefix() string           { return "key_" }
func (HoldKind) prefix() string          { return "hld_" }
func (ConfirmationKind) prefix() string  { return "cnf_" }
func (MessageKind) prefix() string       { return "msg_" }
func (ContactChangeKind) prefix() string { return "cch_" }
func (RecoveryKind) prefix() string      { return "rcv_" }
func (CaseKind) prefix() string          { return "cas_" }

// base32 of 16 bytes is 26 characters whose last one carries only 3 bits; Parse refuses any other spelling of the same bytes.
var text = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

const (
	textLength = 26
	maxPrefix  = 4
)

// New makes an id born at now: 48 bits of Unix milliseconds, then 74 random bits (RFC 9562 §5.7).
func New[K Kind](now time.Time) Of[K] {
	var v Of[K]
	rand.Read(v[:])
	ms := uint64(now.UnixMilli())
	binary.BigEndian.PutUint16(v[0:2], uint16(ms>>32))
	binary.BigEndian.PutUint32(v[2:6], uint32(ms))
	v[6] = v[6]&0x0f | 0x70
	v[8] = v[8]&0x3f | 0x80
	return v
}

// FromBytes reads an id from its 16 bytes, as the store keeps it.
func FromBytes[K Kind](b []byte) (Of[K], error) {
	var v Of[K]
	if len(b) != len(v) {
		return v, ErrMalformed
	}
	copy(v[:], b)
	return v, nil
}

// Parse reads the canonical text of an id. Errors: ErrMalformed.
func Parse[K Kind](s string) (Of[K], error) {
	var v Of[K]
	var k K
	body, ok := strings.CutPrefix(s, k.prefix())
	if !ok || len(body) != textLength {
		return v, ErrMalformed
	}
	if _, err := text.Decode(v[:], []byte(body)); err != nil {
		return Of[K]{}, ErrMalformed
	}
	if v.String() != s {
		return Of[K]{}, ErrMalformed
	}
	return v, nil
}

// IsZero says whether the id addresses nothing.
func (v Of[K]) IsZero() bool { return v == Of[K]{} }

// Born is the time inside the id, in whole milliseconds.
func (v Of[K]) Born() time.Time {
	ms := int64(binary.BigEndian.Uint16(v[0:2]))<<32 | int64(binary.BigEndian.Uint32(v[2:6]))
	return time.UnixMilli(ms).UTC()
}

// String is the canonical text; the zero id prints as nothing.
func (v Of[K]) String() string {
	var room [maxPrefix + textLength]byte
	b, _ := v.AppendText(room[:0])
	return string(b)
}

// AppendText appends the canonical text. It never fails.
func (v Of[K]) AppendText(b []byte) ([]byte, error) {
	if v.IsZero() {
		return b, nil
	}
	var k K
	return text.AppendEncode(append(b, k.prefix()...), v[:]), nil
}

// MarshalText writes the canonical text.
func (v Of[K]) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads what MarshalText wrote; the empty text is the zero id.
func (v *Of[K]) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*v = Of[K]{}
		return nil
	}
	parsed, err := Parse[K](string(b))
	if err != nil {
		return err
	}
	*v = parsed
	return nil
}
