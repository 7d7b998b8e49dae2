package store

import (
	"fmt"

	"github.com/creditorro/ringmaster/internal/reason"
)

// why scans a reason, or the sentence that was kept in its place before reasons were data.
type why struct{ to *reason.Reason }

func (w why) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*w.to = reason.Reason{}
	case string:
		*w.to = reason.Parse(v)
	case []byte:
		*w.to = reason.Parse(string(v))
	default:
		return fmt.Errorf("store: %T where a reason was expected", src)
	}
	return nil
}

// Why attempts are given up before anybody was called.
var (
	whyLate       = reason.Plain("call.not_claimed")
	whyCampaignIs = reason.With2[string, reason.Term]("store.campaign_is", "campaign", "status")
	whyPlanAnew   = reason.Plain("store.person_changed")
	whyElsewhere  = reason.Plain("call.customer_busy_elsewhere")
)

// What became of a list's lines.
var (
	whyIDInCampaign      = reason.With2[string, string]("line.crm_id_in_campaign", "crm_id", "contact")
	whyIDInClosedList    = reason.With2[string, string]("line.crm_id_in_closed_list", "crm_id", "contact")
	whyLineChanged       = reason.With2[string, []string]("line.changed", "contact", "fields")
	whyListIsClosed      = reason.With1[string]("store.list_closed", "list")
	whyImportBusy        = reason.Plain("store.import_running")
	whyImportOver        = reason.Plain("store.import_over")
	whyImportBroke       = reason.Plain("store.import_broke_off")
	whyTooManyImports    = reason.With1[int]("store.too_many_imports", "most")
	whyIDInList          = reason.With2[string, string]("line.crm_id_in_list", "crm_id", "line")
	whyNumberInCampaign  = reason.With2[string, string]("line.number_in_campaign", "number", "contact")
	whyNumberInList      = reason.With2[string, string]("line.number_in_list", "number", "line")
	whySharedWithContact = reason.With2[string, string]("line.number_of_contact_too", "number", "contact")
	whySharedWithLine    = reason.With2[string, string]("line.number_of_line_too", "number", "line")
	whyWarnings          = reason.With1[[]reason.Reason]("line.warnings", "why")
)

// What contradicts the record.
var (
	whySeveral       = reason.With2[int, string]("store.several_agents", "count", "user")
	whyNoExtension   = reason.With1[string]("store.no_such_extension", "extension")
	whyOwned         = reason.With1[string]("store.extension_owned", "extension")
	whyNameInUse     = reason.With1[string]("store.campaign_in_use", "campaign")
	whyTemplateInUse = reason.With1[string]("store.template_in_use", "template")
	whyChanged       = reason.Plain("store.campaign_changed")
	whyToldBefore    = reason.With1[string]("store.told_otherwise", "id")
	whyInCalls       = reason.Plain("store.merged_in_calls")
	whyUnmerged      = reason.With1[string]("store.merged_with_nobody", "id")
	whyLoginInUse    = reason.With1[string]("store.login_in_use", "login")
	whyPauseTwice    = reason.Plain("store.pause_twice")
	whyUncoded       = reason.Plain("store.no_code_to_correct")
	whyNoCode        = reason.With2[string, string]("store.no_such_code", "campaign", "code")
	whyNoCallback    = reason.Plain("store.no_callback")
	whyIsThere       = reason.With1[string]("store.contact_is_there", "campaign")
	whyContactIs     = reason.With1[reason.Term]("store.contact_is", "state")
	whyEnabled       = reason.Plain("store.agent_not_disabled")
)
