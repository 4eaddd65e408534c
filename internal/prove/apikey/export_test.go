package apikey

import "net/netip"

// Networks reads an allowlist as people write it.
func Networks(words []string) ([]netip.Prefix, error) { return networks(words) }
