package page

import "strconv"

// Pictures is the page that draws when things happened.
type Pictures struct {
	// Zone is the one that everything is told in, and Zones those to choose from.
	Zone  string
	Zones []Option
	// Hours counts sign-ins: weekday (Monday first) → hour.
	Hours [7][24]int
	Days  []PictureDay
	// From and To are the first and the last day.
	From, To string
	// Entries and Total say how much is in the pictures.
	Entries, Total string
	// Places are those of sign-ins, the most frequent first. KnowsPlaces says that a file tells of places at all.
	Places      []PicturePlace
	KnowsPlaces bool
	Credit      Credit
	// Cut: there was more than fits.
	Cut  bool
	Twin string
}

// PictureDay is one day of the second picture.
type PictureDay struct {
	Name                       string
	Entries, Changes, Refusals int
}

func (d PictureDay) total() int { return d.Entries + d.Changes + d.Refusals }

// The heat map, in units of its drawing: a cell for each hour, names of weekdays at the left, hours below.
const (
	heatLeft   = 34
	heatWide   = 13
	heatHigh   = 17
	heatBelow  = 7*heatHigh + 14
	heatWidth  = heatLeft + 24*heatWide
	heatHeight = heatBelow + 4
)

// shades is how many steps of colour a cell may have beyond the empty one.
const shades = 4

// shade is the class of a cell: none for nothing, and four steps up to the fullest.
func (p Pictures) shade(n int) string {
	most := 0
	for _, day := range p.Hours {
		for _, m := range day {
			most = max(most, m)
		}
	}
	if n == 0 {
		return "heat-0"
	}
	return "heat-" + strconv.Itoa((n*shades+most-1)/most)
}

// The bars: one a day, a hundred units high at the fullest.
const (
	barWide   = 4
	barHigh   = 100
	barTop    = 6
	barBelow  = barTop + barHigh + 14
	barLeft   = 22
	barHeight = barBelow + 4
)

func (p Pictures) barWidth() int { return barLeft + barWide*len(p.Days) }

// fullest is the largest number of a day, and never zero.
func (p Pictures) fullest() int {
	most := 1
	for _, d := range p.Days {
		most = max(most, d.total())
	}
	return most
}

// Bar is a part of a day's column.
type Bar struct {
	Class   string
	X, Y, H int
}

// bars stacks what happened each day: sign-ins below, changes on them, refusals on top. What happened at all is at least two units high.
func (p Pictures) bars() (list []Bar) {
	for i, d := range p.Days {
		y := barTop + barHigh
		for _, part := range []struct {
			class string
			n     int
		}{{"bar-entries", d.Entries}, {"bar-changes", d.Changes}, {"bar-refusals", d.Refusals}} {
			if part.n == 0 {
				continue
			}
			h := max(2, part.n*barHigh/p.fullest())
			y = max(0, y-h)
			list = append(list, Bar{part.class, barLeft + i*barWide, y, h})
		}
	}
	return list
}

// busy lists the hours of the heat map in which there was anything, for its table.
func (p Pictures) busy() (list [][3]int) {
	for day, hours := range p.Hours {
		for hour, n := range hours {
			if n > 0 {
				list = append(list, [3]int{day, hour, n})
			}
		}
	}
	return list
}

func box(width, height int) string { return "0 0 " + strconv.Itoa(width) + " " + strconv.Itoa(height) }

// clock writes an hour as a clock shows it.
func clock(hour int) string {
	if hour < 10 {
		return "0" + strconv.Itoa(hour) + ":00"
	}
	return strconv.Itoa(hour) + ":00"
}
