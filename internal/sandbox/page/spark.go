package page

import (
	"strconv"
	"strings"

	"github.com/seed-21c57000/sallyport/internal/sandbox/money"
)

// Spark is a line of prices as the points of an SVG polyline in a box of Width by Height, low prices at the bottom.
type Spark struct {
	Width, Height int
	// Line are the points of the prices, Area the same closed along the bottom.
	Line, Area string
}

// NewSpark draws prices, oldest first, at equal distances. Two prices or more make a line.
func NewSpark(prices []money.Amount, width, height int) Spark {
	s := Spark{Width: width, Height: height}
	if len(prices) < 2 {
		return s
	}
	low, high := prices[0], prices[0]
	for _, p := range prices {
		low, high = min(low, p), max(high, p)
	}
	var line strings.Builder
	for i, p := range prices {
		x := tenths(i*width*10, len(prices)-1)
		y := strconv.Itoa(height / 2)
		if high > low {
			// A line is 2 wide: one unit of margin keeps it inside the box.
			share := int((p - low) * 1000 / (high - low))
			y = tenths((1000-share)*(height-4)*10+2*10*1000, 1000)
		}
		line.WriteString(x + "," + y + " ")
	}
	s.Line = strings.TrimSuffix(line.String(), " ")
	bottom := strconv.Itoa(height)
	s.Area = "0," + bottom + " " + s.Line + " " + strconv.Itoa(width) + "," + bottom
	return s
}

// tenths writes n/divisor tenths as a decimal.
func tenths(n, divisor int) string {
	t := n / divisor
	return strconv.Itoa(t/10) + "." + strconv.Itoa(t%10)
}

// box is the viewBox of the drawing.
func (s Spark) box() string { return "0 0 " + strconv.Itoa(s.Width) + " " + strconv.Itoa(s.Height) }
