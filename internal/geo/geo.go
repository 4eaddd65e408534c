// Package geo owns the words for the place of a network address, read from a file that the operator supplies.
//
// It asks nobody over the network, and knows nothing of people. A place is a guess of whoever made the file: it words what people read, and
// its country may at most make a session ask for a proof, together with something else that is new.
//
// Invariant: without a file, and of an address that the file does not know, nothing is said. A file that cannot be read leaves the one
// before it in use.
package geo

import (
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/oschwald/maxminddb-golang/v2"
)

// Place is where an address is, as far as the file knows. The zero value is an unknown place.
type Place struct {
	// Country is the code of ISO 3166-1: two letters of our list.
	Country string
	// cities maps a language → the city's name; "" is the name in a file that has one alone.
	cities map[string]string
}

// maxFile is larger than any file of cities that is sold; it is read into memory.
const maxFile = 512 << 20

// Places looks addresses up. It is safe for concurrent use, and nil knows no place.
type Places struct {
	path string
	log  *slog.Logger
	file atomic.Pointer[file]
}

// file is one that was read.
type file struct {
	reader *maxminddb.Reader
	stamp  time.Time
}

// Open reads a file of MaxMind's format, whoever made it: nested records as of GeoLite2 and DB-IP, or flat ones as of ip-location-db and
// IPinfo. Renew reads it again when it has changed.
func Open(path string, log *slog.Logger) (*Places, error) {
	p := &Places{path: path, log: log}
	if err := p.load(); err != nil {
		return nil, fmt.Errorf("read places: %w", err)
	}
	return p, nil
}

// Built is when the file in use was made.
func (p *Places) Built() time.Time { return p.file.Load().reader.Metadata.BuildTime().UTC() }

// Kind is what the file in use calls itself.
func (p *Places) Kind() string { return p.file.Load().reader.Metadata.DatabaseType }

// Of looks an address up. One that belongs to no public network has no place.
func (p *Places) Of(addr netip.Addr) Place {
	addr = addr.Unmap()
	if p == nil || !addr.IsValid() || addr.IsPrivate() || addr.IsLoopback() || addr.IsLinkLocalUnicast() {
		return Place{}
	}
	return read(p.file.Load().reader.Lookup(addr))
}

// Country is the country of an address; empty where it is not known.
func (p *Places) Country(addr netip.Addr) string { return p.Of(addr).Country }

// System is the number of the autonomous system that an address belongs to (RFC 1930); zero where the file does not say.
func (p *Places) System(addr netip.Addr) uint32 {
	addr = addr.Unmap()
	if p == nil || !addr.IsValid() {
		return 0
	}
	var found struct {
		Number uint32 `maxminddb:"autonomous_system_number"`
	}
	if err := p.file.Load().reader.Lookup(addr).Decode(&found); err != nil {
		return 0
	}
	return found.Number
}

// Renew looks for another file, and reads it; nobody who asks for a place waits for that. nil has none.
func (p *Places) Renew() {
	if p == nil {
		return
	}
	if err := p.load(); err != nil {
		p.log.Error("the file of places cannot be read; the old one stays in use", "error", err)
	}
}

// load reads the file if it is another than the one in use.
func (p *Places) load() error {
	st, err := os.Stat(p.path)
	if err != nil {
		return err
	}
	if before := p.file.Load(); before != nil && before.stamp.Equal(st.ModTime()) {
		return nil
	}
	if st.Size() > maxFile {
		return fmt.Errorf("%s has %d bytes; at most %d are read", p.path, st.Size(), maxFile)
	}
	// Read, not mapped: a file that is written over in place would end the process.
	b, err := os.ReadFile(p.path)
	if err != nil {
		return err
	}
	reader, err := maxminddb.OpenBytes(b)
	if err != nil {
		return fmt.Errorf("%s: %w", p.path, err)
	}
	if reader.Metadata.IPVersion != 4 && reader.Metadata.IPVersion != 6 {
		return errors.New(p.path + " is for no version of IP that we know")
	}
	p.file.Store(&file{reader, st.ModTime()})
	return nil
}

// The two layouts that files have. A field of one may be of another type in the other, so a record is read as the one that it is.
type (
	nested struct {
		Country struct {
			Code string `maxminddb:"iso_code"`
		} `maxminddb:"country"`
		City struct {
			Names map[string]string `maxminddb:"names"`
		} `maxminddb:"city"`
	}
	flat struct {
		Code    string `maxminddb:"country_code"`
		Country string `maxminddb:"country"`
		City    string `maxminddb:"city"`
	}
)

func read(r maxminddb.Result) Place {
	if !r.Found() {
		return Place{}
	}
	var n nested
	if err := r.Decode(&n); err == nil && n.Country.Code != "" {
		return place(n.Country.Code, n.City.Names)
	}
	var f flat
	if err := r.Decode(&f); err != nil {
		return Place{}
	}
	if f.Code == "" {
		f.Code = f.Country
	}
	return place(f.Code, map[string]string{"": f.City})
}

func place(code string, cities map[string]string) Place {
	if _, known := countries[code]; !known {
		return Place{}
	}
	return Place{code, cities}
}

// Words names the place: "near Seoul, KR", "South Korea", and in Korean "대한민국 서울 근처", "대한민국". An unknown one has no words. Language
// is "en" or "ko"; any other reads English.
func (p Place) Words(language string) string {
	names, known := countries[p.Country]
	if !known {
		return ""
	}
	city := p.city(language)
	switch {
	case language == "ko" && city != "":
		return names.korean + " " + city + " 근처"
	case language == "ko":
		return names.korean
	case city != "":
		return "near " + city + ", " + p.Country
	}
	return names.english
}

// maxCity is how much of a city's name is said, in runes.
const maxCity = 60

func (p Place) city(language string) string {
	for _, from := range []string{language, "en", ""} {
		name := strings.Map(func(r rune) rune {
			if !unicode.IsPrint(r) {
				return -1
			}
			return r
		}, p.cities[from])
		if runes := []rune(name); len(runes) > 0 && len(runes) <= maxCity {
			return name
		}
	}
	return ""
}

// countries.tsv lists ISO 3166-1 with the names of Unicode CLDR 48 (Unicode License v3): code, English, Korean. Regenerate it with Node's
// Intl.DisplayNames.
//
//go:embed countries.tsv
var countryTable string

type countryNames struct{ english, korean string }

// countries maps code → names.
var countries = func() map[string]countryNames {
	m := map[string]countryNames{}
	for line := range strings.Lines(countryTable) {
		fields := strings.Split(strings.TrimSpace(line), "\t")
		m[fields[0]] = countryNames{fields[1], fields[2]}
	}
	return m
}()
