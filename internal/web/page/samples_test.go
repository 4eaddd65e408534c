package page_test

import (
	"github.com/a-h/templ"

	"github.com/seed-21c57000/sallyport/internal/i18n"
	"github.com/seed-21c57000/sallyport/internal/web/page"
)

// Values stand between « and », so that a test can tell them from texts of the catalogue.
var at = i18n.Moment{ISO: "2026-11-21T09:05:00Z", Absolute: "«21 Nov»", Relative: "«in 3 minutes»"}

func frame(w i18n.Words, signedIn bool) page.Frame {
	f := page.Frame{
		Words: w, Product: "«Sallyport»", Title: "«title»", Path: "/keys/new", Asked: true, FormToken: "token", Test: true, Notice: "«done»",
		Assets: page.Assets{Script: "/assets/app-1.js", Style: "/assets/app-1.css", Icon: "/assets/icon-1.svg"},
	}
	if signedIn {
		f.Me = &page.Me{Name: "«Kim»", Idle: at, Ends: at}
	}
	return f
}

var wrong = page.Problem{Code: "request.invalid", Title: "«wrong»", Fix: "«fix»", Field: "name", Hint: "«hint»", Again: at, Unchanged: true}

func on(field string) page.Problem {
	p := wrong
	p.Field = field
	return p
}

var host = page.Host{Name: "«Paper»", Authority: "exchange.example.com:8443", Origin: "«https://exchange.example.com»", Test: true, Enter: "https://exchange.example.com:8443/.sallyport/enter?path=%2F"}

func key(id string, state page.KeyState) page.Key {
	return page.Key{
		ID: id, Name: "«grid»", Purpose: "«trade»", Test: state == page.KeyLive, Signs: "«Ed25519»", Scopes: []string{"«see»"}, State: state,
		Owner: "«Kim»", Created: at, Expires: at, Ended: at, Lapses: at,
	}
}

// posture is an overview with something in each of its places.
func posture(me page.Me, status string) page.Overview {
	gap := page.Missing{Title: "«t»", Text: "«x»", Link: "«l»", Href: "/methods", Cost: "«−4»"}
	return page.Overview{
		Name: "«Kim»", Mail: "«a»", Proven: "«p»", Mine: me, Status: status, Better: "«2 things»", Next: &gap, Points: "«80 of 100»",
		Open:    []page.OpenCount{{Text: "«2 sessions»", Href: "/sessions"}},
		Layers:  []page.Layer{{Name: "«keys»", Points: 12, Whole: 20, Count: "«12 of 20»", Gaps: []page.Missing{gap}}, {Name: "«contact»", Points: 20, Whole: 20, Count: "«20»"}},
		SignIns: []page.Entry{{At: at, Text: "«in»", Who: "«you»", From: "«f»"}},
	}
}

// samples hold every page, and both sides of each choice within one.
func samples(w i18n.Words) map[string]templ.Component {
	in, out := frame(w, true), frame(w, false)
	asleep := frame(w, true)
	asleep.Me.Challenge, asleep.Test, asleep.Notice = "idle", false, ""
	limited, unusual, advised := frame(w, true), frame(w, true), frame(w, true)
	advised.Tip = "keys"
	limited.Me.Challenge, limited.Me.Until, unusual.Me.Challenge = "stranger", at, "unusual"
	used := key("«spk_live_2»", page.KeySoon)
	used.Used, used.UsedFrom, used.Allowlist = at, "«203.0.113.7»", []string{"«203.0.113.0/24»"}
	pinned := key("«spk»", page.KeyReadOnly)
	pinned.Vendor, pinned.Window, pinned.Destinations = "«vendor»", "«5 seconds»", []page.Destination{{Text: "«BTC BTC bc1q»"}, {Text: "«BTC BTC bc1r»", Counts: at}}
	pinned.Pin, pinned.Unreleased, pinned.OnEnd, pinned.Standby = "«203.0.113.0/24»", "«not yet»", "«leave»", true
	passkey := page.Passkey{ID: "pk_1", Name: "«iPhone»", Product: "«phone»", Synced: true, Added: at}
	plan := page.NewKey{
		Name: "«grid»", Purpose: "«trade»", Kind: "ed25519", Subaccounts: []page.Option{{Value: "a", Text: "«main»", Chosen: true}, {Value: "b", Text: "«bots»"}},
		Environments: []page.Option{{Value: "live", Text: "«live»"}}, Scopes: []page.Scope{{Word: "orders:write", Text: "«place»", Acts: true, Chosen: true}},
		Lives: []page.Option{{Text: "«usual»", Chosen: true}}, Here: "«203.0.113.7»", Exchanges: []page.Exchange{{Kind: "upbit", Hint: "«may look»"}, {Kind: "okx"}}, Pairs: []page.Pair{{Kind: "ed25519", Make: "«keygen»"}, {Kind: "coinbase", Make: "«keygen coinbase»"}}, Challenge: "«c»", Unpinned: "«30 days»", Templates: []page.Option{{Value: "bot", Text: "«bot»", Chosen: true}, {Value: "portfolio", Text: "«portfolio»"}}, Template: "bot", Vendor: "«vendor»", Destinations: "«BTC BTC bc1q»", Windows: []page.Option{{Text: "«usual window»"}}, Standby: true, Check: "«check»",
	}
	planWrong := plan
	planWrong.Problem, planWrong.Kind, planWrong.Subaccounts = on("scopes"), "upbit", nil
	plan.Bounds = page.Bounds{Problem: on("order_most"), Markets: "«KRW-BTC»", OrderMost: "«x»", DayMost: "«y»", PerSecond: "«z»"}
	pinned.Bounds = []page.Fact{{Name: "«ceiling»", Value: "«100»"}}
	alone := plan
	alone.Exchanges, alone.Problem = nil, on("allowlist")
	set := page.CodeSet{Made: at, Left: 9}
	confirmed := set
	confirmed.Confirmed = true
	return map[string]templ.Component{
		"recovery codes, none":        page.RecoveryCodesPage(in, page.RecoveryCodes{}),
		"recovery codes, first":       page.RecoveryCodesPage(in, page.RecoveryCodes{MayIssue: true}),
		"recovery codes, unconfirmed": page.RecoveryCodesPage(in, page.RecoveryCodes{Problem: on("code"), Codes: &set, MayIssue: true}),
		"recovery codes":              page.RecoveryCodesPage(in, page.RecoveryCodes{Codes: &confirmed, MayIssue: true}),
		"recovery codes, new":         page.NewCodesPage(in, page.NewCodes{List: []string{"«00000-11111»"}, Made: at, FileHref: "data:text/plain,codes"}),
		"lost":                        page.LostPage(out, page.Lost{WithProof: "«3 days»", Alone: "«7 days»", Hold: "«3 days»"}),
		"lost devices":                page.LostDevicesPage(in, page.LostDevices{List: []page.LostDevice{{ID: "dev_1", Device: "«Chrome»", First: at, Last: at, Here: true, Sessions: 1}}}),
		"lost devices, none":          page.LostDevicesPage(in, page.LostDevices{}),
		"lost device": page.LostDevicePage(in, page.LostDevice{
			Problem: on(""), ID: "dev_1", Device: "«Chrome»", First: at, Last: at, Sessions: 2, Passkeys: []string{"«phone»", "«other»"}, Here: true,
			Keys: []page.LostKey{{ID: "spk_1", Name: "«grid»", Made: true, Used: true, LastUsed: at, Frozen: true}, {ID: "spk_2", Name: "«idle»"}},
		}),
		"lost device, ended":   page.LostDevicePage(in, page.LostDevice{ID: "dev_1", Device: "«Chrome»", First: at, Last: at, Ended: at}),
		"recover":              page.RecoverPage(out, page.Recover{Problem: on("mail"), Mail: "«a»", CaseCode: "«c»"}),
		"recover code":         page.RecoverCodePage(out, page.RecoverCode{Problem: on("code"), Case: "rcv_1", CaseCode: "«c»", Mail: "«a»"}),
		"recover code again":   page.RecoverCodePage(out, page.RecoverCode{Case: "rcv_1"}),
		"recover proven":       page.RecoverCasePage(out, page.RecoverCase{Problem: on("code"), ID: "rcv_1", Mail: "«a»", State: "proven", WithProof: "«3 days»", Alone: "«7 days»", Hold: "«3 days»"}),
		"recover proven, keys": page.RecoverCasePage(out, page.RecoverCase{ID: "rcv_1", Mail: "«a»", State: "proven", Alone: "«7 days»", Hold: "«3 days»", Passwordless: true}),
		"recover ready, keys":  page.RecoverCasePage(out, page.RecoverCase{ID: "rcv_1", Mail: "«a»", State: "ready", Hold: "«3 days»", Until: at, Passwordless: true}),
		"lost, keys":           page.LostPage(out, page.Lost{WithProof: "«3 days»", Alone: "«7 days»", Hold: "«3 days»", Passwordless: true}),
		"recover told":         page.RecoverCasePage(out, page.RecoverCase{ID: "rcv_1", State: "told", Wait: "«3 days»", Hold: "«3 days»"}),
		"recover waiting":      page.RecoverCasePage(out, page.RecoverCase{ID: "rcv_1", State: "waiting", Wait: "«3 days»", Hold: "«3 days»", Ends: at, Until: at}),
		"recover ready": page.RecoverCasePage(out, page.RecoverCase{ID: "rcv_1", Mail: "«a»", State: "ready", Hold: "«3 days»", Until: at, Credentials: []page.Credential{
			{Value: "totp", Kind: "totp", Added: at}, {Value: "pk_1", Kind: "passkey", Name: "«phone»", Added: at, Used: at}, {Value: "recovery_code", Kind: "recovery_code", Added: at},
		}}),
		"recover completed": page.RecoverCasePage(out, page.RecoverCase{State: "completed"}),
		"recover cancelled": page.RecoverCasePage(out, page.RecoverCase{State: "cancelled"}),
		"recover disputed":  page.RecoverCasePage(out, page.RecoverCase{State: "disputed"}),
		"recover withdrawn": page.RecoverCasePage(out, page.RecoverCase{State: "withdrawn"}),
		"recover lapsed":    page.RecoverCasePage(out, page.RecoverCase{State: "lapsed"}),
		"plan": page.RecoveryPlanPage(in, page.RecoveryPlan{
			Codes: &confirmed, HasApp: true, Alone: "«7 days»", Days: []page.Option{{Value: "7", Text: "«7 days»", Chosen: true}}, Rehearsed: at, With: "totp",
			Failed: at, FailedWith: "recovery_code", MailboxAt: at, Mailed: at, MailGood: true, Passkeys: []page.PasskeyTried{{Name: "«blue»", At: at}, {Name: "«red»", Failed: at}},
			Answers: []page.RecoveryAnswer{
				{Loss: "phone", Steps: []page.RecoveryStep{{Way: "passkey"}, {Way: "two"}, {Way: "password"}, {Way: "code", Holds: true}, {Way: "proof", Wait: "«3 days»"}, {Way: "mailbox", Wait: "«7 days»"}}},
				{Loss: "key"},
				{Loss: "mailbox", DeadEnd: true, Steps: []page.RecoveryStep{{Way: "operators"}}},
				{Loss: "everything"},
			},
			Claims: []page.RecoveryClaim{{ID: "rcv_1", State: "waiting", Since: at, Ends: at}},
		}),
		"plan, nothing":    page.RecoveryPlanPage(in, page.RecoveryPlan{Problem: on("days"), Alone: "«7 days»", Mailed: at}),
		"sign-up":          page.SignUpPage(out, page.SignUp{Korean: true}),
		"sign-up wrong":    page.SignUpPage(out, page.SignUp{Problem: on("mail"), Mail: "«a»", Name: "«Kim»"}),
		"code":             page.MailCodePage(out, page.Code{SignUp: "sup_1", Mail: "«a»", GoodUntil: at}),
		"code wrong":       page.MailCodePage(out, page.Code{Problem: on("code"), SignUp: "sup_1", Mail: "«a»", GoodUntil: at}),
		"secure":           page.SecurePage(out, page.Secure{SignUp: "sup_1", Mail: "«a»"}),
		"secure wrong":     page.SecurePage(out, page.Secure{Problem: on("password"), SignUp: "sup_1", Mail: "«a»"}),
		"sign-in":          page.SignInPage(out, page.SignIn{ReturnTo: "/keys", Origin: "«https://gate.example»", Again: true}),
		"sessions unusual": page.SessionsPage(unusual, page.Sessions{Idle: "«30 minutes»"}),
		"sign-in wrong":    page.SignInPage(out, page.SignIn{Problem: on(""), Mail: "«a»", ReturnTo: "/", Origin: "«https://gate.example»"}),
		"sign-in kept":     page.SignInPage(out, page.SignIn{ReturnTo: "/", Origin: "«https://gate.example»", Kept: page.Kept{Form: "sealed", At: "/contact/second"}}),
		"send again":       page.SendAgainPage(in, page.SendAgain{Action: "/keys", Kept: "sealed", Details: []page.Fact{{"«n»", "«v»"}}, Back: "/keys/new"}),
		"new phone":        page.NewPhonePage(in, page.NewPhone{Moves: []page.Move{{Word: "hybrid"}, {Word: "passkey", Href: "/methods"}, {Word: "clean_up", Href: "/lost-device"}}}),
		"second":           page.SecondFactorPage(out, page.SecondFactor{Half: "half", ReturnTo: "/", Kept: page.Kept{Form: "sealed", At: "/contact/second"}}),
		"overview":         page.OverviewPage(in, page.Overview{Name: "«Kim»", Mail: "«a»", Proven: "«passkey»", Mine: *in.Me, Limit: "«30 minutes»", Points: "«100 of 100»", Hosts: []page.Host{host}}),
		"overview missing": page.OverviewPage(asleep, posture(*asleep.Me, "better")),
		"overview wrong":   page.OverviewPage(advised, posture(*in.Me, "wrong")),
		"check-up": page.CheckUpPage(advised, page.CheckUp{Progress: "«1 of 3»", Answered: 1, All: 3, Layers: []page.AskedLayer{
			{Name: "«sessions»", Open: []page.Asked{{First: true, Text: "«you?»", Item: "session ses_1", State: "s", Yes: "«yes»", No: "«no»", End: "/sessions/ses_1/not-me", Facts: []page.AskedFact{{Name: "«in»", At: at}, {Name: "«from»", Value: "«203.0.113.7»"}}}}},
			{Name: "«keys»", Open: []page.Asked{{Text: "«need?»", Item: "key k", State: "s", Yes: "«yes»", No: "«no»", Secure: "/keys/k"}}, Rest: []page.Asked{{Text: "«mine?»", No: "«no»", Secure: "/methods", Confirmed: at}}, Resting: "«1 thing»"},
			{Name: "«contact»"},
		}}),
		"check-up done": page.CheckUpPage(in, page.CheckUp{Progress: "«all»", Confirmed: at, Layers: []page.AskedLayer{{Name: "«keys»"}}}),
		"pictures": page.PicturesPage(in, page.Pictures{
			Zone: "«UTC»", Zones: []page.Option{{Value: "0", Text: "«UTC»", Chosen: true}}, Hours: [7][24]int{{3}, {9: 1}}, From: "«1 Jan»", To: "«2 Jan»", Entries: "«4»", Total: "«9»", Cut: true,
			Days: []page.PictureDay{{Name: "«1 Jan»", Entries: 3, Changes: 2, Refusals: 40}, {Name: "«2 Jan»"}}, Twin: "/v1/activity/rhythm",
		}),
		"pictures, places":  page.PicturesPage(in, page.Pictures{Zone: "«UTC»", From: "«1 Jan»", To: "«2 Jan»", Entries: "«2»", Total: "«9»", KnowsPlaces: true, Places: []page.PicturePlace{{Code: "KR", Name: "«near Seoul»", Count: "«2»", N: 2}, {Code: "XX", Name: "«elsewhere»", Count: "«1»", N: 1}}}),
		"pictures, nowhere": page.PicturesPage(in, page.Pictures{Zone: "«UTC»", From: "«1 Jan»", To: "«2 Jan»", Entries: "«0»", Total: "«0»", KnowsPlaces: true}),
		"no pictures":       page.PicturesPage(in, page.Pictures{Zone: "«UTC»", From: "«1 Jan»", To: "«2 Jan»", Entries: "«0»", Total: "«0»"}),
		"sign-in keys":      page.SignInPage(out, page.SignIn{ReturnTo: "/", Origin: "«https://gate.example»", Passwordless: true}),
		"secure keys":       page.SecurePage(out, page.Secure{SignUp: "sup_1", Mail: "«a»", Passwordless: true}),
		"methods keys":      page.MethodsPage(in, page.Methods{Lost: page.Ways{Passkey: "another_passkey", TOTP: "passkey", Password: "code"}, Passwordless: true}),
		"sessions": page.SessionsPage(in, page.Sessions{Idle: "«30 minutes»", List: []page.Session{
			{ID: "«ses_1»", Device: "«Chrome»", Agent: "«ua»", Addr: "«203.0.113.7»", Proven: "«p»", Opened: at, Acted: at, Ends: at, Mine: true},
			{ID: "«ses_2»", Device: "«Safari»", Agent: "«ua»", Addr: "«203.0.113.8»", Proven: "«p»", Opened: at, Acted: at, Ends: at},
		}}),
		"messages":         page.MessagesPage(in, page.Messages{Older: "/messages?before=msg_1", List: []page.Message{{ID: "msg_1", Subject: "«s»", At: at, Contained: true}, {ID: "msg_2", Subject: "«s»", At: at, Read: true}}}),
		"lab":              page.LabPage(in, page.Lab{Problem: on("request"), Request: "«r»", Signed: "«b»"}),
		"lab, holds":       page.LabPage(in, page.Lab{Asked: true, Holds: true, Ours: "«base»", Hashed: "«hashed»", Compared: true, Same: true, SignedAt: at, Facts: []page.Fact{{Name: "«key»", Value: "«spk»"}}}),
		"lab, differs":     page.LabPage(in, page.Lab{Asked: true, Problems: []string{"«bad»"}, Ours: "«base»", Compared: true, At: "«at 3»", Marked: page.Marked{Before: "«b»", Mark: "«a»", After: "«s»"}, MarkedYours: page.Marked{Before: "«b»"}}),
		"why":              page.WhyPage(in, page.Why{}),
		"why, unknown":     page.WhyPage(in, page.Why{ID: "«req»", Asked: true}),
		"why, told":        page.WhyPage(in, page.Why{ID: "«req»", Asked: true, Found: true, Entry: page.Entry{At: at, Text: "«refused»", Next: "«fix»", Refused: true}, ToSign: "«base»", Twin: "/v1/requests/req"}),
		"genuine":          page.GenuinePage(out, page.Genuine{Text: "«t»", Asked: true, Where: "«w»", Reasons: []string{"«r»"}, Origins: []page.Fact{{Name: "«https://gate.example»", Value: "«u»"}}, Senders: []string{"«a@gate.example»"}}),
		"genuine ours":     page.GenuinePage(out, page.Genuine{Asked: true, Ours: true}),
		"contacted":        page.ContactedPage(in, page.Contacted{State: "silent"}),
		"contacted now":    page.ContactedPage(in, page.Contacted{State: "writing", List: []page.Message{{ID: "msg_1", Subject: "«s»", At: at}}}),
		"contacted before": page.ContactedPage(in, page.Contacted{State: "wrote"}),
		"no messages":      page.MessagesPage(in, page.Messages{Find: "«msg_3»"}),
		"message":          page.MessagePage(in, page.Message{ID: "«msg_1»", Subject: "«s»", Body: []string{"«a»", "«b»"}, At: at, To: []string{"«a@example.com»"}, Clock: true}),
		"message read":     page.MessagePage(in, page.Message{ID: "«msg_1»", Subject: "«s»", At: at, Mailed: at, Read: true, Contained: true}),
		"not me":           page.NotMePage(out, page.NotMe{Subject: "«s»", At: at, Does: []string{"«d»"}, State: "open", Until: at, Post: "/not-me/x"}),
		"not me done":      page.NotMePage(out, page.NotMe{Subject: "«s»", At: at, Does: []string{"«d»"}, State: "done", Undo: true, Added: "/methods#totp"}),
		"not me other":     page.NotMePage(out, page.NotMe{Subject: "«s»", At: at, Does: []string{"«d»"}, State: "done", Other: true}),
		"not me used":      page.NotMePage(out, page.NotMe{Subject: "«s»", At: at, State: "used"}),
		"not me over":      page.NotMePage(out, page.NotMe{Subject: "«s»", At: at, State: "over"}),
		"members": page.MembersPage(in, page.Members{
			Owner: true, Grace: "«14 days»", Roles: []page.Option{{Value: "viewer", Text: "«Viewer»"}},
			Accounts: []page.Account{{ID: "acc_1", Name: "«Desk»", Role: "«Owner»", Here: true}, {ID: "acc_2", Name: "«Other»", Role: "«Viewer»"}},
			Asked:    []page.Invitation{{ID: "inv_1", Account: "«Fund»", By: "«Min»", Role: "«Trader»", Until: at}},
			Open:     []page.Invitation{{ID: "inv_2", Mail: "«a@example.com»", Role: "«Trader»", Until: at}},
			People:   []page.Option{{Value: "usr_1", Text: "«Ada»"}, {Value: "usr_2", Text: "«Ben»"}},
			Left:     []page.Member{{ID: "usr_4", Name: "«Gone»", Keys: "«2»", HasKeys: true, Until: at}, {ID: "usr_5", Name: "«Long gone»", Keys: "«1»", HasKeys: true, Until: at, Over: true}},
			List: []page.Member{
				{ID: "usr_1", Name: "«Ada»", Mail: "«ada@example.com»", Role: "«Owner»", Since: at, You: true, Owner: true, Keys: "«0»"},
				{ID: "usr_6", Name: "«Cat»", Role: "«Owner»", Since: at, Owner: true, Keys: "«0»"},
				{ID: "usr_2", Name: "«Ben»", Role: "«Trader»", Since: at, Keys: "«1»", HasKeys: true, Disabled: true, Frozen: true},
				{ID: "usr_3", Name: "«bots»", Role: "«Trader»", Since: at, Keys: "«3»", Machine: true, Purpose: "«p»", Sponsors: [2]string{"«Ada»", "«Ben»"}, Until: at},
			},
		}),
		"members wrong":    page.MembersPage(in, page.Members{Problem: on("mail"), Owner: true, People: []page.Option{{Value: "usr_1", Text: "«Ada»"}}, Typed: map[string]string{"mail": "«x»"}}),
		"members of other": page.MembersPage(in, page.Members{List: []page.Member{{ID: "usr_1", Name: "«Ada»", Role: "«Owner»", Since: at, Keys: "«0»"}}}),
		"key to promote":   page.PromotePage(in, page.KeyLife{Problem: on("public_key"), Key: key("«spk»", page.KeyLive), Challenge: "«c»", MakePair: "«make»"}),
		"key to give":      page.KeyPage(in, page.KeyLife{Key: key("«spk»", page.KeyLive), MayWiden: true, Holders: []page.Option{{Value: "usr_2", Text: "«Ben»"}}}),
		"contact":          page.ContactPage(in, page.Contact{Mail: "«a»", Since: at, Second: "«b»", SecondSince: at, Phrase: "«p»", Undo: "«3 days»"}),
		"contact number":   page.ContactPage(in, page.Contact{Mail: "«a»", Phone: "«+82»", PhoneSince: at, Texts: true, Undo: "«3 days»"}),
		"contact off":      page.ContactPage(in, page.Contact{Mail: "«a»", Phone: "«+82»", PhoneSince: at, Undo: "«3 days»"}),
		"contact text":     page.ContactCodePage(in, page.ContactCode{Text: true, Change: "cch_1", Mail: "«+82»", GoodUntil: at}),
		"contact wrong":    page.ContactPage(in, page.Contact{Problem: on("phrase"), Mail: "«a»", Typed: map[string]string{"phrase": "«x»"}, Undo: "«3 days»"}),
		"contact code":     page.ContactCodePage(in, page.ContactCode{Problem: on("code"), Change: "cch_1", Mail: "«a»", GoodUntil: at}),
		"one session":      page.SessionsPage(limited, page.Sessions{Idle: "«30 minutes»", List: []page.Session{{ID: "«ses_1»", Device: "«Chrome»", Mine: true, Limited: true, Shared: true, Hosts: []page.OpenHost{{Authority: "«exchange.example.com»", Opened: at}}}}}),
		"methods":          page.MethodsPage(in, page.Methods{Lost: page.Ways{Passkey: "another_passkey", TOTP: "passkey", Password: "code"}, Password: &page.Password{Changed: at}, TOTP: &page.TOTP{Since: at}, Passkeys: []page.Passkey{passkey, {ID: "pk_2", Name: "«key»", Product: "«stick»", Attested: true, Backup: true, Added: at, Used: at, Tested: at}}, Signal: "{}", Spare: "test", Demands: []page.Demand{{Area: "trading", Made: true, Until: at}, {Area: "settings"}}, DemandWait: "«7 days»"}),
		"no methods":       page.MethodsPage(in, page.Methods{Lost: page.Ways{Passkey: "another_passkey", TOTP: "passkey", Password: "code"}, Problem: on(""), HighValue: page.HighValue{From: at}}),
		"methods raised":   page.MethodsPage(in, page.Methods{Lost: page.Ways{Passkey: "another_passkey", TOTP: "passkey", Password: "code"}, HighValue: page.HighValue{From: at, Now: true}}),
		"one passkey":      page.MethodsPage(in, page.Methods{Lost: page.Ways{Passkey: "another_passkey", TOTP: "passkey", Password: "code"}, Passkeys: []page.Passkey{passkey}, Spare: "second", TOTP: &page.TOTP{Since: at, Backup: true}, Demands: []page.Demand{{Area: "trading"}, {Area: "settings", Made: true}}, DemandWait: "«7 days»"}),
		"password":         page.PasswordPage(in, page.NewPassword{Problem: on("password"), Mail: "«a»", Least: "15"}),
		"change":           page.PasswordPage(in, page.NewPassword{Mail: "«a»", Least: "8", Set: true}),
		"enrol":            page.EnrolPage(in, page.Enrol{Shown: true, Secret: "«ABCD»", URI: "otpauth://totp/x", QRSize: 21, QRPath: "M0 0h1v1h-1z"}),
		"enrol wrong":      page.EnrolPage(in, page.Enrol{Problem: on("code")}),
		"step-up key":      page.StepUpPage(in, page.StepUp{Action: "/keys", ID: "stp_1", Summary: "«s»", Details: []page.Fact{{"«n»", "«v»"}}, Needs: "passkey", Missing: []string{"«m»", "«n»"}, Carried: "c", Back: "/keys"}),
		"step-up code":     page.StepUpPage(in, page.StepUp{Problem: on("proof_code"), Action: "/keys", ID: "stp_1", Summary: "«s»", Needs: "totp", Carried: "c", Back: "/"}),
		"step-up word":     page.StepUpPage(in, page.StepUp{Problem: on("proof_password"), Action: "/keys", ID: "stp_1", Summary: "«s»", Needs: "password", Carried: "c", Mail: "«a»", Back: "/"}),
		"keys":             page.KeysPage(in, page.Keys{MayCreate: true, List: []page.Key{key("«spk_test_1»", page.KeyLive), used, key("«spk_3»", page.KeyExpired), key("«spk_4»", page.KeyRevoked), key("«spk_5»", page.KeyOrphan)}}),
		"key frozen":       page.KeyPage(in, page.KeyLife{Key: key("«spk»", page.KeyFrozen), MayWiden: true, Challenge: "«c»", Overlaps: []page.Option{{Value: "24", Text: "«day»"}}}),
		"key blocked":      page.KeyPage(in, page.KeyLife{Problem: on("overlap"), Key: key("«spk»", page.KeyBlocked), MayWiden: true, Secrets: []page.Secret{{Text: "«new»"}, {Text: "«old»", Retires: at}}}),
		"key past": page.KeyPage(in, page.KeyLife{Key: key("«spk»", page.KeyLive), Past: page.KeyPast{
			ID: "spk", Stolen: []page.Danger{{Text: "«trade»"}, {Text: "«from»", Bounds: true}}, Calls: page.Pictures{Days: []page.PictureDay{{Name: "«1 Nov»", Entries: 3, Refusals: 1}, {Name: "«2 Nov»"}}, From: "«1 Nov»", To: "«2 Nov»"},
			Last: &page.LastUse{At: at, From: "«f»", Route: "«GET /»", Signs: "«s»", Refused: "«r»"}, Refused: []page.RefusedCode{{Code: "«key.expired»", Text: "«t»", Calls: "«3»", Last: at}},
			Unused: []string{"«place orders»"}, History: []page.Entry{{At: at, Text: "«did»", Who: "«you»"}}, Cut: true, Twin: "/v1/keys/spk/past", Timeline: "/keys/spk/timeline",
		}}),
		"timeline": page.KeyTimelinePage(in, page.KeyTimeline{
			ID: "spk", Name: "«n»", File: "/v1/keys/spk/timeline", Days: []page.Option{{Value: "7", Text: "«week»"}}, Entries: []page.Entry{{At: at, Text: "«GET /»", Times: "«3 times»", Who: "«hour»"}}, Cut: true,
		}),
		"timeline empty": page.KeyTimelinePage(in, page.KeyTimeline{ID: "spk", Name: "«n»", File: "/v1/keys/spk/timeline"}),
		"leaked":         page.LeakedPage(in, page.Leaked{Name: "«n»", Since: at, Cut: true, Uses: []page.Use{{Last: at, Text: "«u»"}}, Others: []page.Fact{{"«o»", "spk"}}}),
		"leaked unused":  page.LeakedPage(in, page.Leaked{Name: "«n»"}),
		"no keys":        page.KeysPage(in, page.Keys{}),
		"keys of other":  page.KeysPage(in, page.Keys{NotOwner: true, Problem: on("")}),
		"new key":        page.NewKeyPage(in, plan),
		"new key wrong":  page.NewKeyPage(in, planWrong),
		"new key off":    page.NewKeyPage(in, alone),
		"created":        page.CreatedPage(in, page.Created{Key: key("«spk»", page.KeyLive), Secret: "«sps»", FileName: "«grid.json»", FileHref: "data:application/json;base64,e30=", Check: "«call»"}),
		"created own":    page.CreatedPage(in, page.Created{Key: key("«spk»", page.KeyLive), Check: "«call»"}),
		"created next":   page.CreatedPage(in, page.Created{Key: key("«spk»", page.KeyLive), Secret: "«sps»", Retires: at, FileName: "«grid.json»", FileHref: "data:application/json;base64,e30=", Check: "«call»"}),
		"key asleep":     page.KeyPage(in, page.KeyLife{Key: pinned, MayWiden: true, Asleep: true, Releasable: true}),
		"keys found":     page.KeysPage(in, page.Keys{Search: "«grid»", List: []page.Key{key("«spk_6»", page.KeyReadOnly), key("«spk_10»", page.KeyOff), key("«spk_7»", page.KeyDisabled), key("«spk_8»", page.KeyFrozen), key("«spk_9»", page.KeyBlocked)}}),
		"none found":     page.KeysPage(in, page.Keys{Search: "«grid»"}),
		"key edit wrong": page.KeyEditPage(in, page.KeyEdit{Problem: on("scopes"), ID: "«spk»", Name: "«grid»"}),
		"key edit": page.KeyEditPage(in, page.KeyEdit{
			ID: "«spk»", Name: "«grid»", Vendor: "«vendor»", Destinations: "«BTC BTC bc1q»", NewName: "«grid 2»", Purpose: "«trade»", Scopes: plan.Scopes, Allowlist: "«203.0.113.7»", Lives: plan.Lives,
			OnEnds: []page.Option{{Value: "leave", Text: "«leave»"}}, Pins: []page.Option{{Text: "«none»"}}, Windows: []page.Option{{Text: "«usual window»"}}, Standby: true,
		}),
		"activity": page.ActivityPage(in, page.Activity{Older: "/activity?before=3", Newest: "/activity", Twin: "/v1/activity", Entries: []page.Entry{
			{At: at, Text: "«did»", Who: "«you»", Proven: "«p»", From: "«f»"},
			{At: at, Text: "«refused»", Times: "«3 times»", Refused: true, Who: "«key»", Seen: []page.Fact{{"«n»", "«v»"}}, Next: "«next»", Code: "key.expired"},
		}}),
		"no activity":    page.ActivityPage(in, page.Activity{Twin: "/v1/activity"}),
		"refusal":        page.RefusalPage(in, page.Refusal{Code: "«c»", Title: "«t»", Fix: "«f»", Status: "«404»", Request: "«req»", Again: at, Back: "/", Unchanged: true}),
		"refusal out":    page.RefusalPage(out, page.Refusal{Code: "«c»", Title: "«t»", Fix: "«f»", Status: "«401»", Request: "«req»", Back: "/", SignIn: true}),
		"codes":          page.CodesPage(in, page.Codes{List: []page.CodeLine{{Code: "«c»", Status: "«404»", Title: []page.Piece{{Text: "«a»"}, {Name: "«b»"}}}}}),
		"codes out":      page.CodesPage(out, page.Codes{}),
		"code one":       page.CodeOnePage(out, page.CodePage{Code: "«c»", Status: "«401»", Outside: "«o»", Texts: []page.CodeText{{Lang: "ko", Heading: "«h»", Title: []page.Piece{{Text: "«a»"}}, Fix: []page.Piece{{Name: "«b»"}}}}}),
		"go":             page.GoPage(in, page.Go{Host: host, Path: "/btc", State: "s"}),
		"go from here":   page.GoPage(in, page.Go{Host: host, Way: "https://exchange.example.com/.sallyport/enter?path=%2F"}),
		"go with a code": page.GoPage(in, page.Go{Host: host, Way: "https://exchange.example.com/.sallyport/enter?code=x", Once: true}),
	}
}
