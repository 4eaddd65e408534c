package web

import (
	"net/http"
	"strconv"
	"strings"
)

// saidCookie carries what was just done over the redirect to the page that tells it: the name of a text, never a text.
const saidCookie = "__Host-said"

// notices are the texts of the catalogue, below "said.", that the cookie may name.
var notices = map[string]bool{
	"session_ended": true, "session_unproven": true, "signed_out": true, "session_signed_out": true, "session_restored": true, "session_disowned": true, "sign_in_disowned": true, "others_signed_out": true, "everywhere_signed_out": true,
	"remembered": true, "never_remembered": true, "may_remember": true, "forgotten": true, "leaving": true, "staying": true, "selected_signed_out": true, "none_selected": true,
	"password_set": true, "password_changed": true, "totp_added": true, "totp_removed": true, "passkey_renamed": true, "factor_labelled": true, "demand_made": true, "demand_dropped": true, "passkey_removed": true,
	"invited": true, "member_changed": true, "account_switched": true, "subaccount_changed": true, "subaccount_switched": true, "joined": true, "declined": true, "left_account": true,
	"key_revoked": true, "key_changed": true, "account_unlocked": true, "account_locked": true, "signed_up": true, "recovered": true, "rehearsed": true, "mailbox_asked": true, "wait_set": true, "recovery_cancelled": true, "device_lost": true, "codes_confirmed": true, "confirmation_cancelled": true, "message_read": true, "phrase_set": true, "copied": true, "mail_changed": true, "second_changed": true, "second_removed": true, "phone_changed": true, "phone_removed": true, "check_up_confirmed": true, "check_up_done": true,
}

// counted are those that tell a number.
var counted = map[string]bool{"selected_signed_out": true, "others_signed_out": true, "everywhere_signed_out": true}

// say leaves a notice for the next page.
func (v *visit) say(name string) { v.sayCount(name, 0) }

func (v *visit) sayCount(name string, n int) {
	http.SetCookie(v.w, &http.Cookie{
		Name: saidCookie, Value: name + "." + strconv.Itoa(n), Path: "/", MaxAge: 60, Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
}

// takeNotice tells the notice once. A page that another site opened is told nothing: the cookie does not come along (SameSite=Strict).
func (v *visit) takeNotice() string {
	c, err := v.r.Cookie(saidCookie)
	if err != nil {
		return ""
	}
	http.SetCookie(v.w, &http.Cookie{Name: saidCookie, Path: "/", MaxAge: -1, Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode})
	name, number, _ := strings.Cut(c.Value, ".")
	n, err := strconv.Atoi(number)
	switch {
	case err != nil || !notices[name]:
		return ""
	case counted[name]:
		return v.words.Count("said."+name, n)
	}
	return v.words.Say("said."+name, "hold", v.words.Span(v.web.Spans.Credential))
}
