package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestSimulator: the command serves the protocol until it is stopped, and refuses variants that are none.
func TestSimulator(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	out, in := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"mediatel-simulator", "--listen", "127.0.0.1:0", "--agents", "3", "--variant", "slow,misspelt"}, console{out: in, err: io.Discard})
	}()
	lines := bufio.NewReader(out)
	first, err := lines.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, lines) }()
	_, url, _ := strings.Cut(strings.TrimSpace(first), ": ")
	answer, err := http.Get(url + "/?EIO=4&transport=polling")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(answer.Body)
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK || !strings.HasPrefix(string(body), `0{"sid"`) {
		t.Errorf("%s answered %s: %s", url, answer.Status, body)
	}
	stop()
	if code := <-ended; code != exitWell {
		t.Errorf("exit code %d", code)
	}
	if code := run(t.Context(), []string{"mediatel-simulator", "--variant", "elephant"}, console{out: io.Discard, err: io.Discard}); code != exitUsage {
		t.Errorf("variant elephant: exit code %d, want %d", code, exitUsage)
	}
}
