-- What people permit and wish, as data: with its source, scope and end.

-- +goose Up
CREATE TABLE consents (
    id           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    crm_id       TEXT NOT NULL CHECK (crm_id <> ''),
    kind         TEXT NOT NULL CHECK (kind IN ('calls', 'times', 'callback', 'not_number')),
    number       TEXT,            -- NULL: any
    campaign_id  BIGINT,          -- NULL: any
    days         TEXT NOT NULL,   -- digits of weekdays, 0 is Sunday; '': every day
    from_ms      BIGINT NOT NULL, -- after midnight of the person's
    to_ms        BIGINT NOT NULL,
    at           BIGINT,          -- the wished moment
    source       TEXT NOT NULL,
    given_at     BIGINT NOT NULL,
    expires_at   BIGINT,
    made_by      TEXT NOT NULL,
    withdrawn_at BIGINT,
    withdrawn_by TEXT NOT NULL DEFAULT ''
);
CREATE INDEX consents_person ON consents (crm_id, id);
CREATE INDEX consents_source ON consents (source);
ALTER TABLE callbacks ADD COLUMN consent_id BIGINT; -- the wish that the promise rests on
ALTER TABLE call_codes ADD COLUMN withdraws BOOLEAN NOT NULL DEFAULT FALSE; -- the person takes back what was permitted

-- +goose Down
ALTER TABLE call_codes DROP COLUMN withdraws;
ALTER TABLE callbacks DROP COLUMN consent_id;
DROP TABLE consents;
