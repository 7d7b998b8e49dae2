-- Whether one leg to an extension's phone is kept up for all of its agent's calls.

-- +goose Up
ALTER TABLE extensions ADD COLUMN nailed_up BOOLEAN NOT NULL DEFAULT FALSE;

-- +goose Down
ALTER TABLE extensions DROP COLUMN nailed_up;
