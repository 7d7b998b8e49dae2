package webhook

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net"
	"net/http"
	"net/textproto"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/internal/reason/field"
)

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// A connection can die without a word: a firewall forgets it, a host is gone. HTTP/2 sends everything on one connection, and
// net/http keeps using it for ever (golang/go#36026) unless pings show that nobody is there. So a silent connection is asked
// after three seconds, and given up three seconds later, which is well within a try.
const (
	pingAfter   = 3 * time.Second
	pingTimeout = 3 * time.Second
)

// newClient makes the HTTP client of one endpoint. It follows no redirect, because what is signed for one place must not
// be handed to another, and uses no proxy of the environment, because that one would dial past the guard.
func newClient(dial dialFunc, config *tls.Config) *http.Client {
	if config == nil {
		config = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	config.GetClientCertificate = showing(config.Certificates)
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:                  nil,
			DialContext:            dial,
			TLSClientConfig:        config,
			ForceAttemptHTTP2:      true,
			TLSHandshakeTimeout:    connectTimeout,
			IdleConnTimeout:        time.Minute,
			MaxIdleConnsPerHost:    64,
			MaxResponseHeaderBytes: maxReply,
			HTTP2: &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout,
				WriteByteTimeout: pingAfter + pingTimeout},
		},
	}
}

// demand is where a try's context keeps what the receiver says of client certificates. With TLS 1.3 it refuses ours, or that we
// have none, after the handshake, by an alert that net/http loses more often than not.
type demand struct {
	asked atomic.Bool // for a certificate
	shown atomic.Bool // it was shown ours
}

type demandKey struct{}

// showing shows a receiver who asks the certificate that fits, like crypto/tls by itself.
func showing(own []tls.Certificate) func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	return func(request *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		d, _ := request.Context().Value(demandKey{}).(*demand)
		if d == nil {
			d = new(demand)
		}
		d.asked.Store(true)
		for i := range own {
			if request.SupportsCertificate(&own[i]) == nil {
				d.shown.Store(true)
				return &own[i], nil
			}
		}
		return new(tls.Certificate), nil
	}
}

// String says what may be wrong with a failed try; empty: nothing of this kind.
func (d *demand) String() string {
	switch {
	case !d.asked.Load():
		return ""
	case d.shown.Load():
		return "; the receiver asks for a client certificate, and may not accept this endpoint's"
	}
	return "; the receiver asks for a client certificate, and this endpoint has none that fits"
}

// line is an endpoint's client, which is thrown away with its connections when one of them may be dead: the others are
// likely to be so too, and each would cost a timeout.
type line struct {
	dial dialFunc

	mu     sync.Mutex
	client *http.Client
	known  Identity // whom the client's connections know
}

// get returns the client, a new one when the endpoint's certificates have changed.
func (l *line) get(e Endpoint) (*http.Client, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.client != nil && l.known == e.Identity {
		return l.client, nil
	}
	config, err := e.Identity.config()
	if err != nil {
		return nil, err
	}
	if l.client != nil {
		l.client.CloseIdleConnections()
	}
	l.client, l.known = newClient(l.dial, config), e.Identity
	return l.client, nil
}

// drop makes the next request connect anew. Requests under way on the old connections may end as they will.
func (l *line) drop(client *http.Client) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.client == client {
		l.client = nil
	}
	client.CloseIdleConnections()
}

// close gives the connections back.
func (l *line) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.client != nil {
		l.client.CloseIdleConnections()
	}
	l.client = nil
}

// Private is what of an endpoint is nobody's business: it is encrypted in the record, and never in a reply.
type Private struct {
	Headers  map[string]string `json:"headers,omitempty"`
	Identity `json:"identity"`
}

const (
	maxHeaders     = 20
	maxHeaderValue = 1024
)

// Check refuses what cannot be sent.
func (p Private) Check(now time.Time) error {
	if len(p.Headers) > maxHeaders {
		return refuse(field.MaxFields(maxHeaders), "too many headers")
	}
	seen := map[string]bool{}
	for name, value := range p.Headers {
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		switch {
		case len(name) > 100 || !httpguts.ValidHeaderFieldName(name):
			return refuse(whyHeaderName(clip(name)), "not a header's name")
		case ours[canonical] || strings.HasPrefix(canonical, "Webhook-") || strings.HasPrefix(canonical, "Proxy-"):
			return refuse(whyHeaderOurs(canonical), "a header that is not theirs to set")
		case seen[canonical]:
			return refuse(whyHeaderTwice(canonical), "a header twice")
		case len(value) > maxHeaderValue || !httpguts.ValidHeaderFieldValue(value):
			return refuse(whyHeaderValue(canonical, maxHeaderValue), "a header's value")
		}
		seen[canonical] = true
	}
	return p.Identity.Check(now)
}

// ours are headers that belong to the connection, or to the request's form.
var ours = map[string]bool{"Connection": true, "Keep-Alive": true, "Te": true, "Trailer": true, "Transfer-Encoding": true,
	"Upgrade": true,
	"Host":    true, "Content-Length": true, "Content-Type": true, "Content-Encoding": true, "Expect": true, "Http2-Settings": true,
	"Idempotency-Key": true, "Ringmaster-Payload-Version": true, "User-Agent": true}

// Sealer encrypts what is private for the record.
type Sealer interface {
	Seal(plain []byte) []byte
	Open(sealed []byte) ([]byte, error)
}

// Seal encrypts the endpoint's private part.
func (e Endpoint) Seal(s Sealer) (Endpoint, error) {
	e.Sealed = nil
	if len(e.Headers) > 0 || e.Identity != (Identity{}) {
		if s == nil {
			return e, refuse(whyNoKey, "there is no key to keep headers and certificates with")
		}
		plain, err := json.Marshal(e.Private)
		if err != nil {
			return e, err
		}
		e.Sealed = s.Seal(plain)
	}
	return e, nil
}

// ErrOtherKey says that this node's key is not the one that something was sealed with.
var ErrOtherKey error = reason.New(reason.Conflict, whyOtherKey,
	"webhook: the headers and certificates cannot be opened: this node's webhook.key "+
		"is another one than they were sealed with")

// Open decrypts it, or returns ErrOtherKey.
func (e Endpoint) Open(s Sealer) (Endpoint, error) {
	if len(e.Sealed) == 0 {
		return e, nil
	}
	if s == nil {
		return e, ErrOtherKey
	}
	plain, err := s.Open(e.Sealed)
	if err != nil || json.Unmarshal(plain, &e.Private) != nil {
		return e, ErrOtherKey
	}
	return e, nil
}

// Closed are the ids of the endpoints that the sealer does not open.
func Closed(list []Endpoint, s Sealer) (ids []int64) {
	for _, e := range list {
		if _, err := e.Open(s); err != nil {
			ids = append(ids, e.ID)
		}
	}
	return ids
}

// PayloadVersion is the version of the bodies of events. An endpoint keeps the one that it was made with; there is one so far.
const PayloadVersion = 1

// Identity is who an endpoint is, and who we are to it, where the public certificate authorities do not say so.
type Identity struct {
	CA          string `json:"CA"`          // PEM certificates that sign the endpoint's; empty: the system's
	Certificate string `json:"Certificate"` // PEM, ours with its chain; empty: none
	Key         string `json:"Key"`         // PEM, of it
}

const maxPEM = 64 << 10 // bytes of each

// config is how TLS is spoken; nil where nothing is set.
func (i Identity) config() (*tls.Config, error) {
	if i == (Identity{}) {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if i.CA != "" {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM([]byte(i.CA)) {
			return nil, refuse(whyNoCA, "the CA holds no PEM certificate")
		}
	}
	if i.Certificate != "" || i.Key != "" {
		pair, err := tls.X509KeyPair([]byte(i.Certificate), []byte(i.Key))
		if err != nil {
			return nil, refuse(whyNoPair, "certificate and key are not a PEM pair") // the error may quote the key
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// Check refuses certificates that cannot be used.
func (i Identity) Check(now time.Time) error {
	if len(i.CA) > maxPEM || len(i.Certificate) > maxPEM || len(i.Key) > maxPEM {
		return refuse(whyPEMLong(maxPEM>>10), "CA, certificate or key is too long")
	}
	config, err := i.config()
	if err != nil || config == nil || len(config.Certificates) == 0 {
		return err
	}
	leaf := config.Certificates[0].Leaf
	if leaf != nil && now.After(leaf.NotAfter) {
		return refuse(whyEnded(leaf.NotAfter.UTC()), "the certificate has ended")
	}
	return nil
}
