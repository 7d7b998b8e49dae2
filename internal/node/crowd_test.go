package node

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/internal/testdeps"
)

// TestSilentConnectionsKeepNobodyOut: who has waited for longest makes room, half a request is no request, and who has one in
// hand stays.
func TestSilentConnectionsKeepNobodyOut(t *testing.T) {
	t.Parallel()
	var c crowd
	release := make(chan struct{})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			w.(http.Flusher).Flush()
			<-release
		}
		_, _ = io.WriteString(w, "well")
	}))
	c.watch(server.Config)
	server.Start()
	defer server.Close()
	ask := func(path string) (*http.Response, error) { return server.Client().Get(server.URL + path) }
	slow, err := ask("/slow")
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Body.Close()
	var silent []net.Conn
	for i := range maxWaitingFrom + 10 {
		conn, err := net.Dial("tcp", strings.TrimPrefix(server.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if i%2 == 0 {
			_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: h\r\nX-Slow")
		}
		silent = append(silent, conn)
	}
	for _, conn := range silent[:5] {
		_ = conn.SetReadDeadline(time.Now().Add(30 * time.Second))
		if _, err := conn.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) || err == nil {
			t.Errorf("one of the first is still there: %v", err)
		}
	}
	res, err := ask("/")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	close(release)
	if b, err := io.ReadAll(slow.Body); err != nil || string(b) != "well" {
		t.Errorf("who had a request in hand: %q, %v", b, err)
	}
	for _, conn := range silent {
		conn.Close()
	}
	server.CloseClientConnections()
	testdeps.Seen(t, "all who went to be forgotten", func() int {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.waiting) + len(c.from)
	}, func(left int) bool { return left == 0 })
}

func TestNetworkOf(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{
		"192.0.2.7:1": "192.0.2.7/32", "[::ffff:192.0.2.7]:1": "192.0.2.7/32", "[2001:db8:1:2:3::4]:1": "2001:db8:1:2::/64",
		"@": "invalid Prefix",
	} {
		if got := networkOf(addr).String(); got != want {
			t.Errorf("%s: %s, want %s", addr, got, want)
		}
	}
}
