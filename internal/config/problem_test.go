package config_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/config"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
)

// problems gives the lines that an operator sees.
func problems(t *testing.T, file string, environ ...string) []string {
	t.Helper()
	_, err := config.Parse([]byte(file), environ)
	if err == nil {
		return nil
	}
	e, ok := errors.AsType[*config.Error](err)
	if !ok {
		t.Fatalf("error is %T: %v", err, err)
	}
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return lines
}

func TestFileIsStrict(t *testing.T) {
	const sessionKeys = "idle, absolute, operator_idle, operator_absolute, binding"
	for _, test := range []struct {
		name, file string
		want       []string
	}{
		{"empty file", "", []string{`not set: dashboard.origin: is required`}},
		{"empty section", "session:\n" + least, nil},
		{"unknown key", least + "session:\n  idel: 20m\n", []string{`line 4: session.idel: unknown key; here stand ` + sessionKeys}},
		{"dotted key", least + "session:\n  idle.x: 20m\n", []string{`line 4: session.idle.x: unknown key; here stand ` + sessionKeys}},
		{"doubled key", least + "session:\n  idle: 20m\n  absolute: 6h\n  idle: 25m\n", []string{`line 6: session.idle: given twice, first in line 4`}},
		{"doubled section", least + "step_up: {life: 2m}\nstep_up: {life: 3m}\n", []string{`line 4: step_up: given twice, first in line 3`}},
		{"anchor", least + "session:\n  idle: &i 20m\n", []string{`line 4: session.idle = "20m": anchors and aliases are not accepted; write the value where it belongs`}},
		{"alias", least + "session:\n  idle: *i\n", []string{`the file: not YAML: unknown anchor 'i' referenced`}},
		{"anchor and alias", least + "session: &s {idle: 20m}\nlog: *s\n", []string{
			`line 3: session: anchors and aliases are not accepted; write the value where it belongs`,
			`line 4: log = "s": anchors and aliases are not accepted; write the value where it belongs`,
		}},
		{"merge key", least + "session:\n  <<: {idle: 20m}\n", []string{`line 4: session.<<: unknown key; here stand ` + sessionKeys}},
		{"tag", least + "session:\n  idle: !!str 20m\n", []string{`line 4: session.idle = "20m": tags are not accepted; write the value alone`}},
		{"no value", least + "session:\n  idle:\n", []string{`line 4: session.idle: there is no value; give one or take the key out`}},
		{"list for a value", least + "session:\n  idle: [1m]\n", []string{`line 4: session.idle: one value is wanted here`}},
		{"value for a section", least + "session: 30m\n", []string{`line 3: session = "30m": keys with values are wanted here`}},
		{"value for a list", least + "proxies:\n  trusted: 10.0.0.0/8\n", []string{`line 4: proxies.trusted = "10.0.0.0/8": a list is wanted here`}},
		{"list for the file", "- a\n", []string{`line 1: keys with values are wanted here`}},
		{"second document", least + "---\nlog: {level: info}\n", []string{`line 3: a second document begins here; write one`}},
		{"no YAML", "dashboard:\n  origin: https://gate.example\n a: b\n", []string{`line 2: not YAML: did not find expected key`}},
		{"everything at once", "dashboard:\n  origin: gate.example\nsession:\n  idel: 1m\n  absolute: 48h\n  absolute: 1h\nstep_up:\n  life: soon\nthrottle:\n  free: 0\n", []string{
			`line 2: dashboard.origin = "gate.example": an origin is https://host or https://host:port`,
			`line 4: session.idel: unknown key; here stand ` + sessionKeys,
			`line 5: session.absolute = "48h": outside its bounds (accepted: 15m to 24h)`,
			`line 6: session.absolute: given twice, first in line 5`,
			`line 8: step_up.life = "soon": write a duration in h, m, s or ms, such as 30m or 12h (accepted: 1m to 5m)`,
			`line 10: throttle.free = "0": outside its bounds (accepted: 1 to 10)`,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, problems(t, test.file)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestValues(t *testing.T) {
	for _, test := range []struct{ key, value, want string }{
		{"environment", "prod", `write one of live, test (accepted: live | test)`},
		{"dashboard.origin", "http://gate.example", `http is for localhost and names below it; write https`},
		{"dashboard.origin", "https://gate.example/", `an origin ends after host and port`},
		{"dashboard.origin", "https://user@gate.example", `an origin ends after host and port`},
		{"dashboard.origin", "https://gate.example:443", `leave out port 443: it is what https means, and clients leave it out`},
		{"dashboard.origin", "https://gate.example:08443", `the port is a number from 1 to 65535`},
		{"dashboard.origin", "\"https://gate.example:\"", `the port is a number from 1 to 65535`},
		{"dashboard.origin", "https://Gate.example", `a host name is made of lower-case letters, digits and hyphens between dots`},
		{"dashboard.origin", "https://192.0.2.7", `a host name is wanted, not an IP address`},
		{"dashboard.origin", "https://[2001:db8::1]", `a host name is made of lower-case letters, digits and hyphens between dots`},
		{"dashboard.origin", "http://127.0.0.1:8080", `a host name is wanted, not an IP address`},
		{"dashboard.listen", "8080", `write address:port, such as 127.0.0.1:8080 or [::1]:8080`},
		{"dashboard.listen", "gate.example:8080", `the address to listen on is an IP address or localhost`},
		{"dashboard.listen", "127.0.0.1:70000", `the port is a number up to 65535`},
		{"dashboard.listen", `""`, `is required`},
		{"gateway.body_cap", "1MB", `write a whole number of bytes, such as 65536, 64KiB or 1MiB (accepted: 1KiB to 16MiB)`},
		{"gateway.body_cap", "17MiB", `outside its bounds (accepted: 1KiB to 16MiB)`},
		{"gateway.body_cap", "9223372036854775807GiB", `write a whole number of bytes, such as 65536, 64KiB or 1MiB (accepted: 1KiB to 16MiB)`},
		{"tls.acme.agree_terms", "yes", `write true or false`},
		{"tls.acme.agree_terms", `""`, `write true or false`},
		{"tls.acme.email", "Gate <gate@gate.example>", `write a bare mail address, such as gate@example.com`},
		{"tls.acme.directory_url", "http://acme.example/directory", `must be https (RFC 8555 §6.1)`},
		{"tls.acme.directory_url", "https://a:b@acme.example/", `user, query and fragment have no place in it`},
		{"store.sqlite.path", `""`, `is required`},
		{"mail.smtp.addr", "smtp.example", `write host:port, such as smtp.example.com:587`},
		{"mail.smtp.addr", "smtp.example:0", `the port is a number from 1 to 65535`},
		{"password.memory_kib", "64MiB", `write a whole number (accepted: 19456 to 262144)`},
		{"session.absolute", "0s", `outside its bounds (accepted: 15m to 24h)`},
		{"session.absolute", "-12h", `outside its bounds (accepted: 15m to 24h)`},
		{"session.absolute", "100000000h", `write a duration in h, m, s or ms, such as 30m or 12h (accepted: 15m to 24h)`},
		{"session.idle", "10s", `below its bound, which only an installation whose environment is test may leave (accepted: 5m to 1h)`},
		{"keys.unpinned_trade_life", "721h", `outside its bounds (accepted: 1h to 720h)`},
		{"dialects.upbit.ceiling", "withdraw", `write one of read, trade (accepted: read | trade)`},
		{"dialects.native.window_past", "61s", `outside its bounds (accepted: 1s to 60s)`},
	} {
		t.Run(test.key+"="+test.value, func(t *testing.T) {
			file, line := "", 0
			for i, part := range strings.Split(test.key, ".") {
				file += strings.Repeat("  ", i) + part + ":\n"
				line++
			}
			file = strings.TrimSuffix(file, "\n") + " " + test.value + "\n"
			if !strings.HasPrefix(test.key, "dashboard.") {
				file += least
			} else if test.key != "dashboard.origin" {
				file += "  origin: https://gate.example\n"
			}
			_, err := config.Parse([]byte(file), nil)
			e, ok := errors.AsType[*config.Error](err)
			if !ok || len(e.Problems) != 1 {
				t.Fatalf("error is %v, want one problem", err)
			}
			p := e.Problems[0]
			got := p.Reason
			if p.Bound != "" {
				got += " (accepted: " + p.Bound + ")"
			}
			if p.Key != test.key || p.Line != line || p.Value != strings.Trim(test.value, `"`) || got != test.want {
				t.Errorf("got %+v\nwant %s in line %d: %s", p, test.key, line, test.want)
			}
		})
	}
}

func TestSettingsTogether(t *testing.T) {
	const upstream = "  upstreams:\n    - name: a\n      url: http://127.0.0.1:9000\n      assertion: eddsa\n      routes_file: r\n"
	for _, test := range []struct {
		name, file string
		want       []string
	}{
		{"plain HTTP to the network", "dashboard:\n  origin: https://gate.example\n  listen: 0.0.0.0:80\nmetrics:\n  listen: :9090\n", []string{
			`line 3: dashboard.listen = "0.0.0.0:80": would speak plain HTTP to the network: set tls.mode to files or acme, or declare the proxy in front of it in proxies.trusted`,
			`line 5: metrics.listen = ":9090": would speak plain HTTP to the network: set tls.mode to files or acme, or declare the proxy in front of it in proxies.trusted`,
		}},
		{"behind a proxy", "dashboard:\n  origin: https://gate.example\n  listen: 0.0.0.0:80\nproxies:\n  trusted: [10.0.0.0/8]\n", nil},
		{"with certificates", "dashboard:\n  origin: https://gate.example\n  listen: 0.0.0.0:443\ntls:\n  mode: files\n  cert_file: c\n  key_file: k\n", nil},
		{"loopback by other names", "dashboard:\n  origin: https://gate.example\n  listen: \"[::1]:80\"\ngateway:\n  listen: localhost:81\n", nil},
		{"two listeners at one address", "dashboard:\n  origin: https://gate.example\n  listen: 127.0.0.1:8081\n", []string{
			`not set: gateway.listen = "127.0.0.1:8081": dashboard.listen listens there already`,
		}},
		{"two listeners at free ports", "dashboard:\n  origin: https://gate.example\n  listen: 127.0.0.1:0\ngateway:\n  listen: 127.0.0.1:0\n", nil},
		{"asked by nobody", least + "gateway:\n  forward: {listen: 127.0.0.1:8082}\n", []string{
			`line 4: gateway.forward.listen = "127.0.0.1:8082": answers declared proxies only, and proxies.trusted names none`,
			`line 4: gateway.forward.convention = "none": say which headers the proxy sets itself: a client could send the others`,
		}},
		{"asked by Envoy, that nobody declared", least + "gateway:\n  ext_authz: {listen: 127.0.0.1:8083}\n", []string{
			`line 4: gateway.ext_authz.listen = "127.0.0.1:8083": answers declared proxies only, and proxies.trusted names none`,
		}},
		{"asked by Envoy", least + "gateway:\n  ext_authz: {listen: 127.0.0.1:8083, bodies: whole}\nproxies: {trusted: [127.0.0.0/8]}\n", nil},
		{"asked by a proxy", least + "gateway:\n  forward: {listen: 127.0.0.1:8082, convention: x-original}\nproxies: {trusted: [127.0.0.0/8]}\n", nil},
		{"proxies that are everybody", least + "proxies:\n  trusted: [10.0.0.0/8, \"::/0\"]\n", []string{
			`line 4: proxies.trusted[1] = "::/0": this is everybody: each client could write an address of its own choice`,
		}},
		{"a proxy with host bits", least + "proxies:\n  trusted:\n    - 10.0.0.1/8\n    -\n    - \"\"\n", []string{
			`line 5: proxies.trusted[0] = "10.0.0.1/8": write a network as prefix, such as 10.0.0.0/8 or 192.0.2.7/32`,
			`line 6: proxies.trusted[1]: there is no value; give one or take the key out`,
			`line 7: proxies.trusted[2]: is required`,
		}},
		{"foreign RP ID", "dashboard:\n  origin: https://accounts.gate.example\n  rp_id: other.example\n", []string{
			`line 3: dashboard.rp_id = "other.example": must be accounts.gate.example or a parent of it`,
		}},
		{"RP ID that is no whole label", "dashboard:\n  origin: https://mygate.example\n  rp_id: gate.example\n", []string{
			`line 3: dashboard.rp_id = "gate.example": must be mygate.example or a parent of it`,
		}},
		{"RP ID of a top level", "dashboard:\n  origin: https://gate.example\n  rp_id: example\n", []string{
			`line 3: dashboard.rp_id = "example": a top-level domain cannot be an RP ID`,
		}},
		{"confirmation origin beyond the RP ID", "dashboard:\n  origin: https://a.gate.example\n  confirmation_origin: https://b.gate.example\n", []string{
			`line 3: dashboard.confirmation_origin = "https://b.gate.example": its host must lie within rp_id a.gate.example, or the origin must be one of related_origins`,
		}},
		{"hosts without the rest", least + "gateway:\n  hosts:\n    - kind: page\n      authority: api.example\n    - authority: api.example:443\n    - authority: gate.example\n      upstream: a\n" + upstream, []string{
			`line 5: gateway.hosts[0].upstream: is required`,
			`line 5: gateway.hosts[0].origin: must be the origin of api.example, scheme included`,
			`line 7: gateway.hosts[1].authority = "api.example:443": the port is a number; 80 and 443 are left out, as clients do`,
			`line 7: gateway.hosts[1].upstream: is required`,
			`line 8: gateway.hosts[2].authority = "gate.example": gate.example is the dashboard's or a host above`,
		}},
		{"hosts that contradict", least + "gateway:\n  hosts:\n    - {authority: api.example, upstream: b}\n    - {authority: api.example, upstream: a, origin: https://api.example, name: x}\n" +
			"    - {authority: web.example, upstream: a, kind: page, origin: https://api.example}\n" + upstream, []string{
			`line 5: gateway.hosts[0].upstream = "b": "b" names no entry of gateway.upstreams`,
			`line 6: gateway.hosts[1].authority = "api.example": api.example is the dashboard's or a host above`,
			`line 6: gateway.hosts[1].name = "x": is for kind page only`,
			`line 6: gateway.hosts[1].origin = "https://api.example": is for kind page only`,
			`line 7: gateway.hosts[2].origin = "https://api.example": must be the origin of web.example, scheme included`,
		}},
		{"roots for plain http", least + "gateway:\n  upstreams:\n    - {name: a, url: \"http://127.0.0.1:1\", ca_file: c, key_file: k, routes_file: r}\n", []string{
			`line 5: gateway.upstreams[0].ca_file = "c": is for an https url only`,
		}},
		{"upstreams", least + "gateway:\n  upstreams:\n    - {name: a, url: \"http://127.0.0.1:1\", routes_file: r}\n    - {name: a, url: \"http://127.0.0.1:1/v1\", key_file: k, routes_file: r}\n" +
			"    - {name: b, url: \"ftp://127.0.0.1\", assertion: eddsa, key_file: k, routes_file: r}\n    - x\n" +
			"    - {name: c, url: \"http://127.0.0.1:1\", key_file: k, backend_key_file: p, routes_file: r}\n" +
			"    - {name: d, url: \"http://127.0.0.1:1\", assertion: eddsa, backend_key_file: p, routes_file: r}\n", []string{
			`line 5: gateway.upstreams[0].key_file: is needed for assertion hmac, and only for it`,
			`line 6: gateway.upstreams[1].name = "a": a is the name of an upstream above`,
			`line 6: gateway.upstreams[1].url = "http://127.0.0.1:1/v1": it ends after host and port; paths are handed on as they came`,
			`line 7: gateway.upstreams[2].url = "ftp://127.0.0.1": write http:// or https:// and a host`,
			`line 7: gateway.upstreams[2].key_file = "k": is needed for assertion hmac, and only for it`,
			`line 8: gateway.upstreams[3] = "x": keys with values are wanted here`,
			`line 9: gateway.upstreams[4].backend_key_file = "p": is for assertion eddsa only; with hmac the backend signs with key_file`,
		}},
		{"certificates that are missing", least + "tls:\n  mode: files\n", []string{
			`line 3: tls.cert_file: is required with mode files`, `line 3: tls.key_file: is required with mode files`,
		}},
		{"ACME without names and agreement", least + "tls:\n  mode: acme\n  acme:\n    email: gate@gate.example\n", []string{
			`line 5: tls.acme.hosts: at least one name is required with mode acme`,
			`line 5: tls.acme.agree_terms = "false": must be true with mode acme: nothing is issued before you agree`,
		}},
		{"PostgreSQL without a connection", least + "store:\n  engine: postgres\n", []string{`line 3: store.postgres.dsn_file: is required with engine postgres`}},
		{"mail in the clear", least + "mail:\n  from: gate@gate.example\n  smtp:\n    addr: smtp.example:25\n    tls: none\n", []string{
			`line 7: mail.smtp.tls = "none": mail in the clear is for a relay on loopback or a test installation`,
		}},
		{"mail in the clear to loopback", least + "mail:\n  from: gate@gate.example\n  smtp:\n    addr: 127.0.0.1:25\n    tls: none\n", nil},
		{"mail in the clear in a test", "environment: test\n" + least + "mail:\n  from: gate@gate.example\n  smtp:\n    addr: smtp.example:25\n    tls: none\n", nil},
		{"mail that is half set", least + "mail:\n  smtp:\n    addr: smtp.example:25\n    username: gate\n", []string{
			`line 3: mail.from: is required as soon as mail.smtp.addr is set`,
			`line 4: mail.smtp.password_file: username and password_file come together`,
		}},
		{"lives that contradict", least + "session: {idle: 1h, absolute: 30m}\nthrottle: {first_delay: 1m, max_delay: 1m}\nkeys:\n  max_life: 240h\n", []string{
			`line 3: session.idle = "1h": is longer than session.absolute`,
			`line 5: keys.default_life = "2160h": is longer than keys.max_life`,
			`line 5: keys.read_only_life = "4320h": is longer than keys.max_life`,
		}},
		{"a hash that is too cheap", least + "password:\n  memory_kib: 19456\n", []string{
			`line 3: password.iterations = "1": memory_kib times iterations is 19456; it must be at least 38912`,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, problems(t, test.file)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEnvironmentIsStrict(t *testing.T) {
	file := least + "session:\n  idle: 20m\nproxies:\n  trusted: [10.0.0.0/8]\n"
	want := []string{
		`SALLYPORT_SESION_IDLE: names no setting that the environment can override`,
		`SALLYPORT_GATEWAY_HOSTS: names no setting that the environment can override`,
		`SALLYPORT_SESSION: names no setting that the environment can override`,
		`SALLYPORT_SESSION_IDLE: session.idle = "2h": outside its bounds (accepted: 5m to 1h)`,
		`SALLYPORT_PROXIES_TRUSTED: proxies.trusted[1] = "x": write a network as prefix, such as 10.0.0.0/8 or 192.0.2.7/32`,
	}
	got := problems(t, file, "SALLYPORT_SESION_IDLE=20m", "SALLYPORT_GATEWAY_HOSTS=a", "SALLYPORT_SESSION=a", "SALLYPORT_SESSION_IDLE=2h", "SALLYPORT_PROXIES_TRUSTED=10.0.0.0/8,x")
	less := func(list []string) map[string]bool {
		set := map[string]bool{}
		for _, line := range list {
			set[line] = true
		}
		return set
	}
	if diff := cmp.Diff(less(want), less(got)); diff != "" {
		t.Error(diff)
	}
}

// TestOnlyATestInstallationWaitsLess: the same file, refused and accepted by one word.
func TestOnlyATestInstallationWaitsLess(t *testing.T) {
	short := "session: {idle: 2s, absolute: 4s}\nstep_up: {life: 3s}\nthrottle: {first_delay: 1ms, max_delay: 10ms}\n" +
		"keys: {default_life: 2s, read_only_life: 2s, unpinned_trade_life: 1s}\n"
	if got := problems(t, least+short); len(got) != 8 {
		t.Errorf("a live installation refuses %d of 8: %s", len(got), strings.Join(got, "\n"))
	}
	c, err := config.Parse([]byte("environment: test\n"+least+short), nil)
	if err != nil || c.Environment != id.Test {
		t.Errorf("a test installation: %v", err)
	}
	if got := problems(t, least+short, "SALLYPORT_ENVIRONMENT=test"); got != nil {
		t.Errorf("a test installation by the environment: %v", got)
	}
	for _, stays := range []string{"session: {idle: 2h}\n", "session: {idle: 1ms}\n", "dialects: {native: {window_past: 1ms}}\n", "password: {memory_kib: 64}\n", "step_up: {life: 6m}\n"} {
		if got := problems(t, "environment: test\n"+least+stays); len(got) != 1 {
			t.Errorf("a test installation may leave a bound that holds everywhere: %s: %v", stays, got)
		}
	}
}

// FuzzParse: no file and no variable makes it panic, a refusal names what is wrong, and what is accepted is inside its bounds.
func FuzzParse(f *testing.F) {
	f.Add([]byte(least), "SALLYPORT_SESSION_IDLE=20m")
	f.Add([]byte(least+"session:\n  idle: &a 20m\nlog: *a\n"), "SALLYPORT_PROXIES_TRUSTED=10.0.0.0/8,::1/128")
	f.Add([]byte(least+"gateway:\n  hosts:\n    - {authority: a, upstream: b}\n    -\n"), "")
	f.Add([]byte("? [a]\n: b\n---\n"), "SALLYPORT_")
	f.Fuzz(func(t *testing.T, file []byte, variable string) {
		c, err := config.Parse(file, []string{variable})
		if err != nil {
			if e, ok := errors.AsType[*config.Error](err); !ok || len(e.Problems) == 0 || e.Problems[0].Reason == "" {
				t.Errorf("a refusal without a problem: %v", err)
			}
			return
		}
		if c.Dashboard.Origin == "" || c.Session.Idle <= 0 || c.Session.Idle > c.Session.Absolute || c.CheckListeners() != nil {
			t.Errorf("accepted: %+v", c)
		}
		for _, s := range c.Effective() {
			if s.Key == "" || s.Origin == "" {
				t.Errorf("a setting without key or origin: %+v", s)
			}
		}
	})
}
