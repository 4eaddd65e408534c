package audit_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

var (
	key   = audit.NewKey(bytes.Repeat([]byte{7}, 32))
	other = audit.NewKey(bytes.Repeat([]byte{8}, 32))
	born  = time.Date(2026, 11, 21, 9, 30, 0, 123_456_000, time.UTC)
)

// The leaf and what is made of it, byte for byte: computed once by other means than the code, and never again.
func TestLeafBytes(t *testing.T) {
	leaf := audit.Leaf{At: time.UnixMicro(0x0102030405060708), Action: "key.created"}
	for i := range leaf.ID {
		leaf.ID[i] = byte(i)
	}
	leaf.Whose, leaf.Commitment = sha256.Sum256([]byte("whose")), sha256.Sum256([]byte("commitment"))
	want := "02" + "0102030405060708" + "000102030405060708090a0b0c0d0e0f" + "0b" + hex.EncodeToString([]byte("key.created")) +
		hex.EncodeToString(leaf.Whose[:]) + hex.EncodeToString(leaf.Commitment[:])
	if got := hex.EncodeToString(leaf.Bytes()); got != want {
		t.Errorf("leaf %s, want %s", got, want)
	}
	raw, err := hex.DecodeString("00" + want)
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.Sum256(raw)
	if leaf.Hash() != hash {
		t.Errorf("leaf hash %x", leaf.Hash())
	}
	if got := audit.Chain([32]byte{9}, leaf); got != sha256.Sum256(append(append([]byte{9}, make([]byte, 31)...), hash[:]...)) {
		t.Errorf("chain %x", got)
	}
}

// log is n events about one of two people, as the store would hand them over.
func log(n int) (list []audit.Told, head audit.Head) {
	people := []id.User{id.New[id.UserKind](born), id.New[id.UserKind](born), {}}
	for i := range n {
		e := audit.Told{Person: people[i%3], Account: id.New[id.AccountKind](born)}
		e.Seq, e.At, e.ID, e.Action = int64(i+1), born.Add(time.Duration(i)*time.Second), id.New[id.EventKind](born), audit.KeyCreated
		e.Commitment, e.Whose = sha256.Sum256([]byte{byte(i)}), key.Whose(e.ID, e.Person, e.Account)
		head.Chain = audit.Chain(head.Chain, e.Leaf)
		e.Chain, head.Seq, head.At = head.Chain, e.Seq, e.At
		list = append(list, e)
	}
	return list, key.Sign(head)
}

func verify(k audit.Key, list []audit.Told, head, kept audit.Head) (audit.Verdict, error) {
	v, err := audit.NewVerifier(k, kept)
	if err != nil {
		return audit.Verdict{}, err
	}
	for page := range slices.Chunk(list, 4) {
		if err := v.Next(page); err != nil {
			return audit.Verdict{}, err
		}
	}
	return v.End(head)
}

func TestVerifyFindsWhatWasDone(t *testing.T) {
	list, head := log(12)
	_, before := log(5)
	half := key.Sign(audit.Head{Seq: 6, Chain: list[5].Chain, At: list[5].At})
	tests := []struct {
		name string
		// at is where it breaks; 0 holds, -1 is an error without a place.
		at     int64
		tamper func(l []audit.Told, h *audit.Head) []audit.Told
		kept   audit.Head
		// strange verifies with the key of another installation.
		strange bool
	}{
		{name: "nothing"},
		{name: "a head kept on the way", kept: half},
		{name: "the very head kept", kept: head},
		{name: "another commitment", at: 4, tamper: func(l []audit.Told, _ *audit.Head) []audit.Told { l[3].Commitment[0] ^= 1; return l }},
		{name: "another action", at: 4, tamper: func(l []audit.Told, _ *audit.Head) []audit.Told { l[3].Action = audit.KeyRevoked; return l }},
		{name: "another person", at: 4, tamper: func(l []audit.Told, _ *audit.Head) []audit.Told { l[3].Person = l[4].Person; return l }},
		{name: "nobody instead", at: 4, tamper: func(l []audit.Told, _ *audit.Head) []audit.Told { l[3].Person = id.User{}; return l }},
		{name: "another account", at: 4, tamper: func(l []audit.Told, _ *audit.Head) []audit.Told { l[3].Account = l[4].Account; return l }},
		{name: "no account", at: 4, tamper: func(l []audit.Told, _ *audit.Head) []audit.Told { l[3].Account = id.Account{}; return l }},
		{name: "person and account exchanged", at: 4, tamper: func(l []audit.Told, _ *audit.Head) []audit.Told {
			l[3].Person, l[3].Account = id.User(l[3].Account), id.Account(l[3].Person)
			return l
		}},
		{name: "a readable half that does not open", at: 4, tamper: func(l []audit.Told, _ *audit.Head) []audit.Told { l[3].Broken = audit.ErrCommitment; return l }},
		{name: "a key that is gone", at: 2, tamper: func(l []audit.Told, _ *audit.Head) []audit.Told { l[4].Erased, l[1].Erased = true, true; return l }},
		{name: "one taken out", at: 4, tamper: func(l []audit.Told, _ *audit.Head) []audit.Told { return slices.Delete(l, 3, 4) }},
		{name: "the end cut off", at: 12, tamper: func(l []audit.Told, _ *audit.Head) []audit.Told { return l[:11] }},
		{name: "the end cut off with its head", at: 11, tamper: func(l []audit.Told, h *audit.Head) []audit.Told {
			h.Seq, h.Chain, h.At = 11, l[10].Chain, l[10].At
			return l[:11]
		}},
		{name: "another time of the head", at: 12, tamper: func(l []audit.Told, h *audit.Head) []audit.Told { h.At = h.At.Add(time.Microsecond); return l }},
		{name: "all of it written by somebody without the key", at: 1, strange: true},
		{name: "all of it taken away", at: 0, tamper: func(_ []audit.Told, h *audit.Head) []audit.Told { *h = key.Sign(audit.Head{}); return nil }},
		{name: "all of it taken away, without the key", at: -1, tamper: func(_ []audit.Told, h *audit.Head) []audit.Told { *h = audit.Head{}; return nil }},
		{name: "shorter than the head that was kept", at: 12, kept: head, tamper: func(l []audit.Told, h *audit.Head) []audit.Told {
			*h = key.Sign(audit.Head{Seq: 11, Chain: l[10].Chain, At: l[10].At})
			return l[:11]
		}},
		{name: "another log than the head that was kept", at: 5, kept: before},
		{name: "a kept head that nobody signed", at: -1, kept: audit.Head{Seq: 1}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l, h, k := slices.Clone(list), head, key
			if test.tamper != nil {
				l = test.tamper(l, &h)
			}
			if test.strange {
				k = other
			}
			got, err := verify(k, l, h, test.kept)
			broken, placed := errors.AsType[*audit.BrokenError](err)
			switch {
			case test.at == 0 && (err != nil || got.Events != int64(len(l)) || got.Head != h):
				t.Errorf("%+v, %v", got, err)
			case test.at > 0 && (!placed || broken.Seq != test.at):
				t.Errorf("%v, want the place %d", err, test.at)
			case test.at < 0 && err == nil:
				t.Error("it holds")
			}
		})
	}
}

func TestErasureIsToldApart(t *testing.T) {
	list, head := log(6)
	last := audit.Told{Readable: audit.Readable{Facts: map[string]string{audit.ErasedUser: list[0].Person.String()}}}
	last.Seq, last.At, last.ID, last.Action = 7, born, id.New[id.EventKind](born), audit.UserErased
	last.Whose = key.Whose(last.ID, id.User{}, id.Account{})
	last.Chain = audit.Chain(head.Chain, last.Leaf)
	head = key.Sign(audit.Head{Seq: 7, Chain: last.Chain, At: born})
	list[0].Erased, list[3].Erased = true, true // both of the first person
	got, err := verify(key, append(list, last), head, audit.Head{})
	if err != nil || got.Events != 7 || got.Erased != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	list[1].Erased = true // of somebody of whom the log says nothing
	if _, err := verify(key, append(list, last), head, audit.Head{}); err == nil {
		t.Error("a key that is gone for no reason is no fault")
	}
}

// Leaves do not say which of them are about the same person.
func TestWhoseDiffersByEvent(t *testing.T) {
	person, account := id.New[id.UserKind](born), id.New[id.AccountKind](born)
	seen := map[[32]byte]bool{}
	for range 10 {
		event := id.New[id.EventKind](born)
		seen[key.Whose(event, person, account)] = true
		seen[key.Whose(event, person, id.Account{})] = true
		seen[key.Whose(event, id.User{}, id.Account(person))] = true
	}
	if len(seen) != 30 {
		t.Errorf("%d different commitments, want 30", len(seen))
	}
}

func TestHeadOnOneLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := audit.Head{Seq: rapid.Int64Range(0, 1<<40).Draw(t, "seq"), At: time.UnixMicro(rapid.Int64Range(0, 4e15).Draw(t, "at")).UTC()}
		copy(h.Chain[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "chain"))
		h = key.Sign(h)
		got, err := audit.ParseHead(" " + h.String() + "\n")
		if err != nil || got != h || !key.Signed(got) || other.Signed(got) {
			t.Fatalf("%v became %v, %v", h, got, err)
		}
	})
	_, head := log(1)
	line := head.String()
	for _, bad := range []string{
		"", "x", strings.ToUpper(line), line + " x", strings.Replace(line, " 1 ", " 01 ", 1), strings.Replace(line, " 1 ", " +1 ", 1), line[:len(line)-2],
		strings.Replace(line, ".123456Z", ".1234567Z", 1), strings.Replace(line, "Z ", "+00:00 ", 1),
	} {
		if got, err := audit.ParseHead(bad); err == nil {
			t.Errorf("%q is read as %v", bad, got)
		}
	}
}

// Blinding twice says two different things; what was blinded is read back, and with one bit changed is not.
func TestBlind(t *testing.T) {
	e := audit.Event{Action: audit.KeyCreated, Actor: principal.Host("ada"), Facts: map[string]string{"name": "grid"}}
	salted, commitment, err := audit.Blind(e.Readable())
	if err != nil {
		t.Fatal(err)
	}
	_, again, err := audit.Blind(e.Readable())
	if err != nil || again == commitment {
		t.Errorf("the same text has the same commitment, %v", err)
	}
	got, err := audit.Unblind(salted, commitment)
	if err != nil || got.Name != "ada" || got.Facts["name"] != "grid" {
		t.Errorf("%+v, %v", got, err)
	}
	for i := range salted {
		spoilt := slices.Clone(salted)
		spoilt[i] ^= 1
		if _, err := audit.Unblind(spoilt, commitment); !errors.Is(err, audit.ErrCommitment) {
			t.Errorf("byte %d changed: %v", i, err)
		}
	}
}
