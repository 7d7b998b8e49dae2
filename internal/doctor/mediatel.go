package doctor

import (
	"context"
	"errors"
	"net/http"
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
		d.say(failed, "mend vouch.secret or telephony.mediatel.cookie_secret", "%v", err)
		return
	}
	cookie, err := cookies.Mint(access.Identity{Username: "ringmaster-doctor"}, time.Hour)
	if err != nil {
		d.say(failed, "mend telephony.mediatel.cookie_secret", "%v", err)
		return
	}
	err = mediatel.Knock(ctx, node.MediatelAddress(m), cookie)
	var refusal *mediatel.Refusal
	if err != nil && !errors.As(err, &refusal) {
		d.say(failed, "see that this machine reaches telephony.mediatel.url, by WebSocket too, and that a Mediatel is there", "Mediatel at %s: %v", m.URL, err)
		return
	}
	if err == nil {
		d.well("Mediatel at %s lets us in", m.URL)
		return
	}
	switch refusal.Status {
	case http.StatusForbidden, http.StatusUnauthorized, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect:
		d.say(failed, "set telephony.mediatel.cookie_secret to the secret of Mediatel's edge", "Mediatel at %s refuses our cookie: %d", m.URL, refusal.Status)
	default:
		d.say(failed, "see that telephony.mediatel.path is that of its Socket.IO, and that what is before it passes WebSockets",
			"Mediatel at %s answers %d", node.MediatelAddress(m), refusal.Status)
	}
}
