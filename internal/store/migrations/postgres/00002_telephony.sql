-- What our own telephony keeps: desk phones' passwords, and the recordings of calls.

-- +goose Up
CREATE TABLE phone_passwords (
    extension TEXT PRIMARY KEY,
    md5       TEXT NOT NULL, -- HA1 of RFC 2617, lower-case hex
    sha256    TEXT NOT NULL  -- HA1 of RFC 7616, lower-case hex
);

CREATE TABLE recordings (
    calltraceid TEXT PRIMARY KEY,
    attempt_id  BIGINT NOT NULL,
    started_at  BIGINT NOT NULL,
    ended_at    BIGINT NOT NULL,
    bytes       BIGINT NOT NULL,
    agent       TEXT NOT NULL, -- how well the agent was heard, JSON
    customer    TEXT NOT NULL, -- how well the customer was heard, JSON
    problem     TEXT NOT NULL,
    CHECK (ended_at >= started_at)
);
CREATE INDEX recordings_attempt ON recordings (attempt_id);

-- +goose Down
DROP TABLE recordings;
DROP TABLE phone_passwords;
