package mediatelwire

import (
	"strconv"
	"time"
	"unicode/utf8"
)

// MarshalJSON writes the state with both spellings of the misspelt keys.
func (s *State) MarshalJSON() ([]byte, error) { return s.AppendJSON(make([]byte, 0, 2048)), nil }

// AppendJSON appends the state's JSON to b. It is what a gateway does for every tab at every change, so it allocates nothing
// but b's growth.
func (s *State) AppendJSON(b []byte) []byte {
	o := object{b: append(b, '{')}
	o.text("state", s.State)
	o.text("status", s.Status)
	o.text("agentId", or(s.AgentID, noID))
	o.text("agentName", s.AgentName)
	o.text("agentExt", s.AgentExt)
	o.flag("predictiveStatus", s.AutoCall)
	o.text("pauseId", or(s.PauseID, zero))
	o.text("pauseAcknowledge", or(s.PauseAcknowledge, zero))
	o.text("pausePending", or(s.PausePending, zero))
	o.pauses("pauseList", s.Pauses)
	o.texts("queues", s.Queues)
	o.texts("availableCommand", s.Commands)
	o.texts("avaliableCommand", s.Commands)
	o.number("mute", int64(bit(s.Muted)))
	o.bool("isAvailable", s.Available)
	o.bool("isAvaliable", s.Available)
	o.number("loginAttempt", int64(s.LoginAttempt))
	o.text("loginErrorID", or(s.LoginErrorID, zero))
	o.text("loginErrorText", s.LoginError)
	o.text("webServer", s.WebServer)
	o.text("host", s.Host)
	o.text("ani", s.ANI)
	o.text("dnis", s.DNIS)
	o.text("callTraceID", or(s.CallTraceID, noID))
	o.text("callCustomerID", or(s.CallCustomerID, noID))
	o.text("callType", or(s.CallType, noID))
	o.text("callStartTime", or(s.CallStart, noTime))
	o.seconds("callWaitDuration", s.CallWait)
	o.seconds("maxCallDuration", s.MaxCall)
	o.number("lastCallTime", s.LastCallTime)
	o.text("queueId", or(s.QueueID, noID))
	o.text("queueName", s.QueueName)
	o.codes("availableCallCodes", s.Codes)
	o.codes("awaliableCallCodes", s.Codes)
	o.flag("multipleCallCodeAllow", s.ManyCodes)
	o.history("callHistory", s.History)
	o.text("crmConnectType", or(s.CardType, zero))
	o.text("crmConnectTarget", s.Card)
	o.text("callErrorID", or(s.CallErrorID, zero))
	o.text("callErrorText", s.CallError)
	if !s.PreviewUntil.IsZero() {
		o.number("previewUntil", millis(s.PreviewUntil))
	}
	if !s.CodeDueAt.IsZero() {
		o.number("codeDueAt", millis(s.CodeDueAt))
	}
	o.number("serverTime", millis(s.ServerTime))
	o.number("time", millis(s.Since))
	return append(o.b, '}')
}

func or(value, none string) string {
	if value == "" {
		return none
	}
	return value
}

func bit(on bool) byte {
	if on {
		return 1
	}
	return 0
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// object is a JSON object under construction.
type object struct{ b []byte }

func (o *object) key(k string) {
	if o.b[len(o.b)-1] != '{' {
		o.b = append(o.b, ',')
	}
	o.b = append(append(append(o.b, '"'), k...), '"', ':')
}

func (o *object) text(k, v string) {
	o.key(k)
	o.b = appendString(o.b, v)
}

func (o *object) flag(k string, on bool) {
	o.key(k)
	o.b = append(o.b, '"', '0'+bit(on), '"')
}

func (o *object) number(k string, n int64) {
	o.key(k)
	o.b = strconv.AppendInt(o.b, n, 10)
}

func (o *object) bool(k string, v bool) {
	o.key(k)
	o.b = strconv.AppendBool(o.b, v)
}

func (o *object) seconds(k string, d time.Duration) {
	o.key(k)
	o.b = append(strconv.AppendInt(append(o.b, '"'), int64(d/time.Second), 10), '"')
}

func (o *object) texts(k string, list []string) {
	o.key(k)
	o.b = append(o.b, '[')
	for i, v := range list {
		o.comma(i)
		o.b = appendString(o.b, v)
	}
	o.b = append(o.b, ']')
}

func (o *object) pauses(k string, list []Pause) {
	o.key(k)
	o.b = append(o.b, '[')
	for i, p := range list {
		o.comma(i)
		o.b = append(appendString(append(o.b, '['), p.ID), ',')
		o.b = append(appendString(o.b, p.Name), ']')
	}
	o.b = append(o.b, ']')
}

func (o *object) codes(k string, list []Code) {
	o.key(k)
	o.b = append(o.b, '[')
	for i, c := range list {
		o.comma(i)
		o.b = append(o.b, '{')
		o.text("ID", c.ID)
		o.text("Name", c.Name)
		o.text("ActionFlag", or(c.ActionFlag, zero))
		o.b = append(o.b, '}')
	}
	o.b = append(o.b, ']')
}

func (o *object) history(k string, list []PastCall) {
	o.key(k)
	o.b = append(o.b, '[')
	for i, c := range list {
		o.comma(i)
		o.b = append(o.b, '{')
		o.text("MCC_SAMPLEID", or(c.SampleID, noID))
		o.text("MCC_CHANNEL", or(c.Channel, noID))
		o.text("MCC_CALLTYPE", or(c.CallType, noID))
		o.text("MCC_CALLBACKID", or(c.CallbackID, noID))
		o.b = append(o.b, '}')
	}
	o.b = append(o.b, ']')
}

func (o *object) comma(i int) {
	if i > 0 {
		o.b = append(o.b, ',')
	}
}

const hex = "0123456789abcdef"

// appendString writes s as JSON.stringify does: only quotes, backslashes and control characters are escaped. Bytes that are
// not UTF-8 become U+FFFD.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
		}
		b = append(b, s[start:i]...)
		switch {
		case c >= utf8.RuneSelf:
			b = append(b, "\ufffd"...)
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, '\\', 'n')
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		start = i
	}
	return append(append(b, s[start:]...), '"')
}
