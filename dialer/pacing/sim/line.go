package sim

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/creditorro/ringmaster/dialer/pacing"
)

// statusNames are agents' statuses on the wire.
var statusNames = map[pacing.Status]string{pacing.Idle: "idle", pacing.Offered: "ringing", pacing.Talk: "talk",
	pacing.Wrap: "wrap", pacing.Pause: "pause"}

// Piped is a pacing at the other end of two pipes, such as `ringmaster pace`: it is asked and answers as docs/pacing.md says.
type Piped struct {
	to      io.Writer
	answers *json.Decoder
	err     error
	line    []byte
}

// NewPiped returns a pacing that is asked over to, and answers over from.
func NewPiped(to io.Writer, from io.Reader) *Piped {
	return &Piped{to: to, answers: json.NewDecoder(from)}
}

// Err is the first thing that went wrong; afterwards it originated nothing.
func (p *Piped) Err() error { return p.err }

// Originate asks.
func (p *Piped) Originate(s *pacing.Snapshot) int {
	if p.err != nil {
		return 0
	}
	p.line = appendLine(p.line[:0], s)
	if _, p.err = p.to.Write(p.line); p.err != nil {
		return 0
	}
	var answer struct {
		Originate int `json:"originate"`
	}
	p.err = p.answers.Decode(&answer)
	return answer.Originate
}

// appendLine writes a snapshot as the wire has it.
func appendLine(b []byte, s *pacing.Snapshot) []byte {
	b = fmt.Appendf(b, `{"now":%.3f,"target":%g,"ring_timeout":%.3f,"patience":%.3f,"max_new":%d,"agents":[`,
		s.Now.Seconds(), s.Cap, s.RingTimeout.Seconds(), s.Patience.Seconds(), s.MaxNew)
	for i, a := range s.Agents {
		b = fmt.Appendf(b, `%s{"id":%d,"status":%q,"for":%.3f}`, comma(i), a.ID, statusNames[a.Status], a.For.Seconds())
	}
	b = append(b, `],"calls":[`...)
	for i, c := range s.Calls {
		b = fmt.Appendf(b, `%s{"id":%d,"age":%.3f}`, comma(i), c.ID, c.Age.Seconds())
	}
	b = append(b, `],"waiting":[`...)
	for i, age := range s.Waiting {
		b = fmt.Appendf(b, `%s{"age":%.3f}`, comma(i), age.Seconds())
	}
	t := s.Totals
	b = fmt.Appendf(b, `],"total":{"dialed":%d,"answered":%d,"connected":%d,"abandoned":%d,"no_answer":%d,"busy":0,"failed":0},"done":{`,
		t.Dialed, s.Day.Answered, s.Day.Answered-s.Day.Abandoned-len(s.Waiting), s.Day.Abandoned, t.Other)
	for i, list := range []struct {
		name  string
		spans []float64
	}{
		{"ring_answered", inSeconds(s.Done.RingAnswered)}, {"ring_other", inSeconds(s.Done.RingOther)},
		{"talk", inSeconds(s.Done.Talk)}, {"wrap", inSeconds(s.Done.Wrap)},
	} {
		b = fmt.Appendf(b, `%s%q:[`, comma(i), list.name)
		for k, v := range list.spans {
			b = fmt.Appendf(b, `%s%.3f`, comma(k), v)
		}
		b = append(b, ']')
	}
	return append(b, "}}\n"...)
}

func comma(i int) string {
	if i == 0 {
		return ""
	}
	return ","
}
