package sign

import (
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
)

// HMAC by hand, as RFC 2104 §2 writes it: crypto/hmac keeps its two hash states on the heap, and the gateway verifies a MAC on every
// request. crypto/hmac and Wycheproof are the oracles in the tests.
//
// Both functions work on the message in buf[room:]; the first room bytes of buf are scratch for the inner pad, cleared afterwards.

const (
	room256 = sha256.BlockSize
	room512 = sha512.BlockSize
)

var innerPad, outerPad = padOf(0x36), padOf(0x5c)

// padOf is as long as the longer block; the shorter one uses its beginning.
func padOf(b byte) (pad [room512]byte) {
	for i := range pad {
		pad[i] = b
	}
	return pad
}

func hmacSHA256(key, buf []byte) [sha256.Size]byte {
	var block [room256]byte
	if len(key) > room256 {
		short := sha256.Sum256(key)
		copy(block[:], short[:])
	} else {
		copy(block[:], key)
	}
	subtle.XORBytes(buf, block[:], innerPad[:])
	inner := sha256.Sum256(buf)
	clear(buf[:room256])

	var outer [room256 + sha256.Size]byte
	subtle.XORBytes(outer[:], block[:], outerPad[:])
	copy(outer[room256:], inner[:])
	return sha256.Sum256(outer[:])
}

func hmacSHA512(key, buf []byte) [sha512.Size]byte {
	var block [room512]byte
	if len(key) > room512 {
		short := sha512.Sum512(key)
		copy(block[:], short[:])
	} else {
		copy(block[:], key)
	}
	subtle.XORBytes(buf, block[:], innerPad[:])
	inner := sha512.Sum512(buf)
	clear(buf[:room512])

	var outer [room512 + sha512.Size]byte
	subtle.XORBytes(outer[:], block[:], outerPad[:])
	copy(outer[room512:], inner[:])
	return sha512.Sum512(outer[:])
}
