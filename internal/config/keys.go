package config

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// VouchSecrets are the keys of VouchCookie, the one that signs first. Without a configured one it is made once and kept in
// the data folder, so that the server and `ringmaster token vouch` agree and logins survive a restart.
func (c *Config) VouchSecrets() ([]string, error) {
	secret, err := c.KeyOrMade(c.Vouch.Secret, "vouch")
	if err != nil {
		return nil, err
	}
	secrets := []string{secret}
	if c.Vouch.PreviousSecret != "" {
		secrets = append(secrets, c.Vouch.PreviousSecret.Reveal())
	}
	return secrets, nil
}

// SessionSecret is the key of the bearer tokens that logins get.
func (c *Config) SessionSecret() (string, error) { return c.KeyOrMade(c.API.JWTSecret, "jwt") }

// KeyOrMade returns the configured key, or the generated one of the data folder.
func (c *Config) KeyOrMade(configured Secret, name string) (string, error) {
	if configured != "" {
		return configured.Reveal(), nil
	}
	folder := filepath.Join(c.Data, "keys")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", fmt.Errorf("keys: %w", err)
	}
	path := filepath.Join(folder, name)
	key := rand.Text() + rand.Text() // 260 bits
	// O_EXCL: of two processes that start at once, one makes it and the other reads it.
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return ReadSecret(path)
	}
	if err != nil {
		return "", fmt.Errorf("keys: %w", err)
	}
	if _, err := file.WriteString(key + "\n"); err != nil {
		file.Close()
		os.Remove(path) // half a key would be read next time
		return "", fmt.Errorf("keys: %w", err)
	}
	return key, file.Close()
}
