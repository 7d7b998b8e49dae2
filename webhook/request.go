package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/creditorro/ringmaster/internal/reason"
)

const (
	tryTimeout = 15 * time.Second // for a whole try, its reply included
	maxReply   = 64 << 10         // bytes of a reply that are read, so that the connection can be used again
	keptReply  = 1 << 10          // bytes of it that are kept
	userAgent  = "Ringmaster-Webhook/1"
)

// post makes one try, and sorts what came of it.
func (d *Deliverer) post(ctx context.Context, client *http.Client, e Endpoint, id string, body []byte) Result {
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	began, r := time.Now(), Result{Try: Try{At: d.now()}}
	connected := false
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected = true }}
	var wants demand
	ctx = context.WithValue(httptrace.WithClientTrace(ctx, trace), demandKey{}, &wants)
	response, err := d.request(ctx, client, e, id, r.At, body)
	if err != nil {
		r.Duration, r.Error, r.Fault = time.Since(began), plain(err)+wants.String(), Unreachable
		if connected {
			r.Fault = Down
		}
		return r
	}
	defer response.Body.Close()

	// The status is the receiver's word; a reply that breaks off or never ends does not take it back.
	reply, _ := io.ReadAll(io.LimitReader(response.Body, maxReply))
	r.Duration, r.Status, r.Reply = time.Since(began), response.StatusCode, printable(reply)
	if r.Status < 200 || r.Status > 299 {
		r.Error = refusal(response)
		r.RetryAfter = parseRetryAfter(response.Header.Get("Retry-After"), d.now())
	}
	r.Fault = faultOf(r.Status, r.RetryAfter)
	return r
}

func (d *Deliverer) request(ctx context.Context, client *http.Client, e Endpoint, id string, now time.Time,
	body []byte) (*http.Response, error) {
	u, err := ParseURL(e.URL, d.allow) // again: the allow-list may be shorter than when the endpoint was made
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, value := range e.Headers {
		r.Header.Set(name, value)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", userAgent)
	r.Header.Set("Ringmaster-Payload-Version", strconv.Itoa(max(e.Version, 1)))
	// The presence of this key lets net/http repeat the request when a kept connection turns out to be closed; being
	// empty, it is not sent. Receivers tell repetitions by the webhook-id.
	r.Header["Idempotency-Key"] = []string{}
	if err := e.sign(r.Header, id, now, body); err != nil {
		return nil, err
	}
	return client.Do(r)
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
	if why := reason.Of(err); !why.IsZero() {
		err = reason.Carrier(err) // without what is around it for the log
	}
	return printable([]byte(strings.TrimPrefix(err.Error(), "webhook: ")))
}

// refusal says why a reply is not a success.
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
