package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"

	"github.com/seed-21c57000/sallyport/internal/store"
)

// acme gets and renews certificates from the configured ACME server (RFC 8555) by TLS-ALPN-01 (RFC 8737) on our own listeners. Its storage
// is our database, so that every node has the same certificates and only one asks for them.
func (s *Server) acme(ctx context.Context) (*tls.Config, error) {
	a := s.cfg.TLS.ACME
	var roots *x509.CertPool
	if a.CAFile != "" {
		pem, err := os.ReadFile(a.CAFile)
		if err != nil {
			return nil, fmt.Errorf("tls.acme.ca_file: %w", err)
		}
		if roots = x509.NewCertPool(); !roots.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("tls.acme.ca_file: no certificate in %s", a.CAFile)
		}
	}
	var magic *certmagic.Config
	cache := certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert: func(certmagic.Certificate) (*certmagic.Config, error) { return magic, nil }, Logger: zap.NewNop(),
	})
	magic = certmagic.New(cache, certmagic.Config{Storage: newCertStore(store.Of[certTx](s.Store), s.opts.Now), Logger: zap.NewNop()})
	issuer := certmagic.NewACMEIssuer(magic, certmagic.ACMEIssuer{
		CA: string(a.DirectoryURL), Email: string(a.Email), Agreed: a.AgreeTerms, TrustedRoots: roots, DisableHTTPChallenge: true, Logger: zap.NewNop(),
	})
	magic.Issuers = []certmagic.Issuer{issuer}
	hosts := make([]string, len(a.Hosts))
	for i, h := range a.Hosts {
		hosts[i] = string(h)
	}
	// In the background: the challenge is answered by the very listeners that are about to open.
	if err := magic.ManageAsync(context.WithoutCancel(ctx), hosts); err != nil {
		return nil, fmt.Errorf("manage certificates: %w", err)
	}
	return magic.TLSConfig(), nil
}
