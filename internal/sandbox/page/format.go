package page

import (
	"strings"
	"time"

	"github.com/seed-21c57000/sallyport/internal/sandbox/money"
	"github.com/seed-21c57000/sallyport/internal/sandbox/words"
)

// zone is Korea Standard Time, which has no summer time; a zone database need not be there.
var zone = time.FixedZone("KST", 9*60*60)

// At writes a time for a table.
func At(w *words.Words, t time.Time) Moment { return moment(t, w.DateTime) }

// Clock writes a time of day.
func Clock(w *words.Words, t time.Time) Moment { return moment(t, w.Clock) }

func moment(t time.Time, layout string) Moment {
	t = t.In(zone)
	return Moment{Text: t.Format(layout), Machine: t.Format(time.RFC3339)}
}

// Won writes won for reading: grouped, and cut to two decimals where there are any.
func Won(a money.Amount) string {
	if a%money.One == 0 {
		return group(a.String())
	}
	whole, part, _ := strings.Cut(a.Floor(money.One/100).String(), ".")
	return group(whole) + "." + (part + "00")[:2]
}

// Coins writes an amount of a coin for reading: grouped, exact.
func Coins(a money.Amount) string { return group(a.String()) }

// group puts commas between thousands.
func group(text string) string {
	whole, part, hasPart := strings.Cut(text, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if hasPart {
		return whole + "." + part
	}
	return whole
}

// Change is how a price moved, in percent with two decimals.
func Change(from, to money.Amount) Move {
	distance, sign := to-from, 1
	if distance < 0 {
		distance, sign = -distance, -1
	}
	percent, err := distance.Scale(100*money.One, from)
	if err != nil || percent < money.One/100 {
		return Move{Rate: "0.00%"}
	}
	whole, part, _ := strings.Cut(percent.Floor(money.One/100).String(), ".")
	return Move{Sign: sign, Rate: whole + "." + (part + "00")[:2] + "%"}
}

// Words is the sentence for a move.
func (m Move) Words(w *words.Words) string {
	switch {
	case m.Sign > 0:
		return words.With(w.Up, "rate", m.Rate)
	case m.Sign < 0:
		return words.With(w.Down, "rate", m.Rate)
	}
	return w.Even
}

// Class is the move's class in the stylesheet.
func (m Move) Class() string {
	return [...]string{"falls", "even", "rises"}[m.Sign+1]
}

// Icon goes with the words; it is not read out.
func (m Move) Icon() string {
	return [...]string{"▼", "–", "▲"}[m.Sign+1]
}
