package mediatelwire

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// seen is a state in an agent's first seconds of a call, with the early servers' spelling, as the integration notes show it.
const seen = `{"agentExt":"3444","agentId":"2001","agentName":"mt_agent1","ani":"+447700900123","dnis":"77@192.0.2.1:5060",
"avaliableCommand":["CMD_PAUSE","CMD_LOGOUT","CMD_MAKECALL"],"awaliableCallCodes":[{"ID":"4","Name":"10. Promise to pay","ActionFlag":"0"}],
"callCustomerID":"10000001","callErrorID":"-223","callErrorText":"No Answer from agent",
"callHistory":[{"MCC_SAMPLEID":"10000001","MCC_CHANNEL":"35","MCC_CALLTYPE":"3","MCC_CALLBACKID":"-1"}],
"callStartTime":"2021-03-25 11:58:15","callTraceID":"1000000001","callType":"3","callWaitDuration":"0","crmConnectType":"3","crmConnectTarget":"",
"host":"MTAgentFarm-01","isAvaliable":true,"lastCallTime":0,"loginAttempt":4,"loginErrorID":"0","loginErrorText":"","maxCallDuration":"180",
"multipleCallCodeAllow":"0","mute":0,"pauseAcknowledge":"0","pausePending":"0","pauseId":"0","pauseList":[["1","Technical Break"],["4","Meeting"]],
"predictiveStatus":"1","queueId":"9","queueName":"AUTO_1","queues":["MANUAL_1"],"serverTime":1616666470942,"time":1616666470000,
"state":"STATE_CALL_DELIVERED","status":"start_dialing","webServer":""}`

func seenState() State {
	return State{
		State: StateDelivered, Status: StatusDialing, AgentID: "2001", AgentName: "mt_agent1", AgentExt: "3444", AutoCall: true,
		AutoCallTold: true,
		Pauses:       []Pause{{"1", "Technical Break"}, {"4", "Meeting"}}, Queues: []string{"MANUAL_1"},
		Commands: []string{"CMD_PAUSE", "CMD_LOGOUT", "CMD_MAKECALL"}, Available: true, LoginAttempt: 4, Host: "MTAgentFarm-01",
		ANI: "+447700900123", DNIS: "77@192.0.2.1:5060", CallTraceID: "1000000001", CallCustomerID: "10000001", CallType: "3",
		CallStart: "2021-03-25 11:58:15", MaxCall: 3 * time.Minute, QueueID: "9", QueueName: "AUTO_1",
		Codes: []Code{{"4", "10. Promise to pay", "0"}}, History: []PastCall{{"10000001", "35", "3", ""}}, CardType: "3",
		CallErrorID: "-223", CallError: "No Answer from agent",
		ServerTime: time.UnixMilli(1616666470942), Since: time.UnixMilli(1616666470000),
	}
}

func TestStateOfTheNotes(t *testing.T) {
	var s State
	if err := json.Unmarshal([]byte(seen), &s); err != nil {
		t.Fatal(err)
	}
	if want := seenState(); !reflect.DeepEqual(s, want) {
		t.Errorf("read %+v\nwant %+v", s, want)
	}

	// Written again, it has every key of the notes with the same value, and both spellings.
	var notes, ours map[string]any
	_ = json.Unmarshal([]byte(seen), &notes)
	if err := json.Unmarshal(s.AppendJSON(nil), &ours); err != nil {
		t.Fatal(err)
	}
	for _, k := range [][2]string{{"avaliableCommand", "availableCommand"}, {"awaliableCallCodes", "availableCallCodes"},
		{"isAvaliable", "isAvailable"}} {
		notes[k[1]] = notes[k[0]]
	}
	if !reflect.DeepEqual(notes, ours) {
		t.Errorf("wrote %v\nwant  %v", ours, notes)
	}
}

// TestEitherSpelling: a spelling that says nothing does not hide the other one.
func TestEitherSpelling(t *testing.T) {
	for _, none := range []string{`null`, `[]`, ` [ ] `} {
		for _, row := range []string{
			`{"availableCallCodes":NONE,"awaliableCallCodes":[{"ID":"4"}],"availableCommand":NONE,"avaliableCommand":["CMD_PAUSE"],"isAvailable":null,"isAvaliable":true}`,
			`{"awaliableCallCodes":NONE,"availableCallCodes":[{"ID":"4"}],"avaliableCommand":NONE,"availableCommand":["CMD_PAUSE"],"isAvaliable":null,"isAvailable":true}`,
		} {
			var s State
			if err := json.Unmarshal([]byte(strings.ReplaceAll(row, "NONE", none)), &s); err != nil {
				t.Fatal(err)
			}
			if len(s.Codes) != 1 || len(s.Commands) != 1 || !s.Available {
				t.Errorf("%s as %q: codes %v, commands %v, available %t", row, none, s.Codes, s.Commands, s.Available)
			}
		}
	}
	var s State
	if err := json.Unmarshal([]byte(`{"isAvailable":false,"isAvaliable":true}`), &s); err != nil || s.Available {
		t.Errorf("the right spelling says no: %v, available %t", err, s.Available)
	}
}

func TestEveryNone(t *testing.T) {
	for _, none := range []string{`"-1"`, `"0"`, `""`, `null`, `"1999-01-01 01:01:01"`, `-1`, `0`, `[]`, `{}`} {
		var text strings.Builder
		for i, k := range []string{
			"agentId", "agentExt", "pauseId", "ani", "dnis", "callTraceID", "callCustomerID", "callStartTime", "queueId", "pauseList",
			"queues",
			"availableCommand", "availableCallCodes", "callHistory", "predictiveStatus", "mute", "callWaitDuration", "serverTime",
			"lastCallTime",
		} {
			fmt.Fprintf(&text, `%s"%s":%s`, []string{"{", ","}[min(i, 1)], k, none)
		}
		var s State
		if err := json.Unmarshal([]byte(text.String()+"}"), &s); err != nil {
			t.Errorf("%s: %v", none, err)
		}
		if s.LastCallTime == -1 {
			s.LastCallTime = 0 // no id
		}
		if zero := none == `"0"` || none == `0`; s.AutoCallTold != zero {
			t.Errorf("%s: flag told %t", none, s.AutoCallTold)
		}
		s.AutoCallTold = false
		if !reflect.DeepEqual(s, State{}) {
			t.Errorf("%s: %+v", none, s)
		}
	}
}

// TestIDsThatAreNone: what a foreign server calls an id becomes a key of ours.
func TestIDsThatAreNone(t *testing.T) {
	for _, id := range []string{strings.Repeat("7", 129), "1000\u0000", "a\nb"} {
		text, _ := json.Marshal(map[string]any{"state": StateActive, "callTraceID": id, "callCustomerID": id, "ani": id})
		var s State
		if err := json.Unmarshal(text, &s); err != nil || s.CallTraceID != "" || s.CallCustomerID != "" || s.ANI != "" ||
			s.State != StateActive {
			t.Errorf("%q is read as %+v, %v", id, s, err)
		}
	}
}

func TestNumbersAndFlagsAsTheyCome(t *testing.T) {
	var s State
	in := `{"agentId":2001,"pauseId":1000,"predictiveStatus":1,"mute":"1","isAvailable":"1","serverTime":"1616666470942","maxCallDuration":180,
		"pauseList":[[1,"Break"],["4"],7,["0","none"]],"availableCallCodes":[{"ID":4,"Name":"x","ActionFlag":2},{"Name":"no id"},null],"loginAttempt":"4",
		"callErrorID":-1}`
	if err := json.Unmarshal([]byte(in), &s); err != nil {
		t.Fatal(err)
	}
	want := State{
		AgentID: "2001", PauseID: "1000", AutoCall: true, AutoCallTold: true, Muted: true, Available: true,
		ServerTime: time.UnixMilli(1616666470942), MaxCall: 3 * time.Minute,
		Pauses: []Pause{{"1", "Break"}}, Codes: []Code{{"4", "x", "2"}}, LoginAttempt: 4, CallErrorID: "-1",
	}
	if !reflect.DeepEqual(s, want) {
		t.Errorf("read %+v\nwant %+v", s, want)
	}
}

// TestStateComesBack: what is written is read, whatever the texts are.
func TestStateComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(0, 20, 80).Filter(func(s string) bool { return some(s) == s && s != "" })
		s := seenState()
		s.AgentName, s.CallError, s.Card, s.QueueName = text.Draw(t, "name"), text.Draw(t, "error"), text.Draw(t, "card"),
			text.Draw(t, "queue")
		s.Queues = rapid.SliceOfN(text, 1, 3).Draw(t, "queues")
		s.Codes = []Code{{ID: "4", Name: text.Draw(t, "code"), ActionFlag: "2"}}
		s.Muted, s.AutoCall = rapid.Bool().Draw(t, "muted"), rapid.Bool().Draw(t, "auto")
		encoded := s.AppendJSON(nil)
		if !json.Valid(encoded) {
			t.Fatalf("no JSON: %s", encoded)
		}
		var back State
		if err := json.Unmarshal(encoded, &back); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(s, back) {
			t.Fatalf("wrote %+v\nread  %+v", s, back)
		}
	})
}

func TestStringsLikeJSONStringify(t *testing.T) {
	for in, want := range map[string]string{
		"<a href=\"x\">&":  `"<a href=\"x\">&"`,
		"tab\tnew\nline\\": `"tab\u0009new\nline\\"`,
		"Оксана\u2028😀":    "\"Оксана\u2028😀\"",
		"bad\xffbyte\xc3":  "\"bad\ufffdbyte\ufffd\"",
		"\x00":             `"\u0000"`,
	} {
		if got := string(appendString(nil, in)); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

func TestCommands(t *testing.T) {
	for in, want := range map[string]Command{
		`{"type":"login","user":"mt_agent1","password":"s","extension":"3444"}`: {Type: Login, User: "mt_agent1", Password: "s",
			Extension: "3444"},
		`{"type":"login","user":"a","password":1234,"extension":3444}`: {Type: Login, User: "a", Password: "1234",
			Extension: "3444"},
		`{"type":"logout"}`: {Type: Logout},
		`{"type":"makeCall","phoneNumber":"+447700900123","queueName":"MANUAL_1"}`: {Type: MakeCall, PhoneNumber: "+447700900123",
			QueueName: "MANUAL_1"},
		`{"type":"pause","id":4,"more":{"x":[1]}}`: {Type: SetPause, ID: "4"},
		`{"type":"pause","id":"0"}`:                {Type: SetPause, ID: "0"},
		`{"type":"resolutionSet","id":4}`:          {Type: SetCode, ID: "4"},
		`{"type":"resolutionSet","id":"4","callbackAt":"2026-03-02T09:00:00Z"}`: {Type: SetCode, ID: "4",
			CallbackAt: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)},
		`{"type":"resolutionSet","id":"4","callbackAt":null,"user":null,"extra":"…"}`: {Type: SetCode, ID: "4"},
	} {
		var c Command
		if err := json.Unmarshal([]byte(in), &c); err != nil || c != want {
			t.Errorf("%s: %+v, %v", in, c, err)
			continue
		}
		again, _ := json.Marshal(c)
		var back Command
		if err := json.Unmarshal(again, &back); err != nil || back != want {
			t.Errorf("%s came back as %s", in, again)
		}
	}
	for _, in := range []string{
		`null`, `[]`, `"login"`, `7`, `{}`, `{"type":""}`, `{"type":null}`, `{"type":["login"]}`, `{"type":"pause","id":{"x":1}}`,
		`{"type":"resolutionSet","id":"4","callbackAt":"tomorrow"}`,
		`{"type":"makeCall","phoneNumber":"` + strings.Repeat("1", maxText) + `"}`,
		`{"type":"x","y":"` + strings.Repeat("1", MaxCommand) + `"}`,
	} {
		var c Command
		if err := json.Unmarshal([]byte(in), &c); !errors.Is(err, ErrMalformed) {
			t.Errorf("%.60s: %+v, %v", in, c, err)
		}
	}
}

func TestNoPasswordInLogs(t *testing.T) {
	var log strings.Builder
	l := slog.New(slog.NewTextHandler(&log, nil))
	l.Info("x", slog.Any("command", Command{Type: Login, User: "u", Password: "geheim"}))
	var c Command
	l.Info("x", slog.Any("error", json.Unmarshal([]byte(`{"type":"login","password":["geheim"]}`), &c)))
	if strings.Contains(log.String(), "geheim") || !strings.Contains(log.String(), "user=u") {
		t.Error(log.String())
	}
}

func FuzzState(f *testing.F) {
	f.Add([]byte(seen))
	f.Add([]byte(`{"agentId":-1,"pauseList":[[]],"availableCallCodes":[null],"callHistory":[{}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var s State
		if err := s.UnmarshalJSON(data); err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		encoded := s.AppendJSON(nil)
		var back State
		if err := json.Unmarshal(encoded, &back); err != nil {
			t.Fatalf("%v: %s", err, encoded)
		}
	})
}

func FuzzCommand(f *testing.F) {
	f.Add([]byte(`{"type":"login","user":"a","password":1234,"extension":3444}`))
	f.Add([]byte(`{"type":"resolutionSet","id":"4","callbackAt":1616666470942}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var c Command
		if err := c.UnmarshalJSON(data); err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		if c.Type == "" || len(c.Password) > maxText {
			t.Fatalf("%+v", c)
		}
		if b, err := json.Marshal(c); err != nil || !json.Valid(b) {
			t.Fatal(err)
		}
	})
}

func BenchmarkAppendJSON(b *testing.B) {
	s := seenState()
	buf := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		buf = s.AppendJSON(buf[:0])
	}
	b.SetBytes(int64(len(buf)))
}

func BenchmarkUnmarshal(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		var s State
		if err := s.UnmarshalJSON([]byte(seen)); err != nil {
			b.Fatal(err)
		}
	}
}
