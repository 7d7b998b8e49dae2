package node

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/creditorro/ringmaster/internal/config"
)

// Ask gets a page of the operations from the node on this machine.
func Ask(ctx context.Context, cfg *config.Config, path string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, OperationsURL(cfg)+path, nil)
	if err != nil {
		return "", err
	}
	// The certificate is for the public name; here it is loopback that is asked.
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	defer client.CloseIdleConnections()
	reply, err := client.Do(request)
	if err != nil {
		return "", fmt.Errorf("health: %w; a node is asked where listen or admin_listen say: give this command the node's own settings",
			err)
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(io.LimitReader(reply.Body, 4096))
	if err != nil {
		return "", fmt.Errorf("health: %w", err)
	}
	text := strings.TrimSpace(string(body))
	if reply.StatusCode != http.StatusOK {
		return "", fmt.Errorf("health: %s: %s", reply.Status, text)
	}
	return text, nil
}

// OperationsURL is where this node's /healthz is: on the admin listener when there is one, which never speaks TLS.
func OperationsURL(cfg *config.Config) string {
	scheme, address := "http://", cfg.AdminListen
	if address == "" {
		address = cfg.Listen
		if cfg.TLS.Cert != "" {
			scheme = "https://"
		}
	}
	host, port, _ := net.SplitHostPort(address)
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return scheme + net.JoinHostPort(host, port)
}
