package sign

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"strings"
)

// CheckDigest compares a body with the lines of its Content-Digest header (RFC 9530 §2). At least one member must be sha-256 or
// sha-512; every one of these must match, so that one right digest cannot cover for a wrong one; others are ignored. A forward-auth
// door that gets no body verifies the signature over the header, and the backend calls this.
// Refusals: MissingHeader, TooLarge, Malformed, DigestUnknown, DigestMismatch.
func CheckDigest(lines []string, body []byte) error {
	if err := checkDigestLines(lines); err != nil {
		return err
	}
	return compareDigests(lines, body)
}

func compareDigests(lines []string, body []byte) error {
	return eachDigest(lines, func(name, encoded string) bool { return isDigest(name, encoded, body) })
}

// eachDigest asks about every digest that we know, and wants a yes each time and at least one of them.
func eachDigest(lines []string, matches func(name, encoded string) bool) error {
	known := false
	for _, line := range lines {
		for member := range strings.SplitSeq(line, ",") {
			name, encoded, ok := cutDigest(trimBlank(member))
			if !ok {
				return refuse(Malformed, "Content-Digest")
			}
			if name != "sha-256" && name != "sha-512" {
				continue
			}
			if !matches(name, encoded) {
				return refuse(DigestMismatch, name)
			}
			known = true
		}
	}
	if !known {
		return refuse(DigestUnknown, "")
	}
	return nil
}

// checkDigestLines bounds the header before it becomes part of a base. A line end in it could add lines of its own there; net/http
// lets none through, other makers of a Request might.
func checkDigestLines(lines []string) error {
	length := 2 * (len(lines) - 1)
	for _, line := range lines {
		length += len(line)
		for i := range len(line) {
			if !isLineByte[line[i]] {
				return refuse(Malformed, "Content-Digest")
			}
		}
	}
	switch {
	case len(lines) == 0:
		return refuse(MissingHeader, "Content-Digest")
	case length > maxDigest:
		return refuse(TooLarge, "Content-Digest")
	default:
		return nil
	}
}

var isLineByte = tableOf(func(c byte) bool { return c >= ' ' && c < 0x7f || c == '\t' })

// trimBlank takes spaces and tabs from both ends.
func trimBlank(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}

// cutDigest takes name=:base64: apart. RFC 9530 knows no other type of member, so a comma is never inside one.
func cutDigest(member string) (name, encoded string, ok bool) {
	f := field{text: member}
	if name = f.key(); name == "" || !f.accept('=') {
		return "", "", false
	}
	encoded, err := f.bytes()
	return name, encoded, err == nil && f.end() == nil
}

// isDigest compares texts: of the spellings that decode alike only the canonical one is equal.
func isDigest(name, encoded string, body []byte) bool {
	var text [88]byte // base64 of 64 bytes
	if name == "sha-256" {
		sum := sha256.Sum256(body)
		base64.StdEncoding.Encode(text[:], sum[:])
		return encoded == string(text[:base64.StdEncoding.EncodedLen(len(sum))])
	}
	sum := sha512.Sum512(body)
	base64.StdEncoding.Encode(text[:], sum[:])
	return encoded == string(text[:])
}

// contentDigestOf is the header's value that a signer sends.
func contentDigestOf(body []byte) string {
	sum := sha256.Sum256(body)
	return "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
}
