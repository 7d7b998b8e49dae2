-- Answering machines: an outcome, what was heard, and what the call code says of it.

-- +goose Up
ALTER TABLE attempts ADD COLUMN machine BOOLEAN NOT NULL DEFAULT FALSE; -- an answering machine was heard
ALTER TABLE call_codes ADD COLUMN answered_by TEXT NOT NULL DEFAULT ''; -- who answered, where the code says so: person, machine
ALTER TABLE attempts ADD COLUMN answered_by TEXT; -- by the call code: person, machine; NULL: it does not say
ALTER TABLE attempts DROP CONSTRAINT attempts_outcome_check;
ALTER TABLE attempts ADD CONSTRAINT attempts_outcome_check CHECK (outcome IN ('answered', 'busy', 'no_answer', 'rejected',
    'invalid_number', 'congestion', 'agent_no_answer', 'agent_gave_up', 'answering_machine', 'abandoned', 'unknown')) NOT VALID;
ALTER TABLE attempts VALIDATE CONSTRAINT attempts_outcome_check;

-- +goose Down
UPDATE attempts SET outcome = 'abandoned' WHERE outcome = 'answering_machine';
ALTER TABLE attempts DROP CONSTRAINT attempts_outcome_check;
ALTER TABLE attempts ADD CONSTRAINT attempts_outcome_check CHECK (outcome IN ('answered', 'busy', 'no_answer', 'rejected',
    'invalid_number', 'congestion', 'agent_no_answer', 'agent_gave_up', 'abandoned', 'unknown'));
ALTER TABLE call_codes DROP COLUMN answered_by;
ALTER TABLE attempts DROP COLUMN answered_by;
ALTER TABLE attempts DROP COLUMN machine;
