package member

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/happening"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// reminders are how long before the deadline owners are told again of keys that nobody took.
var reminders = [...]time.Duration{7 * 24 * time.Hour, 24 * time.Hour}

// Reminder is the job that tells the owners again, if keys of who left are still theirs, or a service user still lacks a sponsor.
type Reminder struct {
	Account id.Account `json:"account"`
	User    id.User    `json:"user"`
	// Until is the deadline that it is about, in microseconds: one who came back and left again has another.
	Until int64 `json:"until"`
}

// Kind names the job.
func (Reminder) Kind() string { return "keys_left_reminder" }

// DoReminder tells the owners that the deadline is near. Where nothing is left to do they hear nothing.
func (m *Members) DoReminder(ctx context.Context, fields []byte) error {
	var job Reminder
	if err := json.Unmarshal(fields, &job); err != nil {
		return fmt.Errorf("decode reminder: %w", err)
	}
	until := time.UnixMicro(job.Until)
	return m.Ledger.Update(ctx, func(tx Tx) (audit.Event, error) {
		quiet := audit.Quiet(audit.Housekeeping)
		all, err := tx.MembersOf(ctx, job.Account, m.Now())
		if err != nil {
			return quiet, fmt.Errorf("list members: %w", err)
		}
		var gone Member
		services := 0
		for _, one := range all {
			due := one.KeysUntil.Equal(until)
			if due && one.Machine != nil && one.RemovedAt.IsZero() {
				services++
			}
			if one.User == job.User {
				if gone = one; !due { // they are back, or left another time
					gone.Keys = 0
				}
			}
		}
		if gone.Keys == 0 && services == 0 {
			return quiet, nil
		}
		return quiet, m.tellLeft(ctx, tx, job.Account, gone, services, until)
	})
}

// remindOf tells the owners now, and lets them be told again before the deadline.
func (m *Members) remindOf(ctx context.Context, tx Tx, a id.Account, gone Member, services int, until time.Time) error {
	for _, before := range reminders {
		if err := tx.EnqueueAt(ctx, Reminder{a, gone.User, until.UnixMicro()}, until.Add(-before)); err != nil {
			return fmt.Errorf("enqueue reminder: %w", err)
		}
	}
	return m.tellLeft(ctx, tx, a, gone, services, until)
}

// tellLeft tells the owners what somebody who left has left: keys, and service users that lack a sponsor. Who is a member still was disabled.
func (m *Members) tellLeft(ctx context.Context, tx Tx, a id.Account, gone Member, services int, until time.Time) error {
	facts := map[string]string{"member": gone.Name, "services": fmt.Sprint(services), "ends": until.UTC().Format(time.RFC3339)}
	if gone.RemovedAt.IsZero() {
		facts["disabled"] = "yes"
	} else {
		facts["keys"] = fmt.Sprint(gone.Keys)
	}
	return m.tellOwners(ctx, tx, a, happening.Happening{Kind: happening.KeysLeft, Facts: facts})
}
