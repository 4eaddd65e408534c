package main

import (
	"syscall"
	"time"
)

// clockSynchronised asks the kernel, and no network, whether something keeps the host's clock right (adjtimex(2)), and how far it may be off.
// known is false where the kernel does not say.
func clockSynchronised() (within time.Duration, synchronised, known bool) {
	const timeError = 5 // TIME_ERROR: nothing keeps the clock, or it may be off by more than 16 seconds
	var state syscall.Timex
	said, err := syscall.Adjtimex(&state)
	if err != nil {
		return 0, false, false
	}
	return time.Duration(state.Maxerror) * time.Microsecond, said != timeError, true
}
