package campaigns

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Fields of a contact that a column can fill.
const (
	fieldCRMID    = "crm_id"
	fieldName     = "name"
	fieldPhone    = "phone"
	fieldZone     = "time_zone"
	fieldPriority = "priority"
	fieldPayload  = "payload" // of JSON: an object; of CSV: a column kept under its own name
	fieldIgnore   = "ignore"
)

// recognised maps what lists call a column, folded by [fold], to its field.
var recognised = map[string]string{
	"crm id": fieldCRMID, "crmid": fieldCRMID, "id": fieldCRMID, "client id": fieldCRMID, "customer id": fieldCRMID,
	"contact id": fieldCRMID, "external id": fieldCRMID, "person id": fieldCRMID, "id клієнта": fieldCRMID, "ід": fieldCRMID,
	"ід клієнта": fieldCRMID, "код клієнта": fieldCRMID, "ид": fieldCRMID, "ид клиента": fieldCRMID, "id клиента": fieldCRMID,
	"код клиента": fieldCRMID,

	"name": fieldName, "full name": fieldName, "fullname": fieldName, "fio": fieldName, "client": fieldName, "customer": fieldName,
	"піб": fieldName, "ім'я": fieldName, "імя": fieldName, "повне ім'я": fieldName, "клієнт": fieldName,
	"фио": fieldName, "имя": fieldName, "полное имя": fieldName, "клиент": fieldName,

	"phone": fieldPhone, "phones": fieldPhone, "phone number": fieldPhone, "tel": fieldPhone, "telephone": fieldPhone,
	"mobile": fieldPhone, "mobile phone": fieldPhone, "cell": fieldPhone, "cell phone": fieldPhone, "number": fieldPhone,
	"msisdn": fieldPhone, "home phone": fieldPhone, "work phone": fieldPhone,
	"телефон": fieldPhone, "тел": fieldPhone, "номер": fieldPhone, "номер телефону": fieldPhone, "мобільний": fieldPhone,
	"мобільний телефон": fieldPhone, "домашній телефон": fieldPhone, "робочий телефон": fieldPhone, "моб": fieldPhone,
	"номер телефона": fieldPhone, "мобильный": fieldPhone, "мобильный телефон": fieldPhone, "домашний телефон": fieldPhone,
	"рабочий телефон": fieldPhone,

	"time zone": fieldZone, "timezone": fieldZone, "tz": fieldZone, "часовий пояс": fieldZone, "часовой пояс": fieldZone,

	"priority": fieldPriority, "пріоритет": fieldPriority, "приоритет": fieldPriority,
}

// fold makes "Phone_2", "PHONE 2" and "phone2." one name: small letters, single blanks, without a counting number.
func fold(header string) string {
	header = strings.Map(func(r rune) rune {
		switch {
		case r == '’' || r == 'ʼ' || r == '`':
			return '\''
		case r == '_' || r == '-' || r == '.' || r == '№' || r == '#' || unicode.IsSpace(r) || unicode.Is(unicode.Cf, r):
			return ' '
		}
		return unicode.ToLower(r)
	}, header)
	return strings.Join(strings.Fields(strings.TrimRight(header, "0123456789 ")), " ")
}

// fieldOf says where a column goes: a field and, for the payload, the key.
func fieldOf(header string, mapping map[string]string) (field, key string) {
	if to, ok := mapping[header]; ok {
		if key, ok := strings.CutPrefix(to, "payload."); ok {
			return fieldPayload, key
		}
		return to, header
	}
	if strings.EqualFold(header, fieldPayload) {
		return fieldPayload, header
	}
	if field, ok := recognised[fold(header)]; ok {
		return field, header
	}
	return fieldPayload, header
}

// target is where one column goes.
type target struct{ field, key string }

// targets says where all columns of a list go. Where two names are recognised as the same field, the one that is called
// exactly like it, or else the first, is meant; the other stays in the payload under its own name.
func targets(names []string, mapping map[string]string) []target {
	found := make([]target, len(names))
	winner := make(map[string]int, 4)
	for i, name := range names {
		found[i].field, found[i].key = fieldOf(name, mapping)
		_, mapped := mapping[name]
		field := found[i].field
		if mapped || field == fieldPhone || field == fieldPayload {
			continue
		}
		at, taken := winner[field]
		switch {
		case !taken:
			winner[field] = i
		case strings.ReplaceAll(fold(name), " ", "_") == field:
			winner[field] = i
			found[at] = target{fieldPayload, names[at]}
		default:
			found[i] = target{fieldPayload, name}
		}
	}
	return found
}

// checkMapping refuses fields that do not exist.
func checkMapping(mapping map[string]string) error {
	known := []string{fieldCRMID, fieldName, fieldPhone, fieldZone, fieldPriority, fieldPayload, fieldIgnore}
	if len(mapping) > maxColumns {
		return fmt.Errorf("%w: mapping of %d columns: want at most %d", ErrList, len(mapping), maxColumns)
	}
	for header, field := range mapping {
		key, ok := strings.CutPrefix(field, "payload.")
		if ok && key != "" && len(key) <= 100 || slices.Contains(known, field) {
			continue
		}
		return fmt.Errorf("%w: mapping of %.60q to %.60q: want one of %s, payload.KEY", ErrList, header, field, strings.Join(known, ", "))
	}
	return nil
}

// set fills one of the contact's plain fields.
func (l *Line) set(field, value string) error {
	c := &l.Contact
	switch field {
	case fieldCRMID:
		if utf8.RuneCountInString(value) > maxCRMID || strings.ContainsFunc(value, unicode.IsControl) {
			return fmt.Errorf("crm_id: want at most %d characters on one line", maxCRMID)
		}
		c.CRMID = value
	case fieldName:
		if utf8.RuneCountInString(value) > maxName {
			return fmt.Errorf("name: want at most %d characters", maxName)
		}
		if strings.ContainsFunc(value, unicode.IsControl) {
			value = strings.Join(strings.FieldsFunc(value, func(r rune) bool { return unicode.IsControl(r) || r == ' ' }), " ")
		}
		c.Name = value
	case fieldZone:
		if value == "" {
			return nil
		}
		if _, err := zone(value); err != nil {
			return fmt.Errorf("time_zone %.64q: want an IANA name such as Europe/Kyiv", value)
		}
		c.TimeZone = value
	case fieldPriority:
		if value == "" {
			return nil
		}
		n, err := strconv.Atoi(value)
		if err != nil || n < -100 || n > 100 {
			return fmt.Errorf("priority %.20q: want a whole number from -100 to 100", value)
		}
		c.Priority = n
	}
	return nil
}

// addPhones takes the numbers of one field; lists often put several into one. What cannot be read becomes a warning, and
// the line is refused only if no number remains.
func (l *Line) addPhones(value, label, region string) {
	rest := strings.TrimSpace(value)
	for rest != "" {
		one := rest
		if i := strings.IndexAny(rest, ",;/|\n"); i >= 0 && !oneNumber(rest, i, region) {
			one, rest = strings.TrimSpace(rest[:i]), strings.TrimSpace(rest[i+1:])
		} else {
			rest = ""
		}
		if one == "" || one == "-" || one == "—" {
			continue
		}
		number, err := NormalizeNumber(one, region)
		switch {
		case err != nil:
			l.Warnings = append(l.Warnings, err.Error())
		case l.has(number):
		case len(l.Contact.Phones) >= maxPhones:
			l.Warnings = append(l.Warnings, fmt.Sprintf("number %s left out: a contact has at most %d", number, maxPhones))
			return
		default:
			l.Contact.Phones = append(l.Contact.Phones, Phone{Number: number, Label: label})
		}
		if len(l.Warnings) > maxPhones {
			return
		}
	}
}

// oneNumber reports whether the separator at i belongs to the number: the decimal comma of 3,80501E+11 (one number, and
// lost), or the stroke of 044/1234567.
func oneNumber(s string, i int, region string) bool {
	if s[i] == '/' && !strings.ContainsAny(s, ",;|\n") {
		_, err := NormalizeNumber(s, region)
		return err == nil
	}
	return s[i] == ',' && i <= 2 && strings.ContainsAny(s[i:], "eE")
}

func (l *Line) has(number string) bool {
	return slices.ContainsFunc(l.Contact.Phones, func(p Phone) bool { return p.Number == number })
}

// finish completes the contact, or says why it is none.
func (l *Line) finish(payload []byte) error {
	if len(l.Contact.Phones) == 0 {
		if len(l.Warnings) > 0 {
			return fmt.Errorf("no phone can be called: %s", strings.Join(l.Warnings, "; "))
		}
		return fmt.Errorf("no phone")
	}
	if len(payload) > maxPayload {
		return fmt.Errorf("payload of %d bytes: want at most %d", len(payload), maxPayload)
	}
	if len(payload) > 0 {
		l.Contact.Payload = json.RawMessage(payload)
	}
	l.Contact.State = Waiting
	return nil
}
