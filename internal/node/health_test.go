package node

import (
	"testing"

	"github.com/creditorro/ringmaster/internal/config"
)

func TestHealth(t *testing.T) {
	for _, test := range []struct{ listen, admin, cert, want string }{
		{"127.0.0.1:8080", "", "", "http://127.0.0.1:8080"},
		{":8080", "", "", "http://127.0.0.1:8080"},
		{"0.0.0.0:8080", "", "c.pem", "https://127.0.0.1:8080"},
		{"[::]:8080", "", "", "http://127.0.0.1:8080"},
		{"10.0.0.1:80", ":9090", "c.pem", "http://127.0.0.1:9090"},
	} {
		cfg := &config.Config{Listen: test.listen, AdminListen: test.admin, TLS: config.TLS{Cert: test.cert}}
		if got := OperationsURL(cfg); got != test.want {
			t.Errorf("%+v: %s", test, got)
		}
	}
}
