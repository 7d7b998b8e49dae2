package lists

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/creditorro/ringmaster/campaigns"
)

// Fields that a column can fill.
const (
	fieldCRMID      = "crm_id"
	fieldName       = "name"
	fieldLastName   = "last_name" // the three are joined in the list's order
	fieldFirstName  = "first_name"
	fieldMiddleName = "middle_name"
	fieldPhone      = "phone"
	fieldLabel      = "phone_label"  // of the phone column that is called alike
	fieldCountry    = "country"      // where the line's national numbers are at home; stays in the payload too
	fieldCode       = "phone_code"   // beside the number: a country's code or an area's
	fieldCalling    = "country_code" // certainly a country's
	fieldArea       = "area_code"    // certainly an area's
	fieldExtension  = "extension"
	fieldZone       = "time_zone"
	fieldPriority   = "priority"
	fieldPayload    = "payload" // of JSON: an object; of a table: a column kept under its own name
	fieldIgnore     = "ignore"
)

// Fields are what a mapping may name, beside payload.KEY.
var Fields = []string{fieldCRMID, fieldName, fieldLastName, fieldFirstName, fieldMiddleName, fieldPhone, fieldLabel, fieldCountry,
	fieldCode,
	fieldCalling, fieldArea, fieldExtension, fieldZone, fieldPriority, fieldPayload, fieldIgnore}

// checkMapping refuses fields that do not exist.
func checkMapping(mapping map[string]string) error {
	if len(mapping) > maxColumns {
		return unreadable(whyMappingLong(len(mapping), maxColumns))
	}
	for header, field := range mapping {
		key, ok := strings.CutPrefix(field, "payload.")
		if ok && key != "" && len(key) <= 100 || slices.Contains(Fields, field) {
			continue
		}
		return unreadable(whyMapping(clip(header), clip(field), slices.Concat(Fields, []string{"payload.KEY"})))
	}
	return nil
}

// draft is a contact on its way: what one line's columns say, before they are joined.
type draft struct {
	line      *campaigns.Line
	names     []string // of their own columns
	locale    locale
	badLocale string // a country that is not known
	phones    []phoneCell
	ext       string
	texts     []string // the line's cells, for labels
	people    bool     // a CRM id alone will do
}

type phoneCell struct {
	value, label string
	labels       string // of the column beside it: "Home", or "Home ::: Work"
}

// set fills one plain field.
func (d *draft) set(field, value string) problem {
	c := &d.line.Contact
	switch field {
	case fieldCRMID:
		return d.setCRMID(value)
	case fieldName, fieldLastName, fieldFirstName, fieldMiddleName:
		value = oneLine(value)
		if utf8.RuneCountInString(value) > maxName {
			return refuse("name_long", whyName(maxName))
		}
		if field == fieldName {
			c.Name = value
		} else if value != "" {
			d.names = append(d.names, value)
		}
	case fieldCountry, fieldCode, fieldCalling, fieldArea:
		d.setLocale(field, value)
	case fieldExtension:
		d.ext = digitsOf(value)
	case fieldZone:
		if isNothing(value) {
			return problem{}
		}
		if campaigns.CheckZone(value) != nil {
			return refuse("time_zone", whyZone(clip(value)))
		}
		c.TimeZone = value
	case fieldPriority:
		if isNothing(value) {
			return problem{}
		}
		n, err := strconv.Atoi(value)
		if err != nil || n < -100 || n > 100 {
			return refuse("priority", whyPriority(clip(value)))
		}
		c.Priority = n
	}
	return problem{}
}

// setCRMID refuses ids that a spreadsheet has rounded: those of many people would become one.
func (d *draft) setCRMID(value string) problem {
	if value != "0" && isNothing(value) { // as a number 0 is nobody's, as an id it may be somebody's
		return problem{}
	}
	if !strings.ContainsAny(value, ".,+") {
		// as it is, which the most are
	} else if m := scientific.FindStringSubmatch(value); m != nil {
		digits, whole := expand(m)
		if !whole {
			return refuse("crm_id_scientific", whyCRMIDRounded(clip(value)))
		}
		value = digits
	} else if m := float.FindStringSubmatch(value); m != nil && strings.Contains(value, ".") {
		value = m[1]
	}
	if utf8.RuneCountInString(value) > maxCRMID || strings.ContainsFunc(value, unicode.IsControl) {
		return refuse("crm_id_long", whyCRMID(maxCRMID))
	}
	d.line.Contact.CRMID = value
	return problem{}
}

func (d *draft) setLocale(field, value string) {
	value = strings.TrimSpace(value)
	digits := digitsOf(value)
	switch {
	case isNothing(value):
	case field == fieldCountry && digits == "":
		if region := regionNamed(value); region != "" {
			d.locale.region = region
		} else {
			d.locale.region, d.badLocale = "", value
		}
	case digits == "":
		if region := regionNamed(value); region != "" && field != fieldArea { // "PL" in a column called country code
			d.locale.region = region
		}
	default:
		d.locale.code = value
		d.locale.area = field == fieldArea || strings.HasPrefix(digits, "0") && !strings.HasPrefix(digits, "00")
		d.locale.country = !d.locale.area && (field == fieldCountry || field == fieldCalling)
	}
}

func oneLine(value string) string {
	if !strings.ContainsFunc(value, unicode.IsControl) {
		return value
	}
	return strings.Join(strings.FieldsFunc(value, func(r rune) bool { return unicode.IsControl(r) || r == ' ' }), " ")
}

// readPhones takes the numbers of all phone columns. What cannot be read becomes a warning.
func (d *draft) readPhones() (first problem) {
	l := d.line
	for _, cell := range d.phones {
		if cell.value == "" {
			continue
		}
		found, problems := readPhones(cell.value, d.locale)
		var labels []string
		if cell.labels != "" {
			labels = strings.Split(cell.labels, ":::")
		}
		for i, phone := range found {
			if len(labels) > 0 && phone.Label == "" {
				phone.Label = oneLine(strings.Trim(labels[min(i, len(labels)-1)], " *"))
			}
			if phone.Label == "" {
				phone.Label = cell.label
			}
			if len(phone.Label) > 100 {
				phone.Label = strings.ToValidUTF8(phone.Label[:100], "")
			}
			switch {
			case slices.ContainsFunc(l.Contact.Phones, func(p campaigns.Phone) bool { return p.Number == phone.Number }):
			case len(l.Contact.Phones) >= maxPhones:
				l.Warnings = append(l.Warnings, whyLeftOut(phone.Number, maxPhones))
			default:
				l.Contact.Phones = append(l.Contact.Phones, phone)
			}
		}
		for _, p := range problems {
			if first.code == "" {
				first = p
			}
			l.Warnings = append(l.Warnings, p.why)
		}
		if len(l.Warnings) > maxPhones {
			break
		}
	}
	if d.ext != "" && len(d.ext) < 8 && len(l.Contact.Phones) > 0 && l.Contact.Phones[0].Extension == "" {
		l.Contact.Phones[0].Extension = d.ext
	}
	return first
}

// finish completes the contact, or says why it is none.
func (d *draft) finish(payload []byte) problem {
	l := d.line
	if l.Contact.Name == "" {
		l.Contact.Name = strings.Join(d.names, " ")
	}
	first := d.readPhones()
	somebody := d.people && l.Contact.CRMID != ""
	if len(l.Contact.Phones) == 0 && !somebody {
		switch {
		case slices.ContainsFunc(d.texts, isTotal):
			return refuse("total_row", whyTotals)
		case first.code == "":
			return refuse("no_phone", whyNoPhone)
		case d.badLocale != "":
			return refuse("country", whyNoCountry(clip(d.badLocale)))
		}
		first.why = whyNoneCallable(l.Warnings)
		return first
	}
	if utf8.RuneCountInString(l.Contact.Name) > maxName {
		return refuse("name_long", whyName(maxName))
	}
	if len(payload) > maxPayload {
		return refuse("payload_long", whyPayloadLong(len(payload), maxPayload))
	}
	if len(payload) > 0 {
		l.Contact.Payload = json.RawMessage(payload)
	}
	l.Contact.State = campaigns.Waiting
	return problem{}
}

// isTotal recognises the first cell of a line of sums.
func isTotal(cell string) bool {
	cell = strings.ToLower(strings.TrimRight(cell, " :.0123456789"))
	return slices.Contains([]string{"разом", "всього", "усього", "загалом", "підсумок", "итого", "всего", "total", "grand total",
		"sum", "totals", "razem", "suma", "summe",
		"gesamt", "общий итог", "сума", "сумма", "загальний підсумок"}, cell)
}
