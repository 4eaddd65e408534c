package gateway

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/assurance"
	"github.com/seed-21c57000/sallyport/internal/kernel/decision"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
)

// stepUpHeader is on every refusal that a proof would open, and holds the address where it is given: a proxy that asks and hands on no body
// (nginx) can hand on this.
const stepUpHeader = "Sallyport-Step-Up"

// needsProof says that a proof is all that the request lacks. Only people can give one.
func (v *visit) needsProof() bool { return v.answer.Verdict == decision.StepUp }

// stepUp is the refusal of a request that a proof would open. It has one code, whatever the reason, as at every door: a front end opens url, and
// sends the request again when its user is back.
func (v *visit) stepUp(because error) error {
	where := v.proofAt()
	v.w.Header().Set(stepUpHeader, where)
	return fault.New(fault.StepUpRequired, "reason", string(v.answer.Reason), "needs", v.answer.Needs.String(),
		"missing", assurance.Words(v.answer.Missing), "url", where).Because(because)
}

// proofAt is the dashboard's page where the proof is given. From there its user comes back to what they wanted to open, or else to the page of
// this host that sent the request.
func (v *visit) proofAt() string {
	path := strings.TrimPrefix(v.backTo(), v.host.Origin)
	if v.navigates() {
		path = v.raw.Target
	}
	way := url.Values{"path": {path}, "needs": {v.answer.Needs.String()}}
	return v.g.Dashboard + "/go/" + url.PathEscape(v.host.Authority) + "?" + way.Encode()
}

// navigates: a person opens a page, says their browser. They are brought to where they prove themselves, not shown an error.
func (v *visit) navigates() bool {
	return v.r.Method == http.MethodGet && v.r.Header.Get("Sec-Fetch-Mode") == "navigate"
}

func (v *visit) leaveForProof() {
	httpx.Note(v.r, fault.StepUpRequired, v.answer.Err())
	v.leave(v.proofAt())
}
