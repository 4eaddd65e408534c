package config

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
)

// App is one native app of the platform's own that may use our passkeys.
type App struct {
	Android      Package       `key:"android" doc:"The package of an Android app, such as com.example.exchange."`
	Fingerprints []Fingerprint `key:"fingerprints" doc:"For android: SHA-256 of each certificate that its releases are signed with, as keytool and the store print it (AB:CD:…), 10 at most. Whatever else is signed with one of them counts as the app."`
	Apple        AppleApp      `key:"apple" doc:"The team and the bundle id of an app on iPhone, iPad and Mac, such as ABCDE12345.com.example.exchange."`
}

// Package is the package name of an Android app.
type Package string

var packageName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)+$`)

// UnmarshalText reads a package name.
func (p *Package) UnmarshalText(text []byte) error {
	if len(text) > 223 || !packageName.Match(text) {
		return errors.New("write a package name of letters, digits and _, such as com.example.exchange")
	}
	*p = Package(text)
	return nil
}

// Fingerprint is the SHA-256 of a certificate, as 32 bytes in capital hexadecimal between colons.
type Fingerprint string

var fingerprint = regexp.MustCompile(`^[0-9A-F]{2}(:[0-9A-F]{2}){31}$`)

// UnmarshalText reads a fingerprint in its one spelling.
func (f *Fingerprint) UnmarshalText(text []byte) error {
	if !fingerprint.Match(text) {
		return errors.New("write the SHA-256 of the certificate as 32 pairs in capitals between colons: AB:CD:…")
	}
	*f = Fingerprint(text)
	return nil
}

// AppleApp is the id of an app as Apple's association file has it: the team's ten characters, a point, the bundle id.
type AppleApp string

var appleApp = regexp.MustCompile(`^[A-Z0-9]{10}(\.[A-Za-z0-9-]+)+$`)

// UnmarshalText reads an app id.
func (a *AppleApp) UnmarshalText(text []byte) error {
	if len(text) > 166 || !appleApp.Match(text) {
		return errors.New("write the team id and the bundle id, such as ABCDE12345.com.example.exchange")
	}
	*a = AppleApp(text)
	return nil
}

// Bounds of the lists: clients read the files whole, and each entry is somebody who can ask for our passkeys.
const (
	mostApps         = 20
	mostFingerprints = 10
)

// checkApps: an entry is one app, and no app can stand where money is confirmed.
func (d *decoder) checkApps() {
	c := d.config
	apps, apple := map[string]bool{}, false
	for i, app := range c.Passkeys.Apps {
		at := fmt.Sprintf("passkeys.apps[%d]", i)
		// As it was written: what could not be read names its app all the same.
		android, ofApple := d.texts[at+".android"], d.texts[at+".apple"]
		name := android + ofApple
		switch {
		case (android == "") == (ofApple == ""):
			d.report(at, "names one app: android with fingerprints, or apple")
		case apps[name]:
			d.report(at, name+" stands above already")
		case ofApple != "" && len(app.Fingerprints) > 0:
			d.report(at+".fingerprints", "is for android only")
		case android != "" && len(app.Fingerprints) == 0:
			d.report(at+".fingerprints", "is required with android")
		case len(app.Fingerprints) > mostFingerprints:
			d.report(at+".fingerprints", fmt.Sprintf("%d at most", mostFingerprints))
		}
		for n, f := range app.Fingerprints {
			if f != "" && slices.Contains(app.Fingerprints[:n], f) {
				d.report(fmt.Sprintf("%s.fingerprints[%d]", at, n), "stands above already")
			}
		}
		apps[name], apple = true, apple || app.Apple != ""
	}
	if len(c.Passkeys.Apps) > mostApps {
		d.report("passkeys.apps", fmt.Sprintf("%d at most", mostApps))
	}
	if at := c.Dashboard.AppleOrigin(); apple && c.Dashboard.ConfirmationOrigin == at {
		d.report("dashboard.confirmation_origin", fmt.Sprintf("Apple's apps sign as %s: where passkeys.apps has one, money is confirmed on another origin", at))
	}
}

// AppleOrigin is what an app of Apple's systems signs as, whichever it is: the RP ID's own origin.
func (d Dashboard) AppleOrigin() Origin { return Origin("https://" + string(d.RPID)) }
