-- Where contacts may be by what their rows say: at night the queue passes over all of a zone at once.

-- +goose Up
ALTER TABLE contacts ADD COLUMN zone TEXT NOT NULL DEFAULT ''; -- alternatives between |, zones of each between commas; '': only judging tells
UPDATE contacts SET zone = time_zone WHERE time_zone <> '' AND state <> 'complete'
    AND NOT EXISTS (SELECT 1 FROM consents k WHERE k.crm_id = contacts.crm_id)
    AND NOT EXISTS (SELECT 1 FROM merged_people m WHERE m.crm_id = contacts.crm_id);
CREATE INDEX contacts_tried_zone ON contacts (campaign_id, priority, zone, next_at, id)
    WHERE state = 'waiting' AND callback_at IS NULL AND attempts > 0;
CREATE INDEX contacts_fresh_zone ON contacts (campaign_id, priority, zone, place, id)
    WHERE state = 'waiting' AND callback_at IS NULL AND attempts = 0 AND NOT put_off;
CREATE INDEX contacts_put_off_zone ON contacts (campaign_id, priority, zone, next_at, place, id)
    WHERE state = 'waiting' AND callback_at IS NULL AND attempts = 0 AND put_off;

-- +goose Down
DROP INDEX contacts_put_off_zone;
DROP INDEX contacts_fresh_zone;
DROP INDEX contacts_tried_zone;
ALTER TABLE contacts DROP COLUMN zone;
