package sign

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"math/big"
	"slices"
)

// CheckPublicKey refuses an Ed25519 public key that crypto/ed25519 would take and nobody should register: one that is not 32 bytes,
// not the canonical encoding of a point on the curve (RFC 8032 §5.1.3), or of small order. Under a key of small order one signature
// can hold for many messages, so it proves nothing. It costs some 50 µs and belongs to the creation of a key, not to requests.
// Refusals: KeyWeak.
func CheckPublicKey(key []byte) error {
	if len(key) != ed25519.PublicKeySize {
		return refuse(KeyWeak, "length")
	}
	encoded := slices.Clone(key)
	slices.Reverse(encoded)
	negative := encoded[0]&0x80 != 0
	encoded[0] &= 0x7f
	y := new(big.Int).SetBytes(encoded)
	if y.Cmp(curve.p) >= 0 {
		return refuse(KeyWeak, "not canonical")
	}
	x := curve.solve(y)
	switch {
	case x == nil:
		return refuse(KeyWeak, "not on the curve")
	case x.Sign() == 0 && negative:
		return refuse(KeyWeak, "not canonical")
	case slices.ContainsFunc(curve.smallOrder, func(small *big.Int) bool { return small.Cmp(y) == 0 }):
		return refuse(KeyWeak, "small order")
	default:
		return nil
	}
}

// edwards25519 is the curve -x² + y² = 1 + d·x²·y² over the integers modulo p (RFC 8032 §5.1).
type edwards25519 struct {
	p, d *big.Int
	// smallOrder are the y of the eight points whose eightfold is the neutral one: of order 1, 2, 4 (one y) and 8 (two).
	smallOrder []*big.Int
}

var curve = func() edwards25519 {
	one := big.NewInt(1)
	p := new(big.Int).Sub(new(big.Int).Lsh(one, 255), big.NewInt(19))
	d := new(big.Int).ModInverse(big.NewInt(121666), p)
	d.Mod(d.Mul(d, big.NewInt(-121665)), p)
	order8, _ := new(big.Int).SetString("7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7", 16)
	return edwards25519{p: p, d: d, smallOrder: []*big.Int{
		one, new(big.Int).Sub(p, one), new(big.Int), order8, new(big.Int).Sub(p, order8),
	}}
}()

// solve gives an x of the point with this y, or nil when there is none: x² = (y² - 1) / (d·y² + 1).
func (c edwards25519) solve(y *big.Int) *big.Int {
	one := big.NewInt(1)
	square := new(big.Int).Mul(y, y)
	under := new(big.Int).Mul(c.d, square)
	under.Mod(under.Add(under, one), c.p) // never 0, because -1/d is not a square
	x := new(big.Int).Mul(square.Sub(square, one), under.ModInverse(under, c.p))
	return x.ModSqrt(x.Mod(x, c.p), c.p)
}

// PublicHalf is what Key.Material holds of the public half of a private key that PrivateKeyFor reads.
// Refusals: KeyOtherKind.
func PublicHalf(private crypto.Signer) ([]byte, error) {
	switch public := private.Public().(type) {
	case ed25519.PublicKey:
		return public, nil
	case *ecdsa.PublicKey:
		if public.Curve == elliptic.P256() {
			return public.Bytes()
		}
	}
	return nil, refuse(KeyOtherKind, "")
}
