// Package geotest writes small files of places for tests, in MaxMind's format (MaxMind DB File Format Specification v2.0).
//
// It knows only what such tests need: strings, maps and whole numbers, in a tree of 24-bit records over IPv6, with IPv4 below ::/96.
package geotest

import (
	"encoding/binary"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// Record is what a network has: strings, and maps of the same.
type Record map[string]any

// Nested is a record as of GeoLite2 or DB-IP.
func Nested(country string, cities map[string]any) Record {
	return Record{"country": Record{"iso_code": country}, "city": Record{"names": Record(cities)}}
}

// Flat is a record as of ip-location-db.
func Flat(country string) Record { return Record{"country_code": country} }

// System is a record as of GeoLite2-ASN.
func System(number uint32) Record { return Record{"autonomous_system_number": number} }

// File writes a file of networks (as prefixes) into a folder of the test, and gives its path.
func File(t testing.TB, networks map[string]Record) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "places.mmdb")
	Write(t, path, networks)
	return path
}

// Write writes such a file to a path, in place of what is there.
func Write(t testing.TB, path string, networks map[string]Record) {
	t.Helper()
	if err := os.WriteFile(path+".new", Bytes(networks), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// Bytes are those of a file.
func Bytes(networks map[string]Record) []byte {
	tree := tree{nodes: [][2]int{{empty, empty}}}
	var data []byte
	for _, text := range slices.Sorted(maps.Keys(networks)) {
		tree.put(netip.MustParsePrefix(text), len(data))
		data = appendValue(data, networks[text])
	}
	out := tree.bytes()
	out = append(out, make([]byte, separator)...)
	out = append(out, data...)
	out = append(out, "\xab\xcd\xefMaxMind.com"...)
	return appendValue(out, Record{
		"binary_format_major_version": uint16(2), "binary_format_minor_version": uint16(0), "build_epoch": uint64(built.Unix()),
		"database_type": "Tests", "description": Record{"en": "Places of tests"}, "ip_version": uint16(6), "languages": []string{"en", "ko"},
		"node_count": uint32(len(tree.nodes)), "record_size": uint16(24),
	})
}

var built = time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)

const (
	separator = 16
	empty     = -1
	leaf      = -2 // leaf-offset is a place in the data
)

// tree is the search tree: for each node, where a 0 and a 1 lead.
type tree struct{ nodes [][2]int }

func (t *tree) put(p netip.Prefix, offset int) {
	bits := p.Bits()
	addr := p.Addr().As16()
	if p.Addr().Is4() {
		four := p.Addr().As4()
		addr, bits = [16]byte{}, bits+96
		copy(addr[12:], four[:])
	}
	node := 0
	for i := range bits {
		bit := int(addr[i/8]>>(7-i%8)) & 1
		if i == bits-1 {
			t.nodes[node][bit] = leaf - offset
			return
		}
		if t.nodes[node][bit] < 0 {
			t.nodes = append(t.nodes, [2]int{empty, empty})
			t.nodes[node][bit] = len(t.nodes) - 1
		}
		node = t.nodes[node][bit]
	}
}

func (t *tree) bytes() (out []byte) {
	for _, node := range t.nodes {
		for _, to := range node {
			switch {
			case to == empty:
				to = len(t.nodes)
			case to <= leaf:
				to = len(t.nodes) + separator + leaf - to
			}
			out = append(out, byte(to>>16), byte(to>>8), byte(to))
		}
	}
	return out
}

// The types of the format.
const (
	typeString, typeUint16, typeUint32, typeMap = 2, 5, 6, 7
	typeUint64, typeArray                       = 9, 11
)

func appendValue(out []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return append(control(out, typeString, len(v)), v...)
	case uint16:
		return binary.BigEndian.AppendUint16(control(out, typeUint16, 2), v)
	case uint32:
		return binary.BigEndian.AppendUint32(control(out, typeUint32, 4), v)
	case uint64:
		return binary.BigEndian.AppendUint64(control(out, typeUint64, 8), v)
	case []string:
		out = control(out, typeArray, len(v))
		for _, s := range v {
			out = appendValue(out, s)
		}
		return out
	case Record:
		out = control(out, typeMap, len(v))
		for _, name := range slices.Sorted(maps.Keys(v)) {
			out = appendValue(appendValue(out, name), v[name])
		}
		return out
	}
	panic(fmt.Sprintf("geotest writes no %T", v))
}

// control begins a value: its type, beyond 7 in a byte of its own, and its size below 285.
func control(out []byte, kind, size int) []byte {
	first := min(size, 29)
	if kind <= typeMap {
		out = append(out, byte(kind<<5|first))
	} else {
		out = append(out, byte(first), byte(kind-typeMap))
	}
	if size >= 29 {
		out = append(out, byte(size-29))
	}
	return out
}
