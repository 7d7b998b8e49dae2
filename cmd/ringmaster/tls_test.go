package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/internal/testdeps"
)

// selfSigned writes a certificate for 127.0.0.1 with this number, and its key.
func selfSigned(t *testing.T, folder string, number int64) (cert, key string) {
	t.Helper()
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(number), NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, about, about, &secret.PublicKey, secret)
	if err != nil {
		t.Fatal(err)
	}
	bits, err := x509.MarshalPKCS8PrivateKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	for file, block := range map[string]*pem.Block{key: {Type: "PRIVATE KEY", Bytes: bits},
		cert: {Type: "CERTIFICATE", Bytes: der}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// TestCertificateIsRenewed: pages and SIP over TLS show the certificate that is in the files now, without a restart.
func TestCertificateIsRenewed(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	cert, key := selfSigned(t, folder, 1)
	sip := testdeps.FreeAddress(t)
	h := prepareHouse(t, fmt.Sprintf("telephony: {sip: {listen: '%s', tls_listen: '%s', advertise: 127.0.0.1, trunks: {t: "+
		"{host: '%s', no_options: true}}}}",
		testdeps.FreeAddress(t), sip, testdeps.FreeAddress(t)), fmt.Sprintf("tls: {cert: %s, key: %s}", cert, key),
		"limits: {drain_timeout: 0s}")
	h.start(nil)
	for _, number := range []int64{1, 2} {
		if number > 1 {
			selfSigned(t, folder, number)
		}
		for _, addr := range []string{h.listener.Addr().String(), sip} {
			testdeps.Seen(t, fmt.Sprintf("certificate %d at %s", number, addr), func() (shown int64) {
				if c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true}); err == nil {
					shown = c.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
					c.Close()
				}
				return shown
			}, func(shown int64) bool { return shown == number })
		}
	}
}
