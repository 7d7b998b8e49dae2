package api

import (
	"context"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/reason"
)

func (a *api) attemptRoutes() {
	const tag, own = "Attempts", "An agent sees the own ones."
	route(a, anyone, a.listAttempts, op(tag, "list-attempts", "GET /attempts", "List attempts, latest first", says(own)))
	route(a, anyone, a.getAttempt, op(tag, "get-attempt", "GET /attempts/{id}", "Read an attempt", says(own),
		refuses(http.StatusNotFound)))
	route(a, supervisors, a.correctCode, op(tag, "correct-code", "POST /attempts/{id}/code", "Correct an attempt's call code",
		says("The CRM is told by a further call.code_set; its action is applied if nothing has happened to the contact since."),
		refuses(http.StatusNotFound, http.StatusConflict)))
}

// Attempt is one try at a contact.
type Attempt struct {
	ID            dialer.AttemptID   `json:"id" doc:"Decimal digits"`
	CampaignID    int64              `json:"campaign_id"`
	ContactID     *int64             `json:"contact_id" doc:"null: a manual call to a number in no list"`
	Ordinal       int                `json:"ordinal" doc:"1, 2, … of the contact"`
	Number        string             `json:"number"`
	CallerID      string             `json:"caller_id" doc:"The own number that the customer is shown; empty: the phone network's default"`
	Origin        dialer.Origin      `json:"origin" enum:"automatic,manual,callback,preview,external"`
	State         dialer.State       `json:"state" enum:"prepared,dialing,answered,closed,cancelled"`
	AgentID       *int64             `json:"agent_id"`
	CallTraceID   *string            `json:"calltraceid" doc:"null until the network has told it"`
	PreparedAt    *time.Time         `json:"prepared_at"`
	ClaimedAt     *time.Time         `json:"claimed_at"`
	DialedAt      *time.Time         `json:"dialed_at" doc:"When the customer's phone rang; null: it never did"`
	AnsweredAt    *time.Time         `json:"answered_at"`
	EndedAt       *time.Time         `json:"ended_at"`
	TalkSeconds   float64            `json:"talk_seconds"`
	Outcome       *campaigns.Outcome `json:"outcome" doc:"When closed" enum:"answered,busy,no_answer,rejected,invalid_number,congestion,agent_no_answer,agent_gave_up,answering_machine,abandoned,unknown"`
	Cause         string             `json:"cause,omitempty" doc:"What the network said; of a cancelled attempt, the text of reason"`
	Reason        *Why               `json:"reason,omitempty" doc:"Why it was cancelled"`
	HangupBy      string             `json:"hangup_by,omitempty"`
	Machine       bool               `json:"machine" doc:"An answering machine was heard, also where an agent had the call"`
	Fault         bool               `json:"fault" doc:"Infrastructure failed and no phone rang: the attempt spends none of the person's limits"`
	Code          *string            `json:"code" doc:"Id of the call code"`
	CodeDueAt     *time.Time         `json:"code_due_at"`
	CodeSetAt     *time.Time         `json:"code_set_at"`
	RecordingLink string             `json:"recording_link,omitempty"`
	Recording     *Recording         `json:"recording,omitempty" doc:"What was kept of the call; when one attempt is read"`
}

// Recording is what was kept of a call, and how well each side was heard.
type Recording struct {
	StartedAt time.Time `json:"started_at"`
	EndedAt   time.Time `json:"ended_at"`
	Bytes     int64     `json:"bytes"`
	Agent     Quality   `json:"agent"`
	Customer  Quality   `json:"customer"`
	Problem   string    `json:"problem,omitempty" doc:"Why there is less than there should be"`
}

// Quality is how well one side's sound was received (RFC 3550), and how well that side said that it hears us.
type Quality struct {
	Packets     uint64   `json:"packets"`
	Lost        uint64   `json:"lost"`
	JitterMS    float64  `json:"jitter_ms"`
	RTTMS       *float64 `json:"rtt_ms" doc:"Round trip by RTCP; null: the far end's reports do not tell"`
	MOS         *float64 `json:"mos" doc:"Estimate of how well the sound was understood (E-model, ITU-T G.107), 1 to 4.4; null: none came"`
	FarLost     uint64   `json:"far_lost" doc:"Packets of ours that the far end missed, as it reported"`
	FarJitterMS float64  `json:"far_jitter_ms" doc:"As the far end reported"`
}

func showQuality(q dialer.Quality) Quality {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	shown := Quality{Packets: q.Packets, Lost: q.Lost, JitterMS: ms(q.Jitter), FarLost: q.FarLost, FarJitterMS: ms(q.FarJitter)}
	if q.RTT > 0 {
		shown.RTTMS = new(ms(q.RTT))
	}
	if q.MOS > 0 {
		shown.MOS = new(math.Round(q.MOS*100) / 100)
	}
	return shown
}

// recordingOf is nil when nothing was kept.
func (a *api) recordingOf(ctx context.Context, trace string) (*Recording, error) {
	if trace == "" {
		return nil, nil
	}
	r, err := a.Store.Recording(ctx, trace)
	if reason.ClassOf(err) == reason.Missing {
		return nil, nil
	}
	return &Recording{StartedAt: r.StartedAt, EndedAt: r.EndedAt, Bytes: r.Bytes, Agent: showQuality(r.Agent),
		Customer: showQuality(r.Customer),
		Problem:  r.Problem}, err
}

// showAttempts shows attempts, with the recording links that their campaigns' templates give.
func (a *api) showAttempts(ctx context.Context) func(dialer.Attempt) Attempt {
	known := map[int64]*campaigns.Campaign{}
	return func(t dialer.Attempt) Attempt {
		v := Attempt{
			ID: t.ID, CampaignID: t.CampaignID, ContactID: some(t.ContactID), Ordinal: t.Ordinal, Number: t.Number,
			CallerID: t.CallerID, Origin: t.Origin,
			State:   t.State,
			AgentID: some(t.AgentID), CallTraceID: some(t.CallTraceID), PreparedAt: moment(t.PreparedAt), ClaimedAt: moment(t.ClaimedAt),
			DialedAt: moment(t.DialedAt), AnsweredAt: moment(t.AnsweredAt), EndedAt: moment(t.EndedAt), Outcome: some(t.Outcome),
			Cause:    t.Cause,
			HangupBy: t.HangupBy, Machine: t.Machine, Fault: t.Fault,
			Code: some(t.Code), CodeDueAt: moment(t.CodeDueAt), CodeSetAt: moment(t.CodeSetAt),
		}
		if t.State == dialer.Cancelled {
			why := reason.Parse(t.Cause)
			v.Reason, v.Cause = whyOf(ctx, why), bookOf(ctx).Say(why)
		}
		if t.AnsweredAt.IsZero() {
			return v
		}
		if !t.EndedAt.IsZero() {
			v.TalkSeconds = t.EndedAt.Sub(t.AnsweredAt).Seconds()
		}
		c := known[t.CampaignID]
		if c == nil {
			c, _ = a.Store.Campaign(ctx, t.CampaignID) // without it there is no link
			known[t.CampaignID] = c
		}
		if c != nil {
			v.RecordingLink = campaigns.RecordingLinkFor(c, t.CallTraceID)
			if strings.HasPrefix(v.RecordingLink, "/") {
				v.RecordingLink = a.RecordingBase + v.RecordingLink
			}
		}
		return v
	}
}

type attemptsInput struct {
	Paging
	CampaignID  int64             `query:"campaign_id" minimum:"1"`
	ContactID   int64             `query:"contact_id" minimum:"1"`
	AgentID     int64             `query:"agent_id" minimum:"1"`
	Number      string            `query:"number" doc:"E.164"`
	CallTraceID string            `query:"calltraceid"`
	State       dialer.State      `query:"state" enum:"prepared,dialing,answered,closed,cancelled"`
	Outcome     campaigns.Outcome `query:"outcome" enum:"answered,busy,no_answer,rejected,invalid_number,congestion,agent_no_answer,agent_gave_up,abandoned,unknown"`
	From        time.Time         `query:"from" doc:"Prepared at this moment or later"`
	To          time.Time         `query:"to" doc:"Prepared before this moment"`
}

func (a *api) listAttempts(ctx context.Context, in *attemptsInput) (*reply[page[Attempt]], error) {
	before, err := in.after()
	if err != nil {
		return nil, err
	}
	f := dialer.AttemptFilter{CampaignID: in.CampaignID, ContactID: in.ContactID, AgentID: in.AgentID, CallTraceID: in.CallTraceID,
		State: in.State, Outcome: in.Outcome, From: in.From, To: in.To}
	if in.Number != "" {
		if f.Number, err = campaigns.NormalizeNumber(in.Number, ""); err != nil {
			return nil, refuseField("query.number", reason.OrUnspecific(err))
		}
	}
	if user := userOf(ctx); user.Role == access.RoleAgent {
		if user.AgentID == 0 || f.AgentID != 0 && f.AgentID != user.AgentID {
			return nil, refuse(http.StatusForbidden, whyOwnAttempts)
		}
		f.AgentID = user.AgentID
	}
	list, err := a.Store.Attempts(ctx, f, dialer.AttemptID(before), in.Limit)
	if err != nil {
		return nil, err
	}
	return pageOf(list, in.Limit, a.showAttempts(ctx), func(t dialer.Attempt) []int64 { return []int64{int64(t.ID)} }), nil
}

const attemptPattern = "the decimal digits of an attempt's id" // as ByAttempt has it

// ByAttempt is the path of an attempt: digits, which are read as a string.
type ByAttempt struct {
	ID string `path:"id" pattern:"^[0-9]{1,16}$" patternDescription:"the decimal digits of an attempt's id"`
}

func (in ByAttempt) id() (dialer.AttemptID, error) {
	id, err := dialer.ParseAttemptID(in.ID)
	if err != nil {
		return 0, refuseField("path.id", whyAttemptID)
	}
	return id, nil
}

func (a *api) attempt(ctx context.Context, in ByAttempt) (dialer.Attempt, error) {
	id, err := in.id()
	if err != nil {
		return dialer.Attempt{}, err
	}
	t, err := a.Store.Attempt(ctx, id)
	if err != nil {
		return dialer.Attempt{}, err
	}
	if user := userOf(ctx); user.Role == access.RoleAgent && (user.AgentID == 0 || t.AgentID != user.AgentID) {
		// As if it were not there: ids are guessable.
		return dialer.Attempt{}, refuse(http.StatusNotFound, whyNoAttempt)
	}
	return t, nil
}

func (a *api) getAttempt(ctx context.Context, in *ByAttempt) (*reply[Attempt], error) {
	t, err := a.attempt(ctx, *in)
	if err != nil {
		return nil, err
	}
	shown := a.showAttempts(ctx)(t)
	if shown.Recording, err = a.recordingOf(ctx, t.CallTraceID); err != nil {
		return nil, err
	}
	return answer(shown), nil
}

type codeInput struct {
	ByAttempt
	Body struct {
		Code       string    `json:"code" minLength:"1" maxLength:"9" doc:"Id of one of the campaign's call codes"`
		CallbackAt time.Time `json:"callback_at" required:"false" doc:"For a code with the action callback_at; the code's after from now when left out"`
	}
}

func (a *api) correctCode(ctx context.Context, in *codeInput) (*reply[Attempt], error) {
	t, err := a.attempt(ctx, in.ByAttempt)
	if err != nil {
		return nil, err
	}
	c, err := a.Store.Campaign(ctx, t.CampaignID)
	if err != nil {
		return nil, err
	}
	if _, ok := callCode(c, in.Body.Code); !ok {
		return nil, refuseField("body.code", whyCallCode)
	}
	if !in.Body.CallbackAt.IsZero() {
		if err := a.checkCallback("body.callback_at", in.Body.CallbackAt); err != nil {
			return nil, err
		}
	}
	coding := dialer.Coding{ID: t.ID, Code: in.Body.Code, CallbackAt: in.Body.CallbackAt, Now: a.Now()}
	if err := a.Store.CorrectCode(ctx, coding, userOf(ctx).Login); err != nil {
		return nil, err
	}
	if t, err = a.Store.Attempt(ctx, t.ID); err != nil {
		return nil, err
	}
	return answer(a.showAttempts(ctx)(t)), nil
}

func callCode(c *campaigns.Campaign, id string) (campaigns.CallCode, bool) {
	for _, code := range c.CallCodes {
		if code.ID == id {
			return code, true
		}
	}
	return campaigns.CallCode{}, false
}
