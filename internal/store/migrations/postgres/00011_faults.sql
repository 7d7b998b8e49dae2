-- An attempt that infrastructure failed, finally and before any phone rang, is none at the person: it spends no cap.

-- +goose Up
ALTER TABLE attempts ADD COLUMN fault BOOLEAN NOT NULL DEFAULT FALSE;

-- +goose Down
ALTER TABLE attempts DROP COLUMN fault;
