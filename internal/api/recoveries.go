package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/prove/factor"
	"github.com/seed-21c57000/sallyport/internal/prove/signin"
	"github.com/seed-21c57000/sallyport/internal/respond/recovery"
)

// recoveries is the way back into an account, for people without a session.
type recoveries struct {
	room interface {
		Begin(ctx context.Context, from recovery.From, mail, lang string) (recovery.Begun, error)
		Reopen(ctx context.Context, from recovery.From, typed string) (id.Recovery, error)
		ShowMailbox(ctx context.Context, from recovery.From, which id.Recovery, typed string) error
		Mine(ctx context.Context, from recovery.From, which id.Recovery) (recovery.Case, error)
		Claim(ctx context.Context, from recovery.From, which id.Recovery) error
		ClaimWithApp(ctx context.Context, from recovery.From, which id.Recovery, code string) error
		ClaimWithPassword(ctx context.Context, from recovery.From, which id.Recovery, given secret.Value) error
		WithCode(ctx context.Context, from recovery.From, which id.Recovery, typed secret.Value) error
		Hearing(ctx context.Context, from recovery.From, which id.Recovery) (recovery.Hearing, error)
		Bring(ctx context.Context, from recovery.From, which id.Recovery, s recovery.Slot, given []byte) error
		Withdraw(ctx context.Context, from recovery.From, which id.Recovery) error
		Review(ctx context.Context, from recovery.From, which id.Recovery) (recovery.Review, error)
		FinishWithPassword(ctx context.Context, from recovery.From, which id.Recovery, keep recovery.Keep, fresh secret.Value) (recovery.Recovered, error)
		BeginPasskey(ctx context.Context, from recovery.From, which id.Recovery) (factor.Begun, error)
		FinishWithPasskey(ctx context.Context, from recovery.From, which id.Recovery, keep recovery.Keep, token string, response []byte) (recovery.Recovered, error)
	}
	now func() time.Time
}

// caseCodes are the refusals of everything about one case.
var caseCodes = []fault.Code{fault.RecoveryUnknown, fault.RecoveryOver}

func (s *recoveries) mount(a *API) {
	registerPre(a, operation{
		id: "beginRecovery", method: http.MethodPost, path: "/v1/recoveries", summary: "Ask for a way back into an account", status: http.StatusCreated,
		about: "Sends a code to the address. The answer is the same for an address without an account; only the letter differs. The case code is shown once.",
		codes: []fault.Code{fault.MailAddressMalformed, fault.MailAddressLocalPart, fault.MailAddressDomain},
	}, s.begin)
	registerPre(a, operation{
		id: "reopenRecovery", method: http.MethodPost, path: "/v1/recoveries/reopen", summary: "Go on with a case in another browser",
		about: "Sends a new code to its address. The browser that had the case before has it no more.", codes: []fault.Code{fault.RecoveryUnknown},
	}, s.reopen)
	registerPre(a, operation{
		id: "showMailbox", method: http.MethodPost, path: "/v1/recoveries/{id}/mail", summary: "Show the mailbox with the mailed code",
		about: "Five tries; then another letter is needed.", codes: []fault.Code{fault.RecoveryMailCodeRefused},
	}, s.showMailbox)
	registerPre(a, operation{
		id: "getRecovery", method: http.MethodGet, path: "/v1/recoveries/{id}", summary: "Where a case stands", codes: caseCodes,
		about: "In the browser that showed its mailbox. Of a case that is ready it lists every credential that the account still has.",
	}, s.get)
	registerPre(a, operation{
		id: "claimRecovery", method: http.MethodPost, path: "/v1/recoveries/{id}/claim", summary: "Begin the wait",
		about: "With the password or a code of the authenticator app it is shorter than with the mailbox alone. Another claim that waits stops it, and is stopped by it.",
		codes: append([]fault.Code{fault.RecoveryProofRefused, fault.RecoveryTooMany, fault.Busy}, caseCodes...),
	}, s.claim)
	registerPre(a, operation{
		id: "recoverWithCode", method: http.MethodPost, path: "/v1/recoveries/{id}/recovery-code", summary: "Make a case ready with a recovery code",
		about: "The code is spent. There is no wait.", codes: append([]fault.Code{fault.RecoveryCodeRefused}, caseCodes...),
	}, s.withCode)
	registerPre(a, operation{
		id: "bringEvidence", method: http.MethodPut, path: evidenceAt, summary: "Bring what people decide by",
		about: "To a case that is disputed, in the browser that showed its mailbox. It replaces what lay in the slot, is sealed, is read by operators only, and is deleted 30 days after the case has ended.",
		codes: append([]fault.Code{fault.EvidenceRefused, fault.EvidenceReplacedOften, fault.Busy}, caseCodes...),
	}, s.bring)
	registerPre(a, operation{
		id: "withdrawRecovery", method: http.MethodDelete, path: "/v1/recoveries/{id}", summary: "Give a case up", codes: caseCodes,
		about: "In the browser that showed its mailbox. The wait ends, and nothing about the account has changed.",
	}, s.withdraw)
	registerPre(a, operation{
		id: "finishRecoveryWithPassword", method: http.MethodPost, path: "/v1/recoveries/{id}/password", status: http.StatusCreated,
		summary: "Come back with a new password", codes: append(passwordCodes, caseCodes...),
		about: "Every credential and place for notices that is not named in keep is removed. All sessions end, API keys are frozen, money is held. The browser is signed in by the answer.",
	}, s.withPassword)
	registerPre(a, operation{
		id: "beginRecoveryPasskey", method: http.MethodPost, path: "/v1/recoveries/{id}/passkey/begin", summary: "Begin making the new passkey",
		about: "Hand the options to navigator.credentials.create.", codes: caseCodes,
	}, s.beginPasskey)
	registerPre(a, operation{
		id: "finishRecoveryWithPasskey", method: http.MethodPost, path: "/v1/recoveries/{id}/passkey", status: http.StatusCreated,
		summary: "Come back with a new passkey", about: "As with a new password.",
		codes: append([]fault.Code{fault.SignInExpired, fault.PasskeyRefused, fault.PasskeyDuplicate}, caseCodes...),
	}, s.withPasskey)
}

// claimant is the browser of somebody without a session.
func claimant(f signin.From) recovery.From {
	return recovery.From{Origin: f.Origin, Browser: f.Browser, Device: f.Device, Replace: f.Replace}
}

type recoveryWanted struct {
	Mail string `json:"mail" maxLength:"320" doc:"The address of the account" example:"min@example.com"`
	Lang string `json:"lang,omitempty" enum:"en,ko" doc:"Language of the letter, where there is no account" example:"en"`
}

type beginRecoveryIn struct{ Body recoveryWanted }

type recoveryBegun struct {
	Recovery id.Recovery `json:"recovery" doc:"Names the case in the next calls" example:"rcv_069g9r2kt0f7s8w3a5q1z7y6xc"`
	CaseCode string      `json:"case_code" doc:"Brings its holder back to the case from another browser, together with the mailbox. Shown once" example:"00000-00000-00000-00000-00000-00"`
}

type beginRecoveryOut struct{ Body recoveryBegun }

func (s *recoveries) begin(ctx context.Context, from signin.From, in *beginRecoveryIn) (*beginRecoveryOut, error) {
	b, err := s.room.Begin(ctx, claimant(from), in.Body.Mail, in.Body.Lang)
	return &beginRecoveryOut{recoveryBegun{b.ID, string(b.Code.Reveal())}}, err
}

type caseCodeGiven struct {
	CaseCode string `json:"case_code" maxLength:"64" doc:"As it was shown" example:"00000-00000-00000-00000-00000-00"`
}

type reopenIn struct{ Body caseCodeGiven }

type recoveryNamed struct {
	Recovery id.Recovery `json:"recovery" example:"rcv_069g9r2kt0f7s8w3a5q1z7y6xc"`
}

type reopenOut struct{ Body recoveryNamed }

func (s *recoveries) reopen(ctx context.Context, from signin.From, in *reopenIn) (*reopenOut, error) {
	which, err := s.room.Reopen(ctx, claimant(from), in.Body.CaseCode)
	return &reopenOut{recoveryNamed{which}}, err
}

type recoveryPath struct {
	ID id.Recovery `path:"id" doc:"The case" example:"rcv_069g9r2kt0f7s8w3a5q1z7y6xc"`
}

type showMailboxIn struct {
	ID   id.Recovery `path:"id" doc:"The case" example:"rcv_069g9r2kt0f7s8w3a5q1z7y6xc"`
	Body codeGiven
}

func (s *recoveries) showMailbox(ctx context.Context, from signin.From, in *showMailboxIn) (*struct{}, error) {
	return nil, s.room.ShowMailbox(ctx, claimant(from), in.ID, in.Body.Code)
}

type recoveryShown struct {
	State       string        `json:"state" enum:"asked,proven,told,waiting,ready,disputed,completed,cancelled,rejected,withdrawn,lapsed"`
	Proof       string        `json:"proof" enum:",password,totp,recovery_code,people" doc:"What was shown besides the mailbox; empty for nothing, people where operators approved it"`
	WaitSeconds int64         `json:"wait_seconds" doc:"How long it takes from when the owner was told"`
	Begun       time.Time     `json:"begun_at,omitzero" doc:"When the owner was told; missing until then"`
	Ends        time.Time     `json:"ends_at,omitzero" doc:"When it can be completed; missing until the owner was told"`
	Until       time.Time     `json:"until" doc:"When it is over, unfinished"`
	Credentials *credentials  `json:"credentials,omitempty" doc:"Of a case that is ready: what the account still has. What is not confirmed will be removed"`
	Dispute     *disputeShown `json:"dispute,omitempty" doc:"Of a case that is disputed: what people decide by, and by when"`
}

// disputeShown is what a claimant sees of a case that people decide.
type disputeShown struct {
	Opened time.Time       `json:"opened_at"`
	Due    time.Time       `json:"due_at" doc:"By when an answer was promised"`
	Lapses time.Time       `json:"lapses_at" doc:"When it is over without an answer"`
	Slots  []evidenceShown `json:"evidence" doc:"What can be brought, in the order in which it is asked for"`
}

type evidenceShown struct {
	Slot     string    `json:"slot" enum:"statement,document,bank" doc:"A statement in their own words, an identity document, or a paper of their bank"`
	Required bool      `json:"required" doc:"Whether nobody can approve without it"`
	Takes    []string  `json:"takes" doc:"Media types; told from the bytes"`
	Kind     string    `json:"kind,omitempty" doc:"What lies there; missing if nothing does"`
	Size     int       `json:"size,omitempty" doc:"In bytes"`
	At       time.Time `json:"at,omitzero" doc:"When it was brought"`
	Gone     time.Time `json:"deleted_at,omitzero" doc:"When it is deleted at the latest"`
}

func disputeAs(h recovery.Hearing) *disputeShown {
	out := &disputeShown{Opened: h.Born, Due: h.Due, Lapses: h.Expires}
	for _, w := range recovery.Slots {
		shown := evidenceShown{Slot: string(w.Slot), Required: w.Required, Takes: w.Kinds}
		for _, e := range h.Evidence {
			if e.Slot == w.Slot {
				shown.Kind, shown.Size, shown.At, shown.Gone = e.Kind, e.Size, e.Born, e.Gone
			}
		}
		out.Slots = append(out.Slots, shown)
	}
	return out
}

// evidenceAt is the one route whose body may be large.
const evidenceAt = "/v1/recoveries/{id}/evidence/{slot}"

type evidenceGiven struct {
	Bytes []byte `json:"bytes" doc:"A statement of at most 16 kB of text, or a picture or PDF of at most 4 MiB, in base64" example:"SSBsb3N0IG15IHBob25lLg=="`
}

type bringIn struct {
	ID   id.Recovery `path:"id" doc:"The case" example:"rcv_069g9r2kt0f7s8w3a5q1z7y6xc"`
	Slot string      `path:"slot" enum:"statement,document,bank" doc:"What it is" example:"statement"`
	Body evidenceGiven
}

func (s *recoveries) bring(ctx context.Context, from signin.From, in *bringIn) (*struct{}, error) {
	return nil, s.room.Bring(ctx, claimant(from), in.ID, recovery.Slot(in.Slot), in.Body.Bytes)
}

type recoveryOut struct{ Body recoveryShown }

// credentials are what an account still has, and where else its notices go.
type credentials struct {
	Password bool           `json:"password" doc:"Whether there is one"`
	TOTP     *totpShown     `json:"totp,omitempty" doc:"Missing if there is no authenticator app"`
	Passkeys []passkeyShown `json:"passkeys"`
	Codes    *codesShown    `json:"recovery_codes,omitempty" doc:"Missing if there are none"`
	Second   string         `json:"second,omitempty" doc:"The second address for notices, if there is one"`
	Number   string         `json:"number,omitempty" doc:"The number that notices are texted to, if there is one"`
}

func credentialsOf(m factor.Methods) *credentials {
	has := &credentials{Password: m.Password != nil, TOTP: totpAs(m.TOTP), Passkeys: []passkeyShown{}, Codes: codesAs(m.Codes)}
	for _, c := range m.Passkeys {
		has.Passkeys = append(has.Passkeys, passkeyAs(c))
	}
	return has
}

func caseAs(c recovery.Case, now time.Time) recoveryShown {
	return recoveryShown{
		State: string(c.Told(now)), Proof: string(c.Proof), WaitSeconds: int64(c.Span / time.Second), Begun: c.Begun, Ends: c.Ends, Until: c.Expires,
	}
}

func (s *recoveries) get(ctx context.Context, from signin.From, in *recoveryPath) (*recoveryOut, error) {
	c, err := s.room.Mine(ctx, claimant(from), in.ID)
	if err != nil {
		return nil, err
	}
	out := &recoveryOut{caseAs(c, s.now())}
	switch c.State(s.now()) { //nolint:exhaustive // the others have nothing more to show
	case recovery.Disputed:
		h, err := s.room.Hearing(ctx, claimant(from), in.ID)
		if err != nil {
			return nil, err
		}
		out.Body.Dispute = disputeAs(h)
	case recovery.Ready:
		v, err := s.room.Review(ctx, claimant(from), in.ID)
		if err != nil {
			return nil, err
		}
		out.Body.Credentials = credentialsOf(v.Methods)
		out.Body.Credentials.Second, out.Body.Credentials.Number = v.Reached.Second, v.Reached.Phone
	}
	return out, nil
}

type claimGiven struct {
	Password string `json:"password,omitempty" maxLength:"4096" doc:"The password, if it is known" example:"four words in a row"`
	AppCode  string `json:"app_code,omitempty" maxLength:"32" doc:"A code of the authenticator app, if it is there; not together with the password"`
}

type claimIn struct {
	ID   id.Recovery `path:"id" doc:"The case" example:"rcv_069g9r2kt0f7s8w3a5q1z7y6xc"`
	Body claimGiven
}

func (s *recoveries) claim(ctx context.Context, from signin.From, in *claimIn) (*struct{}, error) {
	b := in.Body
	switch {
	case b.Password != "" && b.AppCode != "":
		return nil, fault.New(fault.RequestInvalid, "field", "app_code") // whoever has both signs in
	case b.Password != "":
		return nil, s.room.ClaimWithPassword(ctx, claimant(from), in.ID, secret.FromString("password", b.Password))
	case b.AppCode != "":
		return nil, s.room.ClaimWithApp(ctx, claimant(from), in.ID, b.AppCode)
	}
	return nil, s.room.Claim(ctx, claimant(from), in.ID)
}

type withCodeIn struct {
	ID   id.Recovery `path:"id" doc:"The case" example:"rcv_069g9r2kt0f7s8w3a5q1z7y6xc"`
	Body recoveryCodeGiven
}

func (s *recoveries) withCode(ctx context.Context, from signin.From, in *withCodeIn) (*struct{}, error) {
	return nil, s.room.WithCode(ctx, claimant(from), in.ID, secret.FromString("recovery code", in.Body.Code))
}

func (s *recoveries) withdraw(ctx context.Context, from signin.From, in *recoveryPath) (*struct{}, error) {
	return nil, s.room.Withdraw(ctx, claimant(from), in.ID)
}

// keeping is what somebody confirms of what their account still has.
type keeping struct {
	App      bool         `json:"totp,omitempty" doc:"The authenticator app"`
	Password bool         `json:"password,omitempty" doc:"The password; a new one replaces it in any case"`
	Codes    bool         `json:"recovery_codes,omitempty" doc:"The recovery codes that are left"`
	Second   bool         `json:"second,omitempty" doc:"The second address for notices"`
	Number   bool         `json:"number,omitempty" doc:"The number that notices are texted to"`
	Passkeys []id.Passkey `json:"passkeys,omitempty" maxItems:"100" doc:"The passkeys that are yours"`
}

func (k keeping) words() recovery.Keep {
	return recovery.Keep{Password: k.Password, App: k.App, Codes: k.Codes, Second: k.Second, Number: k.Number, Passkeys: k.Passkeys}
}

type recoveryPassword struct {
	Password string  `json:"password" doc:"The new password as it was typed" example:"four words in a row"`
	Keep     keeping `json:"keep,omitzero" doc:"What is confirmed; everything else is removed"`
}

type recoveryPasswordIn struct {
	ID   id.Recovery `path:"id" doc:"The case" example:"rcv_069g9r2kt0f7s8w3a5q1z7y6xc"`
	Body recoveryPassword
}

type recoveredOut struct {
	kept
	Body signedInSession
}

type signedInSession struct {
	Session id.Session `json:"session" example:"ses_069g9r2kt0f7s8w3a5q1z7y6xc"`
}

func recoveredAs(r recovery.Recovered) *recoveredOut {
	return &recoveredOut{kept{bearer: r.Bearer, device: r.DeviceCookie, began: r.Session.ID}, signedInSession{r.Session.ID}}
}

func (s *recoveries) withPassword(ctx context.Context, from signin.From, in *recoveryPasswordIn) (*recoveredOut, error) {
	fresh := secret.FromString("password", in.Body.Password)
	done, err := s.room.FinishWithPassword(ctx, claimant(from), in.ID, in.Body.Keep.words(), fresh)
	return recoveredAs(done), err
}

func (s *recoveries) beginPasskey(ctx context.Context, from signin.From, in *recoveryPath) (*begunOut, error) {
	b, err := s.room.BeginPasskey(ctx, claimant(from), in.ID)
	return begunAs(b), err
}

type recoveryPasskey struct {
	State    string          `json:"state" maxLength:"8192" doc:"As it was given out" example:"c3RhdGU"`
	Response json.RawMessage `json:"response" doc:"PublicKeyCredential.toJSON() of the browser"`
	Keep     keeping         `json:"keep,omitzero" doc:"What is confirmed; everything else is removed"`
}

type recoveryPasskeyIn struct {
	ID   id.Recovery `path:"id" doc:"The case" example:"rcv_069g9r2kt0f7s8w3a5q1z7y6xc"`
	Body recoveryPasskey
}

func (s *recoveries) withPasskey(ctx context.Context, from signin.From, in *recoveryPasskeyIn) (*recoveredOut, error) {
	done, err := s.room.FinishWithPasskey(ctx, claimant(from), in.ID, in.Body.Keep.words(), in.Body.State, in.Body.Response)
	return recoveredAs(done), err
}
