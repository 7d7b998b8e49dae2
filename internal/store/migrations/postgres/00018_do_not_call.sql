-- Entries of the do-not-call list say where they come from and until when they hold; people whom a law protects are among them.

-- +goose Up
ALTER TABLE do_not_call ADD COLUMN source TEXT NOT NULL DEFAULT '';
ALTER TABLE do_not_call ADD COLUMN expires_at BIGINT; -- NULL: it holds for ever
ALTER TABLE do_not_call ADD COLUMN protected BOOLEAN NOT NULL DEFAULT FALSE;

-- +goose Down
ALTER TABLE do_not_call DROP COLUMN protected;
ALTER TABLE do_not_call DROP COLUMN expires_at;
ALTER TABLE do_not_call DROP COLUMN source;
