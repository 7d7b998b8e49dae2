package access

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// TestDownloadsEnd: what a bearer or a cookie has opened ends once its user may not enter any more, also when the client does not
// read.
func TestDownloadsEnd(t *testing.T) {
	d := newDoor(t)
	session, cookie := d.signIn()
	token, hash := NewToken()
	d.p.tokens = map[string]Token{string(hash): {UserID: 1}}
	byToken := httptest.NewRequest("GET", "/", nil)
	byToken.Header.Set("Authorization", "Bearer "+token)

	const waiting = "/waiting" // for its context; the others write without end
	ended := make(chan string, 8)
	begun := make(chan struct{}, 8)
	server := httptest.NewServer(d.auth.Watch(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun <- struct{}{}
		defer func() { ended <- r.Header.Get("Name") }()
		if r.URL.Path == waiting {
			<-r.Context().Done()
			return
		}
		for {
			if _, err := w.Write(make([]byte, 1<<20)); err != nil {
				return
			}
		}
	})))
	defer server.Close()
	want := 0
	for name, like := range map[string]*http.Request{"session": session, "cookie": cookie, "token": byToken} {
		for _, path := range []string{"/", waiting} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			r, err := http.NewRequestWithContext(ctx, "GET", server.URL+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header = like.Header.Clone()
			r.Header.Set("Name", name+path)
			go func() {
				reply, err := http.DefaultClient.Do(r) // its body is never read
				if err == nil {
					t.Cleanup(func() { _ = reply.Body.Close() })
				}
			}()
			<-begun
			want++
		}
	}
	d.clock = d.clock.Add(SessionLifetime + time.Minute) // who is inside when the session's token runs out stays
	if err := d.gate.sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case name := <-ended:
		t.Fatalf("%s ended although nothing has changed", name)
	default:
	}
	d.p.change(1, func(u *User) { u.Disabled = true })
	if err := d.gate.sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range want {
		select {
		case <-ended:
		case <-time.After(time.Minute):
			t.Fatal("a download goes on although its user is disabled")
		}
	}
}

// TestCutRepliesAreForgotten: a handler that panics, as one does to cut a reply short, leaves nothing behind at the gate.
func TestCutRepliesAreForgotten(t *testing.T) {
	d := newDoor(t)
	session, _ := d.signIn()
	func() {
		defer func() { _ = recover() }()
		d.auth.Watch(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })).ServeHTTP(
			httptest.NewRecorder(), session)
	}()
	if n := len(d.gate.open); n != 0 {
		t.Errorf("%d are watched, want none", n)
	}
}
