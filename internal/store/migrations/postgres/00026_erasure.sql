-- People who were erased: what must outlive them is kept by keyed hashes of their ids and numbers; and recordings that are kept for
-- the law's sake alone.

-- +goose Up
CREATE TABLE erasure_key (
    id  BIGINT PRIMARY KEY CHECK (id = 1),
    key TEXT NOT NULL -- of the hashes, in hexadecimal digits
);
INSERT INTO erasure_key (id, key) VALUES (1, replace(CAST(gen_random_uuid() AS TEXT) || CAST(gen_random_uuid() AS TEXT), '-', ''));

-- Hashes of the CRM ids of those who were erased; all of one person lead to one root, which attempts and do-not-call entries have.
CREATE TABLE erased_people (
    token     TEXT PRIMARY KEY,
    root      TEXT NOT NULL,
    erased_at BIGINT NOT NULL
);
CREATE TABLE erasures (
    id     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at     BIGINT NOT NULL,
    who    TEXT NOT NULL,
    reason TEXT NOT NULL,
    report TEXT NOT NULL -- counts, JSON
);

ALTER TABLE recordings ADD COLUMN locked_at BIGINT; -- nobody hears it any more
ALTER TABLE recordings ADD COLUMN erase_at BIGINT;  -- from then on its file is removed
ALTER TABLE recordings ADD COLUMN erased_at BIGINT; -- when the first node has removed what it had of it
CREATE INDEX recordings_erase ON recordings (erase_at) WHERE erase_at IS NOT NULL;

-- +goose Down
DROP INDEX recordings_erase;
ALTER TABLE recordings DROP COLUMN erased_at;
ALTER TABLE recordings DROP COLUMN erase_at;
ALTER TABLE recordings DROP COLUMN locked_at;
DROP TABLE erasures;
DROP TABLE erased_people;
DROP TABLE erasure_key;
