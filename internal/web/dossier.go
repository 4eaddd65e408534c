package web

import (
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/respond/dossier"
	"github.com/seed-21c57000/sallyport/internal/web/page"
)

// past tells what a key did, and what somebody could do who stole it.
func (k *keys) past(v *visit, key apikey.Key) (past page.KeyPast, err error) {
	of, err := k.dossiers.Of(v.r.Context(), v.who, key.ID)
	if err != nil {
		return past, err
	}
	past = page.KeyPast{
		ID: key.Text(), Unused: v.scopes(of.Unneeded), UnusedWords: of.Unneeded.Words(), UnusedAll: of.Unneeded != 0 && of.Unneeded == key.Scopes, Cut: of.Cut, Calls: v.calls(of.Days), Places: v.web.Places,
		Twin: "/v1/keys/" + key.Text() + "/past", Timeline: "/keys/" + key.Text() + "/timeline",
	}
	for _, s := range of.Stolen {
		past.Stolen = append(past.Stolen, page.Danger{Text: v.words.Danger(s.What, s.Facts), Bounds: s.Bounds})
	}
	if u := of.Latest; u != nil {
		past.Last = &page.LastUse{At: v.when(u.Last), From: v.callsFrom(u.Addr), Route: u.Route, Signs: v.signsWith(key.Dialect, key.Algorithm)}
		if u.Code != "" {
			past.Last.Refused = v.words.Title(fault.Code(u.Code))
		}
	}
	for _, r := range of.Refused {
		past.Refused = append(past.Refused, page.RefusedCode{
			Code: string(r.Code), Text: v.words.Title(r.Code), Calls: strconv.FormatInt(r.Calls, 10), Last: v.when(r.Last),
		})
	}
	for _, t := range of.History {
		past.History = append(past.History, k.log.entry(v, t))
	}
	return past, nil
}

// calls are the bars of a key's days: what was let through, and what was refused.
func (v *visit) calls(used []apikey.UsedDay) (p page.Pictures) {
	layout := v.words.Say("time.day_layout")
	today := v.now.UTC().Truncate(24 * time.Hour)
	for i := range dossier.Days {
		date := today.AddDate(0, 0, i+1-dossier.Days)
		d := page.PictureDay{Name: date.Format(layout)}
		if at := slices.IndexFunc(used, func(u apikey.UsedDay) bool { return u.Day.Equal(date) }); at >= 0 {
			d.Entries, d.Refusals = int(used[at].Passed), int(used[at].Refused)
		}
		p.Days = append(p.Days, d)
	}
	p.From, p.To = p.Days[0].Name, p.Days[len(p.Days)-1].Name
	return p
}

// callsFrom says where calls came from; the places of an hour beyond the first are not told apart.
func (v *visit) callsFrom(addr string) string {
	if addr == "" {
		return v.words.Say("past.elsewhere")
	}
	return v.whence(addr)
}

// timelineDays are how far back a timeline may look; the first is the usual.
var timelineDays = []int{7, 1, 30, 90}

// timeline lists what is known of a key since some days, and offers the signed file of it.
func (k *keys) timeline(v *visit) error {
	key, err := k.listed(v)
	if err != nil {
		return err
	}
	days, err := strconv.Atoi(v.r.URL.Query().Get("days"))
	if err != nil || !slices.Contains(timelineDays, days) {
		days = timelineDays[0]
	}
	signed, err := k.dossiers.Timeline(v.r.Context(), v.who, key.ID, v.now.AddDate(0, 0, -days))
	if err != nil {
		return err
	}
	line := signed.Statement
	view := page.KeyTimeline{
		ID: key.Text(), Name: key.Name, Since: v.when(line.Since), Cut: line.Cut, PublicKeys: v.web.Origin + "/.well-known/sallyport-assertion-jwks.json",
		File: "/v1/keys/" + key.Text() + "/timeline?since=" + url.QueryEscape(line.Since.Format(time.RFC3339)),
	}
	for _, n := range slices.Sorted(slices.Values(timelineDays)) {
		view.Days = append(view.Days, page.Option{Value: strconv.Itoa(n), Text: v.words.Count("time.day", n), Chosen: n == days})
	}
	for _, e := range line.Entries {
		view.Entries = append(view.Entries, v.timelineEntry(e))
	}
	return v.show(page.KeyTimelinePage(v.frame("timeline.title", "name", key.Name), view))
}

func (v *visit) timelineEntry(e dossier.Entry) page.Entry {
	out := page.Entry{At: v.when(e.At), Refused: e.Code != "", Code: e.Code}
	if e.Code != "" {
		out.Next = v.words.Title(fault.Code(e.Code))
	}
	switch {
	case e.Broken:
		out.Text = v.words.Say("activity.broken")
	case e.Event != "":
		out.Text = v.words.Happened(audit.Action(e.Event), e.Facts)
		out.Who = v.words.Say("timeline.event", "n", strconv.FormatInt(e.Number, 10))
	default:
		out.Text = e.Route
		out.Times = v.words.Count("activity.times", int(e.Calls))
		out.Who = v.words.Say("timeline.hour", "hour", e.Hour.Format("15:04"))
	}
	if e.Addr != "" || e.Event == "" {
		out.From = v.words.Say("from.addr", "addr", v.callsFrom(e.Addr))
	}
	return out
}
