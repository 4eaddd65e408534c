package sign

import (
	"crypto/sha256"
	"crypto/sha512"
)

// HMAC by hand, as RFC 2104 §2 writes it: crypto/hmac keeps its two hash states on the heap, and the gateway verifies a MAC on every
// request. crypto/hmac and Wycheproof are the oracles in the tests.
//
// Both functions work on the message in buf[room:]; the first room bytes of buf are scratch for the inner pad, cleared afterwards.

const (
	room256 = sha256.BlockSize
	room512 = sha512.BlockSize

	innerPad = 0x36
	outerPad = 0x5c
)

func hmacSHA256(key, buf []byte) [sha256.Size]byte {
	var block [room256]byte
	if len(key) > room256 {
		short := sha256.Sum256(key)
		copy(block[:], short[:])
	} else {
		copy(block[:], key)
	}
	for i, k := range block {
		buf[i] = k ^ innerPad
	}
	inner := sha256.Sum256(buf)
	clear(buf[:room256])

	var outer [room256 + sha256.Size]byte
	for i, k := range block {
		outer[i] = k ^ outerPad
	}
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
	for i, k := range block {
		buf[i] = k ^ innerPad
	}
	inner := sha512.Sum512(buf)
	clear(buf[:room512])

	var outer [room512 + sha512.Size]byte
	for i, k := range block {
		outer[i] = k ^ outerPad
	}
	copy(outer[room512:], inner[:])
	return sha512.Sum512(outer[:])
}
