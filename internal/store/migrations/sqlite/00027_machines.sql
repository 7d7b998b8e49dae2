-- Answering machines: an outcome, what was heard, and what the call code says of it.

-- +goose Up
ALTER TABLE attempts ADD COLUMN machine BOOLEAN NOT NULL DEFAULT FALSE; -- an answering machine was heard
ALTER TABLE call_codes ADD COLUMN answered_by TEXT NOT NULL DEFAULT ''; -- who answered, where the code says so: person, machine
ALTER TABLE attempts ADD COLUMN answered_by TEXT; -- by the call code: person, machine; NULL: it does not say
-- A CHECK that allows more concerns no stored row (https://sqlite.org/lang_altertable.html).
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, '''agent_gave_up'', ''abandoned''', '''agent_gave_up'', ''answering_machine'', ''abandoned''')
WHERE type = 'table' AND name = 'attempts';
PRAGMA writable_schema = RESET;

-- +goose Down
UPDATE attempts SET outcome = 'abandoned' WHERE outcome = 'answering_machine';
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, '''agent_gave_up'', ''answering_machine'', ''abandoned''', '''agent_gave_up'', ''abandoned''')
WHERE type = 'table' AND name = 'attempts';
PRAGMA writable_schema = RESET;
ALTER TABLE call_codes DROP COLUMN answered_by;
ALTER TABLE attempts DROP COLUMN answered_by;
ALTER TABLE attempts DROP COLUMN machine;
