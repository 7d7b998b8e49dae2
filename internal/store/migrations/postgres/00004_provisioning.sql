-- What other systems' administration gives us: fields that we keep for them, and the tokens of their single sign-on.

-- +goose Up
ALTER TABLE agents ADD COLUMN profile TEXT NOT NULL DEFAULT '{}';     -- JSON object: fields of Mediatel's that we do not use
ALTER TABLE extensions ADD COLUMN profile TEXT NOT NULL DEFAULT '{}'; -- the same
CREATE INDEX agents_user_id ON agents (user_id);
CREATE INDEX agents_username ON agents (username);

-- One-time passwords: a row is good for one login.
CREATE TABLE login_tokens (
    hash       BYTEA PRIMARY KEY CHECK (octet_length(hash) = 32), -- SHA-256
    agent_id   BIGINT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL
);
CREATE INDEX login_tokens_agent ON login_tokens (agent_id, expires_at);

-- +goose Down
DROP TABLE login_tokens;
DROP INDEX agents_username;
DROP INDEX agents_user_id;
ALTER TABLE extensions DROP COLUMN profile;
ALTER TABLE agents DROP COLUMN profile;
