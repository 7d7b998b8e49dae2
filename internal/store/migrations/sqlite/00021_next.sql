-- Who is next: promises, then those tried before, then those whom nobody has tried yet, in the campaign's order of them.

-- +goose Up
ALTER TABLE contacts ADD COLUMN place BIGINT NOT NULL DEFAULT 0;          -- among those not tried yet, the lowest first
ALTER TABLE contacts ADD COLUMN skill TEXT NOT NULL DEFAULT '';           -- that an agent needs for the call
ALTER TABLE contacts ADD COLUMN put_off BOOLEAN NOT NULL DEFAULT FALSE;   -- next_at was moved since the import
ALTER TABLE contacts ADD COLUMN last_agent BIGINT;                        -- who talked last with the contact
ALTER TABLE contacts ADD COLUMN callback_open_at BIGINT;                  -- from then on any agent may keep the promise
ALTER TABLE contacts ADD COLUMN callback_until BIGINT;                  -- no longer is the promise tried
ALTER TABLE contacts ADD COLUMN callback_tries INTEGER NOT NULL DEFAULT 0; -- to keep the promise
UPDATE contacts SET put_off = TRUE WHERE state = 'waiting' AND callback_at IS NULL AND attempts = 0 AND next_at > updated_at;
CREATE INDEX contacts_promised ON contacts (campaign_id, priority, next_at, id) WHERE state = 'waiting' AND callback_at IS NOT NULL;
CREATE INDEX contacts_tried ON contacts (campaign_id, priority, next_at, id) WHERE state = 'waiting' AND callback_at IS NULL AND attempts > 0;
CREATE INDEX contacts_fresh ON contacts (campaign_id, priority, place, id)
    WHERE state = 'waiting' AND callback_at IS NULL AND attempts = 0 AND NOT put_off;
CREATE INDEX contacts_put_off ON contacts (campaign_id, priority, next_at, place, id)
    WHERE state = 'waiting' AND callback_at IS NULL AND attempts = 0 AND put_off;

ALTER TABLE callbacks ADD COLUMN open_at BIGINT;   -- from then on any agent may keep it
ALTER TABLE callbacks ADD COLUMN called_at BIGINT; -- when the contact was first dialed after the agreed moment
ALTER TABLE callbacks ADD COLUMN late_at BIGINT;   -- when callback.late told that it is late
ALTER TABLE callbacks ADD COLUMN ended TEXT NOT NULL DEFAULT ''; -- 'kept', 'missed', 'cancelled' or 'replaced'
CREATE INDEX callbacks_campaign ON callbacks (campaign_id, at);

ALTER TABLE agents ADD COLUMN skills TEXT NOT NULL DEFAULT ''; -- ',pl,vip,'

ALTER TABLE call_codes ADD COLUMN growth DOUBLE PRECISION NOT NULL DEFAULT 0;
ALTER TABLE call_codes ADD COLUMN most INTEGER NOT NULL DEFAULT 0;
ALTER TABLE call_codes ADD COLUMN other_phone BOOLEAN NOT NULL DEFAULT FALSE;

-- +goose Down
ALTER TABLE call_codes DROP COLUMN other_phone;
ALTER TABLE call_codes DROP COLUMN most;
ALTER TABLE call_codes DROP COLUMN growth;
ALTER TABLE agents DROP COLUMN skills;
DROP INDEX callbacks_campaign;
ALTER TABLE callbacks DROP COLUMN ended;
ALTER TABLE callbacks DROP COLUMN late_at;
ALTER TABLE callbacks DROP COLUMN called_at;
ALTER TABLE callbacks DROP COLUMN open_at;
DROP INDEX contacts_put_off;
DROP INDEX contacts_fresh;
DROP INDEX contacts_tried;
DROP INDEX contacts_promised;
ALTER TABLE contacts DROP COLUMN callback_tries;
ALTER TABLE contacts DROP COLUMN callback_until;
ALTER TABLE contacts DROP COLUMN callback_open_at;
ALTER TABLE contacts DROP COLUMN last_agent;
ALTER TABLE contacts DROP COLUMN put_off;
ALTER TABLE contacts DROP COLUMN skill;
ALTER TABLE contacts DROP COLUMN place;
