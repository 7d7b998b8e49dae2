-- Each taking of an extension has a number, so that whoever gives it back gives back that one and no later one.

-- +goose Up
ALTER TABLE extensions ADD COLUMN taken BIGINT NOT NULL DEFAULT 0; -- grows; of a login: its Unix milliseconds, at least
DELETE FROM mediatel_logins WHERE agent_id NOT IN (SELECT id FROM agents); -- agents' deletion used to leave them

-- +goose Down
ALTER TABLE extensions DROP COLUMN taken;
