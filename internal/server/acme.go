package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"

	"github.com/seed-21c57000/sallyport/internal/config"
	"github.com/seed-21c57000/sallyport/internal/store"
)

// quietZap drops what certmagic logs.
var quietZap = zap.NewNop()

// acme gets and renews certificates from the configured ACME server (RFC 8555) by TLS-ALPN-01 (RFC 8737) on our own listeners. Its storage
// is our database, so that every node has the same certificates, only one asks for them, and any can answer the challenge. release ends the
// work.
func (s *Server) acme(ctx context.Context, l Listeners) (cfg *tls.Config, release func(), err error) {
	release = func() {}
	a := s.cfg.TLS.ACME
	roots, err := readRoots(a.CAFile)
	if err != nil {
		return nil, release, fmt.Errorf("tls.acme.ca_file: %w", err)
	}
	own, err := ownAddress(l)
	if err != nil {
		return nil, release, err
	}
	var magic *certmagic.Config
	cache := certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert: func(certmagic.Certificate) (*certmagic.Config, error) { return magic, nil }, Logger: quietZap,
	})
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	release = func() {
		stop()
		go cache.Stop() // it may be waiting for the issuer, and nobody has to wait for it
	}
	magic = certmagic.New(cache, certmagic.Config{
		Storage: newCertStore(store.Of[certTx](s.Store), s.opts.Now), Logger: quietZap, OnEvent: s.tellCertificate,
	})
	magic.Issuers = []certmagic.Issuer{certmagic.NewACMEIssuer(magic, certmagic.ACMEIssuer{
		CA: string(a.DirectoryURL), Email: string(a.Email), Agreed: a.AgreeTerms, TrustedRoots: roots, DisableHTTPChallenge: true, Logger: quietZap,
		// Where it would open a listener of its own for the challenge, it finds ours, and leaves the answer to that.
		ListenHost: own.IP.String(), AltTLSALPNPort: own.Port,
	})}
	// In the background: the challenge is answered by the very listeners that are about to open.
	if err := magic.ManageAsync(ctx, hostNames(a.Hosts)); err != nil {
		release()
		return nil, func() {}, fmt.Errorf("manage certificates: %w", err)
	}
	return magic.TLSConfig(), release, nil
}

func readRoots(path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil //nolint:nilnil // the system's roots
	}
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("no certificate in %s", path)
	}
	return roots, nil
}

// ownAddress is where one of our TLS listeners is.
func ownAddress(l Listeners) (*net.TCPAddr, error) {
	for _, one := range []net.Listener{l.Dashboard, l.Gateway} {
		if one == nil {
			continue
		}
		if addr, ok := one.Addr().(*net.TCPAddr); ok {
			return addr, nil
		}
	}
	return nil, errors.New("no TCP listener could answer an ACME challenge")
}

func hostNames(hosts []config.HostName) []string {
	names := make([]string, len(hosts))
	for i, h := range hosts {
		names[i] = string(h)
	}
	return names
}

// tellCertificate logs what became of a certificate; certmagic's own log says ten times as much and is dropped.
func (s *Server) tellCertificate(ctx context.Context, event string, facts map[string]any) error {
	switch event {
	case "cert_obtained":
		s.opts.Log.InfoContext(ctx, "a certificate was issued", "host", facts["identifier"], "renewal", facts["renewal"])
	case "cert_failed":
		s.opts.Log.ErrorContext(ctx, "no certificate could be had; it is tried again", "host", facts["identifier"], "error", facts["error"])
	}
	return nil
}
