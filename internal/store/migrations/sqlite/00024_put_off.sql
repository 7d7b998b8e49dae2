-- Whom policy has put off can be woken when what stood in the way is gone.

-- +goose Up
ALTER TABLE contacts ADD COLUMN wake_at BIGINT;                         -- next_at as it was before policy moved it; NULL: it was not moved
ALTER TABLE contacts ADD COLUMN listed BOOLEAN NOT NULL DEFAULT FALSE;  -- it was moved because of the do-not-call list

-- +goose Down
ALTER TABLE contacts DROP COLUMN listed;
ALTER TABLE contacts DROP COLUMN wake_at;
