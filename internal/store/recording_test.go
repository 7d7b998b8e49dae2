package store_test

import (
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/store"
	"github.com/creditorro/ringmaster/webhook"
)

func TestRecordings(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		s.add(c, s.person())
		a := s.talk(c)
		r := dialer.Recording{
			CallTraceID: a.ID.String(), StartedAt: s.now.Add(-time.Minute), EndedAt: s.now, Bytes: 960_044,
			Agent:    dialer.Quality{Packets: 3000, Lost: 2, Jitter: 3 * time.Millisecond},
			Customer: dialer.Quality{Packets: 2990, RTT: 60 * time.Millisecond, MOS: 4.3, FarLost: 7, FarJitter: time.Millisecond},
			Problem:  "disk full",
		}
		s.must(s.Recordings.KeepRecording(ctx, r, s.now))
		s.must(s.Recordings.KeepRecording(ctx, r, s.now)) // repeated: nothing more
		told := 0
		for _, e := range s.events() {
			if e.Type != webhook.RecordingReady {
				continue
			}
			told++
			if want := "https://dial.example.com/records/" + a.ID.String() + ".wav"; e.Data.Call.RecordingLink != want {
				t.Errorf("recording.ready with the link %q, want %q", e.Data.Call.RecordingLink, want)
			}
		}
		if told != 1 {
			t.Errorf("recording.ready was written %d times, want once", told)
		}
		got, err := s.Recordings.Recording(ctx, r.CallTraceID)
		s.must(err)
		if !got.StartedAt.Equal(r.StartedAt) || !got.EndedAt.Equal(r.EndedAt) || got.Agent != r.Agent || got.Customer != r.Customer ||
			got.Problem != r.Problem || got.Bytes != r.Bytes {
			t.Errorf("kept %+v, want %+v", got, r)
		}
		r.CallTraceID = "123"
		s.wantIs(s.Recordings.KeepRecording(ctx, r, s.now), store.ErrNotFound)
		_, err = s.Recordings.Recording(ctx, "123")
		s.wantIs(err, store.ErrNotFound)
	})
}

func TestPhonePasswords(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		_, err := s.Agents.CreateExtension(ctx, agents.Extension{Name: "3001", Network: "sip", Number: "3001"})
		s.must(err)
		_, _, err = s.Credentials.PhonePassword(ctx, "3001")
		s.wantIs(err, agents.ErrNoExtension)
		s.must(s.Credentials.SetPhonePassword(ctx, "3001", "aa", "bb"))
		s.must(s.Credentials.SetPhonePassword(ctx, "3001", "cc", "dd"))
		md5, sha256, err := s.Credentials.PhonePassword(ctx, "3001")
		s.must(err)
		if md5 != "cc" || sha256 != "dd" {
			t.Errorf("got %q, %q", md5, sha256)
		}
		s.wantIs(s.Credentials.SetPhonePassword(ctx, "9999", "aa", "bb"), agents.ErrNoExtension)
	})
}
