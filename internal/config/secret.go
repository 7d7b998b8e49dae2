package config

import "log/slog"

// Secret is a value that is never shown. It prints as three stars wherever it may turn up: in logs, errors, JSON, YAML and
// %v; only Reveal gives it away.
type Secret string

const stars = "***"

// Reveal is the secret itself, for whoever must use it.
func (s Secret) Reveal() string { return string(s) }

func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return stars
}

// GoString covers %#v.
func (s Secret) GoString() string { return s.String() }

// MarshalText covers JSON and other encodings.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalYAML covers YAML, which does not ask for MarshalText.
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }

// LogValue covers slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
