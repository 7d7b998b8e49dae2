package store

import (
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"time"
)

// at writes a moment: Unix milliseconds, NULL for the zero time.
type at time.Time

func (a at) Value() (driver.Value, error) {
	if t := time.Time(a); !t.IsZero() {
		return t.UnixMilli(), nil
	}
	return nil, nil
}

// moment reads what at has written.
type moment struct{ to *time.Time }

func (m moment) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*m.to = time.Time{}
	case int64:
		*m.to = time.UnixMilli(v).UTC()
	default:
		return fmt.Errorf("store: %T where milliseconds were expected", src)
	}
	return nil
}

// micro reads a moment in Unix microseconds.
type micro struct{ to *time.Time }

func (m micro) Scan(src any) error {
	var n sql.NullInt64
	if err := n.Scan(src); err != nil {
		return err
	}
	*m.to = time.Time{}
	if n.Valid {
		*m.to = time.UnixMicro(n.Int64).UTC()
	}
	return nil
}

// span reads a duration kept in milliseconds.
type span struct{ to *time.Duration }

func (s span) Scan(src any) error {
	v, ok := src.(int64)
	if !ok {
		return fmt.Errorf("store: %T where milliseconds were expected", src)
	}
	*s.to = time.Duration(v) * time.Millisecond
	return nil
}

// object reads a JSON object; an empty one is nil.
type object struct{ to *json.RawMessage }

func (o object) Scan(src any) error {
	var text string
	switch v := src.(type) {
	case string:
		text = v
	case []byte:
		text = string(v)
	default:
		return fmt.Errorf("store: %T where a JSON object was expected", src)
	}
	*o.to = nil
	if text != "{}" {
		*o.to = json.RawMessage(text)
	}
	return nil
}

// objectText is what object reads.
func objectText(o json.RawMessage) string {
	if len(o) == 0 {
		return "{}"
	}
	return string(o)
}

// orNull writes Go's zero value as NULL.
func orNull[T comparable](v T) any {
	var zero T
	if v == zero {
		return nil
	}
	return v
}

// zeroable reads NULL as Go's zero value.
type zeroable[T any] struct{ to *T }

func orZero[T any](to *T) zeroable[T] { return zeroable[T]{to} }

func (z zeroable[T]) Scan(src any) error {
	var n sql.Null[T]
	err := n.Scan(src)
	*z.to = n.V
	return err
}
