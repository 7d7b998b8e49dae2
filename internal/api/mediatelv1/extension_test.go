package mediatelv1_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/creditorro/ringmaster/agents"
)

const connection = "SIP:~~3444~~webrtc.example.com~~~~{g711a, g711u}"

func TestExtensions(t *testing.T) {
	each(t, func(h *house) {
		body := `{"E_ID": -1, "E_Extension": "3444", "Protocol": "SIP", "E_Type": "GlobalCall", "E_Description": "desk",
			"E_DialOutIdentities": ["1111"],
			"ContactDisplay": "x", "ConnectionType": 2, "DTMFSupport": true, "FromDisplay": null, "Payload": 101, "DestAddress": "` +
			connection + `"}`
		made := h.do("POST", "/v1/extensions", body)[0]
		var want map[string]any
		h.must(json.Unmarshal([]byte(body), &want))
		want["E_ID"], want["Destination"], want["Codecs"] = made["E_ID"], connection, []any{"g711a", "g711u"}
		want["Network"], want["Options"], want["NailedUp"], want["AgentID"] = "sip", 1.0, 0.0, 0.0
		if !reflect.DeepEqual(made, want) {
			h.t.Errorf("made\n%v, want\n%v", made, want)
		}
		x, err := h.store.Agents.ExtensionByName(ctx, "3444")
		h.must(err)
		if x.Number != "3444" || x.Server != "webrtc.example.com" || !slices.Equal(x.Codecs, []string{"g711a", "g711u"}) {
			h.t.Errorf("stored %+v", x)
		}
		path := fmt.Sprintf("/v1/extensions/%d", x.ID)
		if got := h.do("PUT", path, `{"Destination": "SIP:~~3445~~~~~~{g711u}"}`)[0]; got["DestAddress"] != "SIP:~~3445~~~~~~{g711u}" ||
			got["E_Extension"] != "3444" || got["E_Type"] != "GlobalCall" {
			h.t.Errorf("changed %v", got)
		}
		if got := h.do("PUT", path, `{"DestAddress": 3446, "Codecs": "g711a, g711u"}`)[0]; got["Destination"] != "SIP:~~3446~~~~~~{g711a, g711u}" {
			h.t.Errorf("changed %v", got)
		}
		whole, err := json.Marshal(h.do("GET", path, "")[0])
		h.must(err)
		changed := strings.Replace(string(whole), "3446~~~~~~{g711a, g711u}", "3447~~~~~~{g711u}", 1)
		if got := h.do("PUT", path, changed)[0]; got["Destination"] != "SIP:~~3447~~~~~~{g711u}" {
			h.t.Errorf("one of two changed: %v", got)
		}
		if list := h.do("GET", "/v1/extensions", ""); len(list) != 1 {
			h.t.Errorf("listed %v", list)
		}
		taken, err := h.store.Agents.TakeExtension(ctx, h.agent.ID, "3444")
		h.must(err)
		if got := h.do("GET", path, "")[0]; got["AgentID"] != float64(h.agent.ID) {
			h.t.Errorf("taken %v", got)
		}
		h.refused("DELETE", path, "", http.StatusConflict, 106, "logged on")
		h.refused("PUT", path, `{"E_Extension": "9"}`, http.StatusConflict, 106, "logged on")
		h.do("PUT", path, `{"E_Description": "window"}`)
		if got := h.do("PUT", path, `{"NailedUp": 1}`)[0]; got["NailedUp"] != 1.0 || got["E_Description"] != "window" {
			h.t.Errorf("nailed up: %v", got)
		}
		if x, err := h.store.Agents.ExtensionByName(ctx, "3444"); err != nil || !x.NailedUp {
			h.t.Errorf("stored %+v, %v", x, err)
		}
		h.must(h.store.Agents.ReleaseExtension(ctx, taken))
		if got := h.do("DELETE", path, ""); len(got) != 0 {
			h.t.Errorf("deleting answers %v", got)
		}
		h.refused("GET", path, "", http.StatusNotFound, 100, "no such extension")
	})
}

// TestFourteenFields: whatever is said of an extension is given back as it was said, also what is empty.
func TestFourteenFields(t *testing.T) {
	each(t, func(h *house) {
		for i, body := range []string{
			`{"E_ID":-1,"E_Extension":"3444","Protocol":"SIP","E_Type":"GlobalCall","E_Description":"","E_DialOutIdentities":"1111","ContactDisplay":"",
				"DestAddress":"192.0.2.1:5060","Destination":"~","Codecs":"{g711a, g711u}","ConnectionType":"","DTMFSupport":"","FromDisplay":"","Payload":""}`,
			`{"E_ID":-1,"E_Extension":"3445","Protocol":"","E_Type":"","E_Description":"","E_DialOutIdentities":"","ContactDisplay":"",
				"DestAddress":"","Destination":"","Codecs":"","ConnectionType":"","DTMFSupport":"","FromDisplay":"","Payload":""}`,
			`{"E_ID":-1,"E_Extension":"3446","Protocol":"sip","E_Type":0,"E_Description":null,"E_DialOutIdentities":[],"ContactDisplay":"x",
				"DestAddress":"sip:77@192.0.2.1:5060","Destination":77,"Codecs":["g711u"],"ConnectionType":1,"DTMFSupport":false,"FromDisplay":"","Payload":101}`,
		} {
			made := h.do("PATCH", "/v1/extensions", `{"Inserted":[`+body+`]}`)[0]
			var want map[string]any
			h.must(json.Unmarshal([]byte(body), &want))
			want["E_ID"], want["Network"], want["Options"], want["AgentID"] = made["E_ID"], "sip", 1.0, 0.0
			want["NailedUp"] = 0.0
			path := fmt.Sprintf("/v1/extensions/%.0f", made["E_ID"])
			if got := h.do("GET", path, "")[0]; !reflect.DeepEqual(made, want) || !reflect.DeepEqual(got, want) {
				h.t.Errorf("%d: made\n%v, read\n%v, want\n%v", i, made, got, want)
			}
			if want["Protocol"] != "SIP" {
				continue
			}
			// Sent back whole, with one field changed, the others stay.
			want["E_Description"] = "window"
			back, err := json.Marshal(want)
			h.must(err)
			if got := h.do("PUT", path, string(back))[0]; !reflect.DeepEqual(got, want) {
				h.t.Errorf("sent back\n%v, want\n%v", got, want)
			}
		}
		at := func(name string) agents.Extension {
			x, err := h.store.Agents.ExtensionByName(ctx, name)
			h.must(err)
			return x
		}
		if x := at("3444"); x.Number != "3444" || x.Server != "192.0.2.1:5060" || !slices.Equal(x.Codecs, []string{"g711a", "g711u"}) {
			h.t.Errorf("%+v", x)
		}
		if x := at("3445"); x.Number != "3445" || x.Server != "" {
			h.t.Errorf("%+v", x)
		}
		if x := at("3446"); x.Number != "77" || x.Server != "192.0.2.1:5060" {
			h.t.Errorf("%+v", x)
		}

		// What was said goes when it is no longer so.
		path := fmt.Sprintf("/v1/extensions/%d", at("3444").ID)
		if got := h.do("PUT", path, `{"Destination": "3000"}`)[0]; got["DestAddress"] != "192.0.2.1:5060" ||
			got["Destination"] != "3000" || at("3444").Number != "3000" {
			h.t.Errorf("%v, %+v", got, at("3444"))
		}
		if got := h.do("PUT", path, `{"DestAddress": "192.0.2.2:5070"}`)[0]; got["DestAddress"] != "192.0.2.2:5070" ||
			at("3444").Server != "192.0.2.2:5070" {
			h.t.Errorf("%v, %+v", got, at("3444"))
		}
		if got := h.do("PUT", path, `{"DestAddress": "", "Destination": "~"}`)[0]; got["DestAddress"] != "" ||
			got["Destination"] != "~" ||
			at("3444").Server != "" || at("3444").Number != "3444" {
			h.t.Errorf("%v, %+v", got, at("3444"))
		}
		if list := h.do("GET", "/v1/extensions?E_Extension=3445", ""); len(list) != 1 || list[0]["E_Extension"] != "3445" {
			h.t.Errorf("filtered %v", list)
		}
		x, err := h.store.Agents.CreateExtension(ctx, agents.Extension{Name: "1", Number: "1", Network: "sip"})
		h.must(err)
		shown := h.do("GET", fmt.Sprintf("/v1/extensions/%d", x.ID), "")[0]
		for _, field := range []string{"E_Extension", "Protocol", "E_Type", "E_Description", "E_DialOutIdentities", "ContactDisplay",
			"DestAddress",
			"Destination", "Codecs", "ConnectionType", "DTMFSupport", "FromDisplay", "Payload"} {
			if _, there := shown[field]; !there {
				h.t.Errorf("an extension that was not made here has no %s", field)
			}
		}
	})
}
