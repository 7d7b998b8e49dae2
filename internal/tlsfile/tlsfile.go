// Package tlsfile reads what TLS needs from files, and reads it anew when the files change, so that a renewed certificate needs
// no restart. The files are looked at when a connection is made, at most once a second. What cannot be read, or does not fit
// together, is said once and leaves what was read before in force.
package tlsfile

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// lookEach bounds how often the files are looked at, however many connections come.
const lookEach = time.Second

// maxSize bounds a file: a chain has a few kilobytes, all the world's authorities half a megabyte.
const maxSize = 4 << 20

var log atomic.Pointer[slog.Logger]

// LogTo has what becomes of changed files said there, for the whole process.
func LogTo(l *slog.Logger) { log.Store(l) }

func logger() *slog.Logger {
	if l := log.Load(); l != nil {
		return l
	}
	return slog.Default()
}

// kept is a value made of files.
type kept[T any] struct {
	files []string
	read  func() (T, error)
	now   func() time.Time

	mu     sync.Mutex
	value  T
	seen   []os.FileInfo // of the files when they were last read; nil: there was none
	looked time.Time
}

func keep[T any](read func() (T, error), files ...string) (*kept[T], error) {
	k := &kept[T]{files: files, read: read, now: time.Now}
	k.seen, k.looked = k.look(), k.now()
	var err error
	k.value, err = read()
	return k, err
}

func (k *kept[T]) look() []os.FileInfo {
	seen := make([]os.FileInfo, len(k.files))
	for i, f := range k.files {
		seen[i], _ = os.Stat(f) // one that is gone has none
	}
	return seen
}

func (k *kept[T]) get() T {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	if now.Sub(k.looked) < lookEach {
		return k.value
	}
	k.looked = now
	seen := k.look()
	if same(seen, k.seen) {
		return k.value
	}
	k.seen = seen
	value, err := k.read()
	if err != nil {
		logger().Error("changed TLS file is not taken, what was read before stays in force", "files", k.files, "error", err)
		return k.value
	}
	k.value = value
	logger().Info("changed TLS file is in force", "files", k.files)
	return k.value
}

func same(a, b []os.FileInfo) bool {
	for i := range a {
		if (a[i] == nil) != (b[i] == nil) {
			return false
		}
		if a[i] != nil && (!a[i].ModTime().Equal(b[i].ModTime()) || a[i].Size() != b[i].Size() || !os.SameFile(a[i], b[i])) {
			return false
		}
	}
	return true
}

func readFile(file string) ([]byte, error) {
	if info, err := os.Stat(file); err != nil {
		return nil, err
	} else if info.Size() > maxSize {
		return nil, fmt.Errorf("%s: %d bytes long; want a PEM file of at most %d", file, info.Size(), maxSize)
	}
	return os.ReadFile(file)
}

// Pair is a certificate and its key.
type Pair struct{ *kept[*tls.Certificate] }

// NewPair reads them; an error means that they are of no use now.
func NewPair(cert, key string) (Pair, error) {
	k, err := keep(func() (*tls.Certificate, error) {
		chain, err := readFile(cert)
		if err != nil {
			return nil, err
		}
		secret, err := readFile(key)
		if err != nil {
			return nil, err
		}
		pair, err := tls.X509KeyPair(chain, secret)
		if err != nil {
			return nil, fmt.Errorf("%s and %s: %w", cert, key, err)
		}
		return &pair, nil
	}, cert, key)
	return Pair{k}, err
}

// ForServer is what [tls.Config.GetCertificate] wants.
func (p Pair) ForServer(*tls.ClientHelloInfo) (*tls.Certificate, error) { return p.get(), nil }

// ForClient is what [tls.Config.GetClientCertificate] wants.
func (p Pair) ForClient(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return p.get(), nil }

// Pool are the authorities of a file.
type Pool struct{ *kept[*x509.CertPool] }

// NewPool reads them; an error means that they are of no use now.
func NewPool(file string) (Pool, error) {
	k, err := keep(func() (*x509.CertPool, error) {
		text, err := readFile(file)
		if err != nil {
			return nil, err
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("no certificate in %s; want a PEM file", file)
		}
		return pool, nil
	}, file)
	return Pool{k}, err
}

// Now are the authorities as they are now.
func (p Pool) Now() *x509.CertPool { return p.get() }
