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
	whyElsewhere  = reason.Plain("call.customer_busy_elsewhere")
)
