// Package client is the Go client of a gate: an http.RoundTripper that signs what it sends.
//
// It does not know what a signature looks like (package sign) and keeps no key beyond the Signer it is given. It imports the
// standard library and sign only.
//
// Invariant: a request is signed for one origin and leaves for no other, and no error or log line of this package holds a secret, a
// signature or a body.
package client
