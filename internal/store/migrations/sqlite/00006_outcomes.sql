-- The agent who gives up before the answer has an outcome, and an attempt says until when the customer's phone may ring by it.

-- +goose Up
ALTER TABLE attempts ADD COLUMN quiet_until BIGINT; -- set with dialed_at: not called before, should nobody learn how the attempt ended
-- A CHECK that allows more concerns no stored row, so that the table need not be written anew
-- (https://sqlite.org/lang_altertable.html, "Making Other Kinds Of Table Schema Changes").
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, '''agent_no_answer'', ''abandoned''', '''agent_no_answer'', ''agent_gave_up'', ''abandoned''')
WHERE type = 'table' AND name = 'attempts';
PRAGMA writable_schema = RESET;

-- +goose Down
UPDATE attempts SET outcome = 'no_answer' WHERE outcome = 'agent_gave_up';
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, '''agent_no_answer'', ''agent_gave_up'', ''abandoned''', '''agent_no_answer'', ''abandoned''')
WHERE type = 'table' AND name = 'attempts';
PRAGMA writable_schema = RESET;
ALTER TABLE attempts DROP COLUMN quiet_until;
