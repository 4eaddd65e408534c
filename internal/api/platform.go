package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-21c57000/sallyport/internal/httpx/route"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/prove/tier"
	"github.com/seed-21c57000/sallyport/internal/respond/confirm"
	scan "github.com/seed-21c57000/sallyport/internal/respond/leak"
)

// What platforms call under /v1 is served by the door "server", because it needs no visit: the raw bytes are signed. It is described here, of the
// very structs that are decoded and answered there, so that all of /v1 stands in one description.

// The ways in which platforms prove who they are.
const (
	byBackend     = "backend"
	byScanner     = "scanner"
	byScannersKey = "scanner_key"
)

// platformSchemes are how platforms sign.
var platformSchemes = map[string]*huma.SecurityScheme{
	byBackend: {
		Type: "apiKey", In: "header", Name: "Signature",
		Description: "The backend of an upstream, in the native profile (RFC 9421, docs/signing.md): key id is the upstream's name. With assertion hmac its secret is the 32 bytes of key_file, " +
			"with eddsa it is an Ed25519 key of its own (backend_key_file). It covers the body, is good for 10 seconds, and once. See docs/upstream.md.",
	},
	byScanner: {
		Type: "apiKey", In: "header", Name: "Github-Public-Key-Signature",
		Description: "ECDSA over P-256 and SHA-256 of the raw body, in ASN.1 and base64, as GitHub signs the alerts of its secret scanning partners. See docs/leaks.md.",
	},
	byScannersKey: {
		Type: "apiKey", In: "header", Name: "Github-Public-Key-Identifier",
		Description: "Which of the public keys in leaks.public_keys_file it is checked with. Both headers are needed.",
	},
}

// backendCodes are the refusals of every call of a backend.
var backendCodes = []fault.Code{
	fault.Internal, fault.RateLimited, fault.Unauthorized, fault.SignatureTooOld, fault.SignatureSignAgain, fault.SignatureNonceReused,
	fault.RequestTooLarge, fault.RequestMalformed,
}

type (
	// In other words than their packages', which say too little beside all the others of the description.
	confirmationPosting confirm.Posting
	confirmationTaken   confirm.PostingTaken
	confirmationState   confirm.PostingState
	highValueTold       tier.Told
	highValueStanding   tier.StandingShown
	leakFound           scan.Found
)

type (
	postingIn struct{ Body confirmationPosting }
	takenOut  struct{ Body confirmationTaken }
	stateOut  struct{ Body confirmationState }
	toldIn    struct{ Body highValueTold }
	standOut  struct{ Body highValueStanding }
	reportIn  struct {
		Body []leakFound `maxItems:"1000"`
	}
)

// describePlatform adds what is served elsewhere.
func (a *API) describePlatform() {
	backend := []map[string][]string{{byBackend: {}}}
	described[postingIn, takenOut](a, backend, operation{
		id: "postConfirmation", method: http.MethodPost, path: "/v1/confirmations", status: http.StatusCreated, summary: "Ask a user for a confirmation, as a platform's backend",
		about: "Before your page sends a request that says too little: the request that brings the confirmation is compared with this, field by field.",
		codes: append(slices.Clone(backendCodes), fault.RequestInvalid, fault.Forbidden, fault.ConfirmationNoPasskey, fault.ConfirmationPasskeyUnbound, fault.ConfirmationTooMany),
	})
	described[confirmationPath, stateOut](a, backend, operation{
		id: "getPostedConfirmation", method: http.MethodGet, path: "/v1/confirmations/{id}/posted", summary: "How far a confirmation is that your backend posted",
		about: "What another upstream posted, and what a request asked for, is not found.",
		codes: append(slices.Clone(backendCodes), fault.ConfirmationNotFound),
	})
	described[confirmationPath, struct{}](a, backend, operation{
		id: "takeBackConfirmation", method: http.MethodDelete, path: "/v1/confirmations/{id}/posted", summary: "Cancel a confirmation that your backend posted",
		about: "For good and from the moment of the answer, also one that is approved and waits. Its user finds it in their activity.",
		codes: append(slices.Clone(backendCodes), fault.ConfirmationNotFound, fault.ConfirmationVoid),
	})
	described[toldIn, standOut](a, backend, operation{
		id: "tellHighValue", method: http.MethodPost, path: "/v1/high-value", status: http.StatusOK, summary: "Say what a user has with you",
		about: "Above the operator's threshold sensitive changes ask the user for a passkey, seven days after they were told. Telling it again changes nothing.",
		codes: append(slices.Clone(backendCodes), fault.RequestInvalid, fault.TierNoThreshold),
	})
	described[reportIn, struct{}](a, []map[string][]string{{byScanner: {}, byScannersKey: {}}}, operation{
		id: "reportLeaks", method: http.MethodPost, path: "/v1/leaks", summary: "Report secrets that were found where strangers can read them",
		about: "Each key that has one is blocked before the answer, and its owner told. The answer is the same whether something was ours or nothing.",
		codes: []fault.Code{
			fault.Internal, fault.NotFound, fault.RateLimited, fault.Unauthorized, fault.RequestTooLarge, fault.RequestMalformed, fault.Busy,
		},
	})
}

// elsewhere mounts nothing: another door serves it.
type elsewhere struct{ http.Handler }

func (elsewhere) Handle(*huma.Operation, func(huma.Context)) {}

// described adds an operation of the door "server" to the description.
func described[In, Out any](a *API, by []map[string][]string, o operation) {
	if _, ok := route.Lookup("server", o.method, o.path); !ok {
		panic("api: described, and not in spec/routes.tsv: " + o.method + " " + o.path)
	}
	op := o.outline()
	op.Responses, op.Security = a.refusals(o.codes), by
	only := huma.NewAPI(huma.Config{OpenAPI: a.huma.OpenAPI()}, elsewhere{})
	huma.Register(only, op, func(context.Context, *In) (*Out, error) { panic("api: served elsewhere") })
}
