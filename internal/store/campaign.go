package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/reason"
)

const campaignColumns = `id, name, queue, mode, status, priority, settings, version, created_at, updated_at`

// settings is the part of a campaign that no query reads, kept as JSON.
func settings(c *campaigns.Campaign) (string, error) {
	rest := *c
	rest.ID, rest.Name, rest.Queue, rest.Mode, rest.Status, rest.Priority = 0, "", "", "", "", 0
	rest.CallCodes, rest.CreatedAt, rest.UpdatedAt = nil, time.Time{}, time.Time{}
	text, err := json.Marshal(rest)
	if err != nil {
		return "", fmt.Errorf("store: campaign settings: %w", err)
	}
	return string(text), nil
}

func readSettings(text string) (campaigns.Campaign, error) {
	c := campaigns.Campaign{Weight: 1} // of campaigns that are older than weights
	err := json.Unmarshal([]byte(text), &c)
	return c, err
}

func scanCampaign(row scanner) (cachedCampaign, error) {
	var columns, c campaigns.Campaign
	var text string
	var version int64
	err := row.Scan(&columns.ID, &columns.Name, &columns.Queue, &columns.Mode, &columns.Status, &columns.Priority, &text, &version,
		moment{&columns.CreatedAt}, moment{&columns.UpdatedAt})
	if err != nil {
		return cachedCampaign{}, err
	}
	if c, err = readSettings(text); err != nil {
		return cachedCampaign{}, fmt.Errorf("store: campaign %d: settings: %w", columns.ID, err)
	}
	c.ID, c.Name, c.Queue, c.Mode, c.Status, c.Priority = columns.ID, columns.Name, columns.Queue, columns.Mode, columns.Status,
		columns.Priority
	c.CreatedAt, c.UpdatedAt = columns.CreatedAt, columns.UpdatedAt
	return cachedCampaign{version, &c}, nil
}

// loadCampaign reads a campaign with its call codes. Those that it answers are shared: they must not be changed.
func (s *db) loadCampaign(ctx context.Context, q querier, id int64) (*campaigns.Campaign, error) {
	cached, err := one(ctx, q, scanCampaign, `SELECT `+campaignColumns+` FROM campaigns WHERE id = $1`, id)
	if err != nil {
		return nil, fmt.Errorf("store: campaign %d: %w", id, err)
	}
	return s.withCodes(ctx, q, cached)
}

// campaignAt returns the campaign at the version given, which a statement has just read, from memory when it is there.
func (s *db) campaignAt(ctx context.Context, q querier, id, version int64) (*campaigns.Campaign, error) {
	if c, ok := s.campaigns.Load(id); ok && c.(cachedCampaign).version == version {
		return c.(cachedCampaign).campaign, nil
	}
	return s.loadCampaign(ctx, q, id)
}

func (s *db) withCodes(ctx context.Context, q querier, c cachedCampaign) (*campaigns.Campaign, error) {
	id := c.campaign.ID
	if known, ok := s.campaigns.Load(id); ok && known.(cachedCampaign).version == c.version {
		return known.(cachedCampaign).campaign, nil
	}
	codes, err := all(ctx, q, scanCode, `SELECT id, name, action, after_ms, meaningful, bars, withdraws, action_flag, growth, most,
		other_phone, answered_by FROM call_codes
		WHERE campaign_id = $1 ORDER BY position`, id)
	if err != nil {
		return nil, fmt.Errorf("store: call codes of campaign %d: %w", id, err)
	}
	c.campaign.CallCodes = codes
	if _, inTx := q.(*tx); !inTx && s.ambientOf(ctx) == nil { // a transaction may read what is never committed
		s.campaigns.Store(id, c)
	}
	return c.campaign, nil
}

func scanCode(row scanner) (c campaigns.CallCode, err error) {
	err = row.Scan(&c.ID, &c.Name, &c.Action, span{&c.After}, &c.Meaningful, &c.Bars, &c.Withdraws, &c.ActionFlag, &c.Growth, &c.Max,
		&c.OtherPhone, &c.AnsweredBy)
	return c, err
}

// codeOf finds a call code of the campaign.
func codeOf(c *campaigns.Campaign, id string) (campaigns.CallCode, bool) {
	i := slices.IndexFunc(c.CallCodes, func(code campaigns.CallCode) bool { return code.ID == id })
	if i < 0 {
		return campaigns.CallCode{}, false
	}
	return c.CallCodes[i], true
}

// Campaign reads one campaign. It is shared: a caller that changes it copies it first.
func (s Campaigns) Campaign(ctx context.Context, id int64) (*campaigns.Campaign, error) {
	return s.loadCampaign(ctx, s, id)
}

// CampaignByQueue reads the campaign whose line agents see under this name.
func (s Campaigns) CampaignByQueue(ctx context.Context, queue string) (*campaigns.Campaign, error) {
	return s.campaignBy(ctx, s, queue)
}

func (s *db) campaignBy(ctx context.Context, q querier, queue string) (*campaigns.Campaign, error) {
	cached, err := one(ctx, q, scanCampaign, `SELECT `+campaignColumns+` FROM campaigns WHERE queue = $1`, queue)
	if err != nil {
		return nil, fmt.Errorf("store: campaign of queue %q: %w", queue, err)
	}
	return s.withCodes(ctx, q, cached)
}

// Campaigns lists campaigns after the id given, at most limit.
func (s Campaigns) Campaigns(ctx context.Context, after int64, limit int) ([]*campaigns.Campaign, error) {
	return s.campaignList(ctx, `SELECT `+campaignColumns+` FROM campaigns WHERE id > $1 ORDER BY id LIMIT $2`, after, limit)
}

// Running lists the campaigns in the status running, those of the highest priority first.
func (s Dialing) Running(ctx context.Context) ([]*campaigns.Campaign, error) {
	return s.campaignList(ctx, `SELECT `+campaignColumns+` FROM campaigns WHERE status = 'running' ORDER BY priority DESC, id`)
}

func (s *db) campaignList(ctx context.Context, query string, args ...any) ([]*campaigns.Campaign, error) {
	rows, err := all(ctx, s, scanCampaign, query, args...)
	if err != nil {
		return nil, fmt.Errorf("store: campaigns: %w", err)
	}
	list := make([]*campaigns.Campaign, len(rows))
	for i, row := range rows {
		if list[i], err = s.withCodes(ctx, s, row); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// CreateCampaign stores a new campaign, which was validated, in the status draft. ErrConflict: its name or queue is in use.
func (s Campaigns) CreateCampaign(ctx context.Context, c campaigns.Campaign, now time.Time) (*campaigns.Campaign, error) {
	if c.Queue == "" {
		c.Queue = c.Name
	}
	text, err := settings(&c)
	if err != nil {
		return nil, err
	}
	var id int64
	err = s.inTx(ctx, func(t *tx) error {
		id, err = one(ctx, t, scanID, `INSERT INTO campaigns (name, queue, mode, status, priority, settings, version, created_at,
			updated_at)
			VALUES ($1, $2, $3, 'draft', $4, $5, 1, $6, $6) RETURNING id`, c.Name, c.Queue, c.Mode, c.Priority, text, at(now))
		if err != nil {
			return err
		}
		t.writeCodes(id, c.CallCodes)
		return nil
	})
	if err != nil {
		return nil, s.conflict(err, whyNameInUse(c.Name), "campaign %q", c.Name)
	}
	return s.Campaign(ctx, id)
}

// UpdateCampaign replaces all of a campaign but its id, status and times. ErrConflict: its name or queue is in use, or it was
// changed since it was read.
func (s Campaigns) UpdateCampaign(ctx context.Context, c campaigns.Campaign, now time.Time) (*campaigns.Campaign, error) {
	if c.Queue == "" {
		c.Queue = c.Name
	}
	text, err := settings(&c)
	if err != nil {
		return nil, err
	}
	err = s.inTx(ctx, func(t *tx) error {
		var updated time.Time
		was, err := one(ctx, t, func(row scanner) (text string, err error) {
			err = row.Scan(&text, moment{&updated})
			return text, err
		}, `SELECT settings, updated_at FROM campaigns WHERE id = $1 FOR UPDATE`, c.ID)
		if err != nil {
			return err
		}
		if updated.UnixMilli() != c.UpdatedAt.UnixMilli() { // what somebody has tightened meanwhile must not be undone unseen
			return contradiction(whyChanged)
		}
		before, err := readSettings(was)
		if err != nil {
			return err
		}
		if text, err = keepUnknown[campaigns.Campaign](was, text); err != nil {
			return err
		}
		n, err := t.exec(ctx, `UPDATE campaigns SET name = $2, queue = $3, mode = $4, priority = $5, settings = $6,
			version = version + 1, updated_at = `+updatedNow("$7")+`, rules_at = CASE WHEN $8 THEN `+updatedNow("$7")+` ELSE rules_at END
			WHERE id = $1`, c.ID, c.Name, c.Queue, c.Mode, c.Priority, text, at(now), !campaigns.SameRules(&before, &c))
		if err != nil {
			return err
		}
		if n == 0 {
			return ErrNotFound
		}
		if !campaigns.SameRules(&before, &c) {
			t.wakeAll(c.ID, now)
		}
		t.later(`DELETE FROM call_codes WHERE campaign_id = $1`, c.ID)
		t.writeCodes(c.ID, c.CallCodes)
		if before.Order == c.Order && before.SkillField == c.SkillField {
			return nil
		}
		return t.rankAnew(ctx, &c)
	})
	if err != nil {
		return nil, s.conflict(err, whyNameInUse(c.Name), "campaign %d", c.ID)
	}
	return s.Campaign(ctx, c.ID)
}

// updatedNow is the moment of a change of a campaign: after the one before, also within one millisecond. A plan says by it which
// it has seen.
func updatedNow(moment string) string {
	return `CASE WHEN updated_at >= ` + moment + ` THEN updated_at + 1 ELSE CAST(` + moment + ` AS BIGINT) END`
}

func (t *tx) writeCodes(campaignID int64, codes []campaigns.CallCode) {
	for i, code := range codes {
		t.later(`INSERT INTO call_codes (campaign_id, id, position, name, action, after_ms, meaningful, bars, withdraws, action_flag,
			growth, most, other_phone, answered_by)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
			campaignID, code.ID, i, code.Name, code.Action, code.After.Milliseconds(), code.Meaningful, string(code.Bars), code.Withdraws,
			code.ActionFlag,
			code.Growth, code.Max, code.OtherPhone, string(code.AnsweredBy))
	}
}

// SetStatus changes a campaign's status if it is one of from. Once it has returned no attempt of a campaign that was paused
// or stopped is claimed or dialed. ErrConflict: its status is none of from.
func (s Campaigns) SetStatus(ctx context.Context, id int64, to campaigns.Status, from []campaigns.Status,
	now time.Time) (*campaigns.Campaign, error) {
	names := make([]string, len(from))
	for i, f := range from {
		names[i] = string(f)
	}
	n, err := s.exec(ctx, `UPDATE campaigns SET status = $2, version = version + 1, updated_at = `+updatedNow("$3")+` WHERE id = $1
		AND status = ANY($4)`,
		id, to, at(now), names)
	if err != nil {
		return nil, fmt.Errorf("store: campaign %d: status: %w", id, err)
	}
	c, err := s.Campaign(ctx, id)
	if err == nil && n == 0 {
		err = contradiction(whyCampaignIs(c.Name, c.Status.Word()))
	}
	return c, err
}

// FinishDrained sets a running campaign finished when it has contacts and every one of them is, or came by a closed list and
// waits, and writes campaign.finished.
func (s Dialing) FinishDrained(ctx context.Context, campaignID int64, now time.Time) (bool, error) {
	var done bool
	err := s.inTx(ctx, func(t *tx) error {
		n, err := t.exec(ctx, `UPDATE campaigns SET status = 'finished', version = version + 1, updated_at = `+updatedNow("$2")+`
			WHERE id = $1 AND status = 'running' AND mode <> 'manual'
			AND EXISTS (SELECT 1 FROM contacts WHERE campaign_id = $1)
			AND `+nobodyWaits+`
			AND NOT EXISTS (SELECT 1 FROM contacts WHERE campaign_id = $1 AND state IN ('calling', 'coding'))`, campaignID, at(now))
		if done = n > 0; err != nil || !done {
			return err
		}
		over, err := all(ctx, t, scanID, `SELECT c.id FROM lists l JOIN contacts c ON c.list_id = l.id
			WHERE l.campaign_id = $1 AND l.closed_at IS NOT NULL AND c.state = 'waiting' ORDER BY c.id LIMIT $2 FOR UPDATE OF c`,
			campaignID, listBatch)
		if err != nil {
			return err
		}
		t.closeWaiting(over, now)
		c, err := s.loadCampaign(ctx, t, campaignID)
		if err != nil {
			return err
		}
		return t.campaignFinished(ctx, c, now)
	})
	if err != nil {
		return false, fmt.Errorf("store: finish campaign %d: %w", campaignID, err)
	}
	return done, nil
}

func scanID(row scanner) (id int64, err error) {
	err = row.Scan(&id)
	return id, err
}

// conflict turns a violated unique index into ErrConflict.
func (s *db) conflict(err error, why reason.Reason, what string, args ...any) error {
	if errors.Is(err, ErrConflict) {
		return err
	}
	if s.engine.unique(err) {
		return contradiction(why)
	}
	return fmt.Errorf("store: "+what+": %w", append(args, err)...)
}
