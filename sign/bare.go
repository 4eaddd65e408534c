package sign

import "net/url"

// Bare takes away what a proven request of the dialect carries for the proof alone: Binance's clients sign in the query, and Kraken's put a nonce
// into the body of a request that has none. Requests of the other dialects come back as they are, and so does a body that says more.
func (d Dialect) Bare(rawQuery string, body []byte) (string, []byte) {
	if d == Binance {
		query, err := url.ParseQuery(rawQuery)
		if err != nil {
			return rawQuery, body
		}
		for _, name := range []string{"timestamp", "recvWindow", "signature"} {
			query.Del(name)
		}
		return query.Encode(), body
	}
	if d == Kraken {
		if form, err := url.ParseQuery(string(body)); err == nil && len(form) == 1 && form.Has("nonce") {
			return rawQuery, nil
		}
	}
	return rawQuery, body
}
