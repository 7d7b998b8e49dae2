package lists

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/creditorro/ringmaster/internal/reason"
)

// tokens are the words of a column's name: small letters without accents, without counting numbers. "MobilePhone", "mobile_phone
// 2" and "Mobile-Phone" are the same two words.
func tokens(name string) []string {
	var words []string
	var word []rune
	end := func() {
		if len(word) > 0 {
			words = append(words, string(word))
			word = word[:0]
		}
	}
	var previous rune
	for _, r := range norm.NFC.String(name) {
		switch {
		case r == '’' || r == 'ʼ' || r == '`' || r == '\'':
			word = append(word, '\'')
		case !unicode.IsLetter(r):
			if !unicode.Is(unicode.Mn, r) && !unicode.Is(unicode.Cf, r) {
				end()
			}
		default:
			if unicode.IsUpper(r) && unicode.IsLower(previous) {
				end()
			}
			word = append(word, plainLetter(unicode.ToLower(r)))
		}
		previous = r
	}
	end()
	return words
}

// plainLetter takes accents from Latin letters; й and ї are letters of their own.
func plainLetter(r rune) rune {
	if r == 'ł' {
		return 'l'
	}
	if r < 0x250 {
		if d := []rune(norm.NFD.String(string(r))); len(d) > 0 {
			return d[0]
		}
	}
	return r
}

// stem reports whether a word begins with one of these; a stem with a trailing dot is the whole word.
func stem(word string, stems string) bool {
	for s := range strings.FieldsSeq(stems) {
		if whole, exact := strings.CutSuffix(s, "."); exact && word == whole || !exact && strings.HasPrefix(word, s) {
			return true
		}
	}
	return false
}

func anyStem(words []string, stems string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return stem(w, stems) })
}

// Stems of columns' names in the languages that lists come in.
const (
	phoneStems = `phone telephon telefon telefono telef. tel. tele. mob. mobil movil mobtel cell. cellphone celular cellul handy. msisdn gsm. rufnummer fono. komork
		телеф тел. тлф. моб. мобіл мобил сотов стільник whatsapp. viber. вайбер ватсап контактний. контактный.`
	weakStems    = `number. numer. nummer. nr. no. номер контакт contact contacts kontakt контактний. контактный. whatsapp. viber. вайбер ватсап portable.`
	notPhoneWord = `type. kind. label. тип вид. статус status valid verif перевір провер consent згод соглас дата date. date time. час. время comment note. notes. приміт
		примеч комент коммент carrier. provider. operator. fax факс count. кількіс количес model. модель brand bill. price. last. останн послед call. calls. email. mail. url.
		do. not. оператор code. код. ext. extension. доб. внутр country. zone. region. blocked. opt. optin. optout. flag. result результат hash. id. ід. ид. address адрес owner. owned`
	thirdParty = `manager менедж agent. агент агента. supervisor керівн руковод guarant поручит relative родич родств spouse emergency екстрен employer роботодав работодат
		бухгалт director директор branch відділен отделен support hotline reference referr witness свідк assigned відповідальн ответств куратор`
	idStems   = `id. ід. ид. uid. uuid. guid. key. код. code. ключ`
	idOwners  = `client customer contact contacts crm external person debtor borrower lead. client. клієнт клиент контрагент боржник должник особ контакт person. kunde klient`
	neverCall = `inn. iban. інн. инн. іпн. рнокпп. єдрпоу. едрпоу. card. карт contract договор договір dohovir passport паспорт account. рахун счет. сума. сумма. sum. amount borg борг долг. debt date. дата
		id. ід. ид. code. код. pesel. nip. regon. ssn. invoice рахунок`
)

var none reason.Reason

// kindOf goes by a column's name alone: a field, and whether its values have to confirm it.
func kindOf(name string) (field string, weak bool, note reason.Reason) {
	words := tokens(name)
	folded := strings.Join(words, " ")
	if len(words) == 0 {
		return fieldPayload, false, none
	}
	phone := anyStem(words, phoneStems)
	switch {
	case folded == "payload":
		return fieldPayload, false, none
	case slices.Contains([]string{"country code", "countrycode", "код країни", "код страны", "calling code", "dial code",
		"dialing code", "phone country code", "isd code",
		"country calling code", "телефонний код країни"}, folded):
		return fieldCalling, false, none
	case slices.Contains([]string{"area code", "city code", "код міста", "код города", "phone area code", "код оператора",
		"код области", "код області"}, folded):
		return fieldArea, false, none
	case slices.Contains([]string{"phone code", "phone prefix", "код телефону", "код телефона", "телефонний код", "телефонный код",
		"prefix", "код", "mobile code", "tel code"}, folded):
		return fieldCode, true, none
	case slices.Contains([]string{"phone ext", "phone extension", "ext", "extension", "tel ext", "доб", "добавочный", "додатковий",
		"внутрішній номер", "внутренний номер"}, folded):
		return fieldExtension, true, none
	case phone && anyStem(words, thirdParty):
		return fieldPayload, false, whyThirdParty
	case phone && anyStem(words, "type. kind. label. тип") && len(words) <= 3:
		return fieldLabel, false, none
	case phone && anyStem(words, notPhoneWord):
		return fieldPayload, false, none
	case phone:
		return fieldPhone, anyStem(words, "контактний. контактный. whatsapp. viber. вайбер ватсап") && !anyStem(words,
			"телеф phone тел. номер"), none
	}
	if f := plainField(words, folded); f != "" {
		return f, false, none
	}
	if anyStem(words, weakStems) && !anyStem(words, neverCall) && !anyStem(words, thirdParty) {
		return fieldPhone, true, none
	}
	return fieldPayload, false, none
}

// plainField recognises what is no phone.
func plainField(words []string, folded string) string {
	last := anyStem(words, "прізвищ фамил surname. nazwisko. nachname. apellido cognome. lastname.") || folded == "last name" ||
		folded == "family name"
	first := anyStem(words, "ім'я. імя. имя. firstname. imie. vorname. prenom. nombre. nome.") || folded == "first name" ||
		folded == "given name"
	middle := anyStem(words, "отчеств batkovi patronymic middlename.") || strings.Contains(folded, "по батькові") ||
		folded == "middle name" || folded == "additional name"
	foreign := anyStem(words, "company compan компан organi організ организ file. файл product user. username campaign кампан "+
		"card host domain назв назван project job. event "+
		"agent. manager менедж bank банк branch відділен отделен street місто город city. "+thirdParty)
	switch {
	case foreign:
	case anyStem(words, "піб. фио. fio. pib. прізвище-ім'я fullname.") || last && first:
		return fieldName
	case last:
		return fieldLastName
	case middle:
		return fieldMiddleName
	case strings.Contains(folded, "повне ім'я"), strings.Contains(folded, "полное имя"):
		return fieldName
	case first:
		return fieldFirstName
	case slices.Contains([]string{"name", "full name", "client name", "customer name", "contact name", "debtor name", "display name",
		"client", "customer", "debtor",
		"клієнт", "клиент", "боржник", "должник", "borrower", "borrower name", "names", "person", "абонент", "name surname",
		"контактна особа", "контактное лицо", "file as"}, folded):
		return fieldName
	}
	switch {
	case foreign:
	case folded == "id", folded == "ід", folded == "ид", folded == "crmid", folded == "uid", folded == "uuid":
		return fieldCRMID
	case anyStem(words, idStems) && anyStem(words, idOwners) && len(words) <= 3:
		return fieldCRMID
	}
	switch folded {
	case "time zone", "timezone", "tz", "часовий пояс", "часовой пояс":
		return fieldZone
	case "priority", "пріоритет", "приоритет":
		return fieldPriority
	case "country", "країна", "страна", "kraj", "land", "country region", "countryname", "country name", "pais", "pays":
		return fieldCountry
	}
	return ""
}

// column is what a column is taken for, ready for lines.
type column struct {
	Column
	label  string // of a phone
	labels int    // the column with the labels of this phone's numbers; -1: none
	json   []byte // of the payload: `"key":`, ready to be copied
}

// describe takes columns for something, by their names and by the values of the first lines.
func describe(names []string, rows [][]string, o Options) ([]column, error) {
	columns := make([]column, len(names))
	strong := false
	for i, name := range names {
		c := &columns[i]
		c.labels = -1
		c.Name = name
		values := columnValues(rows, i)
		c.Examples = examples(values)
		if to, ok := o.Mapping[name]; ok {
			c.By, c.Field = "mapping", to
			if key, ok := strings.CutPrefix(to, "payload."); ok {
				c.Field, c.Key = fieldPayload, key
			}
			strong = strong || c.Field == fieldPhone
			continue
		}
		field, weak, note := kindOf(name)
		c.Field, c.Note = field, note
		if field != fieldPayload {
			c.By = "name"
		}
		confirm(c, values, weak, o.Region)
		strong = strong || c.Field == fieldPhone
	}
	wholeWithoutCode(columns, rows, o.Region)
	for i := range columns {
		byContent(&columns[i], columnValues(rows, i), strong, o.Region)
	}
	if err := assign(columns, o); err != nil {
		return nil, err
	}
	return columns, nil
}

// confirm looks whether the values are what the name says.
func confirm(c *column, values []string, weak bool, region string) {
	full := 0
	phones, integers, codes := 0, 0, 0
	for _, v := range values {
		if isNothing(v) {
			continue
		}
		full++
		if found, _ := readPhones(v, locale{region: region}); len(found) > 0 {
			phones++
		}
		if d := digitsOf(v); d != "" && len(d) <= 6 && strings.Trim(v, "0123456789+() ") == "" {
			codes++
		}
		if strings.Trim(v, "0123456789+-") == "" && len(v) <= 4 {
			integers++
		}
	}
	switch {
	case full == 0 && !weak:
	case c.Field == fieldPhone && weak && phones*2 < max(full, 1):
		c.set(fieldPayload, "", whyNoNumbers)
	case c.Field == fieldPhone && weak:
		c.By = "name and content"
	case c.Field == fieldPriority && integers*2 < full:
		c.set(fieldPayload, "", whyNoPriority)
	case (c.Field == fieldCode || c.Field == fieldExtension) && codes*2 < max(full, 1):
		c.set(fieldPayload, "", none)
	case c.Field == fieldName && full > 0 && phones*2 > full:
		c.set(fieldPayload, "", whyUnderName)
	}
}

func (c *column) set(field, by string, note reason.Reason) { c.Field, c.By, c.Note = field, by, note }

// wholeWithoutCode keeps a column that is called a code and nothing more as it is, where the phones beside it are whole: it is a
// customer's code then, as accounting programs write it.
func wholeWithoutCode(columns []column, rows [][]string, region string) {
	full, whole := 0, 0
	for i := range columns {
		if columns[i].Field != fieldPhone {
			continue
		}
		for _, v := range columnValues(rows, i) {
			if isNothing(v) {
				continue
			}
			if full++; certainly(v, region) {
				whole++
			}
		}
	}
	for i := range columns {
		c := &columns[i]
		if c.Field == fieldCode && c.By == "name" && full > 0 && whole*10 >= full*9 &&
			slices.Contains([]string{"код", "prefix"}, strings.Join(tokens(c.Name), " ")) {
			c.set(fieldPayload, "", whyCodeNotNeeded)
		}
	}
}

// certainly says that a cell holds whole numbers and nothing else, without a guess at a country or an area.
func certainly(v, region string) bool {
	found, problems := readPhones(v, locale{region: region})
	digits := digitsOf(v)
	return len(found) > 0 && len(problems) == 0 &&
		(strings.Contains(v, "+") || len(digits) >= 11 || strings.HasPrefix(digits, "0") || strings.ContainsAny(v, "() -"))
}

// byContent takes a column without a telling name for a phone when all that it holds is certainly one. Beside a column that is
// called a phone it stays what it is, for it may be somebody else's.
func byContent(c *column, values []string, strong bool, region string) {
	if c.Field != fieldPayload || c.By != "" || !c.Note.IsZero() {
		return
	}
	words := tokens(c.Name)
	full, certain := 0, 0
	for _, v := range values {
		if isNothing(v) {
			continue
		}
		if full++; certainly(v, region) {
			certain++
		}
	}
	if full == 0 || certain*10 < full*9 {
		return
	}
	if strong || anyStem(words, neverCall) || anyStem(words, thirdParty) || anyStem(words, notPhoneWord) {
		c.Note = whyHoldsPhones
		return
	}
	c.set(fieldPhone, "content", none)
}

// assign lets one column fill a field, and finds keys and labels.
func assign(columns []column, o Options) error {
	winner := map[string]int{}
	for i := range columns {
		c := &columns[i]
		switch c.Field {
		case fieldPhone, fieldPayload, fieldIgnore, fieldLabel:
			continue
		}
		at, taken := winner[c.Field]
		switch {
		case !taken:
			winner[c.Field] = i
		case c.By == "mapping" && columns[at].By == "mapping":
			return unreadable(whyTwoFields(c.Field))
		case columns[at].By == "mapping":
			c.set(fieldPayload, "", whyOtherColumns(c.Field))
		case c.By == "mapping", strings.Join(tokens(c.Name), "_") == c.Field:
			columns[at].set(fieldPayload, "", whyOtherColumns(c.Field))
			winner[c.Field] = i
		default:
			c.set(fieldPayload, "", whyOtherColumns(c.Field))
		}
	}
	if _, whole := winner[fieldName]; whole {
		for _, part := range []string{fieldLastName, fieldFirstName, fieldMiddleName} {
			if i, there := winner[part]; there && columns[i].By != "mapping" {
				columns[i].set(fieldPayload, "", whyOtherColumns(fieldName))
			}
		}
	}
	labelPhones(columns)
	return keys(columns)
}

// labelPhones finds the column with the labels of each phone: the one that is called alike, but for a word.
func labelPhones(columns []column) {
	base := func(name string) string {
		var kept []string
		for _, w := range strings.FieldsFunc(strings.ToLower(name),
			func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			if !stem(w, "type. kind. label. тип value. number. номер") {
				kept = append(kept, w)
			}
		}
		return strings.Join(kept, " ")
	}
	used := map[int]bool{}
	for i := range columns {
		if columns[i].Field != fieldPhone {
			continue
		}
		columns[i].label = columns[i].Name
		for j := range columns {
			if columns[j].Field == fieldLabel && !used[j] && base(columns[j].Name) == base(columns[i].Name) {
				columns[i].labels = j
				used[j] = true
				break
			}
		}
	}
	for j := range columns {
		if columns[j].Field == fieldLabel && !used[j] {
			columns[j].set(fieldPayload, "", none)
		}
	}
}

// keys gives each column of the payload a key of its own.
func keys(columns []column) error {
	used := map[string]bool{}
	for i := range columns {
		c := &columns[i]
		if c.Field != fieldPayload && c.Field != fieldCountry {
			continue
		}
		mapped := c.Key != ""
		if !mapped {
			c.Key = c.Name
		}
		if c.Key == "" {
			c.Key = fmt.Sprintf("column_%d", i+1)
		}
		if mapped && used[c.Key] {
			return unreadable(whyTwoKeys(clip(c.Key)))
		}
		for n, key := 2, c.Key; used[c.Key]; n++ {
			c.Key = fmt.Sprintf("%s %d", key, n)
		}
		used[c.Key] = true
		c.json = append(appendJSON(nil, c.Key), ':')
	}
	return nil
}

func columnValues(rows [][]string, i int) []string {
	values := make([]string, 0, len(rows))
	for _, row := range rows {
		if i < len(row) {
			values = append(values, row[i])
		}
	}
	return values
}

func examples(values []string) []string {
	var some []string
	for _, v := range values {
		if len(some) == 3 {
			break
		}
		if v != "" && !slices.Contains(some, v) {
			if len(v) > 100 {
				v = strings.ToValidUTF8(v[:100], "") + "…"
			}
			some = append(some, v)
		}
	}
	return some
}
