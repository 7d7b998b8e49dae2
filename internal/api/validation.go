package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"

	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/internal/reason/field"
)

// What huma refuses before a handler sees it comes with texts of huma's. They are settings of the package, so each is set to a
// reason's key and what it is about, as a JSON array: "field.at_least [5]". What cannot be set is known by its text; all else is
// unreadable, and nothing of it is shown.

func init() {
	huma.NewError = func(status int, _ string, errs ...error) huma.StatusError { return problemOfHuma(status, errs) }
	for message, text := range map[*string]string{
		&validation.MsgUnexpectedProperty:                 "field.unexpected",
		&validation.MsgExpectedRFC3339DateTime:            "field.moment",
		&validation.MsgExpectedRFC1123DateTime:            "field.moment",
		&validation.MsgExpectedRFC3339Date:                "field.date",
		&validation.MsgExpectedRFC3339Time:                "field.time_of_day",
		&validation.MsgExpectedDuration:                   "field.duration%.0v",
		&validation.MsgExpectedRFC5322Email:               "field.format%.0v",
		&validation.MsgExpectedRFC5890Hostname:            "field.format",
		&validation.MsgExpectedRFC2673IPv4:                "field.format",
		&validation.MsgExpectedRFC2373IPv6:                "field.format",
		&validation.MsgExpectedRFCIPAddr:                  "field.format",
		&validation.MsgExpectedRFC3986URI:                 "field.format%.0v",
		&validation.MsgExpectedRFC4122UUID:                "field.format%.0v",
		&validation.MsgExpectedRFC6570URITemplate:         "field.format",
		&validation.MsgExpectedRFC6901JSONPointer:         "field.format",
		&validation.MsgExpectedRFC6901RelativeJSONPointer: "field.format",
		&validation.MsgExpectedRegexp:                     "field.format%.0v",
		&validation.MsgExpectedBase64String:               "field.format",
		&validation.MsgExpectedMatchAtLeastOneSchema:      "field.shape",
		&validation.MsgExpectedMatchExactlyOneSchema:      "field.shape",
		&validation.MsgExpectedNotMatchSchema:             "field.shape",
		&validation.MsgExpectedPropertyNameInObject:       "field.shape",
		&validation.MsgExpectedBoolean:                    "field.boolean",
		&validation.MsgExpectedNumber:                     "field.number",
		&validation.MsgExpectedInteger:                    "field.integer",
		&validation.MsgExpectedString:                     "field.text",
		&validation.MsgExpectedArray:                      "field.list",
		&validation.MsgExpectedObject:                     "field.object",
		&validation.MsgExpectedArrayItemsUnique:           "field.unique",
		&validation.MsgExpectedOneOf:                      `field.one_of ["%s"]`,
		&validation.MsgExpectedMinimumNumber:              "field.at_least [%v]",
		&validation.MsgExpectedExclusiveMinimumNumber:     "field.above [%v]",
		&validation.MsgExpectedMaximumNumber:              "field.at_most [%v]",
		&validation.MsgExpectedExclusiveMaximumNumber:     "field.below [%v]",
		&validation.MsgExpectedNumberBeMultipleOf:         "field.multiple_of [%v]",
		&validation.MsgExpectedMinLength:                  "field.min_length [%d]",
		&validation.MsgExpectedMaxLength:                  "field.max_length [%d]",
		&validation.MsgExpectedBePattern:                  "%s", // its description, which humaSays knows
		&validation.MsgExpectedMatchPattern:               `field.pattern [%q]`,
		&validation.MsgExpectedMinItems:                   "field.min_items [%d]",
		&validation.MsgExpectedMaxItems:                   "field.max_items [%d]",
		&validation.MsgExpectedMinProperties:              "field.min_properties [%d]",
		&validation.MsgExpectedMaxProperties:              "field.max_properties [%d]",
		&validation.MsgExpectedRequiredProperty:           `field.property_missing ["%s"]`,
		&validation.MsgExpectedDependentRequiredProperty:  `field.property_missing_with ["%s","%s"]`,
	} {
		*message = text
	}
}

// humaSays are the texts of huma's that are no settings.
var humaSays = map[string]reason.Reason{
	"unknown query parameter":                                  field.Parameter,
	"required query parameter is missing":                      field.Missing,
	"required path parameter is missing":                       field.Missing,
	"required header parameter is missing":                     field.Missing,
	"required cookie parameter is missing":                     field.Missing,
	"expected at most one value, but received multiple values": field.OnlyOne,
	"invalid integer":                                          field.Integer,
	"invalid float":                                            field.Number,
	"invalid floating value":                                   field.Number,
	"invalid boolean":                                          field.Boolean,

	durationPattern: field.Duration, // descriptions of patterns
	attemptPattern:  whyAttemptID,
}

// whyHuma is the reason that a text of huma's stands for.
func whyHuma(text string) reason.Reason {
	if why, known := humaSays[text]; known {
		return why
	}
	key, rest, _ := strings.Cut(text, " ")
	kind, known := reason.KindOf(key)
	if !known {
		return field.Unreadable
	}
	if len(kind.Args) == 0 {
		return reason.Parse(`{"key":"` + key + `"}`)
	}
	var values []json.RawMessage
	if json.Unmarshal([]byte(rest), &values) != nil || len(values) != len(kind.Args) {
		return field.Unreadable
	}
	args := make(map[string]json.RawMessage, len(values))
	for i, a := range kind.Args {
		var list string
		if args[a.Name] = values[i]; a.Type == reason.Texts && json.Unmarshal(values[i], &list) == nil { // as huma joins an enumeration
			args[a.Name], _ = json.Marshal(strings.Split(list, ", ")) // of texts
		}
	}
	stored, err := json.Marshal(map[string]any{"key": key, "args": args})
	if err != nil {
		return field.Unreadable
	}
	return reason.Parse(string(stored))
}

// problemOfHuma is what huma refuses, or fails at. The offending values are left out, for one may be a password.
func problemOfHuma(status int, errs []error) *Problem {
	fields := make([]FieldProblem, 0, len(errs))
	for _, err := range errs {
		var detail huma.ErrorDetailer
		f := FieldProblem{Location: "body", why: field.Unreadable}
		switch {
		case err == nil:
			continue
		case errors.As(err, &detail):
			d := detail.ErrorDetail()
			f.Location, f.why = d.Location, whyHuma(d.Message)
			if status == http.StatusBadRequest { // huma could not parse it
				f.why = field.NotJSON
			}
		}
		fields = append(fields, f)
	}
	switch status {
	case http.StatusBadRequest:
		if len(fields) == 0 {
			return refuse(status, whyNoBody)
		}
		return refuse(status, whyUnreadable, fields...)
	case http.StatusUnprocessableEntity:
		return refuse(status, whyFields, fields...)
	case http.StatusRequestEntityTooLarge:
		return refuse(status, whyTooLarge(maxBody))
	case http.StatusRequestTimeout:
		return refuse(status, whyTooSlow)
	case http.StatusUnsupportedMediaType:
		return refuse(status, whyMediaType([]string{"application/json"}))
	case http.StatusNotAcceptable:
		return refuse(status, whyNotAcceptable)
	}
	if status < http.StatusInternalServerError {
		return refuse(status, whyRefused)
	}
	return refuse(status, whyFailed)
}
