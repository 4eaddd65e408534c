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

// bithumbProblems differ from Upbit's where the venue's do. The texts are those of the venue's API 1.0: its clients know no names, and compare
// texts of both APIs. For a clock and a used nonce there is none.
var bithumbProblems = func() problems {
	p := upbitProblems
	p[badSignature].text, p[unsigned].text = "Bad Request.(Auth Data)", "Bad Request.(Auth Data)"
	p[badKey].text, p[goneKey].text = "Invalid Apikey", "Invalid Apikey"
	p[badAddress] = struct{ word, text string }{"NotAllowIP", "Method Not Allowed.(Access IP)"}
	p[badScope].text, p[badPayload].text = "Method Not Allowed.(Access)", "Invalid Parameter"
	return p
}()
