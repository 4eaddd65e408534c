package api

import (
	"context"
	"net/http"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/prove/demand"
	"github.com/seed-21c57000/sallyport/internal/prove/factor"
	"github.com/seed-21c57000/sallyport/internal/prove/passkey"
	"github.com/seed-21c57000/sallyport/internal/prove/totp"
)

// methods is what a person signs in with: the list, the password and the authenticator app.
type methods struct {
	room interface {
		Of(ctx context.Context, p principal.Principal) (factor.Methods, error)
		Signal(ctx context.Context, p principal.Principal) (passkey.Signal, error)
		SetPassword(ctx context.Context, p principal.Principal, fresh secret.Value) (bearer secret.Value, err error)
		BeginTOTP(ctx context.Context, p principal.Principal) (totp.Key, error)
		ConfirmTOTP(ctx context.Context, p principal.Principal, code string) (bearer secret.Value, err error)
		RemoveTOTP(ctx context.Context, p principal.Principal) (bearer secret.Value, err error)
		LabelTOTP(ctx context.Context, p principal.Principal, l factor.Label) error
		IssueCodes(ctx context.Context, p principal.Principal) (factor.Issued, error)
		ConfirmCodes(ctx context.Context, p principal.Principal, code secret.Value) error
	}
	tiers interface {
		From(ctx context.Context, p principal.Principal) (time.Time, error)
	}
	demands interface {
		Of(ctx context.Context, p principal.Principal) ([]demand.Demand, error)
		Make(ctx context.Context, p principal.Principal, a demand.Area) error
		Drop(ctx context.Context, p principal.Principal, a demand.Area) error
	}
}

func (m *methods) mount(a *API) {
	register(a, operation{
		id: "getMethods", method: http.MethodGet, path: "/v1/methods", summary: "What I sign in with",
		about: "Password, authenticator app, passkeys, and the recovery codes that are left.",
	}, m.list)
	register(a, operation{
		id: "setPassword", method: http.MethodPut, path: "/v1/password", summary: "Set a new password",
		about: "All other sessions end; this one gets a new bearer.", codes: passwordCodes,
	}, m.setPassword)
	register(a, operation{
		id: "beginTotp", method: http.MethodPost, path: "/v1/totp", summary: "Begin adding an authenticator app", status: http.StatusCreated,
		about: "The secret is shown once, and proves nothing until a code of it was given. Beginning again replaces it.",
		codes: []fault.Code{fault.PasswordDisabled, fault.TOTPAlreadyEnrolled},
	}, m.beginTOTP)
	register(a, operation{
		id: "confirmTotp", method: http.MethodPost, path: "/v1/totp/confirm", summary: "Finish adding an authenticator app",
		about: "With a code of it. This session gets a new bearer. The enrolment is done once a second way back was kept: see next.",
		codes: []fault.Code{fault.PasswordDisabled, fault.TOTPNotEnrolled, fault.TOTPAlreadyEnrolled, fault.TOTPCodeRefused},
	}, m.confirmTOTP)
	register(a, operation{
		id: "removeTotp", method: http.MethodDelete, path: "/v1/totp", summary: "Remove the authenticator app",
		about: "All other sessions end; this one gets a new bearer.",
		codes: []fault.Code{fault.TOTPNotEnrolled, fault.FactorLast, fault.PasswordTooShortAlone},
	}, m.removeTOTP)
	register(a, operation{
		id: "labelTotp", method: http.MethodPut, path: "/v1/totp/label", summary: "Say what the authenticator app is for",
		about: "Whether it is used day by day, or kept for when another method is lost. It decides nothing.", codes: []fault.Code{fault.TOTPNotEnrolled, fault.RateLimited},
	}, m.labelTOTP)
	register(a, operation{
		id: "makeDemand", method: http.MethodPut, path: "/v1/demands/{area}", summary: "Demand a passkey of myself",
		about: "For trading or for settings, where less would do. Other sessions that were proven without one may look and cancel until it is shown. " +
			"A demand that was given up is kept by this.",
		codes: []fault.Code{fault.DemandUnchanged, fault.PasskeyYoung},
	}, m.demand)
	register(a, operation{
		id: "dropDemand", method: http.MethodDelete, path: "/v1/demands/{area}", summary: "Give a demand up",
		about: "It goes on for the wait of the installation (step_up.loosening), of which its user is told.",
		codes: []fault.Code{fault.DemandUnchanged, fault.PasskeyYoung},
	}, m.drop)
	register(a, operation{
		id: "issueRecoveryCodes", method: http.MethodPost, path: "/v1/recovery-codes", summary: "Make a set of recovery codes", status: http.StatusCreated,
		about: "They are shown once. A set from before is worth nothing from then on; replacing one ends all other sessions and holds money.",
	}, m.issueCodes)
	register(a, operation{
		id: "confirmRecoveryCodes", method: http.MethodPost, path: "/v1/recovery-codes/confirm", summary: "Show that the recovery codes were kept",
		about: "With any one of them, which stays good.", codes: []fault.Code{fault.RecoveryCodeRefused},
	}, m.confirmCodes)
}

type passwordShown struct {
	ChangedAt time.Time `json:"changed_at"`
	Alone     bool      `json:"alone" doc:"Whether it is long enough to stand without a second factor"`
}

type totpShown struct {
	Since time.Time `json:"since" doc:"When it was added"`
	Label string    `json:"label" enum:"primary,backup" doc:"What its owner has it for"`
}

type demandShown struct {
	Area  string    `json:"area" enum:"trading,settings" doc:"What a passkey is demanded for"`
	Since time.Time `json:"since"`
	Until time.Time `json:"until,omitzero" doc:"When it ends, once it was given up"`
}

type methodList struct {
	PasskeyFrom time.Time `json:"passkey_only_from,omitzero" doc:"From when sensitive changes ask this user, who is of high value, for a passkey; missing for others"`

	Password *passwordShown `json:"password,omitempty" doc:"Missing if there is none"`
	TOTP     *totpShown     `json:"totp,omitempty" doc:"Missing if there is no authenticator app"`
	Passkeys []passkeyShown `json:"passkeys"`
	Demands  []demandShown  `json:"demands" doc:"Where this user demands a passkey of themselves"`
	Codes    *codesShown    `json:"recovery_codes,omitempty" doc:"Missing if there are none"`
	Next     string         `json:"next,omitempty" enum:"recovery_codes" doc:"What the enrolment of a second factor still lacks; missing if nothing"`
	Best     string         `json:"strongest" enum:"pwd,mfa,phr,phrh" doc:"The best acr that these reach"`
	Signal   passkey.Signal `json:"signal" doc:"For PublicKeyCredential.signalAllAcceptedCredentials and signalCurrentUserDetails, so that the browser's list of passkeys stays true"`
}

type codesShown struct {
	Issued    time.Time `json:"issued_at"`
	Left      int       `json:"left" doc:"How many nobody has used"`
	Confirmed bool      `json:"confirmed" doc:"Whether their owner typed one in to show that they were kept"`
}

type methodsOut struct{ Body methodList }

func (m *methods) list(ctx context.Context, p principal.Principal, _ *struct{}) (*methodsOut, error) {
	all, err := m.room.Of(ctx, p)
	if err != nil {
		return nil, err
	}
	from, err := m.tiers.From(ctx, p)
	if err != nil {
		return nil, err
	}
	demands, err := m.demands.Of(ctx, p)
	if err != nil {
		return nil, err
	}
	signal, err := m.room.Signal(ctx, p)
	list := methodList{
		PasskeyFrom: from, Demands: make([]demandShown, 0, len(demands)),
		TOTP: totpAs(all.TOTP), Codes: codesAs(all.Codes), Passkeys: make([]passkeyShown, 0, len(all.Passkeys)), Best: all.Strongest().String(), Signal: signal,
		Next: nextOf(all),
	}
	if all.Password != nil {
		list.Password = &passwordShown{ChangedAt: all.Password.ChangedAt, Alone: all.Password.Alone}
	}
	for _, d := range demands {
		list.Demands = append(list.Demands, demandShown{string(d.Area), d.Since, d.Until})
	}
	for _, c := range all.Passkeys {
		list.Passkeys = append(list.Passkeys, passkeyAs(c))
	}
	return &methodsOut{list}, err
}

func totpAs(t *factor.StoredTOTP) *totpShown {
	if t == nil {
		return nil
	}
	return &totpShown{Since: t.ConfirmedAt, Label: string(factor.LabelOf(t.Backup))}
}

func codesAs(s *factor.RecoverySet) *codesShown {
	if s == nil {
		return nil
	}
	return &codesShown{Issued: s.Born, Left: s.Left, Confirmed: !s.ConfirmedAt.IsZero()}
}

type labelIn struct{ Body labelGiven }

func (m *methods) labelTOTP(ctx context.Context, p principal.Principal, in *labelIn) (*struct{}, error) {
	return nil, m.room.LabelTOTP(ctx, p, factor.Label(in.Body.Label))
}

type demandPath struct {
	Area string `path:"area" enum:"trading,settings" doc:"What for" example:"trading"`
}

func (m *methods) demand(ctx context.Context, p principal.Principal, in *demandPath) (*struct{}, error) {
	return nil, m.demands.Make(ctx, p, demand.Area(in.Area))
}

func (m *methods) drop(ctx context.Context, p principal.Principal, in *demandPath) (*struct{}, error) {
	return nil, m.demands.Drop(ctx, p, demand.Area(in.Area))
}

type passwordIn struct{ Body passwordGiven }

// renewedOut is the answer of a change that gives the session a new bearer.
type renewedOut struct{ kept }

func renewed(bearer secret.Value) *renewedOut { return &renewedOut{kept{bearer: bearer}} }

func (m *methods) setPassword(ctx context.Context, p principal.Principal, in *passwordIn) (*renewedOut, error) {
	bearer, err := m.room.SetPassword(ctx, p, secret.FromString("password", in.Body.Password))
	return renewed(bearer), err
}

type totpSecret struct {
	URI    string `json:"uri" doc:"otpauth://totp/…, for a QR code"`
	Secret string `json:"secret" doc:"Base32 in groups of four, for typing"`
}

type totpOut struct{ Body totpSecret }

func (m *methods) beginTOTP(ctx context.Context, p principal.Principal, _ *struct{}) (*totpOut, error) {
	key, err := m.room.BeginTOTP(ctx, p)
	return &totpOut{totpSecret{URI: string(key.URI.Reveal()), Secret: string(key.Base32.Reveal())}}, err
}

type codeIn struct{ Body codeGiven }

// enrolled ends the enrolment of a second factor.
type enrolled struct {
	Next string `json:"next,omitempty" enum:"recovery_codes" doc:"What is left to do before it counts as done: make recovery codes and confirm them; missing if nothing"`
}

// recoveryCodesNext is what an enrolment leads on to.
const recoveryCodesNext = "recovery_codes"

func nextOf(all factor.Methods) string {
	if all.Unfinished() {
		return recoveryCodesNext
	}
	return ""
}

type confirmedOut struct {
	kept
	Body enrolled
}

func (m *methods) confirmTOTP(ctx context.Context, p principal.Principal, in *codeIn) (*confirmedOut, error) {
	bearer, err := m.room.ConfirmTOTP(ctx, p, in.Body.Code)
	if err != nil {
		return nil, err
	}
	all, err := m.room.Of(ctx, p)
	return &confirmedOut{kept{bearer: bearer}, enrolled{nextOf(all)}}, err
}

func (m *methods) removeTOTP(ctx context.Context, p principal.Principal, _ *struct{}) (*renewedOut, error) {
	bearer, err := m.room.RemoveTOTP(ctx, p)
	return renewed(bearer), err
}

type codesIssued struct {
	Codes  []string  `json:"codes" doc:"Ten codes of 128 bits in Crockford base32 with a check character; each brings its owner back once"`
	Issued time.Time `json:"issued_at"`
}

type codesOut struct {
	kept
	Body codesIssued
}

func (m *methods) issueCodes(ctx context.Context, p principal.Principal, _ *struct{}) (*codesOut, error) {
	issued, err := m.room.IssueCodes(ctx, p)
	out := &codesOut{kept: kept{bearer: issued.Bearer}, Body: codesIssued{Issued: issued.Born}}
	for _, c := range issued.Codes {
		out.Body.Codes = append(out.Body.Codes, string(c.Reveal()))
	}
	return out, err
}

type recoveryCodeIn struct{ Body recoveryCodeGiven }

type recoveryCodeGiven struct {
	Code string `json:"code" maxLength:"64" doc:"A recovery code as it was typed" example:"00000-00000-00000-00000-00000-00"`
}

func (m *methods) confirmCodes(ctx context.Context, p principal.Principal, in *recoveryCodeIn) (*struct{}, error) {
	return nil, m.room.ConfirmCodes(ctx, p, secret.FromString("recovery code", in.Body.Code))
}
