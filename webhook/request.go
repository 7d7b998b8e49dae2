package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	tryTimeout = 15 * time.Second // for a whole try, its reply included
	maxReply   = 64 << 10         // bytes of a reply that are read, so that the connection can be used again
	keptReply  = 1 << 10          // bytes of it that are kept
	userAgent  = "Ringmaster-Webhook/1"
)

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// newClient makes the HTTP client of all endpoints. It follows no redirect, because what is signed for one place must not
// be handed to another, and uses no proxy of the environment, because that one would dial past the guard.
func newClient(dial dialFunc) *http.Client {
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:                  nil,
			DialContext:            dial,
			ForceAttemptHTTP2:      true,
			TLSHandshakeTimeout:    connectTimeout,
			IdleConnTimeout:        time.Minute,
			MaxIdleConns:           512,
			MaxIdleConnsPerHost:    64,
			MaxResponseHeaderBytes: maxReply,
		},
	}
}

// post makes one try: it answers what came of it, and how long the receiver asked to be left alone.
func (d *Deliverer) post(ctx context.Context, e Endpoint, id string, body []byte) (Try, time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	t := Try{At: time.Now()}
	response, err := d.request(ctx, e, id, t.At, body)
	if err != nil {
		t.Duration, t.Error = time.Since(t.At), plain(err)
		return t, 0
	}
	defer response.Body.Close()

	// The status is the receiver's word; a reply that breaks off or never ends does not take it back.
	reply, _ := io.ReadAll(io.LimitReader(response.Body, maxReply))
	t.Duration, t.Status, t.Reply = time.Since(t.At), response.StatusCode, printable(reply)
	if t.Status < 200 || t.Status > 299 {
		t.Error = refusal(response)
	}
	return t, parseRetryAfter(response.Header.Get("Retry-After"), time.Now())
}

func (d *Deliverer) request(ctx context.Context, e Endpoint, id string, now time.Time, body []byte) (*http.Response, error) {
	u, err := ParseURL(e.URL, d.allow) // again: the allow-list may be shorter than when the endpoint was made
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", userAgent)
	// The presence of this key lets net/http repeat the request when a kept connection turns out to be closed; being
	// empty, it is not sent. Receivers tell repetitions by the webhook-id.
	r.Header["Idempotency-Key"] = []string{}
	if err := e.sign(r.Header, id, now, body); err != nil {
		return nil, err
	}
	return d.client.Do(r)
}

// plain says what went wrong without the URL, which may hold a token.
func plain(err error) string {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		err = u.Err
	}
	var dial *net.OpError
	switch {
	case errors.As(err, &dial) && dial.Op == "dial" && dial.Timeout():
		return fmt.Sprintf("no connection within %v", connectTimeout)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("no answer within %v", tryTimeout)
	}
	return printable([]byte(err.Error()))
}

// refusal says why an answer is not a success.
func refusal(r *http.Response) string {
	if location := r.Header.Get("Location"); location != "" && r.StatusCode/100 == 3 {
		return printable(fmt.Appendf(nil, "HTTP %d: redirects are not followed; set the endpoint's URL to %s",
			r.StatusCode, location))
	}
	return fmt.Sprintf("HTTP %d", r.StatusCode)
}

// printable is the beginning of a foreign text, fit for a text column: valid UTF-8 without NUL.
func printable(text []byte) string {
	text = text[:min(len(text), keptReply)]
	return strings.ReplaceAll(strings.ToValidUTF8(string(text), ""), "\x00", "")
}
