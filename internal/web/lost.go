package web

import (
	"context"
	"net/http"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
	"github.com/seed-21c57000/sallyport/internal/kernel/principal"
	"github.com/seed-21c57000/sallyport/internal/respond/recovery"
	"github.com/seed-21c57000/sallyport/internal/web/page"
)

// lost is for who lost a device: the page that everybody finds, and from another browser the end of whatever was issued to the lost one.
type lost struct {
	room interface {
		Losables(ctx context.Context, p principal.Principal) ([]recovery.Losable, error)
		Losable(ctx context.Context, p principal.Principal, which id.Device) (recovery.Losable, []recovery.Exposed, error)
		GiveUp(ctx context.Context, p principal.Principal, in recovery.LostInput) (recovery.Lost, error)
	}
	waits recovery.Waits
}

func (l *lost) mount(on mounter) {
	on(http.MethodGet, "/lost", l.begin)
	on(http.MethodGet, "/lost-device", l.list)
	on(http.MethodGet, "/lost-device/{id}", func(v *visit) error { return l.show(v, page.Problem{}) })
	on(http.MethodPost, "/lost-device/{id}", l.giveUp)
}

// begin tells a stranger what to do, from any browser.
func (l *lost) begin(v *visit) error {
	view := page.Lost{WithProof: v.words.Span(l.waits.WithProof), Alone: v.words.Span(l.waits.MailAlone), Hold: v.words.Span(l.waits.Money), Passwordless: v.web.Factors.Passwordless}
	return v.show(page.LostPage(v.frame("lost.title"), view))
}

func (l *lost) list(v *visit) error {
	all, err := l.room.Losables(v.r.Context(), v.who)
	if err != nil {
		return err
	}
	view := page.LostDevices{}
	for _, d := range all {
		if d.Ended.IsZero() || d.Sessions > 0 || len(d.Passkeys) > 0 {
			view.List = append(view.List, lostView(v, d))
		}
	}
	return v.show(page.LostDevicesPage(v.frame("lost.which"), view))
}

func lostView(v *visit, d recovery.Losable) page.LostDevice {
	view := page.LostDevice{
		ID: d.ID.String(), Device: v.device(d.Agent), First: v.when(d.First), Last: v.when(d.Last), Ended: v.when(d.Ended), Here: d.Here, Sessions: d.Sessions,
	}
	for _, c := range d.Passkeys {
		view.Passkeys = append(view.Passkeys, c.Name)
	}
	return view
}

// device of the address. Errors: device.not_found.
func (v *visit) lostDevice() (id.Device, error) {
	which, err := id.Parse[id.DeviceKind](v.r.PathValue("id"))
	if err != nil {
		return which, fault.New(fault.DeviceNotFound)
	}
	return which, nil
}

// show says what would end, or has ended, and which keys to look at first.
func (l *lost) show(v *visit, p page.Problem) error {
	which, err := v.lostDevice()
	if err != nil {
		return err
	}
	d, keys, err := l.room.Losable(v.r.Context(), v.who, which)
	if err != nil {
		return err
	}
	view := lostView(v, d)
	view.Problem = p
	for _, k := range keys {
		view.Keys = append(view.Keys, page.LostKey{ID: k.Text(), Name: k.Name, Made: k.Made, Used: k.Used, LastUsed: v.when(k.LastUsedAt), Frozen: k.Frozen()})
	}
	return v.show(page.LostDevicePage(v.frame("lost.one", "device", view.Device), view))
}

func (l *lost) giveUp(v *visit) error {
	in, err := v.form.only("passkeys")
	if err != nil {
		return err
	}
	which, err := v.lostDevice()
	if err != nil {
		return err
	}
	done, err := l.room.GiveUp(v.r.Context(), v.who, recovery.LostInput{Device: which, KeepPasskeys: in["passkeys"] == "keep"})
	if err != nil {
		return v.retry(err, func(p page.Problem) error { return l.show(v, p) })
	}
	if done.Here {
		return goodbye(v, "device_lost", 0)
	}
	v.say("device_lost")
	return v.leave("/lost-device/" + which.String())
}
