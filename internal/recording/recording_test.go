package recording

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"pgregory.net/rapid"

	"github.com/creditorro/ringmaster/internal/media"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

const trace = "244401453395937"

func library(t *testing.T) *Library {
	t.Helper()
	l, err := NewLibrary(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// sound is n bytes of one value.
func sound(b byte, n int) []byte { return bytes.Repeat([]byte{b}, n) }

// write says µ-law sound on a side.
func write(r *Recorder, side media.Side, ssrc, ts uint32, arrived time.Time, ulaw []byte) {
	r.Write(side, &media.Packet{Codec: media.ULaw, SSRC: ssrc, TS: ts, Arrived: arrived, Payload: ulaw})
}

// sides takes a recording's samples apart.
func sides(t *testing.T, path string) (left, right []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := binary.LittleEndian.Uint32(b[54:]); int(n) != len(b)-headerBytes || string(b[8:16]) != "WAVEfmt " {
		t.Fatalf("the header says %d bytes of sound, there are %d", n, len(b)-headerBytes)
	}
	for i := headerBytes; i < len(b); i += 2 {
		left, right = append(left, b[i]), append(right, b[i+1])
	}
	return left, right
}

func TestBothSidesStandWhereTheyWereSaid(t *testing.T) {
	l := library(t)
	start := time.Now()
	r, err := l.Start(trace, start, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	at := func(d time.Duration) time.Time { return start.Add(d) }
	write(r, 0, 1, 4_000_000_000, at(0), sound('a', 160))
	write(r, 0, 1, 4_000_000_320, at(45*time.Millisecond), sound('c', 160)) // jitter moves nothing
	write(r, 0, 1, 4_000_000_160, at(46*time.Millisecond), sound('b', 160)) // nor does order
	write(r, 1, 2, 7, at(20*time.Millisecond), sound('x', 160))             // the other side begins later
	write(r, 1, 3, 99, at(100*time.Millisecond), sound('y', 160))           // another source takes over
	write(r, 1, 3, 99+800_000, at(120*time.Millisecond), sound('z', 160))   // and its clock jumps: it goes on now
	testdeps.Lasts(time.Until(start.Add(300 * time.Millisecond)))           // what lies ahead of the end is not kept
	rec, err := r.Finish(time.Now())
	if err != nil || rec.End.Sub(rec.Start) < 290*time.Millisecond {
		t.Fatalf("%+v, %v", rec, err)
	}
	left, right := sides(t, rec.Path)
	for _, w := range []struct {
		side []byte
		from int
		want byte
	}{{left, 0, 'a'}, {left, 160, 'b'}, {left, 320, 'c'}, {left, 480, silence}, {right, 0, silence}, {right, 160, 'x'}, {right,
		320, silence},
		{right, 800, 'y'}, {right, 960, 'z'}} {
		if !bytes.Equal(w.side[w.from:w.from+160], sound(w.want, 160)) {
			t.Errorf("at sample %d there is %q, want %q", w.from, w.side[w.from], w.want)
		}
	}
}

func TestAnyPacketsAreKeptInBounds(t *testing.T) {
	l := library(t)
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		start := time.Now()
		r, err := l.Start(trace+string(rune('0'+n%10)), start, nil)
		if errors.Is(err, os.ErrExist) {
			rt.Skip()
		}
		if err != nil {
			rt.Fatal(err)
		}
		for range rapid.IntRange(0, 30).Draw(rt, "packets") {
			write(r, media.Side(rapid.IntRange(0, 1).Draw(rt, "side")), rapid.Uint32Range(0, 2).Draw(rt, "ssrc"),
				rapid.Uint32().Draw(rt, "ts"),
				start.Add(time.Duration(rapid.Int64Range(-1e9, 1e11).Draw(rt, "at"))), sound('x', rapid.IntRange(0, 1200).Draw(rt, "bytes")))
		}
		rec, err := r.Finish(time.Now())
		if err != nil {
			rt.Fatal(err)
		}
		left, right := sides(t, rec.Path)
		if len(left) != len(right) {
			rt.Fatal("the sides differ in length")
		}
		_ = os.Remove(rec.Path)
	})
}

// TestCrash kills a process that records, and expects its file to be whole but for the last second.
func TestCrash(t *testing.T) {
	if dir := os.Getenv("RECORDING_CRASH"); dir != "" {
		l, _ := NewLibrary(dir)
		r, err := l.Start(trace, time.Now(), nil)
		if err != nil {
			os.Exit(3)
		}
		for i := range 1000 {
			now := time.Now()
			write(r, 0, 1, uint32(i*160), now, sound('a', 160))
			write(r, 1, 2, uint32(i*160), now, sound('b', 160))
			if i == 0 {
				fmt.Println("recording")
			}
			testdeps.Lasts(20 * time.Millisecond)
		}
		return
	}
	t.Parallel()
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^TestCrash$")
	cmd.Env = append(os.Environ(), "RECORDING_CRASH="+dir)
	says, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(says); lines.Scan() && lines.Text() != "recording"; { // a busy machine takes long to start it
	}
	began := time.Now()
	testdeps.Lasts(4 * time.Second)
	_ = cmd.Process.Kill()
	lived := time.Since(began)
	_ = cmd.Wait()

	l, err := NewLibrary(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Open(t.Context(), trace); !errors.Is(err, ErrNotFound) {
		t.Errorf("before the recovery: %v", err)
	}
	empty := filepath.Join(dir, "0", "1"+suffix+partSuffix) // killed before its header
	_ = os.MkdirAll(filepath.Dir(empty), 0o750)
	_ = os.WriteFile(empty, nil, 0o600)
	traces, err := l.Recover()
	if err != nil || len(traces) != 1 || traces[0] != trace {
		t.Fatalf("recovered %v, %v", traces, err)
	}
	path, _ := l.Path(trace)
	left, right := sides(t, path)
	if have := time.Duration(len(left)) * time.Second / rate; have < lived-2*time.Second { // a busy machine writes late
		t.Errorf("%s of %s are left", have, lived)
	}
	if bytes.Count(left, []byte("a")) < len(left)/2 || bytes.Count(right, []byte("b")) < len(right)/2 {
		t.Error("the voices are missing")
	}
	if waiting, err := l.Waiting(); err != nil || len(waiting) != 1 {
		t.Errorf("waiting: %v, %v", waiting, err)
	}
}

func TestDiskFull(t *testing.T) {
	t.Parallel()
	l := library(t)
	failed := make(chan error, 5)
	r, err := l.Start(trace, time.Now(), func(err error) { failed <- err })
	if err != nil {
		t.Fatal(err)
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	r.mu.Lock() // flush takes it before it touches the file
	_ = r.file.Close()
	r.file = full
	r.mu.Unlock()
	for i := range 60 {
		write(r, 0, 1, uint32(i*160), time.Now(), sound('a', 160))
		testdeps.Lasts(20 * time.Millisecond)
	}
	if err := <-failed; err == nil || !strings.Contains(err.Error(), "no space") {
		t.Errorf("got %v", err)
	}
	if _, err := r.Finish(time.Now()); err == nil {
		t.Error("a recording that was not written is called whole")
	}
	if len(failed) != 0 {
		t.Error("the alarm was raised more than once")
	}
}

func TestTracesAreNames(t *testing.T) {
	l := library(t)
	for _, bad := range []string{"", "../../etc/passwd", "1/2", "12a", strings.Repeat("1", 21), "-1", "１"} {
		if _, err := l.Path(bad); err == nil {
			t.Errorf("%q is a calltraceid", bad)
		}
		if _, err := l.Open(t.Context(), bad); !errors.Is(err, ErrNotFound) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for trace, want := range map[string]string{"7": "0/7.wav", "12345678901": "0/12345678901.wav",
		trace: "2444/244401453395937.wav"} {
		if got, err := key(trace); got != want || err != nil {
			t.Errorf("%s: got %s, %v", trace, got, err)
		}
	}
}

func keep(t *testing.T, l *Library, trace string, content []byte) string {
	t.Helper()
	path, err := l.Path(trace)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestHandler(t *testing.T) {
	t.Parallel()
	l := library(t)
	whole := append(header(1000), sound('a', 1000)...)
	keep(t, l, trace, whole)
	h := l.Handler(func(r *http.Request, asked string) error {
		if r.Header.Get("Who") != "supervisor" {
			return fs.ErrPermission
		}
		return nil
	})
	for _, w := range []struct {
		name, method, query, who, ranged string
		status, length                   int
		disposition                      string
	}{
		{"whole", "GET", "calltraceID=" + trace, "supervisor", "", 200, len(whole), ""},
		{"name in another case", "GET", "CallTraceId=" + trace, "supervisor", "", 200, len(whole), ""},
		{"to keep", "GET", "calltraceid=" + trace + "&DOWNLOAD=1", "supervisor", "", 200, len(whole), `attachment; filename="` +
			trace + `.wav"`},
		{"a part", "GET", "calltraceID=" + trace, "supervisor", "bytes=58-157", 206, 100, ""},
		{"a part outside", "GET", "calltraceID=" + trace, "supervisor", "bytes=99999-", 416, -1, ""},
		{"head", "HEAD", "calltraceID=" + trace, "supervisor", "", 200, 0, ""},
		{"somebody else", "GET", "calltraceID=" + trace, "agent", "", 403, -1, ""},
		{"somebody else, no such call", "GET", "calltraceID=1", "agent", "", 403, -1, ""},
		{"no such call", "GET", "calltraceID=1", "supervisor", "", 404, -1, ""},
		{"no id", "GET", "", "supervisor", "", 400, -1, ""},
		{"a path", "GET", "calltraceID=../x", "supervisor", "", 400, -1, ""},
		{"post", "POST", "calltraceID=" + trace, "supervisor", "", 405, -1, ""},
	} {
		t.Run(w.name, func(t *testing.T) {
			r := httptest.NewRequest(w.method, "/records/mediatel-record?"+w.query, nil)
			r.Header.Set("Who", w.who)
			if w.ranged != "" {
				r.Header.Set("Range", w.ranged)
			}
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, r)
			if rec.Code != w.status || w.length >= 0 && rec.Body.Len() != w.length ||
				rec.Header().Get("Content-Disposition") != w.disposition {
				t.Errorf("got %d, %d bytes, %q", rec.Code, rec.Body.Len(), rec.Header().Get("Content-Disposition"))
			}
		})
	}
}

func TestPrune(t *testing.T) {
	l := library(t)
	old, fresh := keep(t, l, "111111111111111", nil), keep(t, l, "222222222222222", nil)
	if err := os.Chtimes(old, time.Now(), time.Now().Add(-48*time.Hour)); err != nil {
		t.Fatal(err)
	}
	kept := keep(t, l, "333333333333333", nil) // by the law
	if err := os.Chtimes(kept, time.Now(), time.Now().Add(-48*time.Hour)); err != nil {
		t.Fatal(err)
	}
	forget := func(traces []string) ([]string, error) {
		if !slices.Equal(traces, []string{"111111111111111", "333333333333333"}) {
			t.Errorf("asked about %v", traces)
		}
		return traces[:1], nil
	}
	if n, err := l.Prune(t.Context(), time.Now().Add(-24*time.Hour), forget); n != 1 || err != nil {
		t.Errorf("pruned %d, %v", n, err)
	}
	if _, err := os.Stat(kept); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(fresh); err != nil {
		t.Error(err)
	}
}

// startS3 runs an S3-compatible server with the bucket "calls".
func startS3(t *testing.T) *minio.Client {
	t.Helper()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	const folder = "testdata/s3"
	if _, err := os.Stat(folder + "/node_modules/.package-lock.json"); err != nil {
		install := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
		install.Dir = folder
		if out, err := install.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	cmd := exec.Command("node", "server.mjs", t.TempDir())
	cmd.Dir, cmd.Stderr = folder, os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stdin.Close(); _ = cmd.Wait() })
	port, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	client, err := minio.New("127.0.0.1:"+strings.TrimSpace(port),
		&minio.Options{Creds: credentials.NewStaticV4("S3RVER", "S3RVER", ""), Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestUploadByTask(t *testing.T) {
	t.Parallel()
	l := library(t).WithS3(startS3(t), "calls", "recordings/")
	whole := append(header(100_000), sound('a', 100_000)...)
	path := keep(t, l, trace, whole)

	connection := asynq.RedisClientOpt{Addr: testdeps.Redis(t)}
	client := asynq.NewClient(connection)
	defer client.Close()
	for range 2 { // asking twice is asking once
		if err := Enqueue(t.Context(), client, trace, Queue); err != nil {
			t.Fatal(err)
		}
	}
	if err := Enqueue(t.Context(), client, "999", Queue); err != nil { // nowhere
		t.Fatal(err)
	}
	mux := asynq.NewServeMux()
	done := make(chan error, 4)
	mux.HandleFunc(TaskType, func(ctx context.Context, task *asynq.Task) error {
		err := l.ProcessTask(ctx, task)
		done <- err
		return err
	})
	server := asynq.NewServer(connection, asynq.Config{Queues: map[string]int{Queue: 1}, Concurrency: 2,
		LogLevel: asynq.FatalLevel, TaskCheckInterval: 20 * time.Millisecond})
	if err := server.Start(mux); err != nil {
		t.Fatal(err)
	}
	defer server.Shutdown()
	var lost int
	for range 2 {
		if err := <-done; errors.Is(err, ErrNotFound) && errors.Is(err, asynq.SkipRetry) {
			lost++
		} else if err != nil {
			t.Error(err)
		}
	}
	if lost != 1 {
		t.Error("the recording that is nowhere would be tried again")
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is still here: %v", err)
	}
	if err := l.Upload(t.Context(), trace); err != nil {
		t.Errorf("a repeated upload: %v", err)
	}
	content, err := l.Open(t.Context(), trace)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(content)
	if err != nil || !bytes.Equal(got, whole) {
		t.Errorf("%d bytes came back, %v", len(got), err)
	}
	content.Close()
	rec := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "/?calltraceid="+trace, nil)
	r.Header.Set("Range", "bytes=58-67")
	l.Handler(func(*http.Request, string) error { return nil }).ServeHTTP(rec, r)
	if rec.Code != 206 || rec.Body.String() != "aaaaaaaaaa" {
		t.Errorf("a part from the store: %d %q", rec.Code, rec.Body.String())
	}
	if _, err := l.Open(t.Context(), "998"); !errors.Is(err, ErrNotFound) {
		t.Errorf("neither here nor there: %v", err)
	}
	for range 2 { // what is gone is removed again
		if _, err := l.Open(t.Context(), trace); err != nil {
			t.Errorf("removed from this folder, it is not in the store: %v", err)
		}
		if err := l.Remove(t.Context(), trace, false); err != nil {
			t.Error(err)
		}
	}
	for range 2 {
		if err := l.Remove(t.Context(), trace, true); err != nil {
			t.Error(err)
		}
	}
	if _, err := l.Open(t.Context(), trace); !errors.Is(err, ErrNotFound) {
		t.Errorf("removed, and still in the store: %v", err)
	}
}
