package mediatelwire

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Bounds of what is read; more is cut off or refused, as each says.
const (
	MaxState   = 1 << 20 // bytes of a state; refused
	MaxCommand = 8 << 10 // bytes of a command; refused
	maxList    = 1000    // entries of a list; cut off
	maxText    = 4096    // bytes of a text; refused in a command, none in a state
	maxID      = 128     // characters of an id in a state; none
)

// ErrMalformed says that bytes are no state, or no command.
var ErrMalformed = errors.New("mediatelwire: malformed")

// UnmarshalJSON reads a state. Only what is no object at all is refused: a field that cannot be read is none.
func (s *State) UnmarshalJSON(data []byte) error {
	f, err := fields(data, MaxState)
	if err != nil {
		return err
	}
	*s = State{
		State: f.text("state"), Status: f.text("status"),
		AgentID: f.id("agentId"), AgentName: f.text("agentName"), AgentExt: f.id("agentExt"),
		AutoCall: f.flag("predictiveStatus"), AutoCallTold: f.told("predictiveStatus"), PauseID: f.id("pauseId"),
		PauseAcknowledge: f.id("pauseAcknowledge"), PausePending: f.id("pausePending"),
		Pauses: f.pauses("pauseList"), Queues: f.texts("queues"),
		Commands: f.texts("availableCommand", "avaliableCommand"),
		Muted:    f.flag("mute"), Available: f.flag("isAvailable", "isAvaliable"),
		LoginAttempt: int(f.number("loginAttempt")), LoginErrorID: f.code("loginErrorID"), LoginError: f.text("loginErrorText"),
		WebServer: f.text("webServer"), Host: f.text("host"),
		ANI: f.id("ani"), DNIS: f.id("dnis"), CallTraceID: f.id("callTraceID"), CallCustomerID: f.id("callCustomerID"),
		CallType: f.id("callType"), CallStart: f.id("callStartTime"),
		CallWait: f.seconds("callWaitDuration"), MaxCall: f.seconds("maxCallDuration"), LastCallTime: f.number("lastCallTime"),
		QueueID: f.id("queueId"), QueueName: f.text("queueName"),
		Codes: f.codes("availableCallCodes", "awaliableCallCodes"), ManyCodes: f.flag("multipleCallCodeAllow"),
		History:  f.history("callHistory"),
		CardType: f.id("crmConnectType"), Card: f.text("crmConnectTarget"),
		CallErrorID: f.code("callErrorID"), CallError: f.text("callErrorText"),
		PreviewUntil: f.millis("previewUntil"),
		CodeDueAt:    f.millis("codeDueAt"), ServerTime: f.millis("serverTime"), Since: f.millis("time"),
	}
	return nil
}

// object of raw values, read leniently.
type raw map[string]json.RawMessage

func fields(data []byte, limit int) (raw, error) {
	if len(data) > limit {
		return nil, fmt.Errorf("%w: %d bytes, want at most %d", ErrMalformed, len(data), limit)
	}
	var f raw
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, fmt.Errorf("%w: want a JSON object", ErrMalformed) // the cause could quote a password
	}
	if f == nil {
		return nil, fmt.Errorf("%w: want a JSON object, not null", ErrMalformed)
	}
	return f, nil
}

// value finds a field by the first of its spellings that is there and not null.
func (f raw) value(spellings ...string) json.RawMessage {
	for _, k := range spellings {
		if v := f[k]; len(v) > 0 && v[0] != 'n' {
			return v
		}
	}
	return nil
}

// scalar is a string, or a number or boolean as it was written; anything else is empty.
func scalar(v json.RawMessage) string {
	if len(v) == 0 {
		return ""
	}
	switch v[0] {
	case '"':
		var s string
		if json.Unmarshal(v, &s) != nil || len(s) > maxText {
			return ""
		}
		return s
	case 'n', '[', '{':
		return ""
	case 't', 'f':
		return string(v)
	default:
		if len(v) > 32 {
			return ""
		}
		return string(v)
	}
}

func (f raw) text(spellings ...string) string { return scalar(f.value(spellings...)) }

// id is a text whose every "none" is empty. What is too long for an id, or has control characters, is none: ids become keys.
func (f raw) id(spellings ...string) string {
	s := some(f.text(spellings...))
	if utf8.RuneCountInString(s) > maxID || strings.ContainsFunc(s, unicode.IsControl) {
		return ""
	}
	return s
}

func some(s string) string {
	if s = strings.TrimSpace(s); s == noID || s == zero || s == noTime || s == "null" {
		return ""
	}
	return s
}

// code is an error's id: negative ones are errors, "-1" among them.
func (f raw) code(spellings ...string) string {
	if s := strings.TrimSpace(f.text(spellings...)); s != zero {
		return s
	}
	return ""
}

func (f raw) flag(spellings ...string) bool {
	s := f.text(spellings...)
	return s == "1" || strings.EqualFold(s, "true")
}

// told reports whether a flag is there: a 0 is, other kinds of none are not.
func (f raw) told(k string) bool { return some(f.text(k)) != "" || f.text(k) == zero }

func (f raw) number(k string) int64 {
	s := strings.TrimSpace(f.text(k))
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n
	}
	if x, err := strconv.ParseFloat(s, 64); err == nil && x > -1<<53 && x < 1<<53 {
		return int64(x)
	}
	return 0
}

// seconds are at most a day; more, or less than none, is none.
func (f raw) seconds(k string) time.Duration {
	n := f.number(k)
	if n < 0 || n > 86400 {
		return 0
	}
	return time.Duration(n) * time.Second
}

func (f raw) millis(k string) time.Time {
	n := f.number(k)
	if n <= 0 || n >= 1<<53 {
		return time.Time{}
	}
	return time.UnixMilli(n)
}

// list is the entries of an array, by the first of its spellings that has some; anything else has none.
func (f raw) list(spellings ...string) []json.RawMessage {
	for _, k := range spellings {
		var list []json.RawMessage
		if json.Unmarshal(f[k], &list) == nil && len(list) > 0 {
			return list[:min(len(list), maxList)]
		}
	}
	return nil
}

func (f raw) texts(spellings ...string) (texts []string) {
	for _, v := range f.list(spellings...) {
		if s := scalar(v); s != "" {
			texts = append(texts, s)
		}
	}
	return texts
}

func (f raw) pauses(k string) (pauses []Pause) {
	for _, v := range f.list(k) {
		var pair []json.RawMessage
		if json.Unmarshal(v, &pair) == nil && len(pair) >= 2 && some(scalar(pair[0])) != "" {
			pauses = append(pauses, Pause{ID: scalar(pair[0]), Name: scalar(pair[1])})
		}
	}
	return pauses
}

func (f raw) codes(spellings ...string) (codes []Code) {
	for _, v := range f.list(spellings...) {
		var c raw
		if json.Unmarshal(v, &c) == nil && c.id("ID") != "" {
			codes = append(codes, Code{ID: c.id("ID"), Name: c.text("Name"), ActionFlag: c.text("ActionFlag")})
		}
	}
	return codes
}

func (f raw) history(k string) (calls []PastCall) {
	for _, v := range f.list(k) {
		var c raw
		if json.Unmarshal(v, &c) == nil && c != nil {
			calls = append(calls, PastCall{
				SampleID: c.id("MCC_SAMPLEID"), Channel: c.id("MCC_CHANNEL"), CallType: c.id("MCC_CALLTYPE"),
				CallbackID: c.id("MCC_CALLBACKID"),
			})
		}
	}
	return calls
}

// known keeps a command's fields to those that exist.
var known = []string{"type", "user", "password", "extension", "phoneNumber", "queueName", "id", "callbackAt", "callTraceID",
	"reason"}

// UnmarshalJSON reads a command. Fields that are not known are ignored, those that are must be a text, a number or null.
func (c *Command) UnmarshalJSON(data []byte) error {
	f, err := fields(data, MaxCommand)
	if err != nil {
		return err
	}
	for k, v := range f {
		if slices.Contains(known, k) && (v[0] == '[' || v[0] == '{' || len(v) > maxText) {
			return fmt.Errorf("%w: field %s: want a short text or a number", ErrMalformed, k)
		}
	}
	*c = Command{
		Type: f.text("type"), User: f.text("user"), Password: f.text("password"), Extension: f.text("extension"),
		PhoneNumber: f.text("phoneNumber"), QueueName: f.text("queueName"), ID: strings.TrimSpace(f.text("id")),
		CallTraceID: strings.TrimSpace(f.text("callTraceID")), Reason: strings.TrimSpace(f.text("reason")),
	}
	if c.Type == "" {
		return fmt.Errorf("%w: no type", ErrMalformed)
	}
	if at := f.text("callbackAt"); at != "" {
		if c.CallbackAt, err = time.Parse(time.RFC3339, at); err != nil {
			if c.CallbackAt = f.millis("callbackAt"); c.CallbackAt.IsZero() {
				return fmt.Errorf("%w: field callbackAt: want RFC 3339 or Unix milliseconds", ErrMalformed)
			}
		}
	}
	return nil
}
