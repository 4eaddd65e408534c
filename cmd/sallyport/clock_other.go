//go:build !linux

package main

import "time"

// clockSynchronised: only Linux says whether something keeps the host's clock right.
func clockSynchronised() (within time.Duration, synchronised, known bool) { return 0, false, false }
