-- The language of the texts that an agent's tab shows: en, uk, ru; empty: the server's.

-- +goose Up
ALTER TABLE agents ADD COLUMN language TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE agents DROP COLUMN language;
