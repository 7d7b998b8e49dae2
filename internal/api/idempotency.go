package api

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/creditorro/ringmaster/internal/reason/field"
)

const (
	idempotencyKey = "Idempotency-Key"
	maxKey         = 200
	maxKept        = 4 << 20  // bytes of a reply
	listHead       = 64 << 10 // bytes of a list that tell it from another
	inProgress     = -1       // ReplyStore: the first request is still under way
)

// once replies to a POST that carries an Idempotency-Key: the first time by doing it, later by the reply of then. Keys
// belong to their user. A reply that says nothing of the deed (credentials, server errors) is not kept, so that the
// request may be tried again; nor is a secret, which is shown once: a repeat is given the rest.
func (a *api) once(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	c, _ := ctx.Value(callerKey{}).(caller)
	if c.err != nil {
		a.mux.ServeHTTP(w, r) // to be refused by the route
		return
	}
	key := r.Header.Get(idempotencyKey)
	if len(key) > maxKey {
		refuseField("header."+idempotencyKey, field.Length(1, maxKey)).write(w, r)
		return
	}
	key = fmt.Sprintf("%d:%s", c.user.ID, key)
	print, err := fingerprint(w, r)
	if err != nil {
		refuse(http.StatusRequestEntityTooLarge, whyTooLarge(maxBody)).write(w, r)
		return
	}
	var status int
	var kept, body []byte
	var done *held
	if beyondRecord(r) {
		status, kept, body, err = a.Store.BeginReply(ctx, key, print, a.Now())
	} else {
		status, kept, body, done, err = a.inOneTransaction(r, key, print)
	}
	switch {
	case err != nil:
		a.problem(ctx, err).write(w, r)
	case status != 0 && subtle.ConstantTimeCompare(kept, print) == 0:
		refuseField("header."+idempotencyKey, whyKeyUsed).write(w, r)
	case status == inProgress:
		refuse(http.StatusConflict, whyUnderWay).retryAfter(time.Second).write(w, r)
	case status != 0:
		repeat(w, status, body)
	case done != nil:
		done.send(w)
		a.wakeDialer() // what it was woken for is committed only now
	default:
		a.first(w, r, key)
	}
}

// beyondRecord says whether a request does more than change the record, or takes longer than a transaction may: then its reply is
// kept afterwards. All of these may be repeated: a list finds its contacts there, a flag is set to what it is.
func beyondRecord(r *http.Request) bool {
	path := strings.TrimPrefix(r.URL.Path, prefix)
	return isImport(r) || path == "/login" || path == "/logout" || strings.HasSuffix(path, "/test") || strings.HasSuffix(path,
		"/auto-call")
}

// inOneTransaction does what is asked and keeps its reply in one transaction, so that no end of the process comes between. It is
// done also for a client who goes away meanwhile.
func (a *api) inOneTransaction(r *http.Request, key string, print []byte) (status int, kept, body []byte, done *held, err error) {
	sent, err := io.ReadAll(r.Body)
	if err != nil {
		return 0, nil, nil, nil, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), a.RequestTime)
	defer cancel()
	status, kept, body, err = a.Store.Once(ctx, key, print, a.Now(), func(ctx context.Context) (int, []byte) {
		done = &held{header: http.Header{}}
		again := r.WithContext(ctx)
		again.Body = io.NopCloser(bytes.NewReader(sent))
		a.mux.ServeHTTP(done, again)
		if !keeps(done.status) {
			return 0, nil
		}
		return done.status, withoutSecrets(done.body.Bytes())
	})
	return status, kept, body, done, err
}

// held is a reply that waits for its transaction.
type held struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (h *held) Header() http.Header { return h.header }

func (h *held) WriteHeader(status int) {
	if h.status == 0 {
		h.status = status
	}
}

func (h *held) Write(b []byte) (int, error) {
	h.WriteHeader(http.StatusOK)
	return h.body.Write(b)
}

func (h *held) send(w http.ResponseWriter) {
	maps.Copy(w.Header(), h.header)
	if h.status == 0 {
		h.status = http.StatusOK
	}
	w.WriteHeader(h.status)
	_, _ = w.Write(h.body.Bytes()) // the client went away
}

// first does what is asked and keeps the reply.
func (a *api) first(w http.ResponseWriter, r *http.Request, key string) {
	rec := &recorder{ResponseWriter: w}
	defer func() {
		// The client may be gone; what it asked for has happened all the same.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), 5*time.Second)
		defer cancel()
		status := rec.status
		if !keeps(status) {
			status = 0
		}
		if err := a.Store.EndReply(ctx, key, status, withoutSecrets(rec.body.Bytes()), a.Now()); err != nil {
			a.Logger.ErrorContext(ctx, "reply not kept for its Idempotency-Key", slog.Any("error", err))
		}
	}()
	a.mux.ServeHTTP(rec, r)
}

// keeps says whether a reply is about the deed.
func keeps(status int) bool {
	switch status {
	case 0, http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestTimeout, http.StatusTooManyRequests, 499:
		return false
	}
	return status < 500
}

// fingerprint tells one request from another. A list to be imported is too long to be read before it is known whether it
// may be: there its beginning and its length stand for it.
func fingerprint(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	h := sha256.New()
	fmt.Fprintf(h, "%s %s\n%s\n", r.Method, r.URL.RequestURI(), r.Header.Get("Content-Type"))
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(silence)) // without deadlines the request's time bounds it
	if isImport(r) && r.ContentLength != 0 {
		list := bufio.NewReaderSize(r.Body, listHead)
		head, _ := list.Peek(listHead) // an error comes again when the list is read
		fmt.Fprintf(h, "%d\n%s", r.ContentLength, head)
		r.Body = struct {
			io.Reader
			io.Closer
		}{list, r.Body}
		return h.Sum(nil), nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, err
	}
	h.Write(body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return h.Sum(nil), nil
}

// repeat returns the reply of before.
func repeat(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Idempotency-Replayed", "true")
	if len(body) > 0 {
		kind := "application/json"
		if status >= 400 {
			kind = "application/problem+json"
		}
		w.Header().Set("Content-Type", kind)
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client went away
}

// withoutSecrets takes what is shown once out of a reply.
func withoutSecrets(body []byte) []byte {
	if !bytes.Contains(body, []byte(`"secret"`)) && !bytes.Contains(body, []byte(`"token"`)) {
		return body
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil {
		return nil
	}
	delete(fields, "secret")
	delete(fields, "token")
	rest, err := json.Marshal(fields)
	if err != nil {
		return nil
	}
	return rest
}

// recorder passes a reply on and keeps a copy, unless it is too long: then the status has to do for a repeat.
type recorder struct {
	http.ResponseWriter
	status  int // zero: the handler ended by a panic before it replied
	body    bytes.Buffer
	tooLong bool
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	if r.tooLong = r.tooLong || r.body.Len()+len(b) > maxKept; r.tooLong {
		r.body = bytes.Buffer{}
	} else {
		r.body.Write(b)
	}
	return r.ResponseWriter.Write(b)
}

// Unwrap lets deadlines reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
