package recovery

import (
	"slices"

	"github.com/seed-21c57000/sallyport/internal/prove/factor"
	"github.com/seed-21c57000/sallyport/internal/prove/passkey"
)

// Move is one step from an old phone to a new one while both are at hand.
type Move string

// The moves, in the order in which they are made.
const (
	// MoveSynced: a passkey travels with its owner's account at its maker and is on the new phone already.
	MoveSynced Move = "synced"
	// MoveHybrid: the new phone signs in with the passkey of the old one, which it finds by a QR code.
	MoveHybrid Move = "hybrid"
	// MoveSignIn: there is no passkey, so the new phone signs in as always.
	MoveSignIn Move = "sign_in"
	// MovePasskey: the new phone gets a passkey of its own, before the old one goes.
	MovePasskey Move = "passkey"
	// MoveApp: the authenticator app is set up on the new phone.
	MoveApp Move = "app"
	// MoveCodes: recovery codes are made, because none are left.
	MoveCodes Move = "codes"
	// MoveCleanUp: the old phone is given up, with everything that is open on it.
	MoveCleanUp Move = "clean_up"
)

// NewPhone lists what somebody with these methods does when they get a new phone. Something is always added before anything is removed.
func NewPhone(has factor.Methods) []Move {
	var moves []Move
	switch {
	case slices.ContainsFunc(has.Passkeys, passkey.Credential.Synced):
		moves = append(moves, MoveSynced)
	case len(has.Passkeys) > 0:
		moves = append(moves, MoveHybrid, MovePasskey)
	default:
		moves = append(moves, MoveSignIn, MovePasskey)
	}
	if has.TOTP != nil {
		moves = append(moves, MoveApp)
	}
	if has.Codes == nil || has.Codes.Left == 0 {
		moves = append(moves, MoveCodes)
	}
	return append(moves, MoveCleanUp)
}
