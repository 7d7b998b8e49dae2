package campaigns

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/creditorro/ringmaster/internal/reason/field"
)

// maxTemplate bounds a link template, in bytes.
const maxTemplate = 2000

// cardFields are the placeholders of a card link besides {payload.KEY}; unknownFields are those that are known of a call without
// a contact; a recording link knows only calltraceid.
var (
	cardFields    = []string{"agent", "attempt_id", "calltraceid", "campaign_id", "contact_id", "crm_id", "name", "number", "queue"}
	unknownFields = []string{"agent", "attempt_id", "calltraceid", "campaign_id", "number", "queue"}
)

// CardLinkFor fills in the campaign's CardLink: the CRM page that is pushed to the agent with the call. The template's
// placeholders are {crm_id}, {contact_id}, {name}, {number}, {attempt_id}, {calltraceid}, {campaign_id}, {queue}, {agent}
// (the login) and {payload.KEY}; every value is escaped for use in a path or a query (RFC 3986). A contact's name or payload
// that lacks what is asked for gives an empty value.
//
// There is no link before all that the template names is known, the calltraceid among it: it is asked for again when that
// comes. Where the contact is nil, or lacks the id that is asked for, CardLinkUnknown is filled in instead; without one, there
// is a link only if the template asks nothing of a contact.
func CardLinkFor(c *Campaign, contact *Contact, number, attemptID, trace, agentLogin string) string {
	template := CardTemplate(c, contact)
	if asks(template, "calltraceid") && trace == "" || asks(template, "number") && number == "" {
		return ""
	}
	values := valuesOf(c, contact, number, attemptID, trace, agentLogin)
	return fill(template, func(field string) string {
		// QueryEscape's "+" means a blank in a query only; %20 means it everywhere.
		return strings.ReplaceAll(url.QueryEscape(values(field)), "+", "%20")
	})
}

// valuesOf is what the placeholders of a card link and of a script stand for.
func valuesOf(c *Campaign, contact *Contact, number, attemptID, trace, agentLogin string) func(field string) string {
	if contact == nil {
		contact = &Contact{}
	}
	var payload map[string]json.RawMessage
	return func(field string) string {
		switch field {
		case "crm_id":
			return contact.CRMID
		case "contact_id":
			if contact.ID == 0 {
				return ""
			}
			return strconv.FormatInt(contact.ID, 10)
		case "name":
			return contact.Name
		case "number":
			return number
		case "attempt_id":
			return attemptID
		case "calltraceid":
			return trace
		case "campaign_id":
			return strconv.FormatInt(c.ID, 10)
		case "queue":
			return c.Queue
		case "agent":
			return agentLogin
		}
		if payload == nil {
			payload = map[string]json.RawMessage{}
			_ = json.Unmarshal(contact.Payload, &payload) // not an object: no keys
		}
		return plain(payload[strings.TrimPrefix(field, "payload.")])
	}
}

// CardTemplate is the template that a call with this contact, or with none, is shown by; empty: there is none.
func CardTemplate(c *Campaign, contact *Contact) string {
	ofContact := asks(c.CardLink, "crm_id") || asks(c.CardLink, "contact_id") || asks(c.CardLink, "name") ||
		strings.Contains(c.CardLink, "{payload.")
	switch {
	case contact == nil && c.CardLinkUnknown != "":
		return c.CardLinkUnknown
	case contact == nil && ofContact, contact != nil && contact.CRMID == "" && asks(c.CardLink, "crm_id"):
		return c.CardLinkUnknown
	}
	return c.CardLink
}

func asks(template, field string) bool { return strings.Contains(template, "{"+field+"}") }

// RecordingLinkFor fills in the campaign's RecordingLink. Without a calltraceid there is no recording, and no link.
func RecordingLinkFor(c *Campaign, trace string) string {
	if trace == "" {
		return ""
	}
	return fill(c.RecordingLink, func(string) string { return trace })
}

// maxScript bounds a script, in bytes.
const maxScript = 20_000

// scriptFields are the placeholders of a script besides {payload.KEY}.
var scriptFields = []string{"agent", "crm_id", "name", "number", "queue"}

// ScriptFor fills in the campaign's Script: what the agent says, as plain text. What is not known of the contact is left empty.
func ScriptFor(c *Campaign, contact *Contact, number, agentLogin string) string {
	return fill(c.Script, valuesOf(c, contact, number, "", "", agentLogin))
}

// checkScript refuses what is too long, and placeholders that nobody fills in.
func checkScript(script string) error {
	if len(script) > maxScript {
		return badField(field.Bytes(0, maxScript))
	}
	if !utf8.ValidString(script) || strings.ContainsFunc(script,
		func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' }) {
		return badField(field.NoControl)
	}
	return checkPlaceholders(script, scriptFields, true)
}

// fill replaces each {field} by its value.
func fill(template string, value func(field string) string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(template, "{")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		field, after, _ := strings.Cut(rest, "}")
		b.WriteString(value(field))
		template = after
	}
}

// plain is a payload value as a person would write it; objects, lists and null are nothing.
func plain(raw json.RawMessage) string {
	if len(raw) == 0 {
		return ""
	}
	switch raw[0] {
	case '"':
		var s string
		_ = json.Unmarshal(raw, &s) // the payload was valid as a whole
		return s
	case '{', '[', 'n':
		return ""
	}
	return string(raw)
}

// checkTemplate refuses a link that a browser should not be sent to, and placeholders that nobody fills in.
func checkTemplate(template string, fields []string, payload bool) error {
	if len(template) > maxTemplate {
		return badField(field.Bytes(1, maxTemplate))
	}
	if strings.ContainsFunc(template, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }) {
		return badField(whyLinkBlank)
	}
	if err := checkPlaceholders(template, fields, payload); err != nil {
		return err
	}
	// What precedes the first placeholder must name the host already: contacts must not choose where agents are sent.
	fixed, _, _ := strings.Cut(template, "{")
	u, err := url.Parse(fixed)
	switch {
	case err != nil:
		return badField(whyNotLink)
	case u.User != nil:
		return badField(whyLinkUser) // https://crm@evil is evil's
	case strings.HasPrefix(fixed, "/") && !strings.HasPrefix(fixed, "//") && !strings.HasPrefix(fixed, `/\`):
		return nil
	case (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" &&
		(u.Path != "" || u.RawQuery != "" || fixed == template):
		return nil
	}
	return badField(whyLinkHost)
}

// checkPlaceholders refuses those that nobody fills in.
func checkPlaceholders(template string, fields []string, payload bool) error {
	for rest := template; ; {
		_, after, ok := strings.Cut(rest, "{")
		if !ok {
			return nil
		}
		name, tail, closed := strings.Cut(after, "}")
		known := slices.Contains(fields, name)
		if key, isPayload := strings.CutPrefix(name, "payload."); isPayload && payload && key != "" {
			known = true
		}
		if !closed || !known {
			return badField(whyPlaceholder(placeholders(fields, payload)))
		}
		rest = tail
	}
}

// CheckCard refuses a link that came from elsewhere, such as a Mediatel, unless it is one that a campaign could have had: an
// agent's page opens it.
func CheckCard(link string) error {
	if strings.ContainsAny(link, "{}") { // in a link that is filled they stand for themselves
		link = strings.NewReplacer("{", "%7B", "}", "%7D").Replace(link)
	}
	return checkTemplate(link, nil, false)
}

func placeholders(fields []string, payload bool) []string {
	if payload {
		fields = append(slices.Clone(fields), "payload.KEY")
	}
	s := make([]string, len(fields))
	for i, f := range fields {
		s[i] = "{" + f + "}"
	}
	return s
}
