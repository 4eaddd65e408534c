package api

import (
	"context"
	"net/http"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/kernel/secret"
	"github.com/seed-21c57000/sallyport/internal/prove/device"
	"github.com/seed-21c57000/sallyport/internal/prove/signin"
)

// remembered is which accounts a browser shows where people sign in. It opens nothing.
type remembered struct {
	room interface {
		Accounts(ctx context.Context, cookie secret.Value) ([]device.Remembered, error)
		Lapsed(ctx context.Context, cookie secret.Value) (device.Lapsed, error)
		Remember(ctx context.Context, p principal.Principal) error
		ForgetHere(ctx context.Context, from signin.From, u id.User) error
		RememberedBy(ctx context.Context, p principal.Principal) ([]device.Remembering, error)
		ForgetThere(ctx context.Context, p principal.Principal, d id.Device) error
		NeverRemembered(ctx context.Context, p principal.Principal) (bool, error)
		NeverRemember(ctx context.Context, p principal.Principal) error
		MayRemember(ctx context.Context, p principal.Principal) error
	}
	describe Describer
}

func (s *remembered) mount(a *API) {
	registerPre(a, operation{
		id: "listRememberedAccounts", method: http.MethodGet, path: "/v1/remembered", summary: "The accounts that this browser shows",
		about: "Those whose users wanted it in this browser, so that they need not type an address. It proves nothing.",
	}, s.accounts)
	register(a, operation{
		id: "rememberAccount", method: http.MethodPost, path: "/v1/remembered", summary: "Show my account in this browser",
		about: "Until 30 days without a sign-in here. A shared computer keeps nothing.", codes: []fault.Code{fault.RateLimited, fault.BrowserNotKept, fault.BrowserNeverKept, fault.DeviceUnknown, fault.SessionIdle, fault.SessionUnusual, fault.SessionUnrenewed, fault.SessionDemanded},
	}, s.remember)
	register(a, operation{
		id: "neverRemember", method: http.MethodPut, path: "/v1/remembered/never", summary: "Show my account in no browser",
		about: "Those that show it forget it at once, and none can be told to show it until this is taken back.",
	}, s.never)
	register(a, operation{
		id: "mayRemember", method: http.MethodDelete, path: "/v1/remembered/never", summary: "Let browsers show my account again",
		about: "No browser shows it by this alone.",
	}, s.may)
	registerPre(a, operation{
		id: "forgetRememberedAccount", method: http.MethodDelete, path: "/v1/remembered/{user}", summary: "Show an account here no more",
		about: "Whoever sits at the browser may. One that is not shown changes nothing.",
	}, s.forgetHere)
	register(a, operation{
		id: "listRememberingBrowsers", method: http.MethodGet, path: "/v1/remembered/browsers", summary: "The browsers that show my account",
		about: "The one used last first.",
	}, s.browsers)
	register(a, operation{
		id: "forgetRememberingBrowser", method: http.MethodDelete, path: "/v1/remembered/browsers/{id}", summary: "Show my account in that browser no more",
		about: "Sessions in it go on.", codes: []fault.Code{fault.NotFound},
	}, s.forgetThere)
}

type accountRemembered struct {
	User id.User `json:"user" example:"usr_069g9r2kt0f7s8w3a5q1z7y6xc"`
	Name string  `json:"name" doc:"How the person wants to be called" example:"Min"`
	Mail string  `json:"mail" doc:"The address to sign in with" example:"min@example.com"`
}

type accountsRemembered struct {
	Accounts []accountRemembered `json:"accounts" doc:"The one used last first"`
	Unused   int                 `json:"unused" doc:"How many it showed and forgot, because nobody signed in to them here for 30 days; until they are signed in to here again"`
	Ended    int                 `json:"ended" doc:"How many it showed and forgot, because that was ended elsewhere"`
}

type accountsRememberedOut struct{ Body accountsRemembered }

func (s *remembered) accounts(ctx context.Context, from signin.From, _ *struct{}) (*accountsRememberedOut, error) {
	list, err := s.room.Accounts(ctx, from.Device)
	out := accountsRemembered{Accounts: []accountRemembered{}}
	for _, r := range list {
		out.Accounts = append(out.Accounts, accountRemembered{r.User, r.Name, r.Mail})
	}
	if err != nil {
		return nil, err
	}
	lapsed, err := s.room.Lapsed(ctx, from.Device)
	out.Unused, out.Ended = lapsed.Unused, lapsed.Ended
	return &accountsRememberedOut{out}, err
}

func (s *remembered) remember(ctx context.Context, p principal.Principal, _ *struct{}) (*struct{}, error) {
	return nil, s.room.Remember(ctx, p)
}

type rememberedUser struct {
	User id.User `path:"user" doc:"Whose account" example:"usr_069g9r2kt0f7s8w3a5q1z7y6xc"`
}

func (s *remembered) forgetHere(ctx context.Context, from signin.From, in *rememberedUser) (*struct{}, error) {
	return nil, s.room.ForgetHere(ctx, from, in.User)
}

type browserRemembering struct {
	ID      id.Device `json:"id" example:"dev_069g9r2kt0f7s8w3a5q1z7y6xc"`
	Current bool      `json:"current" doc:"Whether it is the one that asks"`
	Device  string    `json:"device" doc:"Browser and system in words; the sender chose what they rest on" example:"Chrome on Windows"`
	Since   time.Time `json:"since" doc:"When you wanted that"`
	Last    time.Time `json:"last_sign_in_at" doc:"It ends 30 days later"`
}

type browsersRemembering struct {
	Never    bool                 `json:"never" doc:"Whether you chose that no browser does"`
	Browsers []browserRemembering `json:"browsers"`
}

type browsersRememberingOut struct{ Body browsersRemembering }

func (s *remembered) browsers(ctx context.Context, p principal.Principal, _ *struct{}) (*browsersRememberingOut, error) {
	list, err := s.room.RememberedBy(ctx, p)
	out := browsersRemembering{Browsers: []browserRemembering{}}
	for _, r := range list {
		out.Browsers = append(out.Browsers, browserRemembering{r.ID, r.ID == p.Origin.Device, s.describe.Device(r.Agent, p.Lang), r.Since, r.Last})
	}
	if err != nil {
		return nil, err
	}
	out.Never, err = s.room.NeverRemembered(ctx, p)
	return &browsersRememberingOut{out}, err
}

func (s *remembered) never(ctx context.Context, p principal.Principal, _ *struct{}) (*struct{}, error) {
	return nil, s.room.NeverRemember(ctx, p)
}

func (s *remembered) may(ctx context.Context, p principal.Principal, _ *struct{}) (*struct{}, error) {
	return nil, s.room.MayRemember(ctx, p)
}

type browserNamed struct {
	ID id.Device `path:"id" doc:"The browser" example:"dev_069g9r2kt0f7s8w3a5q1z7y6xc"`
}

func (s *remembered) forgetThere(ctx context.Context, p principal.Principal, in *browserNamed) (*struct{}, error) {
	return nil, s.room.ForgetThere(ctx, p, in.ID)
}
