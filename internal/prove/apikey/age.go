package apikey

// Dormancy is the step that a key nobody uses has come to.
type Dormancy uint8

// The steps, in their order.
const (
	InUse Dormancy = iota
	// NoticedUnused: its owner was told.
	NoticedUnused
	// ReadOnlyUnused: it looks and cancels only.
	ReadOnlyUnused
	// DisabledUnused: it does nothing until its owner wakes it.
	DisabledUnused
)
