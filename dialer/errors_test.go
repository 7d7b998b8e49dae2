package dialer

import (
	"errors"
	"testing"

	"github.com/hibiken/asynq"
)

func FuzzParseAttemptID(f *testing.F) {
	for _, s := range []string{"1", "9007199254740991", "9007199254740992", "0", "-1", "+1", "1e3", "", "0x10", "١"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := ParseAttemptID(s)
		if err != nil {
			return
		}
		if id <= 0 || id >= 1<<53 {
			t.Errorf("%q is %d", s, id)
		}
		if again, err := ParseAttemptID(id.String()); err != nil || again != id {
			t.Errorf("%q is %d, and that is %d, %v", s, id, again, err)
		}
	})
}

func FuzzDecodeTask(f *testing.F) {
	f.Add([]byte(`{"attempt":"7","campaign":1,"queue":"q","origin":"automatic","prepared_at":"2026-03-03T12:00:00Z"}`))
	f.Add([]byte(`{"attempt":7}`))
	f.Add([]byte("null"))
	f.Fuzz(func(t *testing.T, payload []byte) {
		got, err := decodeTask(payload)
		if err != nil && !errors.Is(err, asynq.SkipRetry) {
			t.Errorf("a task that cannot be read would come again: %v", err)
		}
		if err == nil && (got.Attempt <= 0 || got.PreparedAt.IsZero()) {
			t.Errorf("%+v", got)
		}
	})
}
