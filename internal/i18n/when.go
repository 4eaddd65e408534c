package i18n

import "time"

// Moment is a point in time as pages show it. Script may turn Absolute into the reader's own zone; without it the zone is UTC and says so.
type Moment struct {
	// ISO is for machines (RFC 3339, UTC).
	ISO string
	// Absolute is the date and the time with its zone; Relative is how far from now.
	Absolute, Relative string
}

// IsZero says whether there is no such point.
func (m Moment) IsZero() bool { return m.ISO == "" }

// Moment says when t is, seen from now. The zero time is the zero Moment.
func (w Words) Moment(t, now time.Time) Moment {
	if t.IsZero() {
		return Moment{}
	}
	t = t.UTC()
	return Moment{ISO: t.Format(time.RFC3339), Absolute: t.Format(w.Say("time.layout")), Relative: w.relative(t, now)}
}

// Day says the date of t in UTC, where its hour does not matter.
func (w Words) Day(t time.Time) string { return t.UTC().Format(w.Say("time.date_layout")) }

func (w Words) relative(t, now time.Time) string {
	d := t.Sub(now)
	switch {
	case d < 0 && d > -time.Minute || d < time.Second && d >= 0:
		return w.Say("time.now")
	case d < 0:
		return w.Say("time.past", "span", w.Span(-d))
	}
	return w.Say("time.future", "span", w.Span(d))
}

const day = 24 * time.Hour

// Span says how long d is in its largest whole unit, rounded to the nearest: "30 minutes", "12 hours", "90 days". From 48 hours on it
// speaks of days.
func (w Words) Span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return w.Count("time.second", int(d.Round(time.Second)/time.Second))
	case d.Round(time.Minute) < 2*time.Hour && d%time.Hour != 0:
		return w.Count("time.minute", int(d.Round(time.Minute)/time.Minute))
	case d < 2*day:
		return w.Count("time.hour", int(d.Round(time.Hour)/time.Hour))
	}
	return w.Count("time.day", int(d.Round(day)/day))
}
