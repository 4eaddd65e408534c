package sign_test

import (
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/sign"
)

// The whole of what clients read, for each dialect: body and status by reason.
func TestRefusals(t *testing.T) {
	reasons := []sign.Reason{
		sign.BadSignature, sign.TooOld, sign.Ahead, sign.NonceReused, sign.KeyExpired, sign.AddressNotAllowed, sign.OutOfScope,
		sign.DuplicateParameter, sign.Unsigned, sign.TooMany, sign.KeyGone,
	}
	statuses := []int{401, 401, 401, 401, 401, 401, 403, 401, 401, 429, 401}
	for d, words := range map[sign.Dialect][]string{
		sign.Upbit: {
			"jwt_verification", "expired_jwt", "expired_jwt", "nonce_used", "expired_access_key", "no_authorization_ip", "out_of_scope",
			"invalid_query_payload", "no_authorization_token", "too_many_requests", "invalid_access_key",
		},
		sign.Bithumb: {
			"jwt_verification", "expired_jwt", "expired_jwt", "nonce_used", "expired_access_key", "NotAllowIP", "out_of_scope",
			"invalid_query_payload", "no_authorization_token", "too_many_requests", "invalid_access_key",
		},
		sign.Binance:  {"-1022", "-1021", "-1021", "-1021", "-2015", "-2015", "-1002", "-1101", "-2014", "-1003", "-2015"},
		sign.OKX:      {"50113", "50102", "50102", "50102", "50111", "50110", "50120", "50114", "50103", "50011", "50111"},
		sign.Bybit:    {"10004", "10002", "10002", "10002", "33004", "10010", "10005", "10001", "10003", "10006", "33004"},
		sign.KuCoin:   {"400005", "400002", "400002", "400002", "400003", "400006", "400007", "400100", "400001", "429000", "400003"},
		sign.Coinbase: {"unauthorized", "expired_token", "expired_token", "invalid_token", "revoked_token", "PERMISSION_DENIED", "PERMISSION_DENIED", "invalid_request", "authentication_error", "rate_limit_exceeded", "revoked_token"},
		sign.Kraken: {
			"EAPI:Invalid key", "EAPI:Invalid nonce", "EAPI:Invalid nonce", "EAPI:Invalid nonce", "EAPI:Invalid key", "EGeneral:Permission denied",
			"EGeneral:Permission denied", "EGeneral:Invalid arguments", "EAPI:Invalid key", "EAPI:Rate limit exceeded", "EAPI:Invalid key",
		},
	} {
		for i, reason := range reasons {
			status, body, ok := d.Refusal(reason, "why", clock)
			if diff := cmp.Diff(shapes[d](words[i]), withoutText(string(body))); diff != "" || status != statuses[i] || !ok {
				t.Errorf("%v, %s: %d %v (-want +got):\n%s", d, reason, status, ok, diff)
			}
			wanted := i >= 1 && i <= 2 && d != sign.Kraken
			if got := sign.ClockRefused(body); got != wanted && reason != sign.NonceReused {
				t.Errorf("%v, %s: about the clock: %v", d, reason, got)
			}
		}
	}
	if _, _, ok := sign.Native.Refusal(sign.TooOld, "", clock); ok {
		t.Error("the native profile has a shape of its own")
	}
	for _, body := range []string{"", "{", "null", `{"code":null}`, `{"error":["EAPI:Invalid nonce"]}`, `{"code":0}`} {
		if sign.ClockRefused([]byte(body)) {
			t.Errorf("%s is about the clock", body)
		}
	}
}

// shapes are the bodies, with the text left out.
var shapes = map[sign.Dialect]func(word string) map[string]any{
	sign.Upbit:   named,
	sign.Bithumb: named,
	sign.Binance: func(word string) map[string]any { return decoded(`{"code":` + word + `}`) },
	sign.Kraken:  func(word string) map[string]any { return map[string]any{"error": []any{word}} },
	sign.Bybit: func(word string) map[string]any {
		return decoded(`{"retCode":` + word + `,"result":{},"retExtInfo":{},"time":` + strconv.FormatInt(clock.UnixMilli(), 10) + `}`)
	},
	sign.OKX:      func(word string) map[string]any { return map[string]any{"code": word, "data": []any{}} },
	sign.KuCoin:   func(word string) map[string]any { return map[string]any{"code": word} },
	sign.Coinbase: func(word string) map[string]any { return map[string]any{"error": word} },
}

// named is a name inside "error"; a client that should wait finds none there, and looks at the status.
func named(word string) map[string]any {
	if word == "too_many_requests" {
		return map[string]any{"name": word}
	}
	return map[string]any{"error": map[string]any{"name": word}}
}

// withoutText takes the explanation out of a body, which must have one where its shape has room.
func withoutText(body string) map[string]any {
	members := decoded(body)
	if inner, ok := members["error"].(map[string]any); ok && inner["message"] != "" {
		delete(inner, "message")
	}
	for _, name := range []string{"msg", "retMsg", "message", "error_details"} {
		if text, _ := members[name].(string); text != "" {
			delete(members, name)
		}
	}
	return members
}
