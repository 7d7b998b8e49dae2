package main

import "github.com/creditorro/ringmaster/webhook"

// hookSealer encrypts what is private of webhooks' endpoints. They are few, and one key is for all of them.
type hookSealer struct{ sealer }

func (c *Config) webhookSealer() (webhook.Sealer, error) {
	key, err := c.keyOrMade(c.Webhook.Key, "webhook")
	if err != nil {
		return nil, err
	}
	s, err := newSealer(key, "ringmaster webhook endpoints")
	return hookSealer{s}, err
}

func (h hookSealer) Seal(plain []byte) []byte           { return h.AEAD.Seal(nil, nil, plain, nil) }
func (h hookSealer) Open(sealed []byte) ([]byte, error) { return h.AEAD.Open(nil, nil, sealed, nil) }
