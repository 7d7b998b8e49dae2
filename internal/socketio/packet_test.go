package socketio

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"
)

// nested is a placeholder in another one, of which nobody could say what it stands for.
var nested = json.RawMessage(`{"_placeholder":true,"num":0,"x":{"_placeholder":true,"num":0}}`)

func TestEncode(t *testing.T) {
	t.Parallel()
	type row struct {
		B int `json:"b"`
		A any `json:"a"`
	}
	for _, c := range []struct {
		out  outgoing
		want string // packets, joined by |
	}{
		{outgoing{name: "e"}, `42["e"]`},
		{outgoing{name: "e", namespace: "/n", ackID: 0}, `42/n,0["e"]`},
		{outgoing{name: "<\"\\\b\f\n\r\t\x01\x7f\u2028é😀\xff>"}, "42[\"<\\\"\\\\\\b\\f\\n\\r\\t\\u0001\x7f\u2028é😀\ufffd>\"]"},
		{outgoing{name: "e", args: []any{nil, true, 1, int64(1 << 53), 1.5, "x", row{1, "<&>"}, json.RawMessage(` {"z": "\u003c"} `),
			json.RawMessage(nil)}},
			`42["e",null,true,1,9007199254740992,1.5,"x",{"b":1,"a":"<&>"}, {"z": "\u003c"} ,null]`},
		{outgoing{name: "e", args: []any{[]byte("x"), 1,
			Value{json.RawMessage(`[{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]`), [][]byte{[]byte("a"), []byte("b")}}}},
			`453-["e",{"_placeholder":true,"num":0},1,[{"_placeholder":true,"num":2},{"_placeholder":true,"num":1}]]|x|a|b`},
		{outgoing{typ: packetAck, ackID: 7, args: []any{[]byte{}}}, `461-7[{"_placeholder":true,"num":0}]|`},
		{outgoing{typ: packetAck, ackID: 7}, `437[]`},
	} {
		if c.out.typ == 0 {
			c.out.typ = packetEvent
			if c.out.namespace == "" {
				c.out.ackID = noAck
			}
		}
		if c.out.namespace == "" {
			c.out.namespace = "/"
		}
		messages, err := c.out.encode()
		if err != nil {
			t.Errorf("%+v: %v", c.out, err)
			continue
		}
		var got []string
		for _, m := range messages {
			got = append(got, string(m.Data()))
		}
		if text := strings.Join(got, "|"); text != c.want {
			t.Errorf("got %q, want %q", text, c.want)
		}
	}
	for _, args := range [][]any{
		{json.RawMessage("{")}, {json.RawMessage("\"\xff\"")}, {func() {}}, {math.NaN()},
		{Value{JSON: json.RawMessage(`{"_placeholder":true,"num":0}`)}},
		{Value{nested, [][]byte{{}}}},
		{Value{}}, {[]byte{}, []byte{}, []byte{}, []byte{}, []byte{}, []byte{}, []byte{}, []byte{}, []byte{}, []byte{}, []byte{}},
	} {
		out := outgoing{typ: packetEvent, namespace: "/", ackID: noAck, name: "e", args: args}
		if _, err := out.encode(); err == nil {
			t.Errorf("%v was taken", args)
		}
	}
}

func TestPayload(t *testing.T) {
	t.Parallel()
	p := Payload{
		Args: []json.RawMessage{[]byte(`{"_placeholder":true,"num":1}`), []byte(`{"n":7}`),
			[]byte(`{"_placeholder":true,"num":9}`)},
		Attachments: [][]byte{[]byte("a"), []byte("b")},
	}
	if data, ok := p.Bytes(0); !ok || string(data) != "b" {
		t.Errorf("Bytes(0) = %q %v", data, ok)
	}
	for _, i := range []int{-1, 1, 2, 3} {
		if _, ok := p.Bytes(i); ok {
			t.Errorf("Bytes(%d) is there", i)
		}
	}
	p.Args = []json.RawMessage{nested}
	if _, ok := p.Bytes(0); ok {
		t.Error("Bytes of a placeholder in another one")
	}
	if values := jsonOf(p.Values()[0].(Value).JSON); values != string(nested) {
		t.Errorf("Values of a placeholder in another one: %s", values)
	}
	p.Args = []json.RawMessage{nil, []byte(`{"n":7}`)}
	var v struct{ N int }
	if err := p.Decode(1, &v); err != nil || v.N != 7 {
		t.Errorf("Decode: %v %v", v, err)
	}
	if err := p.Decode(5, &v); err != nil || v.N != 7 {
		t.Errorf("Decode of what is not there: %v %v", v, err)
	}
	if err := p.Decode(1, new(int)); err == nil {
		t.Error("an object was decoded into an int")
	}
}

// FuzzPacket feeds the parser: what it takes comes out of the encoder as it went in, arguments byte for byte.
func FuzzPacket(f *testing.F) {
	for _, seed := range []string{
		"0", `0{"a":1}`, "0/n,", "1", "1/n,", `2["e",1]`, `2/n,12["e",{"a":[1,"]"]}]`, `30[]`, `3/n,7["x"]`, `4{"message":"m"}`,
		`51-["e",{"_placeholder":true,"num":0}]`, `62-1[{"_placeholder":true,"num":1},[{"num":0,"_placeholder":true}]]`,
		`51-["e",{"_placeholder":true,"num":0,"x":{"_placeholder":true,"num":0}}]`,
		`2["\ud800\u2028<>"]`, `2[1,2]`, ` 2`, `2[ "e" , 1 ]`, `59-`, `2/`, `2/,["e"]`, `29007199254740993["e"]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := parsePacket(bytes.Clone(data))
		if err != nil || !bytes.Equal(data, bytes.ToValidUTF8(data, nil)) || p.typ == packetConnect || p.typ == packetDisconnect ||
			p.typ == packetConnectError {
			return
		}
		payload := Payload{Args: p.args, Attachments: make([][]byte, p.attachments)}
		for i := range p.args {
			payload.Bytes(i)
		}
		out := outgoing{typ: packetEvent, namespace: p.namespace, ackID: p.ackID, name: p.name, args: payload.Values()}
		if p.typ == packetAck || p.typ == packetBinaryAck {
			out.typ = packetAck
		}
		messages, err := out.encode()
		if err != nil {
			if strings.Contains(err.Error(), "attachments") { // one placeholder named more often than allowed
				return
			}
			t.Fatalf("%q cannot be encoded again: %v", data, err)
		}
		again, err := parsePacket(messages[0].Data()[1:])
		if err != nil {
			t.Fatalf("%q became %q: %v", data, messages[0].Data(), err)
		}
		if again.name != p.name && again.name != strings.ToValidUTF8(p.name, "\ufffd") || again.namespace != p.namespace ||
			again.ackID != p.ackID || len(again.args) != len(p.args) {
			t.Fatalf("%q became %q", data, messages[0].Data())
		}
		for i := range p.args {
			if p.attachments == 0 && !bytes.Equal(p.args[i], again.args[i]) {
				t.Fatalf("argument %d of %q became %q", i, data, again.args[i])
			}
		}
	})
}

// FuzzString has JSON strings say what encoding/json says they do.
func FuzzString(f *testing.F) {
	f.Add("<\"\\\b\f\n\r\t\x01\x7f\u2028é😀\xff>")
	f.Fuzz(func(t *testing.T, s string) {
		var back string
		if err := json.Unmarshal(appendString(nil, s), &back); err != nil || back != string([]rune(s)) {
			t.Fatalf("%q became %q: %v", s, back, err)
		}
	})
}

func BenchmarkEvent(b *testing.B) {
	b.ReportAllocs()
	data := []byte(`212["echo",{"attempt":"7241123412341234","state":"ringing"},1763820000000]`)
	for b.Loop() {
		p, err := parsePacket(data)
		if err != nil {
			b.Fatal(err)
		}
		payload := Payload{Args: p.args}
		out := outgoing{typ: packetAck, namespace: "/", ackID: p.ackID, args: payload.Values()}
		if _, err := out.encode(); err != nil {
			b.Fatal(err)
		}
	}
}
