package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDoctorKnocksAtMediatel: the edge takes our cookie, or refuses one signed by another secret, sends us to its login's page,
// or is not there.
func TestDoctorKnocksAtMediatel(t *testing.T) {
	t.Parallel()
	_, url := newMediatel(t)
	edge := http.NewServeMux()
	edge.Handle("/mediatel/", http.RedirectHandler("/login", http.StatusFound))
	edge.HandleFunc("/login", func(http.ResponseWriter, *http.Request) {})
	askingToLogIn := httptest.NewServer(edge)
	defer askingToLogIn.Close()
	for _, row := range []struct{ url, secret, says string }{
		{url, edgeSecret, "lets us in"},
		{url, strings.ToUpper(edgeSecret), "refuses our cookie"},
		{askingToLogIn.URL, edgeSecret, "refuses our cookie"},
		{"http://127.0.0.1:1", edgeSecret, "see that this machine reaches"},
	} {
		file := filepath.Join(t.TempDir(), "ringmaster.yaml")
		text := "data: " + t.TempDir() + "\ntelephony: {mediatel: {url: '" + row.url + "', cookie_secret: \"" + row.secret + "\"}}\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		code := run(context.Background(), []string{"doctor", "--config", file, "--only", "telephony"}, console{Out: &out, Err: &out})
		if well := row.says == "lets us in"; !strings.Contains(out.String(), row.says) || well != (code == exitWell) {
			t.Errorf("%s: exit code %d: %s", row.says, code, out.String())
		}
	}
}
