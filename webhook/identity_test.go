package webhook

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// issued is a certificate with its key.
type issued struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	cert, pem   string // PEM of the certificate and of the key
}

// issue makes a certificate that by signs; nil: an authority.
func issue(t *testing.T, name string, by *issued) *issued {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, BasicConstraintsValid: true,
		IsCA: by == nil}
	if by == nil {
		template.KeyUsage, by = x509.KeyUsageCertSign, &issued{certificate: template, key: key}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, by.certificate, &key.PublicKey, by.key)
	if err != nil {
		t.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return &issued{made, key, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))}
}

// TestClientCertificates has an endpoint whose certificate an authority of its own has signed, and which demands one of ours:
// what is wrong is in the try.
func TestClientCertificates(t *testing.T) {
	house, stranger := issue(t, "the CRM's authority", nil), issue(t, "somebody else's", nil)
	server, ours, forged := issue(t, "crm", house), issue(t, "ringmaster", house), issue(t, "ringmaster", stranger)
	shown := make(chan string, 1)
	crm := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		shown <- r.TLS.PeerCertificates[0].Subject.CommonName
	}))
	pool := x509.NewCertPool()
	pool.AddCert(house.certificate)
	crm.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool,
		Certificates: []tls.Certificate{{Certificate: [][]byte{server.certificate.Raw}, PrivateKey: server.key}}}
	crm.Config.ErrorLog = log.New(io.Discard, "", 0)
	crm.EnableHTTP2 = true
	crm.StartTLS()
	t.Cleanup(crm.Close)

	store := newMemStore()
	d, _ := start(t, Deps{Store: store, Sealer: plainSealer{}})
	for name, test := range map[string]struct {
		identity Identity
		says     string // "": it arrives
	}{
		"right":                {Identity{house.cert, ours.cert, ours.pem}, ""},
		"another authority":    {Identity{stranger.cert, ours.cert, ours.pem}, "unknown authority"},
		"the public ones":      {Identity{"", ours.cert, ours.pem}, "unknown authority"},
		"no certificate":       {Identity{house.cert, "", ""}, "asks for a client certificate, and this endpoint has none"},
		"one of somebody else": {Identity{house.cert, forged.cert, forged.pem}, "asks for a client certificate, and"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := test.identity.Check(time.Now()); err != nil {
				t.Fatal(err)
			}
			e, err := Endpoint{ID: 1, URL: crm.URL, Secret: NewSecret(), Private: Private{Identity: test.identity}}.Seal(plainSealer{})
			if err != nil {
				t.Fatal(err)
			}
			store.put(e)
			try, err := d.Test(t.Context(), 1)
			if err != nil {
				t.Fatal(err)
			}
			if test.says == "" {
				if try.Status != http.StatusOK || try.Error != "" || <-shown != "ringmaster" {
					t.Errorf("%+v", try)
				}
			} else if try.Status != 0 || !strings.Contains(try.Error, test.says) || strings.Contains(try.Error, "PRIVATE") {
				t.Errorf("want %q: %+v", test.says, try)
			}
		})
	}
}
