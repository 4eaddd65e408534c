package id

// The kinds are closed; the tests of this package name two of them.
type (
	UserKind = user
	KeyKind  = key
)
