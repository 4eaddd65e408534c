package gate

import (
	"strconv"
	"strings"
	"time"
)

// MaxLife is the longest life of an assertion, and MaxFuture how far ahead its birth may lie, for clocks that differ.
const (
	MaxLife   = 2 * time.Second
	MaxFuture = time.Second
)

// Claims are the claims of an assertion under their names on the wire. An empty string is an absent claim.
type Claims struct {
	Issuer      string      `json:"iss"`
	Audience    string      `json:"aud"`
	IssuedAt    NumericDate `json:"iat"`
	Expires     NumericDate `json:"exp"`
	Request     string      `json:"jti"`
	Method      string      `json:"htm"`
	Target      string      `json:"htu"`
	Body        string      `json:"bdy,omitempty"`
	BodySigned  string      `json:"cdg,omitempty"`
	Kind        Kind        `json:"knd"`
	User        string      `json:"sub,omitempty"`
	Account     string      `json:"acc,omitempty"`
	Subaccount  string      `json:"sac,omitempty"`
	Role        string      `json:"rol,omitempty"`
	Session     string      `json:"ses,omitempty"`
	Key         string      `json:"key,omitempty"`
	Environment Environment `json:"env"`
	Assurance   Assurance   `json:"acr"`
	Scopes      Scopes      `json:"scp,omitempty"`
	Class       Class       `json:"cls"`
	// Confirmation is the user's own proof for exactly this request, where one was needed.
	Confirmation string `json:"cfm,omitempty"`
	Language     string `json:"lng,omitempty"`
	Name         string `json:"nam,omitempty"`
}

// NumericDate is a time in microseconds since 1970 UTC; on the wire seconds with up to six decimals (RFC 7519 §2).
type NumericDate int64

// DateOf is the claim for t, truncated to microseconds.
func DateOf(t time.Time) NumericDate { return NumericDate(t.UnixMicro()) }

// Time is the date as a time in UTC.
func (d NumericDate) Time() time.Time { return time.UnixMicro(int64(d)).UTC() }

// MarshalJSON writes seconds with six decimals.
func (d NumericDate) MarshalJSON() ([]byte, error) {
	whole, part := int64(d)/1e6, int64(d)%1e6
	text := strconv.AppendInt(nil, whole, 10)
	text = append(text, '.')
	return append(text, strconv.FormatInt(1e6+part, 10)[1:]...), nil
}

// parseDate reads a JSON number: no sign, no exponent, at most ten digits before the point and six behind it.
func parseDate(text string) (NumericDate, bool) {
	whole, part, hasPoint := strings.Cut(text, ".")
	if len(whole) > 10 || len(part) > 6 || hasPoint && part == "" {
		return 0, false
	}
	micros, err := strconv.ParseUint(whole+part+"000000"[len(part):], 10, 63)
	return NumericDate(micros), err == nil
}

// set puts the text of a claim in its place. It is false if the claim is known and its value is of the wrong kind.
func (c *Claims) set(name, text string, kind valueKind) bool {
	switch name {
	case "iat", "exp":
		date, ok := parseDate(text)
		if name == "iat" {
			c.IssuedAt = date
		} else {
			c.Expires = date
		}
		return ok && kind == aNumber
	}
	field := c.text(name)
	if field == nil {
		return true // a newer gateway says more than this package knows
	}
	*field = text
	return kind == aString
}

func (c *Claims) text(name string) *string {
	switch name {
	case "iss":
		return &c.Issuer
	case "aud":
		return &c.Audience
	case "jti":
		return &c.Request
	case "htm":
		return &c.Method
	case "htu":
		return &c.Target
	case "bdy":
		return &c.Body
	case "cdg":
		return &c.BodySigned
	case "knd":
		return (*string)(&c.Kind)
	case "sub":
		return &c.User
	case "acc":
		return &c.Account
	case "sac":
		return &c.Subaccount
	case "rol":
		return &c.Role
	case "ses":
		return &c.Session
	case "key":
		return &c.Key
	case "env":
		return (*string)(&c.Environment)
	case "acr":
		return (*string)(&c.Assurance)
	case "scp":
		return (*string)(&c.Scopes)
	case "cls":
		return (*string)(&c.Class)
	case "cfm":
		return &c.Confirmation
	case "lng":
		return &c.Language
	case "nam":
		return &c.Name
	}
	return nil
}

// lives says whether now lies in the assertion's life, and that life is as short as the gateway's.
func (c *Claims) lives(now time.Time) bool {
	issued, expires := c.IssuedAt.Time(), c.Expires.Time()
	life := expires.Sub(issued)
	return life > 0 && life <= MaxLife && now.Before(expires) && !issued.After(now.Add(MaxFuture))
}

// complete says whether the claims name who acts: what a backend keys its books on must not be empty. Kind, environment and
// class are closed lists, because a backend that guesses at an unknown one guesses about money. About the body there is one claim at
// most: bdy of one that the gateway saw, or cdg of one that the client signed and the gateway did not see.
func (c *Claims) complete() bool {
	present := c.Request != "" && c.Method != "" && c.Target != "" && (c.Body == "" || c.BodySigned == "") && c.Assurance != "" &&
		c.Class.rank() >= 0 && c.Environment.known()
	switch c.Kind {
	case KindPublic:
		return present
	case KindUser:
		return present && c.User != "" && c.Account != "" && c.Subaccount != "" && c.Session != ""
	case KindKey:
		return present && c.User != "" && c.Account != "" && c.Subaccount != "" && c.Key != ""
	}
	return false
}

func (c *Claims) principal() Principal {
	return Principal{
		Kind: c.Kind, User: c.User, Account: c.Account, Subaccount: c.Subaccount, Role: c.Role, Session: c.Session, Key: c.Key,
		Environment: c.Environment, Assurance: c.Assurance, Scopes: c.Scopes, Class: c.Class,
		Language: c.Language, Name: c.Name, Request: c.Request, Confirmation: c.Confirmation,
	}
}
