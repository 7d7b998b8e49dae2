-- The order in which events were written, for those who read on from a place in it; and what a CRM may set of its endpoint.

-- +goose Up
CREATE TABLE journal (
    position    INTEGER PRIMARY KEY AUTOINCREMENT, -- grows, and is never given again
    event_id    TEXT NOT NULL UNIQUE,
    type        TEXT NOT NULL,
    campaign_id BIGINT,
    contact_id  BIGINT,
    at          BIGINT NOT NULL
);
CREATE INDEX journal_contact ON journal (contact_id, position) WHERE contact_id IS NOT NULL;
INSERT INTO journal (event_id, type, campaign_id, contact_id, at)
    SELECT id, type, CAST(json_extract(body, '$.data.campaign.id') AS INTEGER), CASE WHEN key LIKE 'contact:%' THEN CAST(substr(key, 9) AS INTEGER) END, at
    FROM events ORDER BY at, id;
ALTER TABLE endpoints ADD COLUMN campaigns TEXT NOT NULL DEFAULT ''; -- ',1,2,'; '' for all
ALTER TABLE endpoints ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE endpoints ADD COLUMN sealed BLOB; -- headers and certificates, encrypted; the key is not in the database

-- +goose Down
ALTER TABLE endpoints DROP COLUMN sealed;
ALTER TABLE endpoints DROP COLUMN version;
ALTER TABLE endpoints DROP COLUMN campaigns;
DROP TABLE journal;
