package lists

import (
	"errors"
	"strings"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/reason"
)

// ErrList says that a list cannot be read at all, or not to its end.
var ErrList = errors.New("campaigns: list")

// unreadable is an [ErrList] with its reason, and with what caused it, if that is known, for the log.
func unreadable(why reason.Reason, causes ...error) error {
	return reason.Wrap(reason.Invalid, why, errors.Join(append([]error{ErrList}, causes...)...))
}

// Why a list cannot be read.
var (
	whyMappingLong  = reason.With2[int, int]("list.mapping_long", "count", "most")
	whyMapping      = reason.With3[string, string, []string]("list.mapping", "column", "field", "fields")
	whyNotThere     = reason.With2[string, []string]("list.mapping_not_there", "column", "columns")
	whyTwoFields    = reason.With1[string]("list.two_columns", "field")
	whyTwoKeys      = reason.With1[string]("list.two_keys", "key")
	whyDelimiter    = reason.With1[string]("list.delimiter", "delimiter")
	whyEncoding     = reason.With2[string, []string]("list.encoding", "encoding", "encodings")
	whyGzip         = reason.Plain("list.gzip")
	whyUnpacks      = reason.With1[int]("list.unpacks", "gigabytes")
	whyEmptyTable   = reason.Plain("list.empty_table")
	whyEmptyJSON    = reason.Plain("list.empty_json")
	whyEmptyBook    = reason.Plain("list.empty_workbook")
	whyFirstLong    = reason.With2[string, int]("list.first_line_long", "line", "bytes")
	whyZeros        = reason.Plain("list.zero_bytes")
	whyColumns      = reason.With2[int, int]("list.columns", "count", "most")
	whyNoHeader     = reason.Plain("list.no_header")
	whyNoPhones     = reason.With1[[]string]("list.no_phone_column", "columns")
	whyNoPhonesBut  = reason.With3[[]string, string, reason.Reason]("list.no_phone_column_but", "columns", "column", "why")
	whyBegins       = reason.With1[string]("list.json_begins", "character")
	whyCutOff       = reason.With1[int]("list.json_cut_off", "count")
	whyNoComma      = reason.With2[string, int]("list.json_no_comma", "character", "count")
	whyXLS          = reason.Plain("list.xls")
	whyPDF          = reason.Plain("list.pdf")
	whyWebPage      = reason.Plain("list.web_page")
	whyODS          = reason.Plain("list.ods")
	whyZip          = reason.Plain("list.zip")
	whyBookLarge    = reason.With1[int]("list.workbook_large", "megabytes")
	whyBookDamaged  = reason.Plain("list.workbook_damaged")
	whySheets       = reason.With2[int, int]("list.workbook_sheets", "count", "most")
	whyNoSheet      = reason.With2[string, []string]("list.no_sheet", "sheet", "sheets")
	whySheetDamaged = reason.With2[string, string]("list.sheet_damaged", "sheet", "line")
)

// What an owner may want to change of a column.
var (
	whyThirdParty    = reason.Plain("column.third_party")
	whyNoNumbers     = reason.Plain("column.no_phones")
	whyNoPriority    = reason.Plain("column.no_priority")
	whyUnderName     = reason.Plain("column.phones_under_name")
	whyHoldsPhones   = reason.Plain("column.holds_phones")
	whyCodeNotNeeded = reason.Plain("column.code_not_needed")
	whyOtherColumns  = reason.With1[string]("column.other", "field")
)

// Why a line is refused.
var (
	whyLong         = reason.With1[int]("line.long", "bytes")
	whyNotUTF8      = reason.With1[[]string]("line.not_utf8", "encodings")
	whyZeroByte     = reason.Plain("line.zero_byte")
	whyQuoteOpen    = reason.Plain("line.quote_open")
	whyQuoteAfter   = reason.With1[string]("line.quote_after", "column")
	whyTooWide      = reason.With2[int, int]("line.columns", "count", "header")
	whyTooManyKeys  = reason.With2[int, int]("line.keys", "count", "most")
	whyHeaderAgain  = reason.Plain("line.header_again")
	whyTotals       = reason.Plain("line.totals")
	whyNoPhone      = reason.Plain("line.no_phone")
	whyNoneCallable = reason.With1[[]reason.Reason]("line.no_phone_callable", "why")
	whyNoCountry    = reason.With1[string]("line.country", "country")
	whyName         = reason.With1[int]("line.name_long", "count")
	whyCRMID        = reason.With1[int]("line.crm_id_long", "count")
	whyCRMIDRounded = reason.With1[string]("line.crm_id_scientific", "crm_id")
	whyZone         = reason.With1[string]("line.time_zone", "zone")
	whyPriority     = reason.With1[string]("line.priority", "priority")
	whyPayloadLong  = reason.With2[int, int]("line.payload_long", "count", "most")
	whyPayload      = reason.Plain("line.payload_object")
	whyPayloadZero  = reason.Plain("line.payload_zero")
	whyNoObject     = reason.Plain("line.object")
	whyNotJSON      = reason.Plain("line.not_json")
	whyNotJSONAt    = reason.With1[int]("line.not_json_at", "byte")
	whyScalar       = reason.With1[string]("line.scalar", "column")
	whyManyNumbers  = reason.With3[string, int, int]("line.numbers", "column", "count", "most")
	whyPhoneObject  = reason.With1[string]("line.phone_object", "column")
	whyPhoneLabel   = reason.With1[string]("line.phone_label", "column")
)

// Why a number is not called, where the numbering plan has no part in it.
var (
	whyCellLong      = reason.With2[int, int]("line.phone_long", "count", "most")
	whyCodeAmbiguous = reason.With4[string, string, string, string]("line.phone_code_ambiguous", "number", "code", "one", "other")
	whyCodeWrong     = reason.With2[string, string]("line.phone_code_wrong", "number", "code")
	whyGoesOn        = reason.With1[string]("line.phone_goes_on", "number")
	whyNoNumber      = reason.With1[string]("line.phone_text", "text")
	whyManyWays      = reason.With1[string]("line.phone_ambiguous", "text")
	whyLetters       = reason.With1[string]("line.phone_letters", "number")
	whyLeftOut       = reason.With2[string, int]("line.phone_left_out", "number", "most")
)

// problem is why something is refused: a stable code, by which reports count, and its reason. Without a code there is none.
type problem struct {
	code string
	why  reason.Reason
}

func refuse(code string, why reason.Reason) problem { return problem{code, why} }

// because is a problem whose reason an error has.
func because(code string, err error) problem { return problem{code, reason.OrUnspecific(err)} }

// refusal is the line's error.
func (p problem) refusal(line int, crmID, raw string) *campaigns.LineError {
	return &campaigns.LineError{Line: line, Code: p.code, Why: p.why, CRMID: crmID, Raw: raw}
}

// clip keeps what a list says short enough to be shown.
func clip(text string) string {
	const shown = 60
	if len(text) > shown {
		return strings.ToValidUTF8(text[:shown], "") + "…"
	}
	return text
}

// clipAll is as many names as a person reads.
func clipAll(names []string) []string {
	const shown = 20
	some := make([]string, 0, min(len(names), shown+1))
	for _, name := range names[:min(len(names), shown)] {
		some = append(some, clip(name))
	}
	if len(names) > shown {
		some = append(some, "…")
	}
	return some
}
