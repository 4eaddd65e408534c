package api

import (
	"context"
	"net/http"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
)

// keyLife is what happens to a key after its issue.
type keyLife struct {
	room interface {
		standings
		Named(text string) (id.Key, error)
		Edit(ctx context.Context, p principal.Principal, in apikey.EditInput) (apikey.Key, error)
		Transfer(ctx context.Context, p principal.Principal, in apikey.TransferInput) (apikey.Key, error)
		Promote(ctx context.Context, p principal.Principal, in apikey.PromoteInput) (apikey.Issued, error)
		Wake(ctx context.Context, p principal.Principal, k id.Key) error
		Release(ctx context.Context, p principal.Principal, k id.Key) error
		List(ctx context.Context, p principal.Principal) ([]apikey.Key, error)
		Rotate(ctx context.Context, p principal.Principal, in apikey.RotateInput) (apikey.Rotated, error)
		RotateSelf(ctx context.Context, p principal.Principal, in apikey.RotateInput) (apikey.Rotated, error)
		Extend(ctx context.Context, p principal.Principal, in apikey.ExtendInput) (time.Time, error)
		Retire(ctx context.Context, p principal.Principal, k id.Key, sure bool) error
		Cutover(k id.Key) []apikey.Secret
		Leaked(ctx context.Context, p principal.Principal, k id.Key, since time.Time) (apikey.Leak, error)
		Stop(ctx context.Context, p principal.Principal, k id.Key, s apikey.Stop) error
		Resume(ctx context.Context, p principal.Principal, k id.Key, s apikey.Stop) error
	}
}

func (k *keyLife) mount(a *API) {
	register(a, operation{
		id: "rotateKey", method: http.MethodPost, path: "/v1/keys/{key_id}/rotate", summary: "Give a key its next secret",
		about: "Same rights, and a new life as long as the one before. Both secrets work until the overlap ends; answers to the old one say when in " +
			"Sallyport-Key-Retires, and since when in Deprecation. An overlap of zero needs sure, because the new secret was not seen yet.",
		codes: []fault.Code{fault.KeyNotFound, fault.KeyRotating, fault.KeyUnseen, fault.KeyPossessionUnproven, fault.SignInExpired},
	}, k.rotate)
	register(a, operation{
		id: "rotateOwnKey", method: http.MethodPost, path: "/v1/keys/self/rotate", summary: "A key gives itself its next secret",
		about: "Signed by the key itself. The end of its life stays where it is. Whoever lost the answer asks again with the old secret: while the new one " +
			"was not used, it is replaced. An Ed25519 key sends its next public half, and as possession its signature over the text " +
			"sallyport-key-proof-v1, a newline and the key id.",
		codes: []fault.Code{fault.KeyRotating, fault.KeyFrozen, fault.KeyAccountLocked, fault.KeyPossessionUnproven},
	}, k.rotateSelf)
	register(a, operation{
		id: "listKeySecrets", method: http.MethodGet, path: "/v1/keys/{key_id}/secrets", summary: "Which secrets of a key are in use",
		about: "While it rotates: the newest first, with how often each signed in the last minute. Never the secrets themselves.",
		codes: []fault.Code{fault.KeyNotFound},
	}, k.secrets)
	register(a, operation{
		id: "retireKeySecret", method: http.MethodPost, path: "/v1/keys/{key_id}/retire", summary: "End the old secret of a rotation now",
		about: "Before the new secret was used it needs sure.",
		codes: []fault.Code{fault.KeyNotFound, fault.KeyNotRotating, fault.KeyUnseen, fault.Forbidden},
	}, k.retire)
	register(a, operation{
		id: "extendKeySecret", method: http.MethodPost, path: "/v1/keys/{key_id}/extend", summary: "Put the end of the old secret off",
		about: "Once for a rotation, and never beyond seven days after it.",
		codes: []fault.Code{fault.KeyNotFound, fault.KeyNotRotating, fault.KeyExtended, fault.KeyFrozen, fault.KeyAccountLocked, fault.Forbidden},
	}, k.extend)
	register(a, operation{
		id: "markKeyLeaked", method: http.MethodPost, path: "/v1/keys/{key_id}/leaked", summary: "Strangers hold the secret",
		about: "Dead from the moment of the answer, without an overlap and for good. Withdrawals are held if the key had that scope.",
		codes: []fault.Code{fault.KeyNotFound, fault.Forbidden},
	}, k.leaked)
	register(a, operation{
		id: "editKey", method: http.MethodPatch, path: "/v1/keys/{key_id}", summary: "Change a key",
		about: "What is missing stays. To narrow a key asks for nothing; whatever lets it do more, now or for longer, asks for a step-up, and is refused " +
			"while the key is frozen or blocked.",
		codes: []fault.Code{fault.KeyNotFound, fault.RateLimited, fault.KeyFrozen, fault.KeyAccountLocked, fault.KeyAboveCeiling, fault.KeyNeedsAllowlist, fault.KeyNeedsDestinations, fault.KeyVendorNoWithdraw, fault.KeyVendorSecret},
	}, k.edit)
	register(a, operation{
		id: "transferKey", method: http.MethodPost, path: "/v1/keys/{key_id}/transfer", summary: "Give a key to another member",
		about: "Or to a service user. It keeps its id and secrets, and can do what its new owner may do. Whoever had the secret still has it: rotate it next.",
		codes: []fault.Code{fault.KeyNotFound, fault.Forbidden},
	}, k.transfer)
	register(a, operation{
		id: "promoteKey", method: http.MethodPost, path: "/v1/keys/{key_id}/promote", summary: "Make a live key like a test key", status: http.StatusCreated,
		about: "The same rights, places, bounds and length of life; id and secret are new, it belongs to whoever asks (of a service user to that), and a network that " +
			"it is held to is taken from its first use. The secret is in the answer and never readable again. The test key goes on.",
		codes: []fault.Code{fault.KeyNotFound, fault.KeyNotTest, fault.KeyAboveCeiling, fault.KeyPossessionUnproven, fault.SignInExpired},
	}, k.promote)
	register(a, operation{
		id: "wakeKey", method: http.MethodPost, path: "/v1/keys/{key_id}/wake", summary: "Wake a key that nobody used",
		about: "It may do again what it was given.", codes: []fault.Code{fault.KeyNotFound, fault.Forbidden},
	}, func(ctx context.Context, p principal.Principal, in *keyPath) (*struct{}, error) {
		return k.on(in, func(kid id.Key) error { return k.room.Wake(ctx, p, kid) })
	})
	register(a, operation{
		id: "releaseKey", method: http.MethodPost, path: "/v1/keys/{key_id}/release", summary: "Let a key withdraw",
		about: "In another session than the one that gave it the scope, with a passkey that is old enough to approve money. Each withdrawal still asks its owner.",
		codes: []fault.Code{fault.KeyNotFound, fault.KeySameSession, fault.PasskeyYoung, fault.Forbidden},
	}, func(ctx context.Context, p principal.Principal, in *keyPath) (*struct{}, error) {
		return k.on(in, func(kid id.Key) error { return k.room.Release(ctx, p, kid) })
	})
	k.mountStops(a)
}

func (k *keyLife) mountStops(a *API) {
	for _, stop := range []struct {
		op, path, summary, about string
		of                       apikey.Stop
		undo                     bool
	}{
		{"freezeKey", "freeze", "Freeze a key", "No new order and no widening; looking and cancelling go on.", apikey.Freeze, false},
		{"unfreezeKey", "unfreeze", "Take a freeze back", "It may do again what it was given.", apikey.Freeze, true},
		{"blockKey", "block", "Block a key", "Nothing goes on, until it is unblocked.", apikey.Block, false},
		{"unblockKey", "unblock", "Take a block back", "Its requests are accepted again.", apikey.Block, true},
	} {
		register(a, operation{
			id: stop.op, method: http.MethodPost, path: "/v1/keys/{key_id}/" + stop.path, summary: stop.summary, about: stop.about,
			codes: []fault.Code{fault.KeyNotFound, fault.Forbidden},
		}, func(ctx context.Context, p principal.Principal, in *keyPath) (*struct{}, error) {
			return k.on(in, func(kid id.Key) error {
				if stop.undo {
					return k.room.Resume(ctx, p, kid, stop.of)
				}
				return k.room.Stop(ctx, p, kid, stop.of)
			})
		})
	}
}

type transferGiven struct {
	To id.User `json:"to" pattern:"^usr_[0-9a-z]{26}$" doc:"A member of the account" example:"usr_069g9r2kt0f7s8w3a5q1z7y6xc"`
}

type transferIn struct {
	KeyID string `path:"key_id" doc:"The public id" example:"spk_live_01AbCdEfGhIjKlMnOpQrStUvWxYz"`
	Body  transferGiven
}

type transferOut struct{ Body keyShown }

func (k *keyLife) transfer(ctx context.Context, p principal.Principal, in *transferIn) (*transferOut, error) {
	kid, err := k.room.Named(in.KeyID)
	if err != nil {
		return nil, err
	}
	after, err := k.room.Transfer(ctx, p, apikey.TransferInput{Key: kid, To: in.Body.To})
	return &transferOut{keyAs(k.room, after)}, err
}

type promotion struct {
	PublicKey  string `json:"public_key,omitempty" maxLength:"1024" doc:"For key pairs: the live one, as PEM, base64 or hex"`
	Challenge  string `json:"challenge,omitempty" maxLength:"8192" doc:"For key pairs: as it was given out"`
	Possession string `json:"possession,omitempty" maxLength:"128" doc:"For key pairs: the signature over the proof text, base64"`
}

type promoteIn struct {
	KeyID string `path:"key_id" doc:"The public id of a test key" example:"spk_test_01AbCdEfGhIjKlMnOpQrStUvWxYz"`
	Body  promotion
}

func (k *keyLife) promote(ctx context.Context, p principal.Principal, in *promoteIn) (*keyOut, error) {
	kid, err := k.room.Named(in.KeyID)
	if err != nil {
		return nil, err
	}
	b := in.Body
	issued, err := k.room.Promote(ctx, p, apikey.PromoteInput{Key: kid, PublicKey: b.PublicKey, Challenge: b.Challenge, Possession: b.Possession})
	return &keyOut{keyIssued{Key: keyAs(k.room, issued.Key), Secret: string(issued.Secret.Reveal()), Passphrase: string(issued.Passphrase.Reveal())}}, err
}

// on does to the key of the path what has no answer.
func (k *keyLife) on(in *keyPath, do func(id.Key) error) (*struct{}, error) {
	kid, err := k.room.Named(in.KeyID)
	if err != nil {
		return nil, err
	}
	return nil, do(kid)
}

type keyChange struct {
	Name         *string       `json:"name,omitempty" maxLength:"320" doc:"At most 80 characters" example:"Rebalancer"`
	Purpose      *string       `json:"purpose,omitempty" maxLength:"320" doc:"What it is for" example:"Weights, every night"`
	Scopes       *[]string     `json:"scopes,omitempty" maxItems:"32" example:"[\"balances:read\"]"`
	Allowlist    *[]string     `json:"allowlist,omitempty" maxItems:"64" doc:"Empty allows every address" example:"[\"203.0.113.7\"]"`
	ExpiresAt    *time.Time    `json:"expires_at,omitempty" doc:"At most the longest life after its newest secret was made"`
	OnEnd        *string       `json:"on_end,omitempty" enum:"leave,cancel_all"`
	Standby      *bool         `json:"standby,omitempty" doc:"It may lie unused"`
	Bounds       *boundsShown  `json:"bounds,omitempty" doc:"All of them: what is missing within is unbounded"`
	WindowMS     *int64        `json:"window_ms,omitempty" minimum:"0" maximum:"60000" multipleOf:"1000" doc:"How old its signatures may be, in whole seconds; 0: as old as the dialect allows" example:"5000"`
	Settings     *[]string     `json:"settings,omitempty" maxItems:"4" doc:"How its clients write what they sign; empty: as the dialect's usually do. lenient and a wider nonce-window ask for a step-up" example:"[]"`
	Destinations *[]destWanted `json:"destinations,omitempty" maxItems:"64" doc:"All of them. One that is new asks for a passkey, and counts a day later"`
	Vendor       *string       `json:"vendor,omitempty" maxLength:"320" doc:"Who outside the account has it; empty for nobody, which asks for a step-up" example:"Kimchi Bots"`
	Pin          *string       `json:"pin,omitempty" maxLength:"64" doc:"Empty for none, first, or an address of the network; or first-as, or an autonomous system" example:"first"`
}

type editKeyIn struct {
	KeyID string `path:"key_id" doc:"The public id" example:"spk_live_01AbCdEfGhIjKlMnOpQrStUvWxYz"`
	Body  keyChange
}

type editedOut struct{ Body keyShown }

func (k *keyLife) edit(ctx context.Context, p principal.Principal, in *editKeyIn) (*editedOut, error) {
	kid, err := k.room.Named(in.KeyID)
	if err != nil {
		return nil, err
	}
	b := in.Body
	var bounds *apikey.Bounds
	if b.Bounds != nil {
		bounds = new(b.Bounds.input())
	}
	var destinations *[]apikey.Destination
	if b.Destinations != nil {
		destinations = new(destsWanted(*b.Destinations))
	}
	var window *time.Duration
	if b.WindowMS != nil {
		window = new(time.Duration(*b.WindowMS) * time.Millisecond)
	}
	out, err := k.room.Edit(ctx, p, apikey.EditInput{
		Bounds: bounds,
		Key:    kid, Name: b.Name, Purpose: b.Purpose, Scopes: b.Scopes, Allowlist: b.Allowlist, ExpiresAt: b.ExpiresAt,
		OnEnd: (*apikey.OnEnd)(b.OnEnd), Standby: b.Standby, Pin: b.Pin, Window: window, Vendor: b.Vendor, Destinations: destinations, Settings: b.Settings,
	})
	return &editedOut{keyAs(k.room, out)}, err
}

type rotation struct {
	OverlapSeconds *int64 `json:"overlap_seconds,omitempty" minimum:"0" maximum:"604800" doc:"How long the old secret goes on; missing: a day"`
	Sure           bool   `json:"sure,omitempty" doc:"Confirms an overlap of zero"`
	PublicKey      string `json:"public_key,omitempty" maxLength:"1024" doc:"For key pairs: the next one, as PEM, base64 or hex"`
	Challenge      string `json:"challenge,omitempty" maxLength:"8192" doc:"For ed25519: as it was given out"`
	Possession     string `json:"possession,omitempty" maxLength:"128" doc:"For ed25519: the signature over the proof text, base64"`
}

func (r rotation) input() apikey.RotateInput {
	overlap := apikey.UsualOverlap
	if r.OverlapSeconds != nil {
		overlap = time.Duration(*r.OverlapSeconds) * time.Second
	}
	return apikey.RotateInput{Overlap: overlap, Sure: r.Sure, PublicKey: r.PublicKey, Challenge: r.Challenge, Possession: r.Possession}
}

type rotateIn struct {
	KeyID string `path:"key_id" doc:"The public id" example:"spk_live_01AbCdEfGhIjKlMnOpQrStUvWxYz"`
	Body  rotation
}

type rotateSelfIn struct{ Body rotation }

type keyRotated struct {
	Key        keyShown  `json:"key"`
	Secret     string    `json:"secret,omitempty" doc:"For HMAC: shown once"`
	Passphrase string    `json:"passphrase,omitempty" doc:"In dialects that have one: shown once"`
	OldRetires time.Time `json:"old_retires_at" doc:"When the old secret stops to work"`
}

type rotatedOut struct{ Body keyRotated }

func (k *keyLife) rotatedAs(r apikey.Rotated) *rotatedOut {
	return &rotatedOut{keyRotated{keyAs(k.room, r.Key), string(r.Secret.Reveal()), string(r.Passphrase.Reveal()), r.Retires}}
}

func (k *keyLife) rotate(ctx context.Context, p principal.Principal, in *rotateIn) (*rotatedOut, error) {
	kid, err := k.room.Named(in.KeyID)
	if err != nil {
		return nil, err
	}
	wanted := in.Body.input()
	wanted.Key = kid
	out, err := k.room.Rotate(ctx, p, wanted)
	return k.rotatedAs(out), err
}

func (k *keyLife) rotateSelf(ctx context.Context, p principal.Principal, in *rotateSelfIn) (*rotatedOut, error) {
	out, err := k.room.RotateSelf(ctx, p, in.Body.input())
	return k.rotatedAs(out), err
}

type extension struct {
	BySeconds int64 `json:"by_seconds" minimum:"1" maximum:"604800" doc:"How much longer it goes on" example:"86400"`
}

type extendIn struct {
	KeyID string `path:"key_id" doc:"The public id" example:"spk_live_01AbCdEfGhIjKlMnOpQrStUvWxYz"`
	Body  extension
}

type extended struct {
	OldRetires time.Time `json:"old_retires_at" doc:"When the old secret stops to work"`
}

type extendedOut struct{ Body extended }

func (k *keyLife) extend(ctx context.Context, p principal.Principal, in *extendIn) (*extendedOut, error) {
	kid, err := k.room.Named(in.KeyID)
	if err != nil {
		return nil, err
	}
	ends, err := k.room.Extend(ctx, p, apikey.ExtendInput{Key: kid, By: time.Duration(in.Body.BySeconds) * time.Second})
	return &extendedOut{extended{ends}}, err
}

type secretShown struct {
	Version      uint32    `json:"version" example:"2"`
	RetiresAt    time.Time `json:"retires_at,omitzero" doc:"Missing for the newest"`
	ExtendableBy int64     `json:"extendable_by_seconds,omitempty" doc:"How much longer it may be given at the most; missing if it was put off before" example:"518400"`
	LastUsedAt   time.Time `json:"last_used_at,omitzero" doc:"Missing if it was not used since the rotation"`
	LastUsedFrom string    `json:"last_used_from,omitempty" example:"203.0.113.7"`
	LastMinute   int       `json:"last_minute" doc:"Calls in the last minute" example:"14"`
}

type secretList struct {
	Secrets []secretShown `json:"secrets" doc:"Empty while the key does not rotate"`
}

type secretsOut struct{ Body secretList }

func (k *keyLife) secrets(ctx context.Context, p principal.Principal, in *keyPath) (*secretsOut, error) {
	kid, err := k.room.Named(in.KeyID)
	if err != nil {
		return nil, err
	}
	all, err := k.room.List(ctx, p)
	if err != nil {
		return nil, err
	}
	for _, key := range all {
		if key.ID != kid {
			continue
		}
		list := []secretShown{}
		for _, s := range k.room.Cutover(kid) {
			list = append(list, secretShown{s.Version, s.RetiresAt, int64(s.ExtendableBy / time.Second), s.LastUsedAt, s.LastUsedFrom, s.LastMinute})
		}
		return &secretsOut{secretList{list}}, nil
	}
	return nil, fault.New(fault.KeyNotFound)
}

type retireIn struct {
	KeyID string `path:"key_id" doc:"The public id" example:"spk_live_01AbCdEfGhIjKlMnOpQrStUvWxYz"`
	Body  retirement
}

type retirement struct {
	Sure bool `json:"sure,omitempty" doc:"Also if the new secret was not used yet"`
}

func (k *keyLife) retire(ctx context.Context, p principal.Principal, in *retireIn) (*struct{}, error) {
	kid, err := k.room.Named(in.KeyID)
	if err != nil {
		return nil, err
	}
	return nil, k.room.Retire(ctx, p, kid, in.Body.Sure)
}

type leakedIn struct {
	KeyID string `path:"key_id" doc:"The public id" example:"spk_live_01AbCdEfGhIjKlMnOpQrStUvWxYz"`
	Body  leak
}

type leak struct {
	Since time.Time `json:"since,omitzero" required:"false" doc:"From when on its uses are listed; missing: since ever" example:"2026-11-21T09:00:00Z"`
}

type useShown struct {
	Hour   time.Time `json:"hour"`
	Addr   string    `json:"addr" doc:"An address; of IPv6 the /64 around it" example:"203.0.113.7"`
	Route  string    `json:"route" example:"POST /v1/orders"`
	Calls  int64     `json:"calls" example:"14"`
	Code   string    `json:"code,omitempty" doc:"Of the refusal; missing where the calls were let through" example:"key_other_network"`
	LastAt time.Time `json:"last_at"`
}

func usesAs(uses []apikey.Use) []useShown {
	list := make([]useShown, 0, len(uses))
	for _, u := range uses {
		list = append(list, useShown{u.Hour, u.Addr, u.Route, u.Calls, u.Code, u.Last})
	}
	return list
}

type leakShown struct {
	Uses   []useShown `json:"uses" doc:"By the hour, the latest first"`
	Cut    bool       `json:"cut" doc:"There are more uses than those"`
	Others []string   `json:"others" doc:"Other keys of the account that were last used from one of these places"`
}

type leakOut struct{ Body leakShown }

func (k *keyLife) leaked(ctx context.Context, p principal.Principal, in *leakedIn) (*leakOut, error) {
	kid, err := k.room.Named(in.KeyID)
	if err != nil {
		return nil, err
	}
	known, err := k.room.Leaked(ctx, p, kid, in.Body.Since)
	shown := leakShown{Uses: usesAs(known.Uses), Cut: known.Cut, Others: []string{}}
	for _, other := range known.Others {
		shown.Others = append(shown.Others, other.Text())
	}
	return &leakOut{shown}, err
}
