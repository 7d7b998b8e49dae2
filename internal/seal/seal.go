// Package seal encrypts short secrets for the record by AES-256-GCM, with a key that is in the configuration and never in the
// record.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
)

// ErrOtherKey is what was sealed with another key, or for another owner, or has been changed since.
var ErrOtherKey = errors.New("seal: it was sealed with another key")

// Sealer seals with one key. Each secret is bound to its owner: it opens for nobody else.
type Sealer struct{ aead cipher.AEAD }

// New makes a sealer from a secret of any form. The purpose keeps two sealers of one secret apart.
func New(secret, purpose string) (Sealer, error) {
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, purpose, 32)
	if err != nil {
		return Sealer{}, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return Sealer{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return Sealer{aead}, err
}

// Seal encrypts the owner's secret.
func (s Sealer) Seal(secret string, owner int64) []byte {
	return s.aead.Seal(nil, nil, []byte(secret), fmt.Append(nil, owner))
}

// Open returns the owner's secret.
func (s Sealer) Open(sealed []byte, owner int64) (string, error) {
	secret, err := s.aead.Open(nil, nil, sealed, fmt.Append(nil, owner))
	if err != nil {
		return "", ErrOtherKey
	}
	return string(secret), nil
}

// Unbound seals without an owner, for what belongs to everybody who has the key.
type Unbound struct{ Sealer }

// Seal encrypts.
func (u Unbound) Seal(plain []byte) []byte { return u.aead.Seal(nil, nil, plain, nil) }

// Open returns what was sealed.
func (u Unbound) Open(sealed []byte) ([]byte, error) {
	plain, err := u.aead.Open(nil, nil, sealed, nil)
	if err != nil {
		return nil, ErrOtherKey
	}
	return plain, nil
}
