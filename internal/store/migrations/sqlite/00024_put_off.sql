-- Whom policy has put off can be woken when what stood in the way is gone; and contacts are shown to agents before they are called.

-- +goose Up
ALTER TABLE contacts ADD COLUMN wake_at BIGINT;                         -- next_at as it was before policy moved it; NULL: it was not moved
ALTER TABLE contacts ADD COLUMN listed BOOLEAN NOT NULL DEFAULT FALSE;  -- it was moved because of the do-not-call list
ALTER TABLE attempts ADD COLUMN shown_until BIGINT; -- prepared, and shown to an agent: the lease of that agent's home node

-- +goose Down
ALTER TABLE attempts DROP COLUMN shown_until;
ALTER TABLE contacts DROP COLUMN listed;
ALTER TABLE contacts DROP COLUMN wake_at;
