-- What a plan rested on, so that the claim and the dial see whether anything has changed since, to the very change and not to the millisecond.

-- +goose Up
ALTER TABLE attempts ADD COLUMN changes_seen BIGINT; -- the sum of person_changes.at of the number and the person that the plan has read; NULL: not noted
ALTER TABLE attempts ADD COLUMN rules_seen BIGINT;   -- campaigns.updated_at as the plan has read it; NULL: not noted
ALTER TABLE campaigns ADD COLUMN rules_at BIGINT NOT NULL DEFAULT 0; -- updated_at of the last change of what the gate judges by
DROP INDEX contacts_due; -- the tiers' indexes have taken its place

-- +goose Down
CREATE INDEX contacts_due ON contacts (campaign_id, priority, next_at, id) WHERE state = 'waiting';
ALTER TABLE campaigns DROP COLUMN rules_at;
ALTER TABLE attempts DROP COLUMN rules_seen;
ALTER TABLE attempts DROP COLUMN changes_seen;
