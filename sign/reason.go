package sign

import (
	"errors"
	"fmt"
)

// Reason names one way in which a request, its signature or a key is refused. The words are stable: owners look them up, and
// vectors carry them as their expected result.
type Reason string

// What is wrong with the request itself, whoever signed it and however.
const (
	// MethodRefused: the method is empty or holds anything but upper-case letters and hyphens.
	MethodRefused Reason = "method_refused"
	// AuthorityMalformed: the authority is empty or holds a byte that no host or port has.
	AuthorityMalformed Reason = "authority_malformed"
	// AuthorityDiffers: a Host line names another authority than the request (HTTP/2 allows both).
	AuthorityDiffers Reason = "authority_differs"
	// TargetForm: the target does not begin with a slash (absolute form, asterisk form, empty).
	TargetForm Reason = "target_form"
	// DotSegment: a path segment is "." or "..".
	DotSegment Reason = "dot_segment"
	// EmptySegment: the path holds "//".
	EmptySegment Reason = "empty_segment"
	// PathByte: the path holds a byte that RFC 3986 does not allow there, or a semicolon.
	PathByte Reason = "path_byte"
	// PathEscape: the path holds a percent escape that is broken, needless, or hides a byte with a meaning of its own.
	PathEscape Reason = "path_escape"
	// QueryByte: the query holds a control byte, a space, a byte ≥ 0x7f, "#", ";" or a broken percent escape.
	QueryByte Reason = "query_byte"
	// TooLarge: a part is longer than its bound.
	TooLarge Reason = "too_large"
)

// What is wrong with the signature's own fields.
const (
	// Unsigned: the request carries no signature of any dialect. It may carry another credential.
	Unsigned Reason = "unsigned"
	// TwoSchemes: the request carries credentials of two schemes.
	TwoSchemes Reason = "two_schemes"
	// TwoLines: a header that may stand once stands twice.
	TwoLines Reason = "two_lines"
	// TwoLabels: a signature header holds more than one member.
	TwoLabels Reason = "two_labels"
	// LabelDiffers: Signature and Signature-Input have different labels.
	LabelDiffers Reason = "label_differs"
	// MissingHeader: one of the two signature headers, or a covered header, is not there.
	MissingHeader Reason = "missing_header"
	// Malformed: the header is no structured field of the expected type.
	Malformed Reason = "malformed"
	// NonCanonical: readable, but not the one spelling that RFC 8941 §4.1 writes.
	NonCanonical Reason = "non_canonical"
	// UnknownComponent: a covered component outside the profile.
	UnknownComponent Reason = "unknown_component"
	// DuplicateComponent: a component is listed twice.
	DuplicateComponent Reason = "duplicate_component"
	// MissingComponent: a component that must be covered is not.
	MissingComponent Reason = "missing_component"
	// ComponentParameter: a component carries a parameter, such as sf, bs, key, req, tr or name.
	ComponentParameter Reason = "component_parameter"
	// UnknownParameter: a signature parameter outside the profile.
	UnknownParameter Reason = "unknown_parameter"
	// DuplicateParameter: a signature parameter stands twice.
	DuplicateParameter Reason = "duplicate_parameter"
	// MissingParameter: created, keyid, nonce or tag is not there.
	MissingParameter Reason = "missing_parameter"
	// BadParameter: a parameter's or claim's value has the wrong type, length or characters.
	BadParameter Reason = "bad_parameter"
	// WrongTag: the tag is not this profile's.
	WrongTag Reason = "wrong_tag"
	// ExpiresRange: expires is not after created, or more than 300 s after it.
	ExpiresRange Reason = "expires_range"
	// AlgUnknown: the claimed algorithm is none of the dialect's.
	AlgUnknown Reason = "alg_unknown"
)

// What is wrong with its time, its key or its bytes.
const (
	// TooOld: made longer ago than the window allows.
	TooOld Reason = "too_old"
	// Ahead: made further in the future than the window allows.
	Ahead Reason = "ahead"
	// Expired: past the end that the client itself set.
	Expired Reason = "expired"
	// BadSignature: the signature does not hold under the key.
	BadSignature Reason = "bad_signature"
	// AlgMismatch: it holds, but claims another algorithm than the key is pinned to.
	AlgMismatch Reason = "alg_mismatch"
	// WrongDialect: it holds, but the key belongs to another dialect.
	WrongDialect Reason = "wrong_dialect"
)

// What is wrong between signature and body.
const (
	// DigestUncovered: there is a body, and content-digest is not covered.
	DigestUncovered Reason = "digest_uncovered"
	// DigestWithoutBody: content-digest is covered, and there is no body.
	DigestWithoutBody Reason = "digest_without_body"
	// DigestUnknown: no digest in it is of a known algorithm.
	DigestUnknown Reason = "digest_unknown"
	// DigestMismatch: a known digest is not that of the body.
	DigestMismatch Reason = "digest_mismatch"
)

// What is wrong with an exchange token or its query hash.
const (
	// TokenMalformed: not three canonical base64url parts.
	TokenMalformed Reason = "token_malformed"
	// TokenHeader: a header member other than alg, typ, kid, nonce, or a wrong typ.
	TokenHeader Reason = "token_header"
	// UnknownClaim: a claim outside the dialect.
	UnknownClaim Reason = "unknown_claim"
	// MissingClaim: access_key or nonce is not there.
	MissingClaim Reason = "missing_claim"
	// QueryClaim: the whole query in the token, a form that ended in 2022.
	QueryClaim Reason = "query_claim"
	// HashAlg: query_hash_alg is not SHA512, or one of the pair is missing.
	HashAlg Reason = "hash_alg"
	// HashMissing: there are parameters and no query_hash.
	HashMissing Reason = "hash_missing"
	// HashUnexpected: there is a query_hash and nothing to hash.
	HashUnexpected Reason = "hash_unexpected"
	// HashMismatch: query_hash is not that of the parameters in the form the key is set to.
	HashMismatch Reason = "hash_mismatch"
	// JSONMalformed: not one JSON object in valid UTF-8.
	JSONMalformed Reason = "json_malformed"
	// JSONNested: a member holds an object, an array or null, which have no flat spelling.
	JSONNested Reason = "json_nested"
	// JSONDuplicate: two members have one name.
	JSONDuplicate Reason = "json_duplicate"
	// FormMalformed: a body that is not JSON is not made of complete name=value pairs either.
	FormMalformed Reason = "form_malformed"
	// ControlByte: a name or value holds a control byte once decoded.
	ControlByte Reason = "control_byte"
	// Ambiguous: the hashed string could have been made from other parameters too (strict rule).
	Ambiguous Reason = "ambiguous"
	// Misplaced: parameters stand where the method does not take them (strict rule).
	Misplaced Reason = "misplaced"
	// URIDiffers: the token is for another method, host or path.
	URIDiffers Reason = "uri_differs"
	// PartsDiffer: query and body both carry parameters, and not the same ones.
	PartsDiffer Reason = "parts_differ"
)

// What is wrong with a key's text or bytes.
const (
	// KeyUnreadable: in none of the known forms.
	KeyUnreadable Reason = "key_unreadable"
	// KeyOtherKind: readable, but a key of another kind; Error.Seen says which.
	KeyOtherKind Reason = "key_other_kind"
	// KeyHalvesDiffer: the public half beside the seed is not the seed's.
	KeyHalvesDiffer Reason = "key_halves_differ"
	// KeyWeak: a public key that is not canonical, not on the curve or of small order; an empty secret.
	KeyWeak Reason = "key_weak"
)

// Error is a refusal. Its text is for logs and for the owner of the key, never for a stranger.
type Error struct {
	Reason Reason
	// Seen is the header, component, parameter, claim or key kind that is meant, as far as there is one. It may be text of the
	// sender, at most 64 bytes of it; never a secret, a signature or a parameter's value.
	Seen string
}

// Error is the reason and what is meant.
func (e *Error) Error() string {
	if e.Seen == "" {
		return "sign: " + string(e.Reason)
	}
	return fmt.Sprintf("sign: %s: %q", e.Reason, e.Seen)
}

// ReasonOf is the reason inside err, or empty when err is not a refusal of this package.
func ReasonOf(err error) Reason {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Reason
	}
	return ""
}

// maxSeen bounds what an Error repeats of a stranger's text.
const maxSeen = 64

func refuse(why Reason, seen string) error {
	return &Error{Reason: why, Seen: seen[:min(len(seen), maxSeen)]}
}
