package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestDemoPassword: each start makes another password, also over what an earlier one has left; only the newest lets in, and no
// page tells it.
func TestDemoPassword(t *testing.T) {
	folder := t.TempDir()
	var passwords []string
	for range 2 {
		ctx, stop := context.WithCancel(t.Context())
		out, in := io.Pipe()
		ended := make(chan int, 1)
		go func() {
			ended <- run(ctx, []string{"demo", "--listen", "127.0.0.1:0", "--data", folder},
				console{In: strings.NewReader(""), Out: in, Err: t.Output()})
			in.Close()
		}()
		var url, password string
		lines := bufio.NewScanner(out)
		for password == "" && lines.Scan() {
			if found := regexp.MustCompile(`The console +(http://\S+)/$`).FindStringSubmatch(lines.Text()); found != nil {
				url = found[1]
			}
			if found := regexp.MustCompile(`^ +Password of .*: (\S{14})$`).FindStringSubmatch(lines.Text()); found != nil {
				password = found[1]
			}
		}
		go func() { _, _ = io.Copy(io.Discard, out) }()
		if url == "" || password == "" || slices.Contains(passwords, password) {
			t.Fatalf("the demo says address %q and password %q; before it was %q", url, password, passwords)
		}
		passwords = append(passwords, password)
		for i, p := range passwords {
			want := http.StatusUnauthorized
			if i == len(passwords)-1 {
				want = http.StatusOK
			}
			reply, err := http.Post(url+"/api/v1/login", "application/json", strings.NewReader(`{"login":"agent01","password":"`+p+`"}`))
			if err != nil {
				t.Fatal(err)
			}
			reply.Body.Close()
			if reply.StatusCode != want {
				t.Errorf("start %d, password %d: %s, want %d", len(passwords), i+1, reply.Status, want)
			}
		}
		reply, err := http.Get(url + "/sign-in?login=agent01")
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(reply.Body)
		reply.Body.Close()
		if reply.StatusCode != http.StatusOK || strings.Contains(string(text), password) {
			t.Errorf("the login form is told %s %s", reply.Status, text)
		}
		stop()
		<-ended
	}
}
