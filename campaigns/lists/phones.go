package lists

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/creditorro/ringmaster/campaigns"
)

const (
	maxCell  = 500 // bytes of a cell that holds numbers
	maxParts = 24  // groups of digits in what may be several numbers
)

// locale is where the national numbers of a line are at home.
type locale struct {
	region  string // "" : international numbers alone
	code    string // from a column beside the number: "48", "+48", "044"
	area    bool   // the code is certainly an area's
	country bool   // the code is certainly a country's
}

// normalize reads one number. The code beside it, when there is one, is a country's or an area's: if both make a number, it is
// nobody's.
func (p locale) normalize(raw string) (string, problem) {
	if p.code == "" || strings.ContainsAny(raw, "+＋") || strings.HasPrefix(strings.TrimLeft(raw, " ("), "00") {
		number, err := campaigns.NormalizeNumber(raw, p.region)
		if err != nil {
			return "", because("phone_invalid", err)
		}
		return number, problem{}
	}
	code := digitsOf(p.code)
	var byCountry, byArea string
	if region := regionOfCode(strings.TrimPrefix(code, "00")); region != "" && !p.area {
		n, err := campaigns.NormalizeNumber(raw, region)
		if err == nil && strings.HasPrefix(n, "+"+strings.TrimPrefix(code, "00")) {
			byCountry = n
		}
	}
	if !p.country && !strings.HasPrefix(p.code, "+") {
		if n, err := campaigns.NormalizeNumber(code+raw, p.region); err == nil {
			byArea = n
		}
	}
	switch {
	case byCountry != "" && byArea != "" && byCountry != byArea:
		return "", refuse("phone_ambiguous", whyCodeAmbiguous(clip(raw), clip(p.code), byCountry, byArea))
	case byCountry != "":
		return byCountry, problem{}
	case byArea != "":
		return byArea, problem{}
	}
	return "", refuse("phone_invalid", whyCodeWrong(clip(raw), clip(p.code)))
}

var (
	scientific = regexp.MustCompile(`^\+?(\d+)(?:[.,](\d+))?[eEеЕ]\+?(\d{1,2})$`) // the latter two are Cyrillic
	grouped    = regexp.MustCompile(`^\d{1,3}(?:,\d{3}){2,4}$`)
	float      = regexp.MustCompile(`^(\d+)[.,]0{1,2}$`)
	extWord    = `(?:доб(?:авочн\pL*)?|внутр?(?:ішн\pL*|енн\pL*)?|вн|дод(?:атк\pL*)?|ext(?:ension)?|extn|wew(?:n\pL*)?|дв|x|#)`
	extension  = regexp.MustCompile(`(?i)^(.*\d.*?)[\s(,;]*` + extWord + `[\s.:№#]*(\d{1,7})\)?\s*(.*)$`)
	extAlone   = regexp.MustCompile(`(?i)^\(?` + extWord + `[\s.:№#]*(\d{1,7})\)?$`)
	separators = regexp.MustCompile(`[,;|\n\r\\&]+|:::| (?:та|и|і|й|and|or|або|или|oraz|lub|und|oder|y|et|ou) `)
	phoneWord  = regexp.MustCompile(`(?i)^(?:тел|телефон|моб|мобильный|мобільний|phone|tel|mob|mobile|cell|номер|number|no|n|p|t|m|ph|whatsapp|viber)$`)
)

// nothing is what people write into a cell that has no number.
var nothing = map[string]bool{"-": true, "--": true, "—": true, "–": true, "0": true, "нет": true, "нема": true, "немає": true,
	"відсутній": true, "отсутствует": true,
	"none": true, "null": true, "no": true, "n/a": true, "na": true, "nan": true, "#n/a": true, "#н/д": true, "н/д": true,
	"nil": true, "brak": true, "?": true, "x": true, "х": true, ".": true,
	"#ref!": true, "#value!": true, "#знач!": true, "undefined": true, "(null)": true, "\\n": true}

func isNothing(cell string) bool {
	cell = strings.TrimSpace(cell)
	if len(cell) > 1 && (cell[0] >= '0' && cell[0] <= '9' || cell[0] == '+') {
		return false // the most are numbers
	}
	return cell == "" || len(cell) < 24 && nothing[strings.ToLower(cell)]
}

// readPhones finds the numbers of one cell, with their labels and extensions; what cannot be read becomes a problem.
func readPhones(cell string, at locale) (phones []campaigns.Phone, problems []problem) {
	if isNothing(cell) {
		return nil, nil
	}
	if len(cell) > maxCell {
		return nil, []problem{refuse("phone_long", whyCellLong(len(cell), maxCell))}
	}
	if !strings.ContainsAny(cell, ",;|\\:&") { // the most are one number and no more
		if n, why := at.normalize(cell); why.code == "" && !strings.ContainsFunc(cell, unicode.IsLetter) {
			return []campaigns.Phone{{Number: n}}, nil
		}
	}
	for _, part := range parts(tidy(cell), at) {
		if m := extAlone.FindStringSubmatch(part); m != nil && len(phones) > 0 && phones[len(phones)-1].Extension == "" {
			phones[len(phones)-1].Extension = m[1]
			continue
		}
		more, why := readPart(part, at)
		if why.code != "" {
			problems = append(problems, why)
		}
		phones = append(phones, more...)
		if len(phones) > 2*maxPhones || len(problems) > maxPhones {
			break
		}
	}
	return phones, problems
}

// tidy takes away what spreadsheets and phones' contacts put around numbers.
func tidy(cell string) string {
	cell = strings.Map(func(r rune) rune {
		switch {
		case r >= '０' && r <= '９':
			return r - '０' + '0'
		case r == '＋':
			return '+'
		case unicode.Is(unicode.Cf, r):
			return -1
		case r == '\n' || r == '\r':
			return '\n'
		case unicode.IsSpace(r):
			return ' '
		}
		return r
	}, cell)
	cell = strings.TrimSpace(cell)
	if strings.HasPrefix(cell, `="`) && strings.HasSuffix(cell, `"`) && len(cell) > 3 {
		cell = cell[2 : len(cell)-1]
	}
	return strings.TrimSpace(strings.TrimLeft(cell, "'’‘`\"")) // with these a spreadsheet is kept from eating zeros
}

// parts divides a cell where certainly one number ends. Brackets with words in them are kept whole.
func parts(cell string, at locale) []string {
	if scientific.MatchString(cell) || grouped.MatchString(cell) || float.MatchString(cell) {
		return []string{cell}
	}
	kept := []rune(cell)
	var hidden []string
	masked := bracketed.ReplaceAllStringFunc(string(kept), func(s string) string {
		hidden = append(hidden, s)
		return " \x01" + strconv.Itoa(len(hidden)-1) + "\x01 "
	})
	var found []string
	for _, part := range separators.Split(masked, -1) {
		for _, half := range strokes(part, at) {
			for _, one := range pluses(half) {
				for i, h := range hidden {
					one = strings.Replace(one, " \x01"+strconv.Itoa(i)+"\x01 ", " "+h+" ", 1)
				}
				if one = strings.Trim(one, " \t."); one != "" && one != "-" && one != "—" {
					found = append(found, one)
				}
			}
		}
	}
	return found
}

var bracketed = regexp.MustCompile(`\([^()]*\pL[^()]*\)`)

// strokes divides at a stroke, unless it belongs to the number, as in 044/1234567.
func strokes(part string, at locale) []string {
	if !strings.Contains(part, "/") {
		return []string{part}
	}
	if _, why := at.normalize(part); why.code == "" {
		return []string{part}
	}
	return strings.Split(part, "/")
}

// pluses divides before a plus that begins another number.
func pluses(part string) []string {
	var found []string
	from := 0
	for i := range len(part) {
		if part[i] == '+' && strings.ContainsAny(part[from:i], "0123456789") {
			found = append(found, part[from:i])
			from = i
		}
	}
	return append(found, part[from:])
}

// readPart reads what is one number, or several with nothing but blanks between them.
func readPart(part string, at locale) ([]campaigns.Phone, problem) {
	if m := scientific.FindStringSubmatch(part); m != nil {
		digits, whole := expand(m)
		if !whole {
			return nil, refuse("phone_scientific", campaigns.WhyScientific(clip(part)))
		}
		part = digits
	} else if grouped.MatchString(part) {
		part = strings.ReplaceAll(part, ",", "")
	} else if m := float.FindStringSubmatch(part); m != nil {
		part = m[1] // went through a column of fractions
	}
	ext, rest := "", ""
	if m := extension.FindStringSubmatch(part); m != nil {
		part, ext, rest = m[1], m[2], m[3]
	}
	digits, label, why := words(part)
	if why.code != "" {
		return nil, why
	}
	if rest = strings.Trim(rest, " ()-–—:,;."); rest != "" && !strings.ContainsFunc(rest, unicode.IsDigit) {
		label = strings.TrimSpace(label + " " + rest)
	} else if rest != "" {
		return nil, refuse("phone_unclear", whyGoesOn(clip(part)))
	}
	if !strings.ContainsFunc(digits, unicode.IsDigit) {
		return nil, refuse("phone_text", whyNoNumber(clip(part)))
	}
	number, why := at.normalize(digits)
	if why.code == "" {
		return []campaigns.Phone{{Number: number, Label: label, Extension: ext}}, problem{}
	}
	numbers, ways := several(digits, at)
	switch {
	case ways == 1:
		phones := make([]campaigns.Phone, len(numbers))
		for i, n := range numbers {
			phones[i] = campaigns.Phone{Number: n, Label: label}
		}
		phones[len(phones)-1].Extension = ext
		return phones, problem{}
	case ways > 1:
		return nil, refuse("phone_ambiguous", whyManyWays(clip(part)))
	}
	return nil, why
}

// expand writes a number in scientific notation out, if all of its digits are there.
func expand(m []string) (digits string, whole bool) {
	exponent, err := strconv.Atoi(m[3])
	digits = m[1] + m[2]
	want := len(m[1]) + exponent
	if err != nil || want > 15 || len(digits) < want || strings.Trim(digits[want:], "0") != "" {
		return "", false
	}
	return digits[:want], true
}

// words takes a label out: brackets with words in them, and words that stand clear of the digits. Letters that touch digits may
// be an O for a zero, or a number made of words: not certain.
func words(part string) (digits, label string, why problem) {
	if !strings.ContainsFunc(part, unicode.IsLetter) {
		return part, "", problem{}
	}
	var labels []string
	part = bracketed.ReplaceAllStringFunc(part, func(s string) string {
		labels = append(labels, strings.TrimSpace(s[1:len(s)-1]))
		return " "
	})
	var b strings.Builder
	runes := []rune(part)
	var sentence []string
	for i := 0; i < len(runes); {
		if !unicode.IsLetter(runes[i]) {
			b.WriteRune(runes[i])
			i++
			continue
		}
		from := i
		for i < len(runes) && (unicode.IsLetter(runes[i]) || strings.ContainsRune("'’ʼ-", runes[i]) && i+1 < len(runes) &&
			unicode.IsLetter(runes[i+1])) {
			i++
		}
		word := string(runes[from:i])
		known := phoneWord.MatchString(word)
		if !known && (from > 0 && unicode.IsDigit(runes[from-1]) || i < len(runes) && unicode.IsDigit(runes[i])) {
			return "", "", refuse("phone_letters", whyLetters(clip(part)))
		}
		if !known {
			sentence = append(sentence, word)
		}
		b.WriteByte(' ')
		for i < len(runes) && strings.ContainsRune(".:№", runes[i]) {
			i++
		}
	}
	if len(sentence) > 0 {
		labels = append(labels, strings.Join(sentence, " "))
	}
	label = strings.Join(labels, ", ")
	if len(label) > 100 {
		label = strings.ToValidUTF8(label[:100], "")
	}
	return strings.Trim(b.String(), " -–—:,;.\t№"), label, problem{}
}

// several reads groups of digits as numbers one after another, and says in how many ways that can be done: 0, 1, or 2 for more.
func several(digits string, at locale) (numbers []string, ways int) {
	groups := strings.FieldsFunc(digits, func(r rune) bool { return unicode.IsSpace(r) || r == '\x01' })
	if len(groups) < 2 || len(groups) > maxParts {
		return nil, 0
	}
	type tail struct {
		numbers []string
		ways    int
	}
	tails := make([]tail, len(groups)+1)
	tails[len(groups)].ways = 1
	for i := len(groups) - 1; i >= 0; i-- {
		for j := i + 1; j <= min(len(groups), i+6); j++ {
			if tails[j].ways == 0 {
				continue
			}
			candidate := strings.Join(groups[i:j], " ")
			if n := len(digitsOf(candidate)); n < 7 || n > 15 {
				continue
			}
			number, why := at.normalize(candidate)
			if why.code != "" {
				continue
			}
			if tails[i].ways += tails[j].ways; tails[i].numbers == nil {
				tails[i].numbers = slices.Concat([]string{number}, tails[j].numbers)
			}
		}
	}
	return tails[0].numbers, min(tails[0].ways, 2)
}

func digitsOf(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
}
