package sign

// Bithumb's dialect (API 2.0): Upbit's token, HS256 only, with the claim timestamp in milliseconds.
//
//	claims   {"access_key":"…","nonce":"…","timestamp":1795292455260,"query_hash":"…","query_hash_alg":"SHA512"}
//
// Its clients hash the query as it is sent, and a JSON body with names and values percent-encoded.

// settleBithumb says whether a token that was read as Upbit's is one of Bithumb's, now that its key says so.
func (s *Signature) settleBithumb() error {
	switch {
	case s.Algorithm != HMACSHA256:
		return refuse(AlgMismatch, s.Algorithm.String())
	case s.exchange.stamp == "":
		return refuse(MissingClaim, "timestamp")
	}
	s.Dialect = Bithumb
	return nil
}

// bithumbProblems differ from Upbit's where the venue's do.
var bithumbProblems = func() problems {
	p := upbitProblems
	p[badAddress].word = "NotAllowIP"
	return p
}()
