package store

import (
	"github.com/seed-21c57000/sallyport/internal/prove/account"
	"github.com/seed-21c57000/sallyport/internal/prove/apikey"
	"github.com/seed-21c57000/sallyport/internal/prove/binding"
	"github.com/seed-21c57000/sallyport/internal/prove/ceremony"
	"github.com/seed-21c57000/sallyport/internal/prove/contact"
	"github.com/seed-21c57000/sallyport/internal/prove/demand"
	"github.com/seed-21c57000/sallyport/internal/prove/device"
	"github.com/seed-21c57000/sallyport/internal/prove/factor"
	"github.com/seed-21c57000/sallyport/internal/prove/lock"
	"github.com/seed-21c57000/sallyport/internal/prove/member"
	"github.com/seed-21c57000/sallyport/internal/prove/session"
	"github.com/seed-21c57000/sallyport/internal/prove/signin"
	"github.com/seed-21c57000/sallyport/internal/prove/signup"
	"github.com/seed-21c57000/sallyport/internal/prove/stepup"
	"github.com/seed-21c57000/sallyport/internal/prove/throttle"
	"github.com/seed-21c57000/sallyport/internal/prove/tier"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/respond/checkup"
	"github.com/seed-21c57000/sallyport/internal/respond/confirm"
	"github.com/seed-21c57000/sallyport/internal/respond/hold"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
	"github.com/seed-21c57000/sallyport/internal/respond/privacy"
	"github.com/seed-21c57000/sallyport/internal/respond/recovery"
	"github.com/seed-21c57000/sallyport/internal/respond/report"
)

// Every view of the one transaction. A package that asks for something no file here offers fails to compile in this list.
var (
	_ account.Tx  = (*tx)(nil)
	_ apikey.Tx   = (*tx)(nil)
	_ hold.Tx     = (*tx)(nil)
	_ lock.Tx     = (*tx)(nil)
	_ audit.Tx    = (*tx)(nil)
	_ binding.Tx  = (*tx)(nil)
	_ ceremony.Tx = (*tx)(nil)
	_ checkup.Tx  = (*tx)(nil)
	_ confirm.Tx  = (*tx)(nil)
	_ contact.Tx  = (*tx)(nil)
	_ device.Tx   = (*tx)(nil)
	_ factor.Tx   = (*tx)(nil)
	_ member.Tx   = (*tx)(nil)
	_ recovery.Tx = (*tx)(nil)
	_ report.Tx   = (*tx)(nil)
	_ notify.Tx   = (*tx)(nil)
	_ session.Tx  = (*tx)(nil)
	_ signin.Tx   = (*tx)(nil)
	_ signup.Tx   = (*tx)(nil)
	_ privacy.Tx  = (*tx)(nil)
	_ tier.Tx     = (*tx)(nil)
	_ demand.Tx   = (*tx)(nil)
	_ stepup.Tx   = (*tx)(nil)
	_ throttle.Tx = (*tx)(nil)
)
