-- The agent who gives up before the answer has an outcome, and an attempt says until when the customer's phone may ring by it.

-- +goose Up
ALTER TABLE attempts ADD COLUMN quiet_until BIGINT; -- set with dialed_at: not called before, should nobody learn how the attempt ended
ALTER TABLE attempts DROP CONSTRAINT attempts_outcome_check;
ALTER TABLE attempts ADD CONSTRAINT attempts_outcome_check CHECK (outcome IN ('answered', 'busy', 'no_answer', 'rejected',
    'invalid_number', 'congestion', 'agent_no_answer', 'agent_gave_up', 'abandoned', 'unknown')) NOT VALID;
ALTER TABLE attempts VALIDATE CONSTRAINT attempts_outcome_check;

-- +goose Down
UPDATE attempts SET outcome = 'no_answer' WHERE outcome = 'agent_gave_up';
ALTER TABLE attempts DROP CONSTRAINT attempts_outcome_check;
ALTER TABLE attempts ADD CONSTRAINT attempts_outcome_check CHECK (outcome IN ('answered', 'busy', 'no_answer', 'rejected',
    'invalid_number', 'congestion', 'agent_no_answer', 'abandoned', 'unknown'));
ALTER TABLE attempts DROP COLUMN quiet_until;
