-- People who may enter no longer: sessions end with a password and at signing out, tokens say when they were used last.

-- +goose Up
ALTER TABLE users ADD COLUMN generation BIGINT NOT NULL DEFAULT 0; -- of sessions and cookies of ours: those of an earlier one are over
ALTER TABLE tokens ADD COLUMN last_used_at BIGINT;                 -- to the minute; NULL: never
CREATE TABLE ended_sessions (
    id       TEXT PRIMARY KEY, -- of the session, or the SHA-256 of the cookie in hexadecimal digits
    ended_at BIGINT NOT NULL,
    until    BIGINT            -- when it would have run out; NULL: never
);
CREATE INDEX ended_sessions_until ON ended_sessions (until);

-- +goose Down
DROP TABLE ended_sessions;
ALTER TABLE tokens DROP COLUMN last_used_at;
ALTER TABLE users DROP COLUMN generation;
