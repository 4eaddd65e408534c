package config_test

import (
	"encoding"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/config"
	"github.com/seed-21c57000/sallyport/internal/kernel/id"
)

// least is the shortest file that loads.
const least = "dashboard:\n  origin: https://gate.example\n"

func TestDefaults(t *testing.T) {
	c, err := config.Parse([]byte(least), nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Environment != id.Live {
		t.Errorf("environment is %v, want live: an installation that says nothing guards money", c.Environment)
	}
	if want := (config.Session{Idle: 30 * time.Minute, Absolute: 12 * time.Hour, OperatorIdle: 15 * time.Minute, OperatorAbsolute: 8 * time.Hour, Binding: config.Binding{Life: 10 * time.Minute}}); c.Session != want {
		t.Errorf("session: %s", cmp.Diff(want, c.Session))
	}
	if want := (config.Keys{DefaultLife: 2160 * time.Hour, MaxLife: 8760 * time.Hour, ReadOnlyLife: 4320 * time.Hour, HighValueLife: 720 * time.Hour, UnpinnedTradeLife: 720 * time.Hour, DestinationWait: 24 * time.Hour, UntimedNonces: 1_000_000}); c.Keys != want {
		t.Errorf("keys: %s", cmp.Diff(want, c.Keys))
	}
	if want := (config.Password{Enabled: true, MemoryKiB: 47104, Iterations: 1, Parallelism: 1, Queue: 64, QueueWait: 2 * time.Second}); c.Password != want {
		t.Errorf("password: %s", cmp.Diff(want, c.Password))
	}
	if want := (config.Throttle{Free: 5, FirstDelay: time.Second, MaxDelay: 15 * time.Minute}); c.Throttle != want {
		t.Errorf("throttle: %s", cmp.Diff(want, c.Throttle))
	}
	if c.Gateway.BodyCap != 1<<20 || c.StepUp.Life != 5*time.Minute || c.Dialects.Native.WindowPast != 10*time.Second {
		t.Errorf("body_cap %v, step_up.life %v, window_past %v", c.Gateway.BodyCap, c.StepUp.Life, c.Dialects.Native.WindowPast)
	}
	if !c.Dialects.Upbit.Enabled || c.Dialects.Upbit.Ceiling != config.CeilingRead {
		t.Errorf("upbit: %+v", c.Dialects.Upbit)
	}
}

func TestWhatFollowsFromTheOrigin(t *testing.T) {
	for _, test := range []struct {
		name, file                        string
		rpID, confirmation, issuer, hello string
	}{
		{
			"nothing given", "dashboard:\n  origin: https://gate.example:8443\n",
			"gate.example", "https://gate.example:8443", "https://gate.example:8443", "gate.example",
		},
		{
			"all given", "dashboard:\n  origin: https://accounts.gate.example\n  rp_id: gate.example\n  confirmation_origin: https://confirm.gate.example\n" +
				"  issuer: https://id.gate.example\nmail:\n  smtp:\n    hello: mx.gate.example\n",
			"gate.example", "https://confirm.gate.example", "https://id.gate.example", "mx.gate.example",
		},
		{
			"confirmation on a related origin", "dashboard:\n  origin: https://gate.example\n  related_origins: [https://other.example]\n  confirmation_origin: https://other.example\n",
			"gate.example", "https://other.example", "https://gate.example", "gate.example",
		},
		{
			"localhost", "dashboard:\n  origin: http://localhost:8080\n",
			"localhost", "http://localhost:8080", "http://localhost:8080", "localhost",
		},
		{
			"below localhost", "dashboard:\n  origin: http://gate.localhost:8080\n  confirmation_origin: http://confirm.gate.localhost:8080\n",
			"gate.localhost", "http://confirm.gate.localhost:8080", "http://gate.localhost:8080", "gate.localhost",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := config.Parse([]byte(test.file), nil)
			if err != nil {
				t.Fatal(err)
			}
			got := []string{string(c.Dashboard.RPID), string(c.Dashboard.ConfirmationOrigin), string(c.Dashboard.Issuer), string(c.Mail.SMTP.Hello)}
			if diff := cmp.Diff([]string{test.rpID, test.confirmation, test.issuer, test.hello}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEnvironmentOverridesFile(t *testing.T) {
	file := []byte(least + "session:\n  idle: 20m\nproxies:\n  trusted: [10.0.0.0/8, 192.0.2.0/24]\n")
	c, err := config.Parse(file, []string{
		"SALLYPORT_SESSION_IDLE=15m", "SALLYPORT_STEP_UP_LIFE=2m", "SALLYPORT_PROXIES_TRUSTED=198.51.100.0/24, 2001:db8::/32",
		"SALLYPORT_STORE_POSTGRES_DSN_FILE=/run/secrets/dsn", "SALLYPORT_DIALECTS_UPBIT_ENABLED=false", "SALLYPORT_GATEWAY_BODY_CAP=64KiB",
		"SALLYPORT_METRICS_LISTEN=", "HOME=/nowhere", "SALLYPORT_PORT=tcp://10.0.0.1:80", "SALLYPORT_SERVICE_HOST=10.0.0.1", "SALLYPORT_TEST_POSTGRES=x",
	})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]config.Setting{}
	for _, s := range c.Effective() {
		got[s.Key] = s
	}
	for _, want := range []config.Setting{
		{Key: "session.idle", Value: "15m", Origin: "env SALLYPORT_SESSION_IDLE"},
		{Key: "session.absolute", Value: "12h", Origin: "default"},
		{Key: "step_up.life", Value: "2m", Origin: "env SALLYPORT_STEP_UP_LIFE"},
		{Key: "proxies.trusted", Value: "198.51.100.0/24, 2001:db8::/32", Origin: "env SALLYPORT_PROXIES_TRUSTED"},
		{Key: "store.postgres.dsn_file", Value: "/run/secrets/dsn", Origin: "env SALLYPORT_STORE_POSTGRES_DSN_FILE"},
		{Key: "dialects.upbit.enabled", Value: "false", Origin: "env SALLYPORT_DIALECTS_UPBIT_ENABLED"},
		{Key: "gateway.body_cap", Value: "64KiB", Origin: "env SALLYPORT_GATEWAY_BODY_CAP"},
		{Key: "metrics.listen", Value: "", Origin: "env SALLYPORT_METRICS_LISTEN"},
		{Key: "dashboard.origin", Value: "https://gate.example", Origin: "file:2"},
	} {
		s := got[want.Key]
		s.Doc, s.Bounds = "", ""
		if diff := cmp.Diff(want, s); diff != "" {
			t.Error(diff)
		}
	}
}

func TestEffective(t *testing.T) {
	c, err := config.Parse([]byte(least+"environment: test\ngateway:\n  hosts:\n    - authority: api.example\n"+
		"      upstream: a\n  upstreams:\n    - name: a\n      url: http://127.0.0.1:9000\n      assertion: eddsa\n      routes_file: r\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	list := c.Effective()
	if want := (config.Setting{Key: "environment", Value: "test", Origin: "file:3", Doc: list[0].Doc, Bounds: "live | test"}); list[0] != want {
		t.Errorf("first setting: %s", cmp.Diff(want, list[0]))
	}
	seen := map[string]config.Setting{}
	for _, s := range list {
		if _, twice := seen[s.Key]; twice || s.Doc == "" {
			t.Errorf("%s is listed twice or says nothing: %+v", s.Key, s)
		}
		seen[s.Key] = s
	}
	if s := seen["gateway.hosts[0].authority"]; s.Value != "api.example" || s.Origin != "file:6" {
		t.Errorf("authority of the first host: %+v", s)
	}
	if s := seen["gateway.hosts[0].kind"]; s.Value != "api" || s.Origin != "default" || s.Bounds != "api | page" {
		t.Errorf("kind of the first host: %+v", s)
	}
	if s := seen["session.idle"]; s.Bounds != "1s to 1h" {
		t.Errorf("bounds of session.idle in a test installation: %q", s.Bounds)
	}
}

func TestLoadNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sallyport.yaml")
	if _, err := config.Load(path, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	if err := os.WriteFile(path, []byte(least+"sesion: {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := config.Load(path, nil)
	want := "config " + path + ": 1 to correct\n  line 3: sesion: unknown key; here stand "
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("error is %v, want it to begin with %s", err, want)
	}
}

// TestEveryFieldIsDescribed holds the tags complete: a setting without a doc, or a number without bounds, cannot be added.
func TestEveryFieldIsDescribed(t *testing.T) {
	names := map[string]string{}
	var walk func(section reflect.Type, prefix string)
	walk = func(section reflect.Type, prefix string) {
		for field := range section.Fields() {
			if !field.IsExported() {
				continue
			}
			tag, path := field.Tag, prefix+field.Tag.Get("key")
			if tag.Get("key") == "" || tag.Get("doc") == "" {
				t.Errorf("%s.%s lacks key or doc", section.Name(), field.Name)
			}
			variable := strings.NewReplacer(".", "_", "[]", "").Replace(path)
			if other := names[variable]; other != "" {
				t.Errorf("%s and %s have the same variable", path, other)
			}
			names[variable] = path
			typ := field.Type
			if typ.Kind() == reflect.Slice {
				typ, path = typ.Elem(), path+"[]"
			}
			isText := reflect.PointerTo(typ).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
			if typ.Kind() == reflect.Struct && !isText {
				walk(typ, path+".")
			}
			isNumber := typ.Kind() == reflect.Int || typ.Kind() == reflect.Int64
			if isNumber && (tag.Get("min") == "" || tag.Get("max") == "" || tag.Get("default") == "") {
				t.Errorf("%s lacks a default or bounds", path)
			}
		}
	}
	walk(reflect.TypeFor[config.Config](), "")
}

func TestReferenceIsCurrent(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "reference", "config.md"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(page), string(config.Reference())); diff != "" {
		t.Errorf("run make generate:\n%s", diff)
	}
}

func TestShippedProfilesLoad(t *testing.T) {
	profiles, err := filepath.Glob("profiles/*.yaml")
	if err != nil || len(profiles) == 0 {
		t.Fatal("no profiles", err)
	}
	for _, path := range profiles {
		t.Run(filepath.Base(path), func(t *testing.T) {
			if _, err := config.Load(path, nil); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestThePageHostsName(t *testing.T) {
	for given, want := range map[string]string{"": "a", ", name: Paper Exchange": "Paper Exchange"} {
		c, err := config.Parse([]byte(least+"gateway:\n  hosts:\n"+
			"    - {authority: web.example, upstream: a, kind: page, origin: https://web.example"+given+"}\n    - {authority: api.example, upstream: a}\n"+
			"  upstreams:\n    - {name: a, url: \"http://127.0.0.1:9000\", assertion: eddsa, routes_file: r}\n"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if page, api := c.Gateway.Hosts[0].Name, c.Gateway.Hosts[1].Name; page != want || api != "" {
			t.Errorf("%q: pages go by %q, want %q; a host of programs by %q", given, page, want, api)
		}
	}
}

// TestExampleShowsEverySetting also holds the commented defaults true: with the comments taken away from the lines that show a
// default, the values in force stay what they are.
func TestExampleShowsEverySetting(t *testing.T) {
	raw, err := os.ReadFile("profiles/example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.Parse(raw, nil)
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]string{}    // last word of the key → value shown, for those that stand in a comment
	dialects := map[string]string{} // dialect and last word → value shown: they have the same words with other defaults
	dialect := ""
	for line := range strings.SplitSeq(string(raw), "\n") {
		if name, isDialect := strings.CutPrefix(line, "#   "); isDialect && strings.HasSuffix(name, ":") && !strings.HasPrefix(name, " ") {
			dialect = strings.TrimSuffix(name, ":")
		}
		line = strings.TrimLeft(line, " -#")
		if key, value, found := strings.Cut(line, ":"); found && !strings.Contains(key, " ") {
			shown[key] = strings.TrimSpace(value)
			dialects["dialects."+dialect+"."+key] = strings.TrimSpace(value)
		}
	}
	for _, s := range c.Effective() {
		key := s.Key[strings.LastIndexByte(s.Key, '.')+1:]
		value, found := shown[key]
		if strings.HasPrefix(s.Key, "dialects.") {
			value, found = dialects[s.Key]
		}
		if !found {
			t.Errorf("%s is not shown", s.Key)
		}
		if s.Origin == "default" && s.Bounds != "" && !strings.Contains(s.Key, "[") && key != "header" && value != s.Value {
			t.Errorf("%s is shown as %s, and its default is %s", s.Key, value, s.Value)
		}
	}
}
