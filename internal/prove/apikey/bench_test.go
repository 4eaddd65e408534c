package apikey_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"github.com/seed-21c57000/sallyport/internal/decide/policy"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/scope"
	"github.com/seed-21c57000/sallyport/internal/kit/ratio"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/sign"
)

// A million keys at 600 bytes each leave no room for a field more: what one needs goes behind a pointer that most keys do not have. The bounds
// are the allocator's size classes.
func TestAKeyStaysSmall(t *testing.T) {
	if got := unsafe.Sizeof(apikey.Live{}); got > 288 {
		t.Errorf("a key takes %d bytes, not 288", got)
	}
	if got := unsafe.Sizeof(apikey.LiveMaterial{}); got > 48 {
		t.Errorf("a secret takes %d bytes, not 48", got)
	}
}

// BenchmarkIndex holds few and many keys in memory, and says what one costs there and how much longer it takes to find one among many.
func BenchmarkIndex(b *testing.B) {
	const few, many = 1_000, 1_000_000
	among := func(n int) (*apikey.Keys, float64) {
		before := heap()
		keys, err := apikey.New(b.Context(), apikey.Deps{
			Ledger: rows(n), Now: time.Now, ScopesOf: policy.ScopesOf,
			Limits: apikey.Limits{UnpinnedTradeLife: 720 * time.Hour},
		})
		if err != nil {
			b.Fatal(err)
		}
		return keys, float64(heap()-before) / float64(n)
	}
	small, _ := among(few)
	large, size := among(many)
	find := func(keys *apikey.Keys, n int) func() {
		at := 0
		return func() {
			at = (at + 7919) % n
			if keys.Find(numbered(at)) == nil {
				b.Fatal("not found")
			}
		}
	}
	ratio.Compare(b, ratio.Elapsed(), 10_000, ratio.Each("of-1000", find(small, few)), ratio.Each("of-1000000", find(large, many)))
	b.ReportMetric(size, "B/key")
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// numbered is the id of the nth key; ids are random but for their order.
func numbered(n int) id.Key {
	var k id.Key
	binary.BigEndian.PutUint64(k[:8], uint64(n)+1)
	binary.BigEndian.PutUint64(k[8:], (uint64(n)+1)*0x9e3779b97f4a7c15)
	return k
}

// rows is a table of that many HMAC keys with one address each.
type rows int

func (n rows) View(_ context.Context, view func(apikey.Tx) error) error { return view(page{n: int(n)}) }

func (rows) Update(context.Context, func(apikey.Tx) (audit.Event, error)) error { return nil }

type page struct {
	apikey.Tx
	n int
}

func (p page) KeyParts(context.Context, int) ([]id.Key, error) { return nil, nil }

func (p page) KeysByPage(_ context.Context, after, _ id.Key, limit int) (list []apikey.Key, _ error) {
	first := int(binary.BigEndian.Uint64(after[:8]))
	for i := first; i < min(first+limit, p.n); i++ {
		name := fmt.Sprintf("market maker %d", i)
		list = append(list, apikey.Key{
			ID: numbered(i), OwnerName: "Ada " + name[13:], Name: name, Purpose: "quotes for " + name[13:], Environment: id.Live,
			Dialect: sign.Native, Algorithm: sign.HMACSHA256, Scopes: scope.ReadOnly, OwnerRole: principal.Owner,
			Allowlist: []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 32)},
			Born:      time.Unix(1_795_292_455, 0), ExpiresAt: time.Unix(1_895_292_455, 0),
		})
	}
	return list, nil
}

func (page) MaterialsBetween(_ context.Context, after, last id.Key) (map[id.Key][]apikey.Material, error) {
	of := map[id.Key][]apikey.Material{}
	for i := binary.BigEndian.Uint64(after[:8]); i < binary.BigEndian.Uint64(last[:8]); i++ {
		of[numbered(int(i))] = []apikey.Material{{Version: 1, Bytes: make([]byte, 4+12+id.SecretLength+16)}}
	}
	return of, nil
}
