package ledger

import (
	"crypto/rand"
	"encoding/hex"
	"time"

	"github.com/seed-21c57000/sallyport/internal/sandbox/market"
	"github.com/seed-21c57000/sallyport/internal/sandbox/money"
)

// Bounds of one order, in won, and of the open orders of one book.
const (
	LeastTotal = 5_000 * money.One
	MostTotal  = 1_000_000_000 * money.One
	MaxOpen    = 200
)

// maxIdentifier bounds an order's identifier, in bytes.
const maxIdentifier = 64

// ID names an order, a fill or a transfer. It is random.
type ID [16]byte

// newID makes a random UUID of version 4 (RFC 9562 §5.4).
func newID() ID {
	var id ID
	rand.Read(id[:])
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id
}

// String writes the id as a UUID.
func (id ID) String() string {
	h := hex.EncodeToString(id[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// ParseID reads what String wrote, and nothing else.
func ParseID(text string) (ID, bool) {
	var id ID
	if len(text) != 36 {
		return ID{}, false
	}
	_, err := hex.Decode(id[:], []byte(text[:8]+text[9:13]+text[14:18]+text[19:23]+text[24:]))
	return id, err == nil && id.String() == text
}

// Type is the kind of an order, in Upbit's words.
type Type string

// The types.
const (
	// Limit trades Volume at Price or better, and rests for what is left.
	Limit Type = "limit"
	// Spend is a bid that spends Price won at the market's prices.
	Spend Type = "price"
	// Sell is an ask that sells Volume at the market's prices.
	Sell Type = "market"
)

// Force says how long a limit order tries. The empty Force rests until filled or cancelled.
type Force string

// The other forces.
const (
	// NowOrCancel trades what it can at once, and cancels the rest.
	NowOrCancel Force = "ioc"
	// AllOrNothing trades everything at once, or nothing.
	AllOrNothing Force = "fok"
	// PostOnly rests, and cancels itself where it would trade at once.
	PostOnly Force = "post_only"
)

// State of an order.
type State string

// The states. Wait is the open one.
const (
	Wait   State = "wait"
	Done   State = "done"
	Cancel State = "cancel"
)

// Ticket is what an order says before it is placed. Amounts of zero are absent.
type Ticket struct {
	Market        string
	Side          market.Side
	Type          Type
	Price, Volume money.Amount
	Force         Force
	// Identifier is the owner's own name for the order, empty for none. One book uses each at most once.
	Identifier string
	// PlacedBy is the id of the API key that placed it, empty for a person.
	PlacedBy string
}

// Order is a placed order.
type Order struct {
	ID ID
	Ticket
	State State
	// Locked is what the order still holds back: won for a bid, coins for an ask. Zero once it is not open.
	Locked money.Amount
	// ExecutedVolume in coins, ExecutedFunds in won.
	ExecutedVolume, ExecutedFunds money.Amount
	// ReservedFee was set aside when the order was placed; asks reserve none, they pay from the proceeds.
	ReservedFee, PaidFee money.Amount
	// FillCount is how many fills there are; Fills holds them where an operation says so.
	FillCount int
	Fills     []Fill
	CreatedAt time.Time
	ClosedAt  time.Time // zero while open

	row int64
	m   market.Market
}

// Number names the order by a whole number, for clients that know no other ids. It rises with each order of the exchange.
func (o Order) Number() int64 { return o.row }

// Fill is one trade of an order.
type Fill struct {
	ID                        ID
	Price, Volume, Funds, Fee money.Amount
	CreatedAt                 time.Time
}

// Remaining is the volume still to be traded; zero for an order that spends.
func (o *Order) Remaining() money.Amount { return max(0, o.Volume-o.ExecutedVolume) }

func (o *Order) buys() bool { return o.Side == market.Bid }

// pays is the currency the order gives, gets the one it takes.
func (o *Order) pays() string {
	if o.buys() {
		return o.m.Quote
	}
	return o.m.Base
}

// check says whether the ticket makes sense by itself; best is the price that a market order would meet.
func (t Ticket) check(best money.Amount) error {
	o := &Order{Ticket: t}
	if t.Side != market.Bid && t.Side != market.Ask || len(t.Identifier) > maxIdentifier {
		return ErrInvalid
	}
	switch t.Type {
	case Limit:
		return o.checkLimit()
	case Spend:
		if !o.buys() || t.Volume != 0 {
			return o.bySide(ErrBadBid, ErrBadAsk)
		}
		if t.Price <= 0 {
			return ErrPriceBid
		}
		return o.checkTotal(t.Price, nil)
	case Sell:
		if o.buys() || t.Price != 0 {
			return o.bySide(ErrBadBid, ErrBadAsk)
		}
		if t.Volume <= 0 {
			return ErrVolumeAsk
		}
		return o.checkTotal(t.Volume.Times(best))
	}
	return ErrInvalid
}

func (o *Order) checkLimit() error {
	switch o.Force {
	case "", NowOrCancel, AllOrNothing, PostOnly:
	default:
		return ErrTimeInForce
	}
	switch {
	case !market.OnUnit(o.Price):
		return o.bySide(ErrPriceBid, ErrPriceAsk)
	case o.Volume <= 0:
		return o.bySide(ErrVolumeBid, ErrVolumeAsk)
	}
	return o.checkTotal(o.Price.Times(o.Volume))
}

func (o *Order) checkTotal(total money.Amount, err error) error {
	switch {
	case o.Type != Limit && o.Force != "":
		return ErrTimeInForce
	case err != nil || total > MostTotal:
		return o.bySide(ErrTooLargeBid, ErrTooLargeAsk)
	case total < LeastTotal:
		return o.bySide(ErrTooSmallBid, ErrTooSmallAsk)
	}
	return nil
}
