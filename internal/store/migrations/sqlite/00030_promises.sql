-- How promised callbacks were kept is asked of all campaigns, by the agreed moment.

-- +goose Up
CREATE INDEX callbacks_agreed ON callbacks (at);

-- +goose Down
DROP INDEX callbacks_agreed;
