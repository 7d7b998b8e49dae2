package campaigns

import (
	"encoding/json"
	"testing"
)

func TestCardLinkFor(t *testing.T) {
	contact := &Contact{ID: 7, CRMID: "A/17", Name: "Ім'я & Co", Payload: json.RawMessage(
		`{"contract":"UA 1?x=1","balance":12.50,"vip":true,"none":null,"list":[1],"брaт":"так"}`)}
	c := &Campaign{ID: 3, Queue: "AUTO_1"}
	tests := []struct {
		name, template string
		contact        *Contact
		want           string
	}{
		{"none", "", contact, ""},
		{"no placeholder", "https://crm.example/desk", contact, "https://crm.example/desk"},
		{"in the path", "https://crm.example/c/{crm_id}/open", contact, "https://crm.example/c/A%2F17/open"},
		{"in the query",
			"https://crm.example/?n={number}&a={attempt_id}&t={calltraceid}&u={agent}&q={queue}&c={campaign_id}&i={contact_id}", contact,
			"https://crm.example/?n=%2B380501234567&a=11&t=12&u=olena&q=AUTO_1&c=3&i=7"},
		{"escaped", "https://crm.example/?n={name}", contact, "https://crm.example/?n=%D0%86%D0%BC%27%D1%8F%20%26%20Co"},
		{"payload", "/card?c={payload.contract}&b={payload.balance}&v={payload.vip}", contact, "/card?c=UA%201%3Fx%3D1&b=12.50&v=true"},
		{"payload without a plain value", "/card?a={payload.none}&b={payload.list}&c={payload.missing}", contact, "/card?a=&b=&c="},
		{"payload key in letters", "/card?a={payload.брaт}", contact, "/card?a=%D1%82%D0%B0%D0%BA"},
		{"no contact", "/card?id={crm_id}&i={contact_id}&n={number}&p={payload.x}", nil, ""},
		{"no contact, and nothing asked of one", "/card?n={number}&c={calltraceid}", nil, "/card?n=%2B380501234567&c=12"},
		{"no id of the CRM's", "/card/{crm_id}", &Contact{ID: 7}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c.CardLink = tt.template
			if tt.template != "" {
				if err := checkTemplate(tt.template, cardFields, true); err != nil {
					t.Fatalf("template refused: %v", err)
				}
			}
			if got := CardLinkFor(c, tt.contact, "+380501234567", "11", "12", "olena"); got != tt.want {
				t.Errorf("got %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestScriptFor(t *testing.T) {
	c := &Campaign{Queue: "AUTO_1", Script: "Good day, {name}!\nContract {payload.contract}, {payload.none}: {number}. – {agent}"}
	contact := &Contact{Name: "Ann & Co", Payload: json.RawMessage(`{"contract":"UA 1"}`)}
	if got, want := ScriptFor(c, contact, "+380501234567", "olena"),
		"Good day, Ann & Co!\nContract UA 1, : +380501234567. – olena"; got != want {
		t.Errorf("got %q", got)
	}
	if got, want := ScriptFor(c, nil, "+380501234567", "olena"), "Good day, !\nContract , : +380501234567. – olena"; got != want {
		t.Errorf("of nobody known: %q", got)
	}
}

// TestCardLinkWaits: a link is there once all that it names is known, and a call without a contact has that for unknown numbers.
func TestCardLinkWaits(t *testing.T) {
	contact := &Contact{ID: 7, CRMID: "17"}
	for _, row := range []struct {
		card, unknown, trace string
		contact              *Contact
		want                 string
	}{
		{"/card/{crm_id}?call={calltraceid}", "", "", contact, ""},
		{"/card/{crm_id}?call={calltraceid}", "", "12", contact, "/card/17?call=12"},
		{"/card/{crm_id}", "/find?n={number}", "", contact, "/card/17"},
		{"/card/{crm_id}", "/find?n={number}", "", nil, "/find?n=%2B380501234567"},
		{"/card/{crm_id}", "/find?n={number}&c={calltraceid}", "", nil, ""},
		{"/card/{crm_id}", "/find?n={number}&c={calltraceid}", "12", nil, "/find?n=%2B380501234567&c=12"},
		{"/call?n={number}", "/find?n={number}", "", nil, "/find?n=%2B380501234567"},
		{"/card/{crm_id}", "/find?n={number}", "", &Contact{ID: 7}, "/find?n=%2B380501234567"},
		{"", "/find?n={number}", "", contact, ""},
		{"", "/find?n={number}", "", nil, "/find?n=%2B380501234567"},
	} {
		c := &Campaign{ID: 3, Queue: "AUTO_1", CardLink: row.card, CardLinkUnknown: row.unknown}
		if got := CardLinkFor(c, row.contact, "+380501234567", "11", row.trace, "olena"); got != row.want {
			t.Errorf("%+v: %q", row, got)
		}
	}
}

func TestRecordingLinkFor(t *testing.T) {
	c := &Campaign{RecordingLink: "https://rec.example/records/mediatel-record?calltraceID={calltraceid}"}
	const want = "https://rec.example/records/mediatel-record?calltraceID=1000000001"
	if got := RecordingLinkFor(c, "1000000001"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := RecordingLinkFor(c, ""); got != "" {
		t.Errorf("a link without a calltraceid: %s", got)
	}
}

func TestTemplatesRefused(t *testing.T) {
	for _, template := range []string{
		"javascript:alert({crm_id})", "//evil.example/{crm_id}", `/\evil.example/{crm_id}`, "crm.example/{crm_id}", "https://{crm_id}/",
		"https://crm.example{crm_id}",
		"https://crm.example:{crm_id}/", "https://crm.example@{crm_id}/", "https://crm.example/{password}",
		"https://crm.example/{crm_id", "https://crm.example/{}",
		"https://crm.example/{payload.}", "https://crm.example/a b", "https://crm.example/\n{crm_id}", "ftp://crm.example/{crm_id}",
		"{crm_id}", "https:///{crm_id}",
	} {
		if err := checkTemplate(template, cardFields, true); err == nil {
			t.Errorf("%q is accepted", template)
		}
	}
	if err := checkTemplate("https://rec.example/{crm_id}", []string{"calltraceid"}, false); err == nil {
		t.Error("a recording's link takes {crm_id}")
	}
}
