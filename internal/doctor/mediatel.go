package doctor

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/dialer/mediatel"
	"github.com/creditorro/ringmaster/internal/node"
)

// lookAtMediatel knocks at the server's door as an agent's page would, with a cookie of nobody's.
func (d *Doctor) lookAtMediatel(ctx context.Context) {
	m := d.cfg.Telephony.Mediatel
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	cookies, err := node.MediatelCookies(d.cfg, time.Now)
	if err != nil {
		d.say(failed, mendCookie, isCookieBad(d.cause(err)))
		return
	}
	cookie, err := cookies.Mint(access.Identity{Username: "ringmaster-doctor"}, time.Hour)
	if err != nil {
		d.say(failed, mendCookie, isCookieBad(d.cause(err)))
		return
	}
	err = mediatel.Knock(ctx, node.MediatelAddress(m), cookie)
	var refusal *mediatel.Refusal
	if err != nil && !errors.As(err, &refusal) {
		d.say(failed, mendMediatel, isMediatelBad(m.URL, d.cause(err)))
		return
	}
	if err == nil {
		d.well(isMediatel(m.URL))
		return
	}
	switch refusal.Status {
	case http.StatusForbidden, http.StatusUnauthorized, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect:
		d.say(failed, mendEdge, isMediatelNo(m.URL, strconv.Itoa(refusal.Status)))
	default:
		d.say(failed, mendPath, isMediatelSay(node.MediatelAddress(m), strconv.Itoa(refusal.Status)))
	}
}
