package demo

import (
	"encoding/binary"
	"net/http/httptest"
	"testing"
)

func TestRecording(t *testing.T) {
	get := func(query, span string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "/records/mediatel-record?"+query, nil)
		if span != "" {
			r.Header.Set("Range", span)
		}
		Recording(w, r)
		return w
	}
	w := get("calltraceID=150324019331072", "")
	whole := w.Body.Bytes()
	begins := string(whole[:4]) == "RIFF" && string(whole[8:16]) == "WAVEfmt "
	if w.Code != 200 || w.Header().Get("Content-Type") != "audio/wav" || !begins {
		t.Fatalf("%d %v %q", w.Code, w.Header(), whole[:16])
	}
	if n := binary.LittleEndian.Uint32(whole[40:44]); int(n) != len(whole)-44 || n < 4*sampleRate*2 {
		t.Errorf("%d bytes of sound in %d", n, len(whole))
	}
	again := get("CallTraceId=150324019331072&download=1", "")
	if again.Body.String() != string(whole) || again.Header().Get("Content-Disposition") == "" {
		t.Error("the same call must sound the same, however the parameter is written")
	}
	part := get("calltraceID=150324019331072", "bytes=100-199")
	if part.Code != 206 || part.Body.String() != string(whole[100:200]) {
		t.Errorf("a part: %d, %d bytes", part.Code, part.Body.Len())
	}
	for _, bad := range []string{"", "calltraceID=", "calltraceID=../x", "calltraceID=123456789012345678901"} {
		if w := get(bad, ""); w.Code != 400 {
			t.Errorf("%q: %d", bad, w.Code)
		}
	}
}
