package notify

import (
	"context"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
)

// Contacting is the answer to "are you contacting me?".
type Contacting string

// The answers.
const (
	// Silent: nothing was written to the user of late. Whoever calls or writes now is somebody else.
	Silent Contacting = "silent"
	// Writing: a message is on its way to their mailbox.
	Writing Contacting = "writing"
	// Wrote: a mail left for their mailbox of late.
	Wrote Contacting = "wrote"
)

// Lately is how far back the answer looks.
const Lately = 24 * time.Hour

// Contacted says whether we write to the principal, with the messages of the last day, the newest first. We never call.
func (n *Notices) Contacted(ctx context.Context, p principal.Principal) (state Contacting, list []Shown, err error) {
	all, err := n.Messages(ctx, p, id.Message{})
	state = Silent
	for _, s := range all {
		if n.Now().Sub(s.Born) >= Lately {
			break
		}
		list = append(list, s)
		switch {
		case s.Mailed.IsZero():
			state = Writing
		case state == Silent:
			state = Wrote
		}
	}
	return state, list, err
}
