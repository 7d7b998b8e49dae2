package deploy

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// TestVouchFitsRingmaster: what Vouch writes is what Ringmaster, nginx and browsers take.
func TestVouchFitsRingmaster(t *testing.T) {
	var file struct {
		Vouch struct {
			Listen  string
			Port    int
			Testing bool
			All     bool     `yaml:"allowAllUsers"`
			Domains []string `yaml:"domains"`
			JWT     struct {
				Secret   string
				Compress *bool
				MaxAge   int `yaml:"maxAge"`
			} `yaml:"jwt"`
			Cookie struct {
				Name, Domain string
				Secure       bool
				HTTPOnly     bool `yaml:"httpOnly"`
				MaxAge       int  `yaml:"maxAge"`
			}
			Headers struct{ Claims []string }
		}
		OAuth struct {
			Secret   string `yaml:"client_secret"`
			Provider string
			Scopes   []string
			Callback string `yaml:"callback_url"`
		} `yaml:"oauth"`
	}
	read(t, "vouch.yaml", &file)
	v := file.Vouch
	switch {
	case v.JWT.Compress == nil || *v.JWT.Compress:
		t.Error("jwt.compress: Ringmaster takes no compressed cookie, and Vouch compresses unless told not to")
	case v.JWT.Secret != "" || file.OAuth.Secret != "":
		t.Error("a secret is in the file: it belongs into the environment")
	case !v.All || v.Domains != nil:
		t.Error("with domains Vouch refuses cookies that the CRM or Ringmaster has made")
	case v.Testing || !v.Cookie.Secure || !v.Cookie.HTTPOnly:
		t.Error("testing, secure, httpOnly: as for production")
	case v.Cookie.Name != access.CookieName:
		t.Errorf("cookie %q, want %q", v.Cookie.Name, access.CookieName)
	case v.Cookie.MaxAge > v.JWT.MaxAge || v.JWT.MaxAge < 60:
		t.Error("the cookie outlives the JWT, or a shift outlives both")
	case !slices.Contains(v.Headers.Claims, "userID"):
		t.Error("headers.claims: userID does not come into the cookie")
	case !slices.Contains(file.OAuth.Scopes, "email"):
		t.Error("oauth.scopes: without the e-mail address there is no user name")
	}

	var ringmaster struct {
		PublicURL string `yaml:"public_url"`
		Vouch     struct {
			Origins []string `yaml:"allowed_origins"`
		}
	}
	read(t, "ringmaster.yaml", &ringmaster)
	nginx := nginxConf(t)
	if want := fmt.Sprintf("server %s:%d;", v.Listen, v.Port); !strings.Contains(nginx, want) {
		t.Errorf("nginx.conf has no %q: it asks another Vouch", want)
	}
	for _, page := range append(ringmaster.Vouch.Origins, ringmaster.PublicURL, file.OAuth.Callback) {
		u, err := url.Parse(page)
		if err != nil || !strings.HasSuffix(u.Hostname(), "."+v.Cookie.Domain) || u.Scheme != "https" {
			t.Errorf("%s does not see a cookie of %q", page, v.Cookie.Domain)
		}
	}
	callback, _ := url.Parse(file.OAuth.Callback)
	if !strings.Contains(nginx, "server_name "+callback.Hostname()+";") || callback.Path != "/auth" {
		t.Errorf("nginx.conf does not serve the callback %s", file.OAuth.Callback)
	}
}

func nginxConf(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestNginxGate runs nginx.conf: who has no cookie is told 403 and goes to Vouch's login for one, who has one comes through.
func TestNginxGate(t *testing.T) {
	vouch, err := access.NewVouch(access.VouchOptions{Secrets: []string{strings.Repeat("s", 44)}})
	if err != nil {
		t.Fatal(err)
	}
	cookie, err := vouch.Mint(access.Identity{Username: "ann@example.com", UserID: "12341"}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/validate" && r.Host == "dialer.example.com":
			if _, err := vouch.Identify(r); err != nil {
				w.WriteHeader(http.StatusUnauthorized)
			}
		case r.Host == "vouch.example.com" && (r.URL.Path == "/login" || strings.HasPrefix(r.URL.Path, "/auth")):
			for i := range 3 { // a large one is split
				http.SetCookie(w, &http.Cookie{Name: fmt.Sprintf("VouchCookie_%dof3", i+1), Value: strings.Repeat("x", 3900),
					Domain: "example.com"})
			}
			http.Redirect(w, r, "https://id.example.com/authorize", http.StatusFound)
		default:
			w.WriteHeader(http.StatusTeapot)
		}
	}))
	defer proxy.Close()
	ringmaster := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter,
		r *http.Request) {
		fmt.Fprint(w, "ringmaster ", r.URL.Path)
	}))
	defer ringmaster.Close()
	client := startNginx(t, ringmaster.Listener.Addr(), proxy.Listener.Addr())

	for _, w := range []struct {
		name, url string
		cookie    bool
		want      int
		body      string
	}{
		{"a tab without a cookie", "https://dialer.example.com/mediatel/socket.io/?EIO=4", false, 403, "Forbidden\n"},
		{"a phone without a cookie", "https://dialer.example.com/ws", false, 403, "Forbidden\n"},
		{"a tab", "https://dialer.example.com/mediatel/socket.io/?EIO=4", true, 200, "ringmaster /mediatel/socket.io/"},
		{"a phone", "https://dialer.example.com/ws", true, 200, "ringmaster /ws"},
		{"the API knows its callers itself", "https://dialer.example.com/api/v1/session", false, 200, "ringmaster /api/v1/session"},
		{"nobody asks nginx for Vouch's verdict", "https://dialer.example.com/vouch-validate", true, 404, ""},
		{"a health check from outside", "https://dialer.example.com/healthz", true, 404, ""},
		{"the login", "https://vouch.example.com/login?url=https://crm.example.com/", false, 302, ""},
		{"the way back", "https://vouch.example.com/auth/state/?code=x", false, 302, ""},
		{"nothing else of Vouch's", "https://vouch.example.com/", true, 404, ""},
	} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", w.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if w.cookie {
			r.AddCookie(&http.Cookie{Name: cookie.Name, Value: cookie.Value})
		}
		reply, err := client.Do(r)
		if err != nil {
			t.Fatalf("%s: %v", w.name, err)
		}
		body, _ := io.ReadAll(reply.Body)
		reply.Body.Close()
		if reply.StatusCode != w.want || w.body != "" && string(body) != w.body {
			t.Errorf("%s: %s %q, want %d %q", w.name, reply.Status, body, w.want, w.body)
		}
		if w.want == http.StatusFound && len(reply.Cookies()) != 3 {
			t.Errorf("%s: %d cookies", w.name, len(reply.Cookies()))
		}
	}
}

// startNginx runs nginx.conf on a free port, with the upstreams given, and returns a client for which every name is there.
func startNginx(t *testing.T, ringmaster, vouch net.Addr) *http.Client {
	t.Helper()
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		if nginx, err = exec.LookPath("/usr/sbin/nginx"); err != nil {
			t.Skip("nginx is not installed (apt-get install nginx-light)")
		}
	}
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
		"-subj", "/CN=example.com",
		"-keyout", filepath.Join(dir, "key.pem"), "-out", filepath.Join(dir, "fullchain.pem")).CombinedOutput(); err != nil {
		t.Fatalf("openssl: %v\n%s", err, out)
	}
	address := testdeps.FreeAddress(t)
	conf := regexp.MustCompile(`(?m)^ *listen \[::\]:.*\n`).ReplaceAllString(nginxConf(t), "")
	conf = strings.NewReplacer("listen 80;", "listen unix:"+dir+"/80;", "listen 443", "listen "+address, "/etc/nginx/tls", dir,
		"127.0.0.1:8080", ringmaster.String(), "127.0.0.1:9091", vouch.String()).Replace(conf)
	var temp strings.Builder
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&temp, "%s_temp_path %s;\n", kind, filepath.Join(dir, kind))
	}
	conf = fmt.Sprintf("daemon off; pid %s/pid; error_log stderr; events {} http { access_log off;\n%s%s}", dir, &temp, conf)
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(nginx, "-e", "stderr", "-c", file)
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(said.String())
		}
	})
	testdeps.Eventually(t, "nginx to listen", func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return &http.Client{
		Transport: &http.Transport{
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // a certificate of a minute ago
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, address)
			},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       10 * time.Second,
	}
}
