package tlsfile

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// issue writes a certificate of its own authority, and its key.
func issue(t *testing.T, name, cert, key string) {
	t.Helper()
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		DNSNames:  []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, about, about, &secret.PublicKey, secret)
	if err != nil {
		t.Fatal(err)
	}
	bits, err := x509.MarshalECPrivateKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	write(t, cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	write(t, key, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: bits}))
}

// write replaces a file, as tools that renew certificates do.
func write(t *testing.T, file string, text []byte) {
	t.Helper()
	if err := os.WriteFile(file+".new", text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

// serving is the name in the certificate that a connection is shown now, verified by the authorities as they are now.
func serving(t *testing.T, pair Pair, pool Pool) (name string, err error) {
	t.Helper()
	near, far := net.Pipe()
	defer near.Close()
	server := tls.Server(far, &tls.Config{GetCertificate: pair.ForServer})
	go func() { _ = server.Handshake(); far.Close() }()
	client := tls.Client(near, &tls.Config{RootCAs: pool.Now(), ServerName: "a.test"})
	if err := client.Handshake(); err != nil {
		return "", err
	}
	return client.ConnectionState().PeerCertificates[0].SerialNumber.String(), nil
}

func TestRenewal(t *testing.T) {
	folder := t.TempDir()
	cert, key := filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	issue(t, "a.test", cert, key)
	pair, err := NewPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	pool, err := NewPool(cert)
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	LogTo(slog.New(slog.NewTextHandler(&said, nil)))
	defer LogTo(nil)
	now := time.Now()
	later := func() { now = now.Add(lookEach) }
	pair.now, pool.now = func() time.Time { return now }, func() time.Time { return now }
	first, err := serving(t, pair, pool)
	if err != nil {
		t.Fatal(err)
	}

	issue(t, "a.test", cert, key)
	if got, err := serving(t, pair, pool); err != nil || got != first {
		t.Errorf("looked at again within a second: %v %v", got, err)
	}
	later()
	second, err := serving(t, pair, pool)
	if err != nil || second == first {
		t.Errorf("after a renewal: %v %v", second, err)
	}

	write(t, cert, []byte("nonsense"))
	later()
	said.Reset()
	for range 3 {
		if got, err := serving(t, pair, pool); err != nil || got != second {
			t.Errorf("a broken file: %v %v", got, err)
		}
		later()
	}
	if text := said.String(); strings.Count(text, "is not taken") != 2 || !strings.Contains(text, "cert.pem") ||
		strings.Contains(text, "PRIVATE") {
		t.Errorf("said of the pair and of the pool:\n%s", text)
	}

	other := filepath.Join(folder, "other.pem")
	issue(t, "a.test", cert, other) // the certificate is there, its key is not yet
	later()
	if got, err := pair.ForServer(nil); err != nil || got.Leaf.SerialNumber.String() != second {
		t.Errorf("a certificate whose key is not there yet: %v", err)
	}
	if err := os.Rename(other, key); err != nil {
		t.Fatal(err)
	}
	later()
	third, err := serving(t, pair, pool)
	if err != nil || third == second {
		t.Errorf("when the key has come: %v %v", third, err)
	}

	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	later()
	if got, err := serving(t, pair, pool); err != nil || got != third {
		t.Errorf("the key is gone: %v %v", got, err)
	}
}

func TestUseless(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file.pem")
	if _, err := NewPool(file); err == nil {
		t.Error("a file that is not there was taken")
	}
	write(t, file, []byte("nothing"))
	if _, err := NewPool(file); err == nil || !strings.Contains(err.Error(), "no certificate in") {
		t.Errorf("got %v", err)
	}
	if _, err := NewPair(file, file); err == nil {
		t.Error("nonsense was taken as a pair")
	}
}
