package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const certificate = "14:6D:E9:83:C5:73:06:50:D8:EE:B9:95:2F:34:FC:64:16:A0:83:42:E6:1D:BE:A8:8A:04:96:B2:3F:CF:44:E5"

func TestApps(t *testing.T) {
	const (
		apart       = "dashboard:\n  origin: https://gate.example\n  confirmation_origin: https://confirm.gate.example\n"
		apps        = "passkeys:\n  apps:\n"
		fingerprint = "      fingerprints: ['" + certificate + "']\n"
		badPackage  = ": write a package name of letters, digits and _, such as com.example.exchange"
		badApple    = ": write the team id and the bundle id, such as ABCDE12345.com.example.exchange"
		badPrint    = ": write the SHA-256 of the certificate as 32 pairs in capitals between colons: AB:CD:…"
	)
	var many strings.Builder
	for i := range 21 {
		fmt.Fprintf(&many, "    - apple: ABCDE12345.com.example.a%d\n", i)
	}
	for name, test := range map[string]struct {
		file string
		want []string
	}{
		"both kinds":          {apart + apps + "    - android: com.example.exchange\n" + fingerprint + "    - apple: ABCDE12345.com.example.exchange\n", nil},
		"android, one origin": {least + apps + "    - android: com.example.exchange\n" + fingerprint, nil},
		"apple, one origin": {least + apps + "    - apple: ABCDE12345.com.example.exchange\n", []string{
			`line 1: dashboard.confirmation_origin: Apple's apps sign as https://gate.example: where passkeys.apps has one, money is confirmed on another origin`,
		}},
		"everything at once": {
			apart + apps + "    - android: exchange\n" + fingerprint + "    - apple: abc.com.example\n    - android: com.example.exchange\n    - android: com.example.other\n" +
				"      fingerprints: ['ab:cd', '" + certificate + "', '" + certificate + "']\n    - android: com.example.both\n      apple: ABCDE12345.com.example.both\n" +
				"    - apple: ABCDE12345.com.example.exchange\n" + fingerprint + "    - android: com.example.other\n" + fingerprint,
			[]string{
				`line 6: passkeys.apps[0].android = "exchange"` + badPackage,
				`line 8: passkeys.apps[1].apple = "abc.com.example"` + badApple,
				`line 9: passkeys.apps[2].fingerprints: is required with android`,
				`line 11: passkeys.apps[3].fingerprints[0] = "ab:cd"` + badPrint,
				`line 11: passkeys.apps[3].fingerprints[2] = "` + certificate[:80] + `": stands above already`,
				`line 12: passkeys.apps[4]: names one app: android with fingerprints, or apple`,
				`line 15: passkeys.apps[5].fingerprints: is for android only`,
				`line 16: passkeys.apps[6]: com.example.other stands above already`,
			},
		},
		"lower case":     {apart + apps + "    - android: com.example.exchange\n      fingerprints: ['" + strings.ToLower(certificate) + "']\n", []string{`line 7: passkeys.apps[0].fingerprints[0] = "` + strings.ToLower(certificate[:80]) + `"` + badPrint}},
		"a text for one": {apart + apps + "    - com.example.exchange\n", []string{`line 6: passkeys.apps[0] = "com.example.exchange": keys with values are wanted here`}},
		"too many":       {apart + apps + many.String(), []string{`line 5: passkeys.apps: 20 at most`}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, problems(t, test.file)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
