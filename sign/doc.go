// Package sign owns signed API requests: what a signature covers, how it is written, read and verified.
//
// Server, clients, command line and tests share it, so it imports the standard library only. It works on the raw received bytes
// of a request (method, authority, target, header lines, body) and never on anything decoded and written again. It does not know
// who owns a key, which nonces are spent, what a key may do or what time it is: the caller has these, and asks in this order,
// with checks of its own in between:
//
//	Parse → Fresh → (the caller finds the key) → Verify → CheckBody → (the caller claims the nonce)
//
// Invariant: a request that passes all four was made, as it stands, by somebody who held the key, in every part that
// Signature.Coverage names; two requests that differ in a covered part never share a signature. Whatever is not in its one
// canonical form is refused, never repaired.
package sign
