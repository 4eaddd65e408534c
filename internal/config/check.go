package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/seed-21c57000/sallyport/internal/kernel/id"
)

// leastPasswordWork is the memory in KiB times the passes of the cheapest setting that OWASP's Password Storage Cheat Sheet
// still calls equal to the others: 19 MiB twice.
const leastPasswordWork = 2 * 19456

// derive fills what follows from other settings where nothing was given.
func (c *Config) derive() {
	d := &c.Dashboard
	d.RPID = orElse(d.RPID, d.Origin.Host())
	d.ConfirmationOrigin = orElse(d.ConfirmationOrigin, d.Origin)
	d.Issuer = orElse(d.Issuer, d.Origin)
	c.Mail.SMTP.Hello = orElse(c.Mail.SMTP.Hello, d.Origin.Host())
	if _, domain, found := strings.Cut(string(c.Mail.From), "@"); found {
		c.Mail.DKIM.Domain = orElse(c.Mail.DKIM.Domain, HostName(domain))
	}
	for i := range c.Gateway.Hosts {
		if h := &c.Gateway.Hosts[i]; h.Kind == HostPage {
			h.Name = orElse(h.Name, h.Upstream)
		}
	}
}

func orElse[T ~string](given, otherwise T) T {
	if given == "" {
		return otherwise
	}
	return given
}

// check finds settings that are fine alone and wrong together.
func (d *decoder) check() {
	d.checkNames()
	d.checkGateway()
	d.checkTLS()
	d.checkProxies()
	d.checkMail()
	d.checkLives()
	d.checkPasskeys()
	d.checkApps()
	d.checkGeo()
	d.checkHighValue()
	d.checkTexts()
	for _, p := range d.config.CheckListeners() {
		d.report(p.Key, p.Reason)
	}
	if c := d.config; c.Store.Engine == Postgres && c.Store.Postgres.DSNFile == "" {
		d.report("store.postgres.dsn_file", "is required with engine postgres")
	}
}

// checkPasskeys: an attestation says nothing to somebody who has no metadata to read it with.
func (d *decoder) checkPasskeys() {
	switch p := d.config.Passkeys; {
	case p.Attestation != AttestNone && p.MetadataFile == "":
		d.report("passkeys.metadata_file", "is required with attestation "+string(p.Attestation))
	case p.Attestation == AttestNone && (p.MetadataFile != "" || p.Certified != CertifiedNone):
		d.report("passkeys.attestation", "must be asked or required where metadata_file or certified is set")
	case p.MetadataRoot != "" && p.MetadataFile == "":
		d.report("passkeys.metadata_root_file", "is for metadata_file")
	}
}

// checkTexts: a number and what happens to its owner are nobody else's business on the way.
func (d *decoder) checkTexts() {
	t := d.config.Notices.TextMessages
	if (t.URL != "") != (t.KeyFile != "") {
		d.report("notices.text_messages.key_file", "is needed with url, and only with it")
	}
	if u, err := url.Parse(string(t.URL)); err == nil && u.Scheme == "http" && d.config.Environment != id.Test {
		if addr, err := netip.ParseAddr(u.Hostname()); u.Hostname() != "localhost" && (err != nil || !addr.IsLoopback()) {
			d.report("notices.text_messages.url", "must begin with https://, or lead to loopback")
		}
	}
}

// checkGeo: a credit belongs to something.
func (d *decoder) checkGeo() {
	switch g := d.config.Geo; {
	case g.Attribution != "" && g.File == "":
		d.report("geo.attribution", "is for geo.file")
	case g.AttributionURL != "" && g.Attribution == "":
		d.report("geo.attribution_url", "is for geo.attribution")
	}
}

// plainDecimal is what ceilings are written in too.
var plainDecimal = regexp.MustCompile(`^(0|[1-9][0-9]{0,23})(\.[0-9]{1,18})?$`)

func (d *decoder) checkHighValue() {
	if v := d.config.HighValue.Value; v != "" && !plainDecimal.MatchString(v) {
		d.report("high_value.value", "is a plain decimal, such as 50000000")
	}
	for i, role := range d.config.HighValue.Roles {
		if strings.TrimSpace(role) == "" {
			d.report(fmt.Sprintf("high_value.roles[%d]", i), "names nothing")
		}
	}
}

// checkNames keeps every origin that uses passkeys under one RP ID (WebAuthn L3 §5.1.3): its host or a name below it. That the
// RP ID is no public suffix such as co.uk is checked by browsers, which then refuse every ceremony; a bare top level is refused here.
func (d *decoder) checkNames() {
	c := d.config.Dashboard
	if c.Origin == "" {
		return
	}
	switch host := c.Origin.Host(); {
	case !host.Within(c.RPID):
		d.report("dashboard.rp_id", fmt.Sprintf("must be %s or a parent of it", host))
	case c.RPID != host && !strings.Contains(string(c.RPID), "."):
		d.report("dashboard.rp_id", "a top-level domain cannot be an RP ID")
	case !c.ConfirmationOrigin.Host().Within(c.RPID) && !slices.Contains(c.RelatedOrigins, c.ConfirmationOrigin):
		d.report("dashboard.confirmation_origin", fmt.Sprintf("its host must lie within rp_id %s, or the origin must be one of related_origins", c.RPID))
	}
}

func (d *decoder) checkGateway() {
	g := d.config.Gateway
	if g.Forward.Listen != "" && len(d.config.Proxies.Trusted) == 0 {
		d.report("gateway.forward.listen", "answers declared proxies only, and proxies.trusted names none")
	}
	if g.Forward.Listen != "" && g.Forward.Convention == NoConvention {
		d.report("gateway.forward.convention", "say which headers the proxy sets itself: a client could send the others")
	}
	if g.ExtAuthz.Listen != "" && len(d.config.Proxies.Trusted) == 0 {
		d.report("gateway.ext_authz.listen", "answers declared proxies only, and proxies.trusted names none")
	}
	upstreams := map[string]bool{}
	for i, u := range g.Upstreams {
		at := fmt.Sprintf("gateway.upstreams[%d].", i)
		if upstreams[u.Name] {
			d.report(at+"name", fmt.Sprintf("%s is the name of an upstream above", u.Name))
		}
		upstreams[u.Name] = true
		if _, authority, _ := strings.Cut(string(u.URL), "://"); strings.Contains(authority, "/") {
			d.report(at+"url", "it ends after host and port; paths are handed on as they came")
		}
		if u.PricesPath != "" && (!strings.HasPrefix(u.PricesPath, "/") || strings.ContainsAny(u.PricesPath, "?#% ")) {
			d.report(at+"prices_path", "is a path, such as /prices")
		}
		if u.KeysPath != "" && (!strings.HasPrefix(u.KeysPath, "/") || strings.ContainsAny(u.KeysPath, "?#% ")) {
			d.report(at+"keys_path", "is a path, such as /keys/ended")
		}
		if u.CAFile != "" && !strings.HasPrefix(string(u.URL), "https://") {
			d.report(at+"ca_file", "is for an https url only")
		}
		if (u.Assertion == AssertHMAC) != (u.KeyFile != "") {
			d.report(at+"key_file", "is needed for assertion hmac, and only for it")
		}
		if u.Assertion == AssertHMAC && u.BackendKeyFile != "" {
			d.report(at+"backend_key_file", "is for assertion eddsa only; with hmac the backend signs with key_file")
		}
	}
	own := d.config.Dashboard
	hosts := map[Authority]bool{own.Origin.Authority(): true, own.ConfirmationOrigin.Authority(): true, own.Issuer.Authority(): true}
	for i, h := range g.Hosts {
		at := fmt.Sprintf("gateway.hosts[%d].", i)
		if hosts[h.Authority] {
			d.report(at+"authority", fmt.Sprintf("%s is the dashboard's or a host above", h.Authority))
		}
		hosts[h.Authority] = true
		if !upstreams[h.Upstream] {
			d.report(at+"upstream", fmt.Sprintf("%q names no entry of gateway.upstreams", h.Upstream))
		}
		if h.Kind == HostAPI && h.Name != "" {
			d.report(at+"name", "is for kind page only")
		}
		switch {
		case h.Kind == HostAPI && h.Origin != "":
			d.report(at+"origin", "is for kind page only")
		case h.Kind == HostPage && h.Origin.Authority() != h.Authority:
			d.report(at+"origin", fmt.Sprintf("must be the origin of %s, scheme included", h.Authority))
		}
	}
}

func (d *decoder) checkTLS() {
	t := d.config.TLS
	if t.Mode == TLSFiles && t.CertFile == "" {
		d.report("tls.cert_file", "is required with mode files")
	}
	if t.Mode == TLSFiles && t.KeyFile == "" {
		d.report("tls.key_file", "is required with mode files")
	}
	if t.Mode == TLSACME && len(t.ACME.Hosts) == 0 {
		d.report("tls.acme.hosts", "at least one name is required with mode acme")
	}
	if t.Mode == TLSACME && !t.ACME.AgreeTerms {
		d.report("tls.acme.agree_terms", "must be true with mode acme: nothing is issued before you agree")
	}
	if !strings.HasPrefix(string(t.ACME.DirectoryURL), "https://") {
		d.report("tls.acme.directory_url", "must be https (RFC 8555 §6.1)")
	}
}

func (d *decoder) checkProxies() {
	for i, p := range d.config.Proxies.Trusted {
		if p.IsValid() && p.Bits() == 0 {
			d.report(fmt.Sprintf("proxies.trusted[%d]", i), "this is everybody: each client could write an address of its own choice")
		}
	}
}

func (d *decoder) checkMail() {
	m := d.config.Mail
	if m.SMTP.Addr == "" {
		return
	}
	if m.From == "" {
		d.report("mail.from", "is required as soon as mail.smtp.addr is set")
	}
	if m.SMTP.TLS == NoTLS && !m.SMTP.Addr.Loopback() && d.config.Environment != id.Test {
		d.report("mail.smtp.tls", "mail in the clear is for a relay on loopback or a test installation")
	}
	if (m.SMTP.Username == "") != (m.SMTP.PasswordFile == "") {
		d.report("mail.smtp.password_file", "username and password_file come together")
	}
}

func (d *decoder) checkLives() {
	c := d.config
	if c.Session.Idle > c.Session.Absolute {
		d.report("session.idle", "is longer than session.absolute")
	}
	if c.Throttle.FirstDelay > c.Throttle.MaxDelay {
		d.report("throttle.first_delay", "is longer than throttle.max_delay")
	}
	if c.Keys.DefaultLife > c.Keys.MaxLife {
		d.report("keys.default_life", "is longer than keys.max_life")
	}
	if c.Keys.ReadOnlyLife > c.Keys.MaxLife {
		d.report("keys.read_only_life", "is longer than keys.max_life")
	}
	if work := c.Password.MemoryKiB * c.Password.Iterations; work < leastPasswordWork {
		d.report("password.iterations", fmt.Sprintf("memory_kib times iterations is %d; it must be at least %d", work, leastPasswordWork))
	}
}

// CheckListeners says which listeners would speak plain HTTP to the network, and which two want the same address. Load has
// asked it; whoever changes a listener afterwards (a flag, a test) asks again.
func (c Config) CheckListeners() []Problem {
	var problems []Problem
	taken := map[Listen]string{}
	for _, l := range []struct {
		key string
		at  Listen
	}{
		{"dashboard.listen", c.Dashboard.Listen},
		{"gateway.listen", c.Gateway.Listen},
		{"gateway.forward.listen", c.Gateway.Forward.Listen},
		{"gateway.ext_authz.listen", c.Gateway.ExtAuthz.Listen},
		{"metrics.listen", c.Metrics.Listen},
	} {
		switch {
		case l.at == "":
		case !l.at.Loopback() && c.TLS.Mode == TLSOff && len(c.Proxies.Trusted) == 0:
			problems = append(problems, Problem{Key: l.key, Value: string(l.at), Reason: "would speak plain HTTP to the network: " +
				"set tls.mode to files or acme, or declare the proxy in front of it in proxies.trusted"})
		case taken[l.at] != "" && !strings.HasSuffix(string(l.at), ":0"):
			problems = append(problems, Problem{Key: l.key, Value: string(l.at), Reason: taken[l.at] + " listens there already"})
		}
		taken[l.at] = l.key
	}
	return problems
}
