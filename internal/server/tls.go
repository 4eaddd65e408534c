package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"github.com/seed-21c57000/sallyport/internal/config"
)

// secure puts TLS around the dashboard's and the gateway's listeners, as configured. The metrics listener stays plain: it is for loopback or
// a network of the operator's own. release ends what looks after certificates.
func (s *Server) secure(ctx context.Context, l Listeners) (secured Listeners, release func(), err error) {
	cfg, release := &tls.Config{}, func() {}
	switch s.cfg.TLS.Mode {
	case config.TLSOff:
		return l, release, nil
	case config.TLSFiles:
		files := &certFiles{cert: s.cfg.TLS.CertFile, key: s.cfg.TLS.KeyFile, now: s.opts.Now, log: s.opts.Log}
		cfg.GetCertificate = files.get
		_, err = files.get(nil)
	case config.TLSACME:
		cfg, release, err = s.acme(ctx, l)
	}
	if err != nil {
		return l, release, err
	}
	cfg.MinVersion = tls.VersionTLS12
	cfg.NextProtos = append([]string{"h2", "http/1.1"}, cfg.NextProtos...)
	// TLS 1.2 without CBC and without RSA key exchange, which stock Go would still offer; TLS 1.3 has only good ones.
	cfg.CipherSuites = []uint16{
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	}
	wrap := func(one net.Listener) net.Listener {
		if one == nil {
			return nil
		}
		return tls.NewListener(one, cfg)
	}
	return Listeners{
		Dashboard: wrap(l.Dashboard), Gateway: wrap(l.Gateway), Forward: wrap(l.Forward), ExtAuthz: wrap(l.ExtAuthz), Metrics: l.Metrics,
	}, release, nil
}

// certFiles reads certificate and key again when either file changed, so that a renewal needs no restart. A pair that cannot be read leaves
// the old one in use, and is said in the log.
type certFiles struct {
	cert, key string
	now       func() time.Time
	log       *slog.Logger

	mu      sync.Mutex
	loaded  *tls.Certificate
	stamp   [2]time.Time
	checked time.Time
}

// certCheck is how often the files are looked at.
const certCheck = 10 * time.Second

func (c *certFiles) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if c.loaded != nil && now.Sub(c.checked) < certCheck {
		return c.loaded, nil
	}
	c.checked = now
	err := c.load()
	switch {
	case c.loaded == nil:
		return nil, fmt.Errorf("load certificate: %w", err)
	case err != nil:
		c.log.Error("the certificate's files cannot be read; the old one stays in use", "error", err)
	}
	return c.loaded, nil
}

// load reads the pair if its files are others than those that were read.
func (c *certFiles) load() error {
	stamp, err := c.stamps()
	if err != nil || (c.loaded != nil && stamp == c.stamp) {
		return err
	}
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err == nil {
		c.loaded, c.stamp = &pair, stamp
	}
	return err
}

func (c *certFiles) stamps() (stamp [2]time.Time, err error) {
	for i, path := range []string{c.cert, c.key} {
		st, err := os.Stat(path)
		if err != nil {
			return stamp, err
		}
		stamp[i] = st.ModTime()
	}
	return stamp, nil
}
