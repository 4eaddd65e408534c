package api

import (
	"context"
	"net/http"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/respond/recovery"
)

// lost ends what was issued to a device that its user lost.
type lost struct {
	room interface {
		Losables(ctx context.Context, p principal.Principal) ([]recovery.Losable, error)
		Losable(ctx context.Context, p principal.Principal, which id.Device) (recovery.Losable, []recovery.Exposed, error)
		GiveUp(ctx context.Context, p principal.Principal, in recovery.LostInput) (recovery.Lost, error)
	}
	describe Describer
}

func (s *lost) mount(a *API) {
	register(a, operation{
		id: "listLosableDevices", method: http.MethodGet, path: "/v1/lost-device", summary: "Which devices could be lost",
		about: "The browsers that the user signed in with, the one used last first, and what each holds.",
	}, s.list)
	register(a, operation{
		id: "getLosableDevice", method: http.MethodGet, path: "/v1/lost-device/{id}", summary: "What would be lost with one device",
		about: "With the API keys of the account that still work, those that could live on it first.", codes: []fault.Code{fault.DeviceNotFound},
	}, s.get)
	register(a, operation{
		id: "giveDeviceUp", method: http.MethodPost, path: "/v1/lost-device/{id}", summary: "I lost this device",
		about: "Ends its sessions and the passkeys made on it, makes its browser a stranger and holds withdrawals. API keys stay: look at them next. " +
			"Removing passkeys asks for a step-up; with keep_passkeys everything else ends without one.",
		codes: []fault.Code{fault.DeviceNotFound, fault.FactorLast, fault.FactorLastWayBack},
	}, s.giveUp)
}

type losableShown struct {
	ID          id.Device `json:"id" example:"dev_069g9r2kt0f7s8w3a5q1z7y6xc"`
	Device      string    `json:"device" doc:"Browser and system in words; the sender chose what they rest on" example:"Chrome on Android"`
	Current     bool      `json:"current" doc:"Whether it is the one that asks"`
	FirstSeenAt time.Time `json:"first_seen_at"`
	LastSeenAt  time.Time `json:"last_seen_at" doc:"Latest sign-in"`
	EndedAt     time.Time `json:"ended_at,omitzero" doc:"When it became a stranger again; missing while it is recognised"`
	Sessions    int       `json:"sessions" doc:"How many are open on it"`
	Passkeys    []string  `json:"passkeys" doc:"Names of those that were made on it"`
}

func (s *lost) shown(d recovery.Losable, lang string) losableShown {
	out := losableShown{
		ID: d.ID, Device: s.describe.Device(d.Agent, lang), Current: d.Here, FirstSeenAt: d.First, LastSeenAt: d.Last, EndedAt: d.Ended, Sessions: d.Sessions,
		Passkeys: []string{},
	}
	for _, c := range d.Passkeys {
		out.Passkeys = append(out.Passkeys, c.Name)
	}
	return out
}

type losableList struct {
	Devices []losableShown `json:"devices"`
}

type losablesOut struct{ Body losableList }

func (s *lost) list(ctx context.Context, p principal.Principal, _ *struct{}) (*losablesOut, error) {
	all, err := s.room.Losables(ctx, p)
	out := losableList{Devices: []losableShown{}}
	for _, d := range all {
		out.Devices = append(out.Devices, s.shown(d, p.Lang))
	}
	return &losablesOut{out}, err
}

type lostPath struct {
	ID id.Device `path:"id" doc:"The device" example:"dev_069g9r2kt0f7s8w3a5q1z7y6xc"`
}

type exposedShown struct {
	KeyID  string `json:"key_id" example:"spk_test_069g9r2kt0f7s8w3a5q1z7y6xc"`
	Name   string `json:"name" example:"grid"`
	Made   bool   `json:"made_there" doc:"Whether it was made on the device"`
	Used   bool   `json:"used_nearby" doc:"Whether it was last used from a network that the device was signed in from"`
	Frozen bool   `json:"frozen" doc:"Whether it looks and cancels only"`
}

type losableOne struct {
	Device losableShown   `json:"device"`
	Keys   []exposedShown `json:"keys" doc:"Those to review first come first"`
}

type losableOut struct{ Body losableOne }

func (s *lost) get(ctx context.Context, p principal.Principal, in *lostPath) (*losableOut, error) {
	d, keys, err := s.room.Losable(ctx, p, in.ID)
	out := losableOne{Device: s.shown(d, p.Lang), Keys: []exposedShown{}}
	for _, k := range keys {
		out.Keys = append(out.Keys, exposedShown{k.Text(), k.Name, k.Made, k.Used, k.Frozen()})
	}
	return &losableOut{out}, err
}

type lostWanted struct {
	KeepPasskeys bool `json:"keep_passkeys,omitempty" doc:"Leave the passkeys that were made on it, for who cannot show another one now"`
}

type giveUpIn struct {
	ID   id.Device `path:"id" doc:"The device" example:"dev_069g9r2kt0f7s8w3a5q1z7y6xc"`
	Body lostWanted
}

type lostDone struct {
	Sessions int      `json:"sessions" doc:"How many ended"`
	Passkeys []string `json:"passkeys" doc:"Names of those that were removed"`
}

type lostOut struct {
	kept
	Body lostDone
}

func (s *lost) giveUp(ctx context.Context, p principal.Principal, in *giveUpIn) (*lostOut, error) {
	done, err := s.room.GiveUp(ctx, p, recovery.LostInput{Device: in.ID, KeepPasskeys: in.Body.KeepPasskeys})
	return &lostOut{kept{signedOut: done.Here && err == nil}, lostDone{done.Sessions, append([]string{}, done.Passkeys...)}}, err
}
