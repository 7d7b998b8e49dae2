-- Each secret of an endpoint is a row, so that a rotation ends none that a receiver may still have.

-- +goose Up
CREATE TABLE endpoint_secrets (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    endpoint_id BIGINT NOT NULL REFERENCES endpoints (id) ON DELETE CASCADE,
    secret      TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    ends_at     BIGINT -- NULL: the present one, which is endpoints.secret
);
CREATE INDEX endpoint_secrets_endpoint ON endpoint_secrets (endpoint_id);
INSERT INTO endpoint_secrets (endpoint_id, secret, created_at, ends_at)
    SELECT id, old_secret, created_at, old_until FROM endpoints WHERE old_secret <> '' AND old_until IS NOT NULL ORDER BY id;
INSERT INTO endpoint_secrets (endpoint_id, secret, created_at, ends_at)
    SELECT id, secret, created_at, NULL FROM endpoints ORDER BY id;
ALTER TABLE endpoints DROP COLUMN old_secret;
ALTER TABLE endpoints DROP COLUMN old_until;

-- +goose Down
ALTER TABLE endpoints ADD COLUMN old_secret TEXT NOT NULL DEFAULT '';
ALTER TABLE endpoints ADD COLUMN old_until BIGINT;
DROP TABLE endpoint_secrets;
