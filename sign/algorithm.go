package sign

// Algorithm is what makes a signature. A key is pinned to one; a request may claim one, and never selects one.
type Algorithm uint8

// The algorithms. The zero value is "none claimed" in a signature and is refused in a key.
const (
	// Ed25519 is RFC 8032 with a 32-byte public key.
	Ed25519 Algorithm = iota + 1
	// HMACSHA256 is RFC 2104 over SHA-256; the key bytes are the ASCII bytes of the secret as shown to its user.
	HMACSHA256
	// HMACSHA512 is RFC 2104 over SHA-512. Kraken's keys are pinned to it, their key bytes being the secret decoded from base64.
	HMACSHA512
	// HMACSHA2 is the pin of an Upbit key: HS256 or HS512, nothing else, over one secret.
	HMACSHA2
	// ES256 is ECDSA on P-256 over SHA-256 with the signature r‖s of 64 bytes (RFC 7518 §3.4) and a public key of 65 bytes (SEC 1 §2.3.3,
	// uncompressed).
	ES256
)

var algorithmNames = []string{
	Ed25519: "ed25519", HMACSHA256: "hmac-sha256", HMACSHA512: "hmac-sha512", HMACSHA2: "hmac-sha2", ES256: "ecdsa-p256-sha256",
}

// String is the algorithm's name (RFC 9421 §6.2.2 where it has one there); the zero value prints as nothing.
func (a Algorithm) String() string { return nameOf(algorithmNames, a) }

// ParseAlgorithm reads what String wrote. Errors: ErrUnknownName.
func ParseAlgorithm(s string) (Algorithm, error) { return valueOf[Algorithm](algorithmNames, s) }

// KeepsPublicHalf says whether a verifier holds the public half of such a key. Of the others it holds the secret.
func (a Algorithm) KeepsPublicHalf() bool { return a == Ed25519 || a == ES256 }

// permits says whether a key pinned to a takes a signature that claims the algorithm, or claims none.
func (a Algorithm) permits(claimed Algorithm) bool {
	return claimed == 0 || claimed == a || a == HMACSHA2 && (claimed == HMACSHA256 || claimed == HMACSHA512)
}

// nameOf looks a value up in the table of its names; a value that does not exist has none.
func nameOf[T ~uint8](names []string, v T) string {
	if int(v) < len(names) {
		return names[v]
	}
	return ""
}

// valueOf is the way back. The empty word names nothing.
func valueOf[T ~uint8](names []string, word string) (v T, err error) {
	for _, name := range names {
		if name == word && word != "" {
			return v, nil
		}
		v++
	}
	return 0, ErrUnknownName
}
