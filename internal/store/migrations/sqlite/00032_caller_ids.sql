-- Which of the campaign's own numbers a customer is shown.

-- +goose Up
ALTER TABLE attempts ADD COLUMN caller_id TEXT NOT NULL DEFAULT ''; -- E.164; empty: the phone network's default

-- +goose Down
ALTER TABLE attempts DROP COLUMN caller_id;
