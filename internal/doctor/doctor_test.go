package doctor

import (
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/internal/config"
)

func TestSkew(t *testing.T) {
	asked := time.Unix(1000, 0)
	for _, test := range []struct {
		theirs time.Duration
		took   time.Duration
		want   verdict
	}{
		{0, 0, well},
		{400 * time.Millisecond, 0, well},
		{-time.Second, 0, warning},
		{time.Second, 2 * time.Second, well}, // the reply was under way for so long that it may be right
		{2 * time.Second, 0, warning},
		{2001 * time.Millisecond, 0, failed},
		{6 * time.Second, 0, failed},
		{-6 * time.Second, 0, failed},
	} {
		d := &Doctor{}
		d.skew("sql", "x", asked.Add(test.theirs), asked, test.took)
		if got := d.findings[0].verdict; got != test.want {
			t.Errorf("clock %s off, asked for %s: %s, want %s", test.theirs, test.took, got, test.want)
		}
	}
}

// TestSkewOfNeighbours has SQL and Redis near enough to this machine, and too far from each other.
func TestSkewOfNeighbours(t *testing.T) {
	asked := time.Unix(1000, 0)
	d := &Doctor{}
	d.skew("sql", "x", asked.Add(1500*time.Millisecond), asked, 0)
	d.skew("redis", "y", asked.Add(-time.Second), asked, 0)
	if d.findings[0].verdict != warning || d.findings[1].verdict != failed {
		t.Errorf("%+v", d.findings)
	}
}

func TestJudgeRedis(t *testing.T) {
	for _, test := range []struct {
		info string
		want verdict // the worst
	}{
		{"redis_version:7.0.15\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\nrole:master", well},
		{"redis_version:6.2.0", well},
		{"redis_version:6.0.16\r\nrole:master", failed},
		{"redis_version:7.2\r\nmaxmemory_policy:allkeys-lru", failed},
		{"redis_version:7.2\r\naof_enabled:0", warning},
		{"redis_version:7.2\r\nrole:slave", failed},
	} {
		d := &Doctor{}
		d.checkRedis("Redis", parseInfo(test.info))
		worst := well
		for _, f := range d.findings {
			if f.verdict == failed || f.verdict == warning && worst == well {
				worst = f.verdict
			}
		}
		if worst != test.want {
			t.Errorf("%q: %s, want %s", test.info, worst, test.want)
		}
	}
}

func TestCertificates(t *testing.T) {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	cert := filepath.Join(t.TempDir(), "cert.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(cert, text, 0o600); err != nil {
		t.Fatal(err)
	}
	d := &Doctor{cfg: &config.Config{TLS: config.TLS{Cert: cert, Key: cert}}}
	d.lookAtCertificate()
	if got := d.findings[0]; got.verdict != failed {
		t.Errorf("a certificate without its key: %+v", got)
	}
}
