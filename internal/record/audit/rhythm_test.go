package audit_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/record/audit"
)

// A moment counts on the day and in the hour that its reader's clocks show.
func TestRhythmIsTheReadersOwn(t *testing.T) {
	now := time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC) // a Sunday, 10:00 in Seoul
	seoul := time.FixedZone("", 9*60*60)
	at := func(hours int) time.Time { return now.Add(time.Duration(hours) * time.Hour) }
	list := []audit.Moment{
		{At: at(0), Action: audit.SessionSignedIn},
		{At: at(-2), Action: audit.SessionSignedInLimited}, // Saturday 23:00 in UTC, Sunday 08:00 in Seoul
		{At: at(-3), Action: audit.SignInFailed},
		{At: at(-30), Action: audit.PasswordChanged},
		{At: at(-24 * 40), Action: audit.SessionSignedIn}, // before the first day
	}
	tests := map[string]struct {
		zone *time.Location
		days []audit.Day
		hour [2][2]int
	}{
		"UTC": {time.UTC, []audit.Day{
			{Date: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC), Changes: 1},
			{Date: time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC), Entries: 1, Refusals: 1},
			{Date: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC), Entries: 1},
		}, [2][2]int{{6, 1}, {5, 23}}},
		"Seoul": {seoul, []audit.Day{
			{Date: time.Date(2026, 11, 20, 0, 0, 0, 0, seoul)},
			{Date: time.Date(2026, 11, 21, 0, 0, 0, 0, seoul), Changes: 1},
			{Date: time.Date(2026, 11, 22, 0, 0, 0, 0, seoul), Entries: 2, Refusals: 1},
		}, [2][2]int{{6, 10}, {6, 8}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := audit.RhythmOf(list, now, test.zone, 3)
			if diff := cmp.Diff(test.days, r.Days); diff != "" {
				t.Error(diff)
			}
			want := [7][24]int{}
			for _, h := range test.hour {
				want[h[0]][h[1]]++
			}
			if diff := cmp.Diff(want, r.Hours); diff != "" {
				t.Error(diff)
			}
			if r.Entries != 2 || r.Total != 4 {
				t.Errorf("%d sign-ins of %d moments", r.Entries, r.Total)
			}
		})
	}
}
